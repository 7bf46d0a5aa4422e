/* SPDX-License-Identifier: Apache-2.0 */
/* Parses Range headers. Called by files.c; pure and fuzzed. */
#include "range.h"

#include <stoa/cursor.h>

/* Digits up to a value that cannot overflow; *ret_any tells whether there were any. */
static uint64_t take_number(struct stoa_cursor *c, bool *ret_any, bool *ret_huge)
{
	uint64_t v = 0;

	*ret_any = *ret_huge = false;
	while (stoa_cur_left(c) && *c->p >= '0' && *c->p <= '9') {
		v = v * 10 + (uint64_t)(stoa_cur_u8(c) - '0');
		*ret_any = true;
		if (v >> 56) {
			*ret_huge = true;
			v = UINT64_C(1) << 56;
		}
	}
	return v;
}

static void skip_spaces(struct stoa_cursor *c)
{
	while (stoa_cur_left(c) && (*c->p == ' ' || *c->p == '\t'))
		stoa_cur_skip(c, 1);
}

enum range_verdict range_parse(struct stoa_str header, uint64_t n, uint64_t *ret_at,
			       uint64_t *ret_n)
{
	struct stoa_cursor c = stoa_cur(header.p, header.n);
	bool has_first, has_last, huge;
	uint64_t first, last;
	const uint8_t *unit = stoa_cur_take(&c, 6);

	if (!unit || memcmp(unit, "bytes=", 6) != 0)
		return RANGE_WHOLE;
	skip_spaces(&c);
	first = take_number(&c, &has_first, &huge);
	if (stoa_cur_u8(&c) != '-')
		return RANGE_WHOLE;
	last = take_number(&c, &has_last, &huge);
	skip_spaces(&c);
	if (stoa_cur_left(&c) || !stoa_cur_ok(&c) || (!has_first && !has_last) ||
	    (has_first && has_last && last < first))
		return RANGE_WHOLE; /* several ranges, or none at all */
	if (!has_first) {           /* the last bytes */
		if (last == 0 || n == 0)
			return RANGE_UNSATISFIABLE;
		first = last < n ? n - last : 0;
		last = n - 1;
	} else {
		if (first >= n)
			return RANGE_UNSATISFIABLE;
		if (!has_last || last >= n)
			last = n - 1;
	}
	*ret_at = first;
	*ret_n = last - first + 1;
	return RANGE_PART;
}
