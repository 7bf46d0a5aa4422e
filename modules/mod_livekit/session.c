/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a session: begins with a socket, may change sockets, ends when the sfu says that the
 * participant is gone. Every end takes that one way, whoever wanted it (the client, a second join
 * with the same identity, a closed room, a lost transport). */
#include "session.h"

#include "access.h"

#include "greet.h"
#include "handlers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* livekit-client raises no event for speakers before it calls itself connected, a little later than
 * we do: a newcomer hears once more. */
#define SPEAKERS_AGAIN_MS 1000

struct session *session_find(struct livekit *lk, stoa_participant_id p)
{
	return stoa_map_get(lk->by_participant, id_key(&p));
}

const char *session_name(const struct session *s)
{
	return s->grant->identity;
}

struct session *session_find_identity(const struct room *r, const char *identity)
{
	struct session *s;

	stoa_list_for_each (s, &r->sessions, struct session, in_room)
		if (strcmp(session_name(s), identity) == 0)
			return s;
	return NULL;
}

void session_send(struct session *s, const Lk__SignalResponse *r)
{
	if (s->conn)
		conn_send(s->conn, r);
}

/* ---- sockets of a session ---- */

static void detach(struct session *s)
{
	if (!s->conn)
		return;
	s->conn->session = NULL;
	conn_unref(s->conn);
	s->conn = NULL;
}

static void attach(struct session *s, struct conn *c)
{
	detach(s);
	c->session = s;
	s->conn = conn_ref(c);
	conn_unref(s->grant_owner);
	s->grant_owner = conn_ref(c);
	s->grant = c->grant;
}

/* ---- join ---- */

static void session_free(struct session *s)
{
	struct room *room = s->room;

	detach(s);
	stoa_list_unlink(&s->in_all);
	stoa_list_unlink(&s->in_room);
	stoa_map_remove(s->lk->by_participant, id_key(&s->participant));
	stoa_map_remove(s->lk->by_sid, stoa_str(s->sid));
	if (room)
		room_drop(room);
	if (s->lk->is_draining && stoa_list_empty(&s->lk->sessions))
		stoa_mod_drained(s->lk->mod);
	conn_unref(s->grant_owner);
	free(s);
}

static int open_room(struct livekit *lk, const char *name, stoa_room_id *ret_room)
{
	struct stoa_room_info want = {
		.size = sizeof(want),
		.name = name,
		.metadata = "",
		.empty_timeout_s = lk->set.empty_timeout_s,
		.departure_timeout_s = lk->set.departure_timeout_s,
		.max_participants = lk->set.max_participants,
	};
	int err = stoa_sfu_room_find(&lk->sfu, name, ret_room);

	if (err != -ENOENT || !lk->set.auto_create)
		return err;
	return stoa_sfu_room_open(&lk->sfu, &want, ret_room);
}

static int join_room(struct session *s, const struct stoa_media_grant *g, const Lk__JoinRequest *j)
{
	const Lk__ClientInfo *client = j->client_info;
	const Lk__ConnectionSettings *settings = j->connection_settings;
	struct stoa_participant_info want = {
		.size = sizeof(want),
		.identity = g->identity,
		.name = g->name,
		.metadata = g->metadata,
		.attributes = g->attributes,
		.n_attributes = g->n_attributes,
		.kind = g->kind,
		.permission = g->permission,
		.auto_subscribe = !settings || settings->auto_subscribe,
		.adaptive_stream = settings && settings->adaptive_stream,
	};

	if (client) {
		want.client_protocol = (uint32_t)client->client_protocol;
		want.capabilities = (const uint32_t *)client->capabilities;
		want.n_capabilities = (uint32_t)client->n_capabilities;
	}
	return stoa_sfu_join(&s->lk->sfu, s->room->id, &want, &s->participant);
}

