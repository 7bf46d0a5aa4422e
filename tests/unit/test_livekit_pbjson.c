/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "pbjson.h"
#include "room_service.pb-c.h"

#include <errno.h>
#include <math.h>

static struct wire_arena *arena; /* of the test that runs */
static const char *why;

static void begin(void)
{
	wire_arena_free(arena);
	arena = wire_arena_new(WIRE_ARENA_MAX);
	why = NULL;
}

static int read_as(const ProtobufCMessageDescriptor *d, const char *text, ProtobufCMessage **ret)
{
	begin();
	return pbjson_parse(arena, d, stoa_str(text), ret, &why);
}

/* The same message written again; `want` is what comes out. */
static void check_text(const ProtobufCMessageDescriptor *d, const char *text, const char *want)
{
	ProtobufCMessage *m = NULL;
	struct stoa_buf out = { 0 };

	CHECK_INT(read_as(d, text, &m), 0);
	if (m)
		pbjson_render(m, &out);
	stoa_buf_add(&out, "", 1);
	CHECK_STR(out.p, want);
	stoa_buf_free(&out);
}

static void check_refused(const ProtobufCMessageDescriptor *d, const char *text, const char *reason)
{
	ProtobufCMessage *m;

	CHECK_INT(read_as(d, text, &m), -EBADMSG);
	CHECK_STR(why, reason);
}

#define ROOM &lk__create_room_request__descriptor
#define WHO  &lk__update_participant_request__descriptor
#define SUBS &lk__update_subscriptions_request__descriptor
#define ASK  &lk__signal_request__descriptor
#define TELL &lk__speaker_info__descriptor
#define WRAP &lk__wrapped_join_request__descriptor

static void test_names_come_in_two_spellings(void)
{
	const Lk__CreateRoomRequest *r;
	ProtobufCMessage *m = NULL;

	CHECK_INT(read_as(ROOM, "{\"name\":\"r\",\"emptyTimeout\":1,\"departure_timeout\":2}", &m),
		  0);
	r = (const Lk__CreateRoomRequest *)m;
	CHECK_STR(r->name, "r");
	CHECK_INT(r->empty_timeout, 1);
	CHECK_INT(r->departure_timeout, 2);
	CHECK_STR(r->metadata, "");
	check_refused(ROOM, "{\"emptyTimeout\":1,\"empty_timeout\":1}",
		      "empty_timeout: given twice, in both spellings of its name");
	check_refused(ROOM, "{\"name\":\"a\",\"name\":\"b\"}", "not a JSON object");
}

static void test_unknown_names_are_skipped(void)
{
	ProtobufCMessage *m;

	CHECK_INT(read_as(ROOM, "{\"nodeId\":\"x\",\"agents\":[{\"a\":{}}],\"empty__timeout\":1}",
			  &m),
		  0);
	CHECK_INT(((const Lk__CreateRoomRequest *)m)->empty_timeout, 0);
}

static void test_every_default_is_written(void)
{
	check_text(ROOM, "{}",
		   "{\"name\":\"\",\"empty_timeout\":0,\"max_participants\":0,\"metadata\":\"\","
		   "\"departure_timeout\":0}");
	check_text(WHO, "{}",
		   "{\"room\":\"\",\"identity\":\"\",\"metadata\":\"\",\"permission\":null,"
		   "\"name\":\"\",\"attributes\":{}}");
	check_text(&lk__delete_room_response__descriptor, "{}", "{}");
	check_text(ASK, "{}", "{}");
}

