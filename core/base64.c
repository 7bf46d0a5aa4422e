/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 in both alphabets, hex, and comparison in constant time. */
#include <errno.h>

#include <stoa/util.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode(const uint8_t *in, size_t n, const char *alphabet, bool is_padded, char *out)
{
	char *o = out;
	size_t i;

	for (i = 0; i + 3 <= n; i += 3) {
		uint32_t v = ((uint32_t)in[i] << 16) | ((uint32_t)in[i + 1] << 8) | in[i + 2];

		*o++ = alphabet[v >> 18];
		*o++ = alphabet[(v >> 12) & 63];
		*o++ = alphabet[(v >> 6) & 63];
		*o++ = alphabet[v & 63];
	}
	if (i < n) {
		uint32_t v = (uint32_t)in[i] << 16;
		bool has_two = i + 1 < n;

		if (has_two)
			v |= (uint32_t)in[i + 1] << 8;
		*o++ = alphabet[v >> 18];
		*o++ = alphabet[(v >> 12) & 63];
		if (has_two)
			*o++ = alphabet[(v >> 6) & 63];
		else if (is_padded)
			*o++ = '=';
		if (is_padded)
			*o++ = '=';
	}
	*o = '\0';
	return (size_t)(o - out);
}

size_t stoa_base64_encode(const void *in, size_t n, char *out)
{
	return encode(in, n, standard, true, out);
}

size_t stoa_base64url_encode(const void *in, size_t n, char *out)
{
	return encode(in, n, url_safe, false, out);
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

int stoa_base64_decode(struct stoa_str in, void *out, size_t out_cap)
{
	uint8_t *o = out;
	size_t len = in.n, made = 0, pad = 0;
	uint32_t bits = 0;
	int held = 0;

	while (len && pad < 2 && in.p[len - 1] == '=') {
		len--;
		pad++;
	}
	if (len % 4 == 1 || (pad && in.n % 4 != 0))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		int v = value_of(in.p[i]);

		if (v < 0)
			return -EINVAL;
		bits = (bits << 6) | (uint32_t)v;
		held += 6;
		if (held >= 8) {
			held -= 8;
			if (made == out_cap)
				return -ENOSPC;
			o[made++] = (uint8_t)(bits >> held);
			bits &= (1u << held) - 1;
		}
	}
	if (bits)
		return -EINVAL; /* left-over bits must be zero: one text per value */
	return (int)made;
}

void stoa_hex_encode(const void *in, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = in;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

bool stoa_ct_equal(struct stoa_str a, struct stoa_str b)
{
	volatile uint8_t diff = 0; /* volatile: the loop may not end early */

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		diff = (uint8_t)(diff | ((uint8_t)a.p[i] ^ (uint8_t)b.p[i]));
	return diff == 0;
}
