/* SPDX-License-Identifier: Apache-2.0 */
/* The life of calls through the routes, with every row looked at in the database: each arrow of the
 * table "Life of a call", what is forbidden in each status, time-outs, media that comes and goes,
 * hooks that refuse, idempotency, restarts. */
#include "signaling_fixture.h"

static char id[64];

static void keep_id(void)
{
	snprintf(id, sizeof(id), "%s", got("callId"));
	CHECK_INT(strlen(id), 36);
}

static void start_direct(void)
{
	CHECK_INT(post("alice", "/api/calls/initiate",
		       "{\"targetUserId\":\"bob\",\"type\":\"video\"}"),
		  201);
	keep_id();
}

static void start_group(void)
{
	CHECK_INT(post("alice", "/api/calls/initiate",
		       "{\"targetUserIds\":[\"bob\",\"carol\"],\"type\":\"audio\"}"),
		  201);
	keep_id();
}

static void start_channel(void)
{
	CHECK_INT(post("alice", "/api/calls/initiate",
		       "{\"channelId\":\"general\",\"type\":\"video\",\"maxParticipants\":2}"),
		  201);
	keep_id();
}

/* ---- arrows ---- */

static void test_direct(void)
{
	start_direct();
	CHECK_STR(got("status"), "ringing");
	CHECK_STR(got("url"), "wss://calls.example");
	CHECK(strncmp(got("token"), "media:alice:call-", 17) == 0);
	CHECK_STR(call_status_in_db(id), "ringing");
	CHECK_STR(part_in_db(id, "alice"), "joined");
	CHECK_STR(part_in_db(id, "bob"), "ringing");
	CHECK(fx_room_is_open(id));

	CHECK_INT(act("bob", id, "join"), 200);
	CHECK_STR(got("status"), "active");
	CHECK_STR(call_status_in_db(id), "active");
	CHECK_STR(part_in_db(id, "bob"), "joined");

	CHECK_INT(act("bob", id, "leave"), 200);
	CHECK_STR(got("status"), "ended");
	CHECK_STR(got("endReason"), "left");
	CHECK_STR(call_status_in_db(id), "ended");
	CHECK_STR(part_in_db(id, "alice"), "left");
	CHECK_STR(part_in_db(id, "bob"), "left");
	CHECK(!fx_room_is_open(id));
	stoa_test_run_until(NULL, NULL, 100);
	CHECK_INT(fx_count("call.initiated", "", id), 1);
	CHECK_INT(fx_count("call.ringing", "", id), 1);
	CHECK_INT(fx_count("call.accepted", "bob", id), 1);
	CHECK_INT(fx_count("participant.joined", "bob", id), 1);
	CHECK_INT(fx_count("participant.left", "bob", id), 1);
	CHECK_INT(fx_count("call.ended", "", id), 1);
}

static void test_declined(void)
{
	start_group();
	CHECK_INT(act("bob", id, "decline"), 200);
	CHECK_STR(got("status"), "ringing");
	CHECK_STR(part_in_db(id, "bob"), "declined");
	CHECK_INT(act("carol", id, "decline"), 200);
	CHECK_STR(got("status"), "declined");
	CHECK_STR(call_status_in_db(id), "declined");
	CHECK_STR(part_in_db(id, "alice"), "left");
}

static void test_cancelled(void)
{
	start_group();
	CHECK_INT(act("alice", id, "leave"), 200);
	CHECK_STR(got("status"), "cancelled");
	CHECK_STR(call_status_in_db(id), "cancelled");
	CHECK_STR(part_in_db(id, "bob"), "missed");
	CHECK_STR(part_in_db(id, "carol"), "missed");
}

static void test_group_end(void)
{
	start_group();
	CHECK_INT(act("bob", id, "join"), 200);
	CHECK_STR(part_in_db(id, "carol"), "ringing"); /* others ring on */
	CHECK_INT(act("bob", id, "end"), 403);
	CHECK_INT(act("bob", id, "leave"), 200);
	CHECK_STR(got("status"), "active");
	CHECK_INT(act("bob", id, "join"), 200);
	CHECK_INT(act("alice", id, "end"), 200);
	CHECK_STR(call_status_in_db(id), "ended");
	CHECK_STR(part_in_db(id, "carol"), "missed");
}

