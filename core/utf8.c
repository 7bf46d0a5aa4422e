/* SPDX-License-Identifier: Apache-2.0 */
/* Well-formed UTF-8 as RFC 3629 section 4 and Unicode table 3-7 have it: no surrogates, nothing
 * overlong, nothing past U+10FFFF. NUL is refused too, since texts end up as C strings. */
#include <stoa/util.h>

/* Length of the sequence that starts with `b`, and the range of its second byte; 0 for none. */
static size_t sequence(uint8_t b, uint8_t *lo, uint8_t *hi)
{
	*lo = 0x80;
	*hi = 0xbf;
	if (b < 0x80)
		return b != 0;
	if (b >= 0xc2 && b <= 0xdf)
		return 2;
	if (b >= 0xe0 && b <= 0xef) {
		if (b == 0xe0)
			*lo = 0xa0;
		if (b == 0xed)
			*hi = 0x9f;
		return 3;
	}
	if (b >= 0xf0 && b <= 0xf4) {
		if (b == 0xf0)
			*lo = 0x90;
		if (b == 0xf4)
			*hi = 0x8f;
		return 4;
	}
	return 0;
}

bool stoa_utf8_valid(struct stoa_str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t i = 0;

	while (i < s.n) {
		uint8_t lo, hi;
		size_t len = sequence(p[i], &lo, &hi);

		if (!len || len > s.n - i)
			return false;
		if (len > 1 && (p[i + 1] < lo || p[i + 1] > hi))
			return false;
		for (size_t k = 2; k < len; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		}
		i += len;
	}
	return true;
}

size_t stoa_utf8_len(struct stoa_str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((uint8_t)s.p[i] & 0xc0) != 0x80;
	return n;
}
