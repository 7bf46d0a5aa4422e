/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate fingerprints as text (RFC 8122 section 5). */
#include "sdp.h"
#include "sdp_word.h"
#include <errno.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int sdp_fingerprint(struct stoa_str hash, struct stoa_str text, struct peer_dtls *ret_dtls)
{
	static const struct {
		const char *name;
		enum peer_hash hash;
		uint8_t len;
	} hashes[] = {
		{ "sha-256", PEER_HASH_SHA256, 32 },
		{ "sha-384", PEER_HASH_SHA384, 48 },
		{ "sha-512", PEER_HASH_SHA512, 64 },
		{ "sha-1", PEER_HASH_SHA1, 20 },
	};
	struct peer_dtls d = { .fingerprint_len = 0 };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(hashes); i++) {
		if (word_is(hash, hashes[i].name)) {
			d.hash = hashes[i].hash;
			d.fingerprint_len = hashes[i].len;
		}
	}
	if (!d.fingerprint_len || text.n != (size_t)d.fingerprint_len * 3 - 1)
		return -EINVAL;
	for (size_t i = 0; i < d.fingerprint_len; i++) {
		int hi = hex_digit(text.p[i * 3]), lo = hex_digit(text.p[i * 3 + 1]);

		if (hi < 0 || lo < 0 || (i + 1 < d.fingerprint_len && text.p[i * 3 + 2] != ':'))
			return -EINVAL;
		d.fingerprint[i] = (uint8_t)(hi << 4 | lo);
	}
	*ret_dtls = d;
	return 0;
}
