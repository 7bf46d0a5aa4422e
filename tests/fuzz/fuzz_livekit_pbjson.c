/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the server API. The first byte chooses the message and, by its highest bit, protobuf or
 * JSON; the rest is the body. JSON that was read is written, read again and written again: twice the
 * same, or the mapping loses something. Protobuf that was read can be written as JSON. */
#include "pbjson.h"
#include "room_service.pb-c.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const ProtobufCMessageDescriptor *const messages[] = {
	&lk__update_participant_request__descriptor,   /* a map, an enum list, a message */
	&lk__update_subscriptions_request__descriptor, /* lists of messages with lists   */
	&lk__create_room_request__descriptor,          /* numbers                        */
	&lk__signal_request__descriptor,               /* a oneof                        */
	&lk__signal_response__descriptor,              /* 64-bit numbers, floats         */
	&lk__wrapped_join_request__descriptor,         /* bytes                          */
};

static int rewrite(const ProtobufCMessageDescriptor *d, struct stoa_str text, struct stoa_buf *out)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(WIRE_ARENA_MAX);
	ProtobufCMessage *m;
	const char *why = NULL;
	int err = a ? pbjson_parse(a, d, text, &m, &why) : -ENOMEM;

	if (!err)
		pbjson_render(m, out);
	else if (err == -EBADMSG && !why)
		abort();
	return err;
}

static void write_protobuf(const ProtobufCMessageDescriptor *d, const uint8_t *p, size_t n)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(WIRE_ARENA_MAX);
	ProtobufCMessage *m;
	struct stoa_buf out = { 0 };

	if (a && wire_parse(a, d, p, n, &m) == 0) {
		pbjson_render(m, &out);
		if (!out.failed && !stoa_utf8_valid(stoa_strn(out.p, out.n)))
			abort();
	}
	stoa_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const ProtobufCMessageDescriptor *d;
	struct stoa_buf once = { 0 }, twice = { 0 };
	int err;

	if (!n)
		return 0;
	d = messages[(data[0] & 0x7f) % STOA_ARRAY_SIZE(messages)];
	if (data[0] & 0x80) {
		write_protobuf(d, data + 1, n - 1);
		return 0;
	}
	if (rewrite(d, stoa_strn(data + 1, n - 1), &once) == 0) {
		err = rewrite(d, stoa_strn(once.p, once.n), &twice);
		if (err == -EBADMSG ||
		    (!err && !stoa_str_eq(stoa_strn(once.p, once.n), stoa_strn(twice.p, twice.n))))
			abort();
	}
	stoa_buf_free(&once);
	stoa_buf_free(&twice);
	return 0;
}