static void test_numbers(void)
{
	static const char *const sevens[] = { "7", "\"7\"", "7.0", "70e-1", "\"007\"" };
	static const char *const wrong[] = { "-1",      "\"-1\"", "4294967296", "1.5",
					     "\"1.5\"", "1e99",   "\"\"",       "\"-\"",
					     "\" 1\"",  "true",   "[1]",        "\"4294967296\"",
					     "{}" };
	char text[64];
	ProtobufCMessage *m;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(sevens); i++) {
		snprintf(text, sizeof(text), "{\"emptyTimeout\":%s}", sevens[i]);
		m = NULL;
		CHECK_INT(read_as(ROOM, text, &m), 0);
		CHECK(m && ((const Lk__CreateRoomRequest *)m)->empty_timeout == 7);
	}
	for (size_t i = 0; i < STOA_ARRAY_SIZE(wrong); i++) {
		snprintf(text, sizeof(text), "{\"emptyTimeout\":%s}", wrong[i]);
		check_refused(ROOM, text,
			      "empty_timeout: a 32-bit integer of at least 0 is wanted");
	}
	check_text(ASK, "{\"ping\":-9223372036854775808}", "{\"ping\":\"-9223372036854775808\"}");
	check_text(ASK, "{\"ping\":\"9223372036854775807\"}", "{\"ping\":\"9223372036854775807\"}");
	check_text(ASK, "{\"ping\":-3}", "{\"ping\":\"-3\"}");
	check_refused(ASK, "{\"ping\":\"9223372036854775808\"}",
		      "ping: a 64-bit integer is wanted");
	check_refused(ASK, "{\"ping\":\"18446744073709551616\"}",
		      "ping: a 64-bit integer is wanted");
}

static void test_reals(void)
{
	check_text(TELL, "{\"level\":0.1}",
		   "{\"sid\":\"\",\"level\":0.100000001,\"active\":false}");
	check_text(TELL, "{\"level\":1}", "{\"sid\":\"\",\"level\":1,\"active\":false}");
	check_text(TELL, "{\"level\":-0.0}", "{\"sid\":\"\",\"level\":-0.0,\"active\":false}");
	check_text(TELL, "{\"level\":\"NaN\",\"active\":true}",
		   "{\"sid\":\"\",\"level\":\"NaN\",\"active\":true}");
	check_text(TELL, "{\"level\":\"-Infinity\"}",
		   "{\"sid\":\"\",\"level\":\"-Infinity\",\"active\":false}");
	check_refused(TELL, "{\"level\":1e39}", "level: a number of single precision is wanted");
	check_refused(TELL, "{\"level\":\"1\"}", "level: a number is wanted");
	check_refused(TELL, "{\"active\":1}", "active: true or false is wanted");
}

static void test_enums_by_name_or_number(void)
{
	static const char want[] =
		"{\"can_subscribe\":false,\"can_publish\":false,\"can_publish_data\":false,"
		"\"hidden\":false,\"recorder\":false,"
		"\"can_publish_sources\":[\"CAMERA\",\"SCREEN_SHARE\",77],"
		"\"can_update_metadata\":false,\"agent\":false,\"can_subscribe_metrics\":false,"
		"\"can_manage_agent_session\":false}";
	const ProtobufCMessageDescriptor *d = &lk__participant_permission__descriptor;

	check_text(d, "{\"canPublishSources\":[\"CAMERA\",3,77]}", want);
	check_refused(d, "{\"canPublishSources\":[\"camera\"]}",
		      "can_publish_sources: no such name");
	check_refused(d, "{\"canPublishSources\":[true]}",
		      "can_publish_sources: a name or a number is wanted");
	check_refused(d, "{\"canPublishSources\":\"CAMERA\"}",
		      "can_publish_sources: a list is wanted");
}

static void test_maps(void)
{
	const Lk__UpdateParticipantRequest *r;
	ProtobufCMessage *m = NULL;

	CHECK_INT(read_as(WHO, "{\"attributes\":{\"seat_no\":\"7\",\"\":\"x\"}}", &m), 0);
	r = (const Lk__UpdateParticipantRequest *)m;
	CHECK_INT(r->n_attributes, 2);
	CHECK_STR(r->attributes[0]->key, "seat_no"); /* data, not a name to respell */
	CHECK_STR(r->attributes[0]->value, "7");
	check_text(WHO, "{\"attributes\":{\"a\":\"1\",\"b\":\"2\"}}",
		   "{\"room\":\"\",\"identity\":\"\",\"metadata\":\"\",\"permission\":null,"
		   "\"name\":\"\",\"attributes\":{\"a\":\"1\",\"b\":\"2\"}}");
	check_refused(WHO, "{\"attributes\":{\"a\":1}}", "value: a string is wanted");
	check_refused(WHO, "{\"attributes\":[]}", "attributes: an object is wanted");
}