static void test_channel(void)
{
	start_channel();
	CHECK_STR(sql("SELECT count(*) FROM nchat_call_participants WHERE call_id = '%s'", id),
		  "1");
	CHECK_INT(act("carol", id, "decline"), 200);
	CHECK_STR(part_in_db(id, "carol"), "");
	CHECK_INT(act("carol", id, "join"), 200);
	CHECK_STR(part_in_db(id, "carol"), "joined");
	CHECK_STR(call_status_in_db(id), "active");
	CHECK_INT(act("omni", id, "join"), 409);
	CHECK_STR(fx_last.error, "call_full");
	CHECK_INT(act("carol", id, "join"), 200); /* another device of hers fits */
	CHECK_INT(act("mia", id, "end"), 200);    /* a moderator of the channel  */
	CHECK_STR(call_status_in_db(id), "ended");
}

/* ---- what is forbidden ---- */

static void expect(const char *user, const char *verb, int status, const char *error)
{
	char before[64], after[64];

	snprintf(before, sizeof(before), "%s", call_status_in_db(id));
	CHECK_INT(act(user, id, verb), status);
	CHECK_STR(fx_last.error, error);
	snprintf(after, sizeof(after), "%s", call_status_in_db(id));
	CHECK_STR(after, before);
}

static void test_forbidden(void)
{
	static const char *const verbs[] = { "join", "decline", "leave", "end" };

	start_direct();
	for (size_t i = 0; i < STOA_ARRAY_SIZE(verbs); i++) {
		expect("dave", verbs[i], 404, "call_not_found");
		expect(NULL, verbs[i], 401, "unauthorized");
	}
	expect("alice", "decline", 409, "not_ringing");
	expect("alice", "end", 409, "call_not_active");
	expect("bob", "leave", 409, "not_in_call");
	expect("bob", "end", 403, "not_allowed");
	expect("root", "join", 403, "not_invited");
	CHECK_INT(act("bob", id, "join"), 200);
	expect("bob", "decline", 409, "not_ringing");
	CHECK_INT(act("root", id, "end"), 200); /* an admin may */
	for (size_t i = 0; i < STOA_ARRAY_SIZE(verbs); i++) {
		expect("alice", verbs[i], 409, "call_over");
		expect("bob", verbs[i], 409, "call_over");
		expect("dave", verbs[i], 404, "call_not_found");
	}
	CHECK_INT(act("alice", "018f0000-0000-7000-8000-000000000000", "join"), 404);
	CHECK_INT(act("alice", "nonsense", "join"), 404);
}

