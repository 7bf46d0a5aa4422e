/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "room_service.h"

#include <errno.h>

static void test_codes_have_their_status(void)
{
	static const struct {
		const char *code;
		int status;
	} table[] = {
		{ "canceled", 408 },
		{ "unknown", 500 },
		{ "invalid_argument", 400 },
		{ "malformed", 400 },
		{ "deadline_exceeded", 408 },
		{ "not_found", 404 },
		{ "bad_route", 404 },
		{ "already_exists", 409 },
		{ "permission_denied", 403 },
		{ "unauthenticated", 401 },
		{ "resource_exhausted", 429 },
		{ "failed_precondition", 412 },
		{ "aborted", 409 },
		{ "out_of_range", 400 },
		{ "unimplemented", 501 },
		{ "internal", 500 },
		{ "unavailable", 503 },
		{ "dataloss", 500 },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(table); i++)
		CHECK_INT(twirp_status(table[i].code), table[i].status);
	CHECK_INT(twirp_status("no such code"), 500);
}

static const char *const names[] = {
	"CreateRoom",          "ListRooms",          "DeleteRoom",         "ListParticipants",
	"GetParticipant",      "RemoveParticipant",  "MutePublishedTrack", "UpdateParticipant",
	"UpdateSubscriptions", "UpdateRoomMetadata", "SendData",           "ForwardParticipant",
	"MoveParticipant",     "PerformRpc",
};

static void test_methods_are_found_by_their_exact_name(void)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(names); i++) {
		const struct twirp_method *m = room_service_find(stoa_str(names[i]));

		CHECK(m && strcmp(m->name, names[i]) == 0);
		CHECK(m && m->request && m->fn);
	}
	CHECK(!room_service_find(stoa_str("listRooms")));
	CHECK(!room_service_find(stoa_str("ListRoom")));
	CHECK(!room_service_find(stoa_str("")));
}

/* A method that acts within a room names it in its request, or its grant could not be checked. */
static void test_methods_of_a_room_name_it(void)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(names); i++) {
		const struct twirp_method *m = room_service_find(stoa_str(names[i]));
		const ProtobufCFieldDescriptor *f =
			m ? protobuf_c_message_descriptor_get_field_by_name(m->request, "room")
			  : NULL;

		if (m && m->grant == TWIRP_ADMIN)
			CHECK(f && f->type == PROTOBUF_C_TYPE_STRING &&
			      f->label == PROTOBUF_C_LABEL_NONE);
	}
}

static bool may(const char *method, const struct stoa_media_grant *g, const char *room)
{
	Lk__RoomOnlyRequest in = LK__ROOM_ONLY_REQUEST__INIT;

	in.room = (char *)(uintptr_t)room;
	return twirp_may(room_service_find(stoa_str(method)), g, &in.base);
}

static void test_each_grant_opens_its_methods_only(void)
{
	struct stoa_media_grant create = { .room = "", .room_create = true };
	struct stoa_media_grant list = { .room = "", .room_list = true };
	struct stoa_media_grant admin = { .room = "r", .room_admin = true };
	struct stoa_media_grant join = { .room = "r", .room_join = true };

	CHECK(may("CreateRoom", &create, "r") && may("DeleteRoom", &create, "r"));
	CHECK(!may("ListRooms", &create, "") && !may("GetParticipant", &create, ""));
	CHECK(may("ListRooms", &list, ""));
	CHECK(!may("CreateRoom", &list, "r") && !may("ListParticipants", &list, "r"));
	CHECK(!may("DeleteRoom", &admin, "r") && !may("ListRooms", &admin, "r"));
	for (size_t i = 3; i < STOA_ARRAY_SIZE(names); i++) {
		CHECK(may(names[i], &admin, "r"));
		CHECK(!may(names[i], &admin, "R"));
		CHECK(!may(names[i], &admin, "r2"));
		CHECK(!may(names[i], &join, "r"));
		CHECK(!may(names[i], &create, ""));
		admin.room = "";
		CHECK(!may(names[i], &admin, "")); /* no room is not every room */
		admin.room = "r";
	}
}

static void test_errors_of_the_sfu(void)
{
	CHECK(!room_service_error(0));
	CHECK_STR(room_service_error(-ENOENT)->code, "not_found");
	CHECK_STR(room_service_error(-EINVAL)->code, "invalid_argument");
	CHECK_STR(room_service_error(-EMFILE)->code, "resource_exhausted");
	CHECK_STR(room_service_error(-ESHUTDOWN)->code, "unavailable");
	CHECK_STR(room_service_error(-ENOMEM)->code, "internal");
	CHECK_STR(room_service_error(-EIO)->code, "internal");
}

int main(void)
{
	test_codes_have_their_status();
	test_methods_are_found_by_their_exact_name();
	test_methods_of_a_room_name_it();
	test_each_grant_opens_its_methods_only();
	test_errors_of_the_sfu();
	return check_done();
}
