/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_SDP_WORD_H
#define SFU_SDP_WORD_H

#include <stdbool.h>
#include <stoa/util.h>

/* Pure, for the files that parse descriptions. */

/** Takes what stands before `sep` (a space means any run of blanks) off the front. */
struct stoa_str word_take(struct stoa_str *s, char sep);
/** Without blanks at both ends, nor a carriage return at the end. */
struct stoa_str word_trim(struct stoa_str s);
/** Without regard to case. */
bool word_is(struct stoa_str s, const char *word);

#endif