static void test_bad_input(void)
{
	static const struct {
		const char *body, *field;
	} bad[] = {
		{ "{}", "type" },
		{ "{\"type\":\"smoke\",\"targetUserId\":\"bob\"}", "type" },
		{ "{\"type\":\"video\"}", "targetUserId" },
		{ "{\"type\":\"video\",\"targetUserId\":\"bob\",\"channelId\":\"general\"}",
		  "channelId" },
		{ "{\"type\":\"video\",\"targetUserId\":\"\"}", "targetUserId" },
		{ "{\"type\":\"video\",\"targetUserId\":\"alice\"}", "targetUserId" },
		{ "{\"type\":\"video\",\"targetUserId\":7}", "targetUserId" },
		{ "{\"type\":\"video\",\"targetUserIds\":[]}", "targetUserIds" },
		{ "{\"type\":\"video\",\"targetUserIds\":[\"bob\",null]}", "targetUserIds" },
		{ "{\"type\":\"video\",\"targetUserIds\":[\"bob\",\"carol\"],\"maxParticipants\":"
		  "2}",
		  "targetUserIds" },
		{ "{\"type\":\"video\",\"targetUserId\":\"bob\",\"maxParticipants\":1}",
		  "maxParticipants" },
		{ "{\"type\":\"video\",\"targetUserId\":\"bob\",\"maxParticipants\":1001}",
		  "maxParticipants" },
		{ "{\"type\":\"video\",\"targetUserId\":\"bob\",\"maxParticipants\":2.5}",
		  "maxParticipants" },
		{ "{\"type\":\"video\",\"targetUserId\":\"bob\",\"metadata\":[]}", "metadata" },
	};
	char rows[16];

	snprintf(rows, sizeof(rows), "%s", sql("SELECT count(*) FROM nchat_calls"));
	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		CHECK_INT(post("alice", "/api/calls/initiate", bad[i].body), 400);
		CHECK_STR(fx_last.error, "bad_input");
		CHECK_STR(got("field"), bad[i].field);
	}
	CHECK_INT(post("alice", "/api/calls/initiate", "{"), 400);
	CHECK_INT(post("alice", "/api/calls/initiate", "[1]"), 400);
	CHECK_INT(post("alice", "/api/calls/initiate", "{\"type\":\"audio\",\"type\":\"video\"}"),
		  400);
	CHECK_INT(post("bob", "/api/calls/initiate",
		       "{\"type\":\"video\",\"channelId\":\"general\"}"),
		  403);
	CHECK_STR(sql("SELECT count(*) FROM nchat_calls"), rows);
}

/* ---- hooks ---- */

static void test_hooks(void)
{
	fx_refuse_type = "screen_share";
	CHECK_INT(post("alice", "/api/calls/initiate",
		       "{\"type\":\"screen_share\",\"targetUserId\":\"bob\"}"),
		  403);
	CHECK_STR(fx_last.error, "no_such_calls");
	CHECK_STR(sql("SELECT status || ' ' || end_reason FROM nchat_calls "
		      "WHERE type = 'screen_share'"),
		  "failed no_such_calls");
	fx_refuse_type = NULL;
	fx_refuse_user = "bob";
	start_direct();
	expect("bob", "join", 403, "not_today");
	CHECK_STR(part_in_db(id, "bob"), "ringing");
	fx_refuse_user = NULL;
	CHECK_INT(act("bob", id, "join"), 200);
	CHECK_INT(act("alice", id, "leave"), 200);
	fx_room_error = -EMFILE;
	CHECK_INT(post("alice", "/api/calls/initiate",
		       "{\"type\":\"audio\",\"targetUserId\":\"bob\"}"),
		  503);
	fx_room_error = 0;
	CHECK_STR(sql("SELECT status || ' ' || end_reason FROM nchat_calls ORDER BY call_id DESC"),
		  "failed media_unavailable");
}

/* ---- lists ---- */

static size_t n_items(void)
{
	return json_array_size(json_object_get(fx_last.json, "items"));
}

static void test_lists(void)
{
	static const char *const users[] = { "alice", "bob", "carol", "dave", "mia" };
	char cursor[96];
	size_t all, seen = 0;

	for (size_t u = 0; u < STOA_ARRAY_SIZE(users); u++) {
		size_t i;
		json_t *item;

		CHECK_INT(get(users[u], "/api/calls", "limit=200"), 200);
		json_array_foreach(json_object_get(fx_last.json, "items"), i, item)
		{
			const char *call = json_string_value(json_object_get(item, "callId"));

			CHECK_STR(sql("SELECT count(*) FROM nchat_calls c WHERE call_id = '%s' AND "
				      "(EXISTS (SELECT 1 FROM nchat_call_participants p WHERE "
				      "p.call_id = c.call_id AND user_id = '%s') OR (channel_id = "
				      "'general' AND '%s' IN ('alice', 'carol', 'mia')))",
				      call, users[u], users[u]),
				  "1");
		}
		CHECK(u == 3 ? n_items() == 0 : n_items() > 0);
	}
	CHECK_INT(get("alice", "/api/calls", "limit=200"), 200);
	all = n_items();
	snprintf(cursor, sizeof(cursor), "limit=3");
	do { /* page by page: all of them, none twice */
		char last[64] = "";

		CHECK_INT(get("alice", "/api/calls", cursor), 200);
		seen += n_items();
		snprintf(last, sizeof(last), "%s", got("nextCursor"));
		snprintf(cursor, sizeof(cursor), "limit=3&cursor=%s", last);
	} while (got("nextCursor")[0]);
	CHECK_INT(seen, all);
	CHECK_INT(get("alice", "/api/calls", "status=declined"), 200);
	CHECK_INT(n_items(), 1);
	CHECK_INT(get("carol", "/api/calls", "channelId=general"), 200);
	CHECK_INT(n_items(), 1);
	CHECK_INT(get("omni", "/api/calls", "channelId=general"), 200);
	CHECK_INT(n_items(), 1);
	CHECK_INT(get("bob", "/api/calls", "channelId=general"), 200);
	CHECK_INT(n_items(), 0);
	CHECK_INT(get("alice", "/api/calls", "limit=0"), 400);
	CHECK_INT(get("alice", "/api/calls", "limit=201"), 400);
	CHECK_INT(get("alice", "/api/calls", "status=gone"), 400);
	CHECK_INT(get("alice", "/api/calls", "cursor=abc"), 400);
}