/* Makes the session known under its ids. */
static int enter(struct session *s)
{
	const struct stoa_participant_info *p;
	int err = stoa_sfu_participant_get(&s->lk->sfu, s->participant, &p);

	if (!err)
		err = stoa_sfu_transport_open(&s->lk->sfu, s->participant, &s->transport);
	if (err)
		return err;
	snprintf(s->sid, sizeof(s->sid), "%s", p->sid);
	err = stoa_map_set(s->lk->by_participant, id_key(&s->participant), s, NULL);
	if (!err)
		err = stoa_map_set(s->lk->by_sid, stoa_str(s->sid), s, NULL);
	return err;
}

static int session_new(struct conn *c, struct session **ret_session)
{
	struct session *s = calloc(1, sizeof(*s));
	stoa_room_id room;
	int err = s ? access_of_call(c->lk, c->grant) : -ENOMEM;

	if (!err)
		err = open_room(c->lk, c->grant->room, &room);
	if (err)
		goto fail;
	s->lk = c->lk;
	stoa_list_init(&s->in_all);
	stoa_list_init(&s->in_room);
	s->room = room_get(c->lk, room);
	if (!s->room) {
		err = -ENOMEM;
		goto fail;
	}
	err = join_room(s, c->grant, c->join->msg);
	if (err)
		goto fail_room;
	err = enter(s);
	if (err)
		goto fail_joined;
	s->give_up_at_ms = stoa_now_ms() + c->lk->set.connect_timeout_ms;
	attach(s, c);
	*ret_session = s;
	return 0;

fail_joined:
	(void)stoa_sfu_leave(&c->lk->sfu, s->participant, STOA_LEAVE_JOIN_FAILURE);
	stoa_map_remove(c->lk->by_participant, id_key(&s->participant));
	stoa_map_remove(c->lk->by_sid, stoa_str(s->sid));
fail_room:
	room_drop(s->room);
fail:
	free(s);
	return err;
}

/* What else the join request asks for: tracks, and an answer to its offer. */
static void apply_join(struct session *s, struct conn *c)
{
	const Lk__JoinRequest *j = c->join->msg;

	for (size_t i = 0; i < j->n_add_track_requests; i++)
		handlers_add_track(s, j->add_track_requests[i]);
	if (c->offer)
		session_offer(s, stoa_take(c->offer), j->publisher_offer->id);
}

static void session_join(struct conn *c)
{
	struct session *s = NULL;
	int err = session_new(c, &s);

	if (err) {
		stoa_log(c->lk->mod, STOA_LOG_NOTICE, "room=%s identity=%s not joined: %s",
			 c->grant->room, c->grant->identity, strerror(-err));
		greet_leave(c, STOA_LEAVE_JOIN_FAILURE, LK__LEAVE_REQUEST__ACTION__DISCONNECT);
		conn_close(c, 1000, "not joined");
		return;
	}
	stoa_metric_add(c->lk->metrics.joins, 1);
	stoa_list_append(&c->lk->sessions, &s->in_all);
	if (greet_join(s) != 0) {
		session_end(s, STOA_LEAVE_JOIN_FAILURE);
		return;
	}
	stoa_list_append(&s->room->sessions, &s->in_room);
	greet_token(s);
	stoa_log(c->lk->mod, STOA_LOG_INFO, "room=%s participant=%s identity=%s joined",
		 c->grant->room, s->sid, c->grant->identity);
	apply_join(s, c);
}

/* ---- resume ---- */

static struct session *find_resumed(struct conn *c)
{
	struct session *s = stoa_map_get(c->lk->by_sid, stoa_str(c->join->msg->participant_sid));

	if (!s || strcmp(session_name(s), c->grant->identity) != 0 ||
	    strcmp(s->grant->room, c->grant->room) != 0)
		return NULL;
	return s;
}

