/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_RANGE_H
#define MOD_HTTP_RANGE_H

#include <stoa/base.h>

/* Range requests (RFC 9110 section 14.2). Pure. */

enum range_verdict {
	RANGE_WHOLE,         /* no range, or one to be ignored: answer 200 */
	RANGE_PART,          /* 206: *ret_at and *ret_n                    */
	RANGE_UNSATISFIABLE, /* 416                                        */
};

/* What a Range header asks of `n` bytes. Several ranges are ignored, as the RFC allows: nobody who
 * plays media sends them, and they are a way to make a server work. */
enum range_verdict range_parse(struct stoa_str header, uint64_t n, uint64_t *ret_at,
			       uint64_t *ret_n);

#endif