static void test_get(void)
{
	char path[128];

	start_direct();
	snprintf(path, sizeof(path), "/api/calls/%s", id);
	CHECK_INT(get("bob", path, NULL), 200);
	CHECK_STR(got("callId"), id);
	CHECK_STR(got("initiatorId"), "alice");
	CHECK_INT(json_array_size(json_object_get(fx_last.json, "participants")), 2);
	CHECK_INT(get("dave", path, NULL), 404);
	CHECK_INT(get("root", path, NULL), 200);
	CHECK_INT(get(NULL, path, NULL), 401);
	CHECK_INT(act("alice", id, "leave"), 200);
}

/* ---- Idempotency-Key ---- */

static void test_idempotency(void)
{
	static const char body[] = "{\"type\":\"audio\",\"targetUserId\":\"bob\"}";
	char first[64], rows[16], path[128], other[128];
	struct fx_req a, b;

	CHECK_INT(api_full(STOA_HTTP_POST, "alice", "/api/calls/initiate", NULL, body, "k-1"), 201);
	snprintf(first, sizeof(first), "%s", got("callId"));
	snprintf(rows, sizeof(rows), "%s", sql("SELECT count(*) FROM nchat_calls"));
	CHECK_INT(api_full(STOA_HTTP_POST, "alice", "/api/calls/initiate", NULL, body, "k-1"), 201);
	CHECK_STR(got("callId"), first);
	CHECK(got("token")[0]);
	CHECK_STR(sql("SELECT count(*) FROM nchat_calls"), rows);
	CHECK_INT(api_full(STOA_HTTP_POST, "alice", "/api/calls/initiate", NULL,
			   "{\"type\":\"video\",\"targetUserId\":\"bob\"}", "k-1"),
		  409);
	CHECK_STR(fx_last.error, "idempotency_key_reused");
	/* twice at once: one call */
	fx_send(&a, STOA_HTTP_POST, "alice", "/api/calls/initiate", NULL, body, "k-2");
	fx_send(&b, STOA_HTTP_POST, "alice", "/api/calls/initiate", NULL, body, "k-2");
	CHECK(stoa_test_run_until(fx_is_answered, &a, 10000));
	CHECK(stoa_test_run_until(fx_is_answered, &b, 10000));
	CHECK_INT(a.status, 201);
	CHECK_INT(b.status, 201);
	CHECK_STR(json_string_value(json_object_get(a.json, "callId")),
		  json_string_value(json_object_get(b.json, "callId")));
	json_decref(a.json);
	json_decref(b.json);
	/* a leave that is repeated after it was done */
	snprintf(path, sizeof(path), "/api/calls/%s/leave", first);
	CHECK_INT(api_full(STOA_HTTP_POST, "alice", path, NULL, NULL, "k-3"), 200);
	CHECK_INT(api_full(STOA_HTTP_POST, "alice", path, NULL, NULL, "k-3"), 200);
	CHECK_STR(got("status"), "cancelled");
	CHECK_INT(api_full(STOA_HTTP_POST, "alice", path, NULL, NULL, "k-4"), 409);
	/* one key, two calls, at once: one of them gets it */
	start_direct();
	snprintf(path, sizeof(path), "/api/calls/%s/leave", id);
	start_direct();
	snprintf(other, sizeof(other), "/api/calls/%s/leave", id);
	fx_send(&a, STOA_HTTP_POST, "alice", path, NULL, NULL, "k-5");
	fx_send(&b, STOA_HTTP_POST, "alice", other, NULL, NULL, "k-5");
	CHECK(stoa_test_run_until(fx_is_answered, &a, 10000));
	CHECK(stoa_test_run_until(fx_is_answered, &b, 10000));
	CHECK_INT(a.status + b.status, 200 + 409);
	CHECK_STR(a.status == 409 ? a.error : b.error, "idempotency_key_reused");
	json_decref(a.json);
	json_decref(b.json);
	/* keys are each user's own */
	CHECK_INT(api_full(STOA_HTTP_POST, "bob", "/api/calls/initiate", NULL,
			   "{\"type\":\"video\",\"targetUserId\":\"dave\"}", "k-1"),
		  201);
}

