/* SPDX-License-Identifier: Apache-2.0 */
/* Signal responses as WebSocket frames: rendered once, however many sockets get them. */
#include "frame.h"

#include <stdlib.h>
#include <stoa/iface/http.h>

struct stoa_bytes *frame_render(const Lk__SignalResponse *r)
{
	size_t n = lk__signal_response__get_packed_size(r);
	struct stoa_buf b = { 0 };
	struct stoa_bytes *frame = NULL;
	uint8_t *packed = malloc(n + 1);

	if (!packed)
		return NULL;
	lk__signal_response__pack(r, packed);
	stoa_ws_frame_add(&b, false, packed, n);
	free(packed);
	if (!b.failed)
		frame = stoa_bytes_new(b.p, b.n);
	stoa_buf_free(&b);
	return frame;
}
