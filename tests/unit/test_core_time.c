/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stoa/util.h>
#include <time.h>

#include "check.h"

static int64_t parsed(const char *s)
{
	int64_t ms = -1;

	return stoa_time_parse(stoa_str(s), &ms) == 0 ? ms : -1;
}

static void check_format(int64_t ms, const char *want)
{
	char text[STOA_TIME_LEN];

	stoa_time_format(ms, text);
	CHECK_STR(text, want);
}

/* Every day of 800 years against the C library's calendar. */
static void check_against_libc(void)
{
	int wrong = 0;

	for (int64_t day = 0; day < 292194; day++) {
		time_t t = (time_t)(day * 86400 + 45296);
		char want[40], got[STOA_TIME_LEN];
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
		stoa_time_format((int64_t)t * 1000, got);
		wrong += strcmp(want, got) != 0 || parsed(got) != (int64_t)t * 1000;
	}
	CHECK_INT(wrong, 0);
}

int main(void)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-01-02T24:00:00Z",
		"2026-01-02T03:60:05Z",
		"2026-01-02T03:04:61Z",
		"2026-01-02T03:04:05",
		"2026-01-02 03:04:05Z",
		"2026-01-02T03:04:05.Z",
		"2026-01-02T03:04:05+1:00",
		"2026-01-02T03:04:05+24:00",
		"2026-01-02T03:04:05Zx",
		"2026-1-2T03:04:05Z",
		"+026-01-02T03:04:05Z",
		"2026-01-02T03:04:05.1234567890Z",
		"0000-01-01T00:00:00Z",
	};
	uint64_t a = stoa_now_us(), b = stoa_now_us();

	check_format(0, "1970-01-01T00:00:00.000Z");
	check_format(-5, "1970-01-01T00:00:00.000Z");
	check_format(1767323045678, "2026-01-02T03:04:05.678Z");
	check_format(951782400000, "2000-02-29T00:00:00.000Z");
	check_format(INT64_MAX, "9999-12-31T23:59:59.999Z");
	CHECK_INT(parsed("2026-01-02T03:04:05.678Z"), 1767323045678);
	CHECK_INT(parsed("2026-01-02t03:04:05z"), 1767323045000);
	CHECK_INT(parsed("2026-01-02T05:34:05.6+02:30"), 1767323045600);
	CHECK_INT(parsed("2026-01-01T22:04:05.67890-05:00"), 1767323045678);
	CHECK_INT(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
	CHECK_INT(parsed("2000-02-29T00:00:00Z"), 951782400000);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		int64_t untouched = 77;

		CHECK_INT(stoa_time_parse(stoa_str(bad[i]), &untouched), -EINVAL);
		CHECK_INT(untouched, 77);
	}
	check_against_libc();
	CHECK(b >= a);
	CHECK(stoa_wall_ms() > 1700000000000);
	return check_done();
}
