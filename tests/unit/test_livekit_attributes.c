/* SPDX-License-Identifier: Apache-2.0 */
#include "attributes.h"
#include "check.h"
#include "room_service.pb-c.h"

#include <errno.h>

typedef Lk__UpdateParticipantRequest__AttributesEntry entry;

#define ENTRY(k, v)                                                                                \
	{                                                                                          \
		PROTOBUF_C_MESSAGE_INIT(                                                           \
			&lk__update_participant_request__attributes_entry__descriptor),            \
			(char *)(uintptr_t)(k), (char *)(uintptr_t)(v)                             \
	}

static const struct stoa_attribute old[] = { { "a", "1" }, { "b", "2" }, { "c", "3" } };

/* "a=1 b=2" of the merged list. */
static int merge(entry *list, size_t n, char text[256])
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(WIRE_ARENA_MAX);
	struct stoa_participant_info p = { .attributes = old, .n_attributes = 3 };
	const ProtobufCMessage *changes[8];
	size_t at = 0;
	int err;

	for (size_t i = 0; i < n; i++)
		changes[i] = &list[i].base;
	err = attributes_merge(a, &p, n, changes);
	text[0] = '\0';
	for (uint32_t i = 0; !err && i < p.n_attributes; i++)
		at += (size_t)snprintf(text + at, 256 - at, "%s%s=%s", i ? " " : "",
				       p.attributes[i].key, p.attributes[i].value);
	return err;
}

static void test_values_replace_delete_and_append(void)
{
	entry list[] = { ENTRY("b", "two"), ENTRY("d", "4"), ENTRY("nobody", "") };
	entry gone[] = { ENTRY("a", ""), ENTRY("b", ""), ENTRY("c", "") };
	entry last[] = { ENTRY("e", "5"), ENTRY("e", "6"), ENTRY("e", "") };
	char text[256];

	CHECK_INT(merge(list, 3, text), 0);
	CHECK_STR(text, "a=1 b=two c=3 d=4");
	CHECK_INT(merge(gone, 3, text), 0);
	CHECK_STR(text, "");
	CHECK_INT(merge(last, 2, text), 0);
	CHECK_STR(text, "a=1 b=2 c=3 e=6");
	CHECK_INT(merge(last, 3, text), 0);
	CHECK_STR(text, "a=1 b=2 c=3");
	CHECK_INT(merge(list, 0, text), 0);
	CHECK_STR(text, "a=1 b=2 c=3");
}

static void test_changes_are_limited(void)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(WIRE_ARENA_MAX);
	static const ProtobufCMessage *changes[LK_ATTRIBUTES_MAX + 1];
	struct stoa_participant_info p = { .n_attributes = 0 };
	entry e = ENTRY("k", "v");

	for (size_t i = 0; i < STOA_ARRAY_SIZE(changes); i++)
		changes[i] = &e.base;
	CHECK_INT(attributes_merge(a, &p, STOA_ARRAY_SIZE(changes), changes), -E2BIG);
	CHECK_INT(p.n_attributes, 0);
	CHECK_INT(attributes_merge(a, &p, LK_ATTRIBUTES_MAX, changes), 0);
	CHECK_INT(p.n_attributes, 1);
}

int main(void)
{
	test_values_replace_delete_and_append();
	test_changes_are_limited();
	return check_done();
}
