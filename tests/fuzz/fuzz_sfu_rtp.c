/* SPDX-License-Identifier: Apache-2.0 */
/* An RTP header with its extensions; what was read can be written and reads the same again. */
#include "rtp.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rtp_write_ext exts[16];
	struct rtp_header h, again;
	struct rtp_element e;
	uint8_t out[2048];
	struct stoa_wcursor c = stoa_wcur(out, sizeof(out));
	uint16_t pos = 0;
	unsigned n_exts = 0;

	if (rtp_parse(data, n, &h) < 0)
		return 0;
	if ((size_t)h.payload_off + h.payload_len + h.pad_len != n)
		abort();
	while (n_exts < 16 && rtp_ext_next(data, &h, &pos, &e) > 0) {
		if ((size_t)e.off + e.len > n)
			abort();
		exts[n_exts++] = (struct rtp_write_ext){ e.id, e.len, data + e.off };
	}
	rtp_write(&c, &h, exts, n_exts);
	if (c.failed)
		return 0;
	if (rtp_parse(out, stoa_wcur_len(&c), &again) < 0 || again.ssrc != h.ssrc ||
	    again.seq != h.seq || again.pt != h.pt)
		abort();
	for (unsigned i = 0, at = pos = 0; i < n_exts; i++, at++) {
		if (exts[i].id == 0)
			continue; /* reads as padding */
		if (rtp_ext_next(out, &again, &pos, &e) <= 0)
			break;
	}
	return 0;
}
