/* SPDX-License-Identifier: Apache-2.0 */
/* Small pieces of text that the outputs of configuration share. */
#ifndef STOA_CORE_CONF_TEXT_H
#define STOA_CORE_CONF_TEXT_H

#include "conf_section.h"

/** A scalar as YAML: plain where that is safe everywhere, else in double quotes. */
void text_yaml(const char *s, struct stoa_buf *out);
/** `s` in lines of at most `width` columns, each behind `prefix`. */
void text_wrap(const char *s, const char *prefix, size_t width, struct stoa_buf *out);
/** "address; default 127.0.0.1:7880; 1 to 10; needs restart": what a table says of an option. */
void text_facts(const struct stoa_opt *o, struct stoa_buf *out);
/** What one would write for an option without a default: "text", "file:/etc/stoa/NAME". */
const char *text_example(const struct stoa_opt *o);
/** The value as YAML, secrets as <file:/path>; lists in one line. Nothing for an unset one. */
void text_value(const struct conf_value *v, struct stoa_buf *out);
/** "file:line:col", or "default". */
void text_origin(const struct conf_origin *at, struct stoa_buf *out);
/** The frozen values of a section that nobody set: to tell what was changed. NULL: no memory. */
struct stoa_conf *section_defaults(const struct conf_snapshot *s, const struct conf_table *t);
/** Has it a value, from a file or from its default? */
bool value_is_set(const struct conf_value *v);

#endif
