/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "signal.pb-c.h"
#include "wire.h"

#include <errno.h>

static int parse(size_t limit, const void *p, size_t n)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(limit);
	ProtobufCMessage *m;

	return wire_parse(a, &lk__signal_request__descriptor, p, n, &m);
}

static void test_arena_stops_at_its_limit(void)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(10000);

	CHECK(wire_alloc(a, 6000));
	CHECK(wire_alloc(a, 3000));
	CHECK(!wire_failed(a));
	CHECK(!wire_alloc(a, 3000));
	CHECK(wire_failed(a));
	CHECK(!wire_alloc(a, (size_t)-1));
}

static void test_arena_memory_is_aligned_and_zeroed(void)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(100000);

	for (size_t n = 1; n < 100; n += 7) {
		unsigned char *p = wire_alloc(a, n);

		CHECK((uintptr_t)p % sizeof(max_align_t) == 0);
		for (size_t i = 0; i < n; i++)
			CHECK_INT(p[i], 0);
		memset(p, 0xff, n);
	}
}

static void test_a_mute_request_is_read(void)
{
	static const uint8_t bytes[] = { 0x2a, 0x08, 0x0a, 0x04, 'T', 'R', '_', 'a', 0x10, 0x01 };
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(WIRE_ARENA_MAX);
	const Lk__SignalRequest *r;
	ProtobufCMessage *m = NULL;

	CHECK_INT(wire_parse(a, &lk__signal_request__descriptor, bytes, sizeof(bytes), &m), 0);
	r = (const Lk__SignalRequest *)m;
	CHECK_INT(r->message_case, LK__SIGNAL_REQUEST__MESSAGE_MUTE);
	CHECK_STR(r->mute->sid, "TR_a");
	CHECK(r->mute->muted);
}

static void test_text_that_is_not_utf8_is_refused(void)
{
	static const uint8_t in_oneof[] = { 0x2a, 0x04, 0x0a, 0x02, 0xc3, 0x28 };
	/* update_metadata with an attribute "k" of value 0xff */
	static const uint8_t in_map[] = {
		0x7a, 0x08, 0x1a, 0x06, 0x0a, 0x01, 'k', 0x12, 0x01, 0xff
	};
	static const uint8_t in_list[] = { 0x32, 0x03, 0x0a, 0x01, 0x80 };

	CHECK_INT(parse(WIRE_ARENA_MAX, in_oneof, sizeof(in_oneof)), -EBADMSG);
	CHECK_INT(parse(WIRE_ARENA_MAX, in_map, sizeof(in_map)), -EBADMSG);
	CHECK_INT(parse(WIRE_ARENA_MAX, in_list, sizeof(in_list)), -EBADMSG);
}

static void test_fields_of_the_future_are_skipped(void)
{
	static const uint8_t unknown_verb[] = { 0xfa, 0x01, 0x02, 0x08, 0x01 };

	CHECK_INT(parse(WIRE_ARENA_MAX, unknown_verb, sizeof(unknown_verb)), 0);
	CHECK_INT(parse(WIRE_ARENA_MAX, "", 0), 0);
}

static void test_cut_messages_are_refused(void)
{
	static const uint8_t cut[] = { 0x2a, 0x08, 0x0a };

	CHECK_INT(parse(WIRE_ARENA_MAX, cut, sizeof(cut)), -EBADMSG);
	CHECK_INT(parse(WIRE_ARENA_MAX, "\xff", 1), -EBADMSG);
}

/* Two bytes on the wire make a whole struct in memory: the arena must end that. */
static void test_small_bytes_cannot_cost_much_memory(void)
{
	static uint8_t bytes[4 + 200000];
	size_t inner = sizeof(bytes) - 4;

	bytes[0] = 0x22; /* add_track, with as many empty layers as fit */
	bytes[1] = (uint8_t)(inner & 0x7f) | 0x80;
	bytes[2] = (uint8_t)(inner >> 7 & 0x7f) | 0x80;
	bytes[3] = (uint8_t)(inner >> 14);
	for (size_t i = 4; i < sizeof(bytes); i += 2)
		bytes[i] = 0x4a;
	CHECK_INT(parse(WIRE_ARENA_MAX, bytes, sizeof(bytes)), -E2BIG);
}

int main(void)
{
	test_arena_stops_at_its_limit();
	test_arena_memory_is_aligned_and_zeroed();
	test_a_mute_request_is_read();
	test_text_that_is_not_utf8_is_refused();
	test_fields_of_the_future_are_skipped();
	test_cut_messages_are_refused();
	test_small_bytes_cannot_cost_much_memory();
	return check_done();
}
