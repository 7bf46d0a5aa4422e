/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one YAML text: what conf_read.c and conf_syntax.c share. */
#ifndef STOA_CORE_CONF_READER_H
#define STOA_CORE_CONF_READER_H

#include "conf_node.h"

#include <yaml.h>

struct reader {
	yaml_parser_t yaml;
	const struct conf_source *src;
	size_t off; /* bytes of the source before the text that libyaml sees: in line 1 */
	struct stoa_errors *e;
	struct conf_node *last; /* the last text read: where syntax broke, it may be too long */
	int r;                  /* 0, or why reading stopped */
};

struct conf_origin reader_place(const struct reader *rd, yaml_mark_t mark);
/** Tells what libyaml could not read, in words that help, and stops the reader. */
void reader_syntax(struct reader *rd);

#endif
