/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever arrives on a DTLS connection: the input is a row of datagrams, each with its length in
 * two bytes before it. Nothing of it may get as far as keys. */
#include "datagram.h"
#include "dtls.h"

#include <stdlib.h>
#include <stoa/cursor.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void drop(void *user, const uint8_t *p, size_t n)
{
	(void)user;
	(void)p;
	if (n > DTLS_MTU)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct peer_dtls want = { .hash = PEER_HASH_SHA256, .fingerprint_len = 32 };
	static struct dtls_ctx *ctx;
	struct stoa_cursor c = stoa_cur(data, n);
	struct dtls *d;

	if (!ctx && dtls_ctx_new(&ctx))
		abort();
	if (dtls_new(ctx, &want, drop, NULL, &d))
		abort();
	for (int i = 0; i < 16 && stoa_cur_left(&c) > 2; i++) {
		size_t len = stoa_cur_be16(&c);
		const uint8_t *p;

		if (len > stoa_cur_left(&c))
			len = stoa_cur_left(&c);
		p = stoa_cur_take(&c, len);
		if (datagram_classify(p, len) == DATAGRAM_DTLS &&
		    dtls_input(d, p, len) == DTLS_READY)
			abort();
	}
	dtls_free(d);
	return 0;
}
