/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "range.h"

static void check(const char *header, uint64_t n, enum range_verdict want, uint64_t want_at,
		  uint64_t want_n)
{
	uint64_t at = 0, len = 0;
	enum range_verdict got = range_parse(stoa_str(header), n, &at, &len);

	if (got != want)
		fprintf(stderr, "range: %s\n", header);
	CHECK_INT(got, want);
	if (want == RANGE_PART) {
		CHECK_INT(at, want_at);
		CHECK_INT(len, want_n);
	}
}

int main(void)
{
	check("bytes=0-0", 10, RANGE_PART, 0, 1);
	check("bytes=2-5", 10, RANGE_PART, 2, 4);
	check("bytes=2-", 10, RANGE_PART, 2, 8);
	check("bytes=-3", 10, RANGE_PART, 7, 3);
	check("bytes=-30", 10, RANGE_PART, 0, 10);
	check("bytes=0-99", 10, RANGE_PART, 0, 10);
	check("bytes=9-99999999999999999999999999", 10, RANGE_PART, 9, 1);
	check("bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0);
	check("bytes=99999999999999999999999999-", 10, RANGE_UNSATISFIABLE, 0, 0);
	check("bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0);
	check("bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0);
	check("bytes=-1", 0, RANGE_UNSATISFIABLE, 0, 0);
	check("bytes=5-2", 10, RANGE_WHOLE, 0, 0);
	check("bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 0);
	check("bytes=-", 10, RANGE_WHOLE, 0, 0);
	check("bytes=a-b", 10, RANGE_WHOLE, 0, 0);
	check("lines=0-1", 10, RANGE_WHOLE, 0, 0);
	check("bytes", 10, RANGE_WHOLE, 0, 0);
	check("", 10, RANGE_WHOLE, 0, 0);
	return check_done();
}
