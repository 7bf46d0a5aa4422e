/* SPDX-License-Identifier: Apache-2.0 */
/* What a client may send on the open signal socket. */
#include "signal.pb-c.h"
#include "wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(WIRE_ARENA_MAX);
	ProtobufCMessage *m;
	uint8_t *again;
	size_t len;

	if (!a || wire_parse(a, &lk__signal_request__descriptor, data, n, &m) != 0)
		return 0;
	len = protobuf_c_message_get_packed_size(m); /* what was read can be written */
	again = malloc(len + 1);
	if (again && protobuf_c_message_pack(m, again) != len)
		abort();
	free(again);
	return 0;
}