static void session_resume(struct conn *c)
{
	struct session *s = find_resumed(c);

	if (!s) {
		stoa_metric_add(c->lk->metrics.resumes_unknown, 1);
		greet_leave(c, STOA_LEAVE_STATE_MISMATCH, LK__LEAVE_REQUEST__ACTION__RECONNECT);
		conn_close(c, 1000, "nothing to resume");
		return;
	}
	stoa_metric_add(c->lk->metrics.resumes, 1);
	if (s->conn)
		conn_close(s->conn, 1000, "resumed on another socket");
	attach(s, c);
	stoa_log(c->lk->mod, STOA_LOG_INFO, "room=%s participant=%s identity=%s resumed",
		 c->grant->room, s->sid, c->grant->identity);
	room_flush(s->room);
	if (greet_resume(s) != 0) {
		session_end(s, STOA_LEAVE_STATE_MISMATCH);
		return;
	}
	greet_token(s);
	apply_join(s, c);
}

void session_begin(struct conn *c)
{
	const Lk__JoinRequest *j = c->join->msg;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (c->lk->is_stopped)
		return;
	if (j->reconnect && j->participant_sid[0])
		session_resume(c);
	else
		session_join(c);
}

/* ---- the end ---- */

void session_socket_closed(struct conn *c)
{
	struct session *s = c->session;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!s)
		return;
	detach(s);
	if (!s->is_connected)
		session_end(s, STOA_LEAVE_SIGNAL_CLOSE);
}

void session_transport_changed(struct session *s, bool is_connected)
{
	if (is_connected && !s->is_connected) {
		greet_speakers(s, false); /* a newcomer; by now its client knows the others */
		s->speakers_at_ms = stoa_now_ms() + SPEAKERS_AGAIN_MS;
	}
	s->is_connected = is_connected;
	s->give_up_at_ms = is_connected ? 0 : stoa_now_ms() + s->lk->set.media_timeout_ms;
	if (!is_connected && !s->conn)
		session_end(s, STOA_LEAVE_SIGNAL_CLOSE);
}

void session_end(struct session *s, enum stoa_leave_reason why)
{
	/* -ENOENT: it is gone already, and participant_left is on its way */
	(void)stoa_sfu_leave(&s->lk->sfu, s->participant, why);
}

/* Is the client meant to come back by itself? */
static Lk__LeaveRequest__Action leave_action(enum stoa_leave_reason why)
{
	return why == STOA_LEAVE_STATE_MISMATCH || why == STOA_LEAVE_CONNECTION_TIMEOUT
		       ? LK__LEAVE_REQUEST__ACTION__RECONNECT
		       : LK__LEAVE_REQUEST__ACTION__DISCONNECT;
}

void session_gone(struct session *s, enum stoa_leave_reason why)
{
	stoa_log(s->lk->mod, STOA_LOG_INFO, "room=%s participant=%s identity=%s left, reason %d",
		 s->grant->room, s->sid, session_name(s), (int)why);
	if (s->conn && why != STOA_LEAVE_CLIENT)
		greet_leave(s->conn, why, leave_action(why));
	if (s->conn)
		conn_close(s->conn, 1000, "left");
	session_free(s);
}

/* Without this the session would live on fresh tokens, which are dated after the revocation. */
void session_revoked(const struct stoa_event *ev, void *user)
{
	const char *identity = json_string_value(json_object_get(ev->data, "userId"));
	struct livekit *lk = user;
	struct session *s, *next;

	stoa_list_for_each_safe (s, next, &lk->sessions, struct session, in_all) {
		if (identity && strcmp(session_name(s), identity) == 0)
			session_end(s, STOA_LEAVE_SIGNAL_CLOSE);
	}
}

void session_tick(void *user)
{
	struct livekit *lk = user;
	uint64_t now = stoa_now_ms();
	struct session *s, *next;

	stoa_list_for_each_safe (s, next, &lk->sessions, struct session, in_all) {
		if (s->speakers_at_ms && now >= s->speakers_at_ms) {
			s->speakers_at_ms = 0;
			greet_speakers(s, false);
		}
		if (s->give_up_at_ms && now >= s->give_up_at_ms) {
			s->give_up_at_ms = 0;
			session_end(s, STOA_LEAVE_CONNECTION_TIMEOUT);
		} else if (s->conn && now >= s->refresh_at_ms) {
			greet_token(s);
		}
	}
	stoa_timer_set(lk->tick, 1000);
}
