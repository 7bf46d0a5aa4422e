/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket input: bounded messages, valid text, progress, nothing after the end. The first byte
 * chooses the segmentation. */
#include <stdlib.h>

#include "ws_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ws_parser p = { .message_max = 500 };
	size_t step = n ? data[0] % 64 + 1u : 1, at = 1;
	bool ended = false;

	while (at < n) {
		size_t take = n - at < step ? n - at : step, used;
		uint8_t *copy = malloc(take);
		struct ws_event ev;

		memcpy(copy, data + at, take);
		ev = ws_parser_take(&p, copy, take, &used);
		if (used > take || (ev.kind == WS_MORE && used != take))
			abort();
		if (ended && ev.kind != WS_MORE)
			abort();
		if (ev.kind == WS_MESSAGE &&
		    (ev.payload.n > 500 ||
		     (ev.is_text && !ws_utf8_valid((const uint8_t *)ev.payload.p, ev.payload.n))))
			abort();
		ended = ended || ev.kind == WS_CLOSE || ev.kind == WS_FAIL;
		free(copy);
		at += used;
	}
	ws_parser_free(&p);
	return 0;
}