/* ---- media ---- */

static bool is_part(void *user)
{
	return strcmp(part_in_db(id, "bob"), user) == 0;
}

static bool is_stale(void *user)
{
	(void)user;
	return stoa_calls_may_enter(&fx_calls, fx_rooms[fx_room_of(id) - 1].name, "carol") ==
	       -ESTALE;
}

static void test_media(void)
{
	stoa_participant_id a, b;

	start_group();
	CHECK_INT(act("bob", id, "join"), 200);
	a = fx_media_in(id, "alice");
	b = fx_media_in(id, "bob");
	fx_media_out(id, b, "bob", STOA_LEAVE_SIGNAL_CLOSE);
	CHECK_STR(part_in_db(id, "bob"), "joined");
	CHECK(stoa_test_run_until(is_part, (void *)(uintptr_t) "left", 10000)); /* lost-timeout */
	b = fx_media_in(id, "bob"); /* the network is back, the token still good */
	CHECK(stoa_test_run_until(is_part, (void *)(uintptr_t) "joined", 10000));
	fx_sfu_events->transport_state(1, b, true, fx_sfu_user);
	fx_sfu_events->transport_state(1, b, false, fx_sfu_user); /* still in the room */
	CHECK(stoa_test_run_until(is_part, (void *)(uintptr_t) "left", 10000));
	fx_sfu_events->transport_state(1, b, true, fx_sfu_user);
	CHECK(stoa_test_run_until(is_part, (void *)(uintptr_t) "joined", 10000));
	fx_sfu_events->transport_state(1, b, false, fx_sfu_user);
	fx_sfu_events->transport_state(1, b, true, fx_sfu_user);
	fx_sfu_events->quality_changed(b, STOA_QUALITY_POOR, 1.5F, fx_sfu_user);
	fx_sfu_events->quality_changed(b, STOA_QUALITY_GOOD, 3.5F, fx_sfu_user);
	fx_media_out(id, b, "bob", STOA_LEAVE_REMOVED);
	CHECK(stoa_test_run_until(is_part, (void *)(uintptr_t) "removed", 10000));
	CHECK_STR(
		sql("SELECT status || ' ' || quality || ' ' || quality_score || ' ' || worst_score "
		    "|| ' ' || disconnect_reason FROM nchat_webrtc_connections "
		    "WHERE call_id = '%s' AND user_id = 'bob' ORDER BY connection_id DESC",
		    id),
		"disconnected good 3.5 1.5 removed");
	expect("bob", "join", 403, "removed_from_call");
	CHECK_INT(stoa_calls_may_enter(&fx_calls, fx_rooms[fx_room_of(id) - 1].name, "bob"),
		  -EACCES);
	CHECK_INT(stoa_calls_may_enter(&fx_calls, fx_rooms[fx_room_of(id) - 1].name, "carol"), 0);
	CHECK_INT(act("alice", id, "leave"), 200);
	CHECK_INT(fx_left[(fx_n_left - 1) % STOA_ARRAY_SIZE(fx_left)], a);
	CHECK(wait_status(id, "ended")); /* empty-timeout */
	CHECK_STR(sql("SELECT end_reason FROM nchat_calls WHERE call_id = '%s'", id), "empty");
	CHECK(stoa_test_run_until(is_stale, NULL, 10000)); /* the memory follows the database */
	CHECK_INT(stoa_calls_may_enter(&fx_calls, "lobby", "carol"), -ENOENT);
}

