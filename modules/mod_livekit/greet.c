/* SPDX-License-Identifier: Apache-2.0 */
/* What a client hears first. livekit-client drops everything before `join` or `reconnect`, refuses
 * to publish without its permission in `join`, and forgets media of participants it has not heard
 * of: so these messages are whole, and nothing is sent earlier. */
#include "greet.h"

#include "render.h"

#include <errno.h>

/* Video codecs that are forwarded; clients fall back to the first when they want another. With the
 * list they offer at once, without waiting for track_published. */
static Lk__Codec codec_vp8 = { .base = PROTOBUF_C_MESSAGE_INIT(&lk__codec__descriptor),
			       .mime = (char *)(uintptr_t) "video/VP8",
			       .fmtp_line = (char *)(uintptr_t) "" };
static Lk__Codec codec_h264 = { .base = PROTOBUF_C_MESSAGE_INIT(&lk__codec__descriptor),
				.mime = (char *)(uintptr_t) "video/H264",
				.fmtp_line = (char *)(uintptr_t) "" };
static Lk__Codec *const publish_codecs[] = { &codec_vp8, &codec_h264 };

/* Everybody but `self` (0: everybody) that may be seen. Yields the number, the list in `ret`. */
static size_t render_others(struct wire_arena *a, struct session *s, stoa_participant_id self,
			    Lk__ParticipantInfo ***ret)
{
	const struct stoa_participant_info *p;
	stoa_participant_id id = 0;
	size_t n = 0, max = 0;

	while (stoa_sfu_participant_next(&s->lk->sfu, s->room->id, id, &id) == 0)
		max++;
	*ret = max ? wire_alloc(a, max * sizeof(**ret)) : NULL;
	id = 0;
	while (*ret && n < max &&
	       stoa_sfu_participant_next(&s->lk->sfu, s->room->id, id, &id) == 0) {
		if (id == self || stoa_sfu_participant_get(&s->lk->sfu, id, &p) != 0)
			continue;
		if (p->permission.hidden && id != s->participant)
			continue;
		(*ret)[n++] = render_participant(a, s->lk, p);
	}
	return n;
}

int greet_join(struct session *s)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(RENDER_ARENA_MAX);
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__JoinResponse join = LK__JOIN_RESPONSE__INIT;
	const struct stoa_participant_info *self;
	const struct stoa_room_info *room;

	if (!a || stoa_sfu_room_get(&s->lk->sfu, s->room->id, &room) != 0 ||
	    stoa_sfu_participant_get(&s->lk->sfu, s->participant, &self) != 0)
		return -ENOMEM;
	join.room = render_room(a, room);
	join.participant = render_participant(a, s->lk, self);
	join.n_other_participants = render_others(a, s, s->participant, &join.other_participants);
	join.server_info = render_server(a);
	join.server_version = (char *)(uintptr_t)LK_VERSION;
	join.ping_interval = (int32_t)s->lk->set.ping_interval_s;
	join.ping_timeout = (int32_t)s->lk->set.ping_timeout_s;
	join.ice_servers = render_ice_servers(a, s->lk, self->identity, &join.n_ice_servers);
	join.enabled_publish_codecs = (Lk__Codec **)(uintptr_t)publish_codecs;
	join.n_enabled_publish_codecs = STOA_ARRAY_SIZE(publish_codecs);
	join.fast_publish = self->permission.can_publish;
	if (wire_failed(a))
		return -ENOMEM;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_JOIN;
	msg.join = &join;
	session_send(s, &msg);
	return 0;
}

static void send_everybody(struct wire_arena *a, struct session *s)
{
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__ParticipantUpdate update = LK__PARTICIPANT_UPDATE__INIT;

	update.n_participants = render_others(a, s, 0, &update.participants);
	if (wire_failed(a))
		return;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_UPDATE;
	msg.update = &update;
	session_send(s, &msg);
}

static void send_room(struct wire_arena *a, struct session *s, const struct stoa_room_info *room)
{
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__RoomUpdate update = LK__ROOM_UPDATE__INIT;

	update.room = render_room(a, room);
	if (!update.room)
		return;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_ROOM_UPDATE;
	msg.room_update = &update;
	session_send(s, &msg);
}

void greet_speakers(struct session *s, bool with_silent)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(RENDER_ARENA_MAX);
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__SpeakersChanged now = LK__SPEAKERS_CHANGED__INIT;
	const struct stoa_participant_info *p;
	stoa_participant_id id = 0;
	size_t max = 0;

	while (stoa_sfu_participant_next(&s->lk->sfu, s->room->id, id, &id) == 0)
		max++;
	now.speakers = a ? wire_alloc(a, max * sizeof(*now.speakers)) : NULL;
	id = 0;
	while (now.speakers && now.n_speakers < max &&
	       stoa_sfu_participant_next(&s->lk->sfu, s->room->id, id, &id) == 0) {
		if (stoa_sfu_participant_get(&s->lk->sfu, id, &p) != 0 || p->permission.hidden)
			continue;
		if (p->audio_level > 0 || (with_silent && p->is_publisher))
			now.speakers[now.n_speakers++] = render_speaker(a, p, p->audio_level);
	}
	if (now.n_speakers == 0 || wire_failed(a))
		return;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_SPEAKERS_CHANGED;
	msg.speakers_changed = &now;
	session_send(s, &msg);
}

int greet_resume(struct session *s)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(RENDER_ARENA_MAX);
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__ReconnectResponse again = LK__RECONNECT_RESPONSE__INIT;
	const struct stoa_room_info *room;

	if (!a || stoa_sfu_room_get(&s->lk->sfu, s->room->id, &room) != 0)
		return -ENOMEM;
	again.server_info = render_server(a);
	again.ice_servers = render_ice_servers(a, s->lk, session_name(s), &again.n_ice_servers);
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_RECONNECT;
	msg.reconnect = &again;
	session_send(s, &msg);
	send_everybody(a, s);
	send_room(a, s, room);
	greet_speakers(s, true);
	return 0;
}

void greet_token(struct session *s)
{
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	struct stoa_media_grant grant = *s->grant;
	const struct stoa_participant_info *p;
	struct stoa_buf token = { 0 };
	int err;

	s->refresh_at_ms = stoa_now_ms() + s->lk->set.token_refresh_ms;
	if (stoa_sfu_participant_get(&s->lk->sfu, s->participant, &p) != 0)
		return;
	grant.name = p->name;
	grant.metadata = p->metadata;
	grant.attributes = p->attributes;
	grant.n_attributes = p->n_attributes;
	grant.permission = p->permission;
	err = stoa_auth_media_sign(&s->lk->auth, &grant, (int64_t)s->lk->set.token_ttl_ms, &token);
	stoa_buf_add(&token, "", 1);
	if (err || token.failed) {
		stoa_log(s->lk->mod, STOA_LOG_WARN, "identity=%s no fresh token: %s", p->identity,
			 strerror(err ? -err : ENOMEM));
	} else {
		msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_REFRESH_TOKEN;
		msg.refresh_token = token.p;
		session_send(s, &msg);
	}
	stoa_buf_free(&token);
}

void greet_leave(struct conn *c, enum stoa_leave_reason why, Lk__LeaveRequest__Action action)
{
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__LeaveRequest leave = LK__LEAVE_REQUEST__INIT;

	leave.reason = (Lk__DisconnectReason)why;
	leave.action = action;
	leave.can_reconnect = action != LK__LEAVE_REQUEST__ACTION__DISCONNECT;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_LEAVE;
	msg.leave = &leave;
	conn_send(c, &msg);
}
