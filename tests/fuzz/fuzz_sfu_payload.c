/* SPDX-License-Identifier: Apache-2.0 */
/* VP8 descriptors and H.264 payloads; a rewritten VP8 descriptor reads the same. */
#include "codec.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct packet_vp8 v, again;
	uint8_t flags = 0, out[VP8_DESC_MAX + 1];
	struct stoa_wcursor c = stoa_wcur(out, sizeof(out));
	bool has_sps = false;

	h264_parse(data, n, &flags, &has_sps);
	flags = 0;
	if (vp8_parse(data, n, &v, &flags) < 0)
		return 0;
	if (v.desc_len >= n)
		abort();
	vp8_write(&c, &v);
	stoa_wcur_u8(&c, data[v.desc_len]);
	flags = 0;
	if (c.failed || vp8_parse(out, stoa_wcur_len(&c), &again, &flags) < 0 ||
	    again.picture_id != v.picture_id || again.tl0picidx != v.tl0picidx ||
	    again.tid_y_key != v.tid_y_key)
		abort();
	return 0;
}