static void test_sharing(void)
{
	struct stoa_track_info t = { .size = sizeof(t), .source = STOA_SOURCE_SCREEN };

	start_direct();
	CHECK_INT(act("bob", id, "join"), 200);
	t.participant = fx_media_in(id, "bob");
	fx_sfu_events->track_published(&t, fx_sfu_user);
	for (int i = 0;
	     i < 100 && strcmp(sql("SELECT is_screen_sharing FROM nchat_call_participants "
				   "WHERE call_id = '%s' AND user_id = 'bob'",
				   id),
			       "1") != 0;
	     i++)
		stoa_test_run_until(fx_is_answered, &(struct fx_req){ 0 }, 20);
	CHECK_STR(sql("SELECT is_screen_sharing FROM nchat_call_participants WHERE call_id = '%s' "
		      "AND user_id = 'bob'",
		      id),
		  "1");
	/* an operator closes the room */
	fx_rooms[fx_room_of(id) - 1].is_open = false;
	fx_sfu_events->room_closed(&fx_rooms[fx_room_of(id) - 1].info, STOA_LEAVE_ROOM_DELETED,
				   fx_sfu_user);
	CHECK(wait_status(id, "ended"));
	CHECK_STR(sql("SELECT is_screen_sharing FROM nchat_call_participants WHERE call_id = '%s' "
		      "AND user_id = 'bob'",
		      id),
		  "0");
}

/* ---- somebody else writes to the database ---- */

/* What the database says counts: the change is refused whole, and the call here is given up. */
static void test_disagreement(void)
{
	start_direct();
	sql("UPDATE nchat_calls SET status = 'ended', ended_at = created_at, end_reason = 'by "
	    "hand' "
	    "WHERE call_id = '%s'",
	    id);
	expect("bob", "join", 409, "call_changed");
	CHECK_STR(part_in_db(id, "bob"), "ringing");
	CHECK(!fx_room_is_open(id));
	expect("bob", "join", 409, "call_over");
}

/* ---- time ---- */

static void test_missed(void)
{
	char one[64];

	start_direct();
	snprintf(one, sizeof(one), "%s", id);
	start_group();
	CHECK_INT(act("bob", id, "join"), 200);
	CHECK(wait_status(one, "missed"));
	CHECK_STR(part_in_db(one, "bob"), "missed");
	CHECK_STR(sql("SELECT end_reason FROM nchat_calls WHERE call_id = '%s'", one), "no_answer");
	CHECK_STR(part_in_db(id, "bob"), "joined");
	for (int i = 0; i < 100 && strcmp(part_in_db(id, "carol"), "missed") != 0; i++)
		stoa_test_run_until(fx_is_answered, &(struct fx_req){ 0 }, 50);
	CHECK_STR(part_in_db(id, "carol"), "missed");
	CHECK_STR(call_status_in_db(id), "active");
	CHECK_INT(act("carol", id, "join"), 200); /* late, but the call is open */
	CHECK(wait_status(id, "ended"));          /* longest duration            */
	CHECK_STR(sql("SELECT end_reason FROM nchat_calls WHERE call_id = '%s'", id),
		  "max_duration");
}