static void test_only_maps_are_maps(void)
{
	const ProtobufCMessageDescriptor *d = WHO;
	const ProtobufCMessageDescriptor *s = SUBS;

	CHECK(pbjson_is_map(d, protobuf_c_message_descriptor_get_field_by_name(d, "attributes")));
	CHECK(!pbjson_is_map(d, protobuf_c_message_descriptor_get_field_by_name(d, "permission")));
	CHECK(!pbjson_is_map(
		s, protobuf_c_message_descriptor_get_field_by_name(s, "participant_tracks")));
	CHECK(!pbjson_is_map(s, protobuf_c_message_descriptor_get_field_by_name(s, "track_sids")));
}

static void test_messages_in_lists(void)
{
	check_text(
		SUBS, "{\"participantTracks\":[{\"trackSids\":[\"a\",\"b\"]},{}]}",
		"{\"room\":\"\",\"identity\":\"\",\"track_sids\":[],\"subscribe\":false,"
		"\"participant_tracks\":[{\"participant_sid\":\"\",\"track_sids\":[\"a\",\"b\"]},"
		"{\"participant_sid\":\"\",\"track_sids\":[]}]}");
	check_refused(SUBS, "{\"participantTracks\":[[]]}",
		      "participant_tracks: an object is wanted");
	check_refused(SUBS, "{\"participantTracks\":[null]}",
		      "participant_tracks: an object is wanted");
	check_refused(SUBS, "{\"trackSids\":[null]}", "track_sids: a string is wanted");
}

static void test_null_is_not_set(void)
{
	ProtobufCMessage *m = NULL;

	CHECK_INT(read_as(WHO, "{\"name\":null,\"permission\":null,\"attributes\":null}", &m), 0);
	CHECK(m && !((const Lk__UpdateParticipantRequest *)m)->permission);
	CHECK_INT(read_as(ASK, "{\"ping\":null,\"pingReq\":{}}", &m), 0);
	CHECK_INT(((const Lk__SignalRequest *)m)->message_case,
		  LK__SIGNAL_REQUEST__MESSAGE_PING_REQ);
}

static void test_of_a_choice_only_one(void)
{
	check_refused(ASK, "{\"ping\":1,\"pingReq\":{}}",
		      "ping_req: another field of the same choice is given as well");
}

static void test_bytes_in_both_alphabets(void)
{
	check_text(WRAP, "{\"joinRequest\":\"+/+/AA==\"}",
		   "{\"compression\":\"NONE\",\"join_request\":\"+/+/AA==\"}");
	check_text(WRAP, "{\"compression\":\"GZIP\",\"joinRequest\":\"-_-_AA\"}",
		   "{\"compression\":\"GZIP\",\"join_request\":\"+/+/AA==\"}");
	check_refused(WRAP, "{\"joinRequest\":\"!\"}", "join_request: base64 is wanted");
	check_refused(WRAP, "{\"joinRequest\":[1]}", "join_request: base64 is wanted");
}

static void test_strings_are_escaped(void)
{
	check_text(&lk__delete_room_request__descriptor,
		   "{\"room\":\"\\u00fc \\ud83d\\ude00 \\\" \\\\ \\/ \\n\\u0001\\u007f\"}",
		   "{\"room\":\"\u00fc \U0001f600 \\\" \\\\ / \\u000a\\u0001\x7f\"}");
	check_refused(&lk__delete_room_request__descriptor, "{\"room\":\"\\u0000\"}",
		      "not a JSON object");
	check_refused(&lk__delete_room_request__descriptor, "{\"room\":\"\xff\"}",
		      "not a JSON object");
	check_refused(&lk__delete_room_request__descriptor, "{\"room\":\"\\ud83d\"}",
		      "not a JSON object");
}

