/* SPDX-License-Identifier: Apache-2.0 */
#include <stoa/util.h>

#include "check.h"

/* Whether one code point's own encoding is taken, and only that. */
static void check_all_code_points(void)
{
	int wrong = 0;

	for (uint32_t cp = 1; cp < 0x120000; cp++) {
		char b[4];
		size_t n;

		if (cp < 0x80) {
			b[0] = (char)cp, n = 1;
		} else if (cp < 0x800) {
			b[0] = (char)(0xc0 | cp >> 6), b[1] = (char)(0x80 | (cp & 63)), n = 2;
		} else if (cp < 0x10000) {
			b[0] = (char)(0xe0 | cp >> 12), b[1] = (char)(0x80 | (cp >> 6 & 63));
			b[2] = (char)(0x80 | (cp & 63)), n = 3;
		} else {
			b[0] = (char)(0xf0 | cp >> 18), b[1] = (char)(0x80 | (cp >> 12 & 63));
			b[2] = (char)(0x80 | (cp >> 6 & 63)), b[3] = (char)(0x80 | (cp & 63)),
			n = 4;
		}
		bool want = cp < 0xd800 || (cp > 0xdfff && cp < 0x110000);

		wrong += stoa_utf8_valid(stoa_strn(b, n)) != want;
		wrong += n > 1 && stoa_utf8_valid(stoa_strn(b, n - 1)); /* cut short */
	}
	CHECK_INT(wrong, 0);
}

int main(void)
{
	static const char *const bad[] = {
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\x80",
		"a\xcc",
		"\xe2\x82"
		"a",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
	};

	CHECK(stoa_utf8_valid(stoa_str("")));
	CHECK(stoa_utf8_valid(stoa_str("plain")));
	CHECK(stoa_utf8_valid(stoa_str("grüße, 世界, 🎉")));
	CHECK(!stoa_utf8_valid(stoa_strn("a\0b", 3)));
	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++)
		CHECK(!stoa_utf8_valid(stoa_str(bad[i])));
	check_all_code_points();
	CHECK_INT(stoa_utf8_len(stoa_str("")), 0);
	CHECK_INT(stoa_utf8_len(stoa_str("grüße")), 5);
	CHECK_INT(stoa_utf8_len(stoa_str("世界🎉")), 3);
	return check_done();
}