static void test_never_connected(void)
{
	start_direct();
	CHECK_INT(act("bob", id, "join"), 200);
	fx_media_in(id, "alice");
	CHECK(wait_status(id, "ended"));
	CHECK_STR(sql("SELECT end_reason FROM nchat_calls WHERE call_id = '%s'", id), "media_lost");
}

/* ---- drain ---- */

static void test_drain(void)
{
	char one[64], two[64];

	start_group();
	snprintf(one, sizeof(one), "%s", id);
	CHECK_INT(act("bob", one, "join"), 200);
	CHECK_INT(act("alice", one, "leave"), 200);
	CHECK_INT(act("bob", one, "leave"), 200);
	start_group();
	snprintf(two, sizeof(two), "%s", id);
	CHECK_INT(act("bob", two, "join"), 200);
	CHECK_STR(call_status_in_db(one), "active"); /* somebody may come back */
	stoa_test_drain(3600000);
	CHECK(wait_status(one, "ended")); /* long before empty-timeout */
	CHECK_STR(sql("SELECT end_reason FROM nchat_calls WHERE call_id = '%s'", one), "empty");
	CHECK_INT(post("alice", "/api/calls/initiate",
		       "{\"targetUserId\":\"bob\",\"type\":\"video\"}"),
		  503);
	CHECK_STR(call_status_in_db(two), "active"); /* goes on until they are done */
	CHECK_INT(act("bob", two, "leave"), 200);
	CHECK_INT(act("alice", two, "leave"), 200);
	CHECK(wait_status(two, "ended"));
}

/* ---- restart ---- */

static void test_restart(void)
{
	char ringing[64], active[64], initiating[64];

	start_direct();
	snprintf(ringing, sizeof(ringing), "%s", id);
	start_group();
	snprintf(active, sizeof(active), "%s", id);
	CHECK_INT(act("bob", id, "join"), 200);
	fx_media_in(id, "bob");
	start_direct();
	snprintf(initiating, sizeof(initiating), "%s", id);
	sql("UPDATE nchat_calls SET status = 'initiating' WHERE call_id = '%s'", id);
	fx_end();

	fx_open("");
	CHECK_STR(call_status_in_db(ringing), "ended");
	CHECK_STR(call_status_in_db(active), "ended");
	CHECK_STR(call_status_in_db(initiating), "failed");
	CHECK_STR(sql("SELECT end_reason FROM nchat_calls WHERE call_id = '%s'", active),
		  "server_restart");
	CHECK_STR(part_in_db(active, "bob"), "left");
	CHECK_STR(part_in_db(active, "carol"), "missed");
	CHECK_STR(sql("SELECT status FROM nchat_webrtc_connections WHERE call_id = '%s'", active),
		  "disconnected");
	CHECK_STR(sql("SELECT count(*) FROM nchat_calls WHERE status IN ('initiating', 'ringing', "
		      "'active')"),
		  "0");
	stoa_test_run_until(NULL, NULL, 100);
	CHECK_INT(fx_count("call.ended", "", active), 1);
	CHECK_INT(act("bob", active, "join"), 409);
}

int main(void)
{
	snprintf(fx_dir, sizeof(fx_dir), "/tmp/stoa-calls-XXXXXX");
	CHECK(mkdtemp(fx_dir) != NULL);

	fx_open("");
	test_direct();
	test_declined();
	test_cancelled();
	test_group_end();
	test_channel();
	test_forbidden();
	test_bad_input();
	test_hooks();
	test_lists();
	test_get();
	test_idempotency();
	test_disagreement();
	fx_end();

	fx_open("");
	test_drain();
	fx_end();

	/* fx_begin() alone: what is asked before it is ready waits for its answer */
	fx_begin("");
	CHECK_INT(get("bob", "/api/calls", NULL), 200);
	fx_end();

	fx_open(", empty-timeout: 100ms, lost-timeout: 1s");
	test_media();
	test_sharing();
	fx_end();

	fx_open(", ring-timeout: 1s, max-duration: 3s");
	test_missed();
	fx_end();

	fx_open(", connect-timeout: 1s");
	test_never_connected();
	test_restart();
	fx_end();
	fx_clean();
	return check_done();
}