static void test_what_is_no_object(void)
{
	static const char *const texts[] = { "", " ", "null", "[]", "\"{}\"", "{", "{} {}", "{,}" };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(texts); i++)
		check_refused(ROOM, texts[i], "not a JSON object");
}

static void test_limits(void)
{
	static char text[PBJSON_TEXT_MAX + 1];
	ProtobufCMessage *m;
	size_t n;

	memset(text, ' ', sizeof(text));
	text[0] = '{';
	text[1] = '}';
	begin();
	CHECK_INT(pbjson_parse(arena, ROOM, stoa_strn(text, sizeof(text)), &m, &why), -E2BIG);
	CHECK_INT(pbjson_parse(arena, ROOM, stoa_strn(text, sizeof(text) - 1), &m, &why), 0);

	/* two characters of text make a whole struct: the arena ends that */
	n = (size_t)snprintf(text, sizeof(text), "{\"participantTracks\":[{}");
	for (; n < 300000; n += 3)
		memcpy(text + n, ",{}", 3);
	memcpy(text + n, "]}", 2);
	begin();
	CHECK_INT(pbjson_parse(arena, SUBS, stoa_strn(text, n + 2), &m, &why), -E2BIG);
	CHECK(wire_failed(arena));
}

static int read_nested(const ProtobufCMessageDescriptor *d, unsigned depth)
{
	struct stoa_buf text = { 0 };
	ProtobufCMessage *m;
	int err;

	for (unsigned i = 1; i < depth; i++)
		stoa_buf_adds(&text, "{\"a\":");
	stoa_buf_adds(&text, "{}");
	for (unsigned i = 1; i < depth; i++)
		stoa_buf_adds(&text, "}");
	begin();
	err = pbjson_parse(arena, d, stoa_strn(text.p, text.n), &m, &why);
	stoa_buf_free(&text);
	return err;
}

/* A message that contains itself, as no generated one here does. */
static void test_depth_is_limited_both_ways(void)
{
	struct loop {
		ProtobufCMessage base;
		struct loop *inner;
	} loops[PBJSON_DEPTH_MAX + 2];
	ProtobufCFieldDescriptor f = {
		.name = "a",
		.id = 1,
		.label = PROTOBUF_C_LABEL_NONE,
		.type = PROTOBUF_C_TYPE_MESSAGE,
		.offset = offsetof(struct loop, inner),
	};
	ProtobufCMessageDescriptor d = {
		.name = "loop",
		.sizeof_message = sizeof(struct loop),
		.n_fields = 1,
		.fields = &f,
		.message_init = lk__delete_room_response__descriptor.message_init,
	};
	struct stoa_buf out = { 0 };

	f.descriptor = &d;
	for (size_t i = 0; i < STOA_ARRAY_SIZE(loops); i++) {
		loops[i].base.descriptor = &d;
		loops[i].inner = i + 1 < STOA_ARRAY_SIZE(loops) ? &loops[i + 1] : NULL;
	}
	pbjson_render(&loops[0].base, &out);
	stoa_buf_add(&out, "", 1);
	CHECK_INT(strlen(out.p), PBJSON_DEPTH_MAX * strlen("{\"a\":}") + strlen("null"));
	stoa_buf_free(&out);

	CHECK_INT(read_nested(&d, PBJSON_DEPTH_MAX), 0);
	CHECK_INT(read_nested(&d, PBJSON_DEPTH_MAX + 1), -E2BIG);
}

int main(void)
{
	test_names_come_in_two_spellings();
	test_unknown_names_are_skipped();
	test_every_default_is_written();
	test_numbers();
	test_reals();
	test_enums_by_name_or_number();
	test_maps();
	test_only_maps_are_maps();
	test_messages_in_lists();
	test_null_is_not_set();
	test_of_a_choice_only_one();
	test_bytes_in_both_alphabets();
	test_strings_are_escaped();
	test_what_is_no_object();
	test_limits();
	test_depth_is_limited_both_ways();
	wire_arena_free(arena);
	return check_done();
}
