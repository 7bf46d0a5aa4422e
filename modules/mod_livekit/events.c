/* SPDX-License-Identifier: Apache-2.0 */
/* From the sfu's notifications to what clients are told. Participants and their tracks go through
 * room_mark(), so that a burst of changes is one message. All on ctl. */
#include "events.h"

#include "render.h"
#include "session.h"

#include <errno.h>

static void mark(struct livekit *lk, stoa_room_id room, stoa_participant_id p)
{
	struct room *r = room_find(lk, room);

	if (r)
		room_mark(r, p);
}

static void on_room_updated(const struct stoa_room_info *room, void *user)
{
	struct room *r = room_find(user, room->id);
	stoa_auto(wire_arena_free) struct wire_arena *a = r ? wire_arena_new(WIRE_ARENA_MAX) : NULL;
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__RoomUpdate update = LK__ROOM_UPDATE__INIT;

	if (!a || !(update.room = render_room(a, room)))
		return;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_ROOM_UPDATE;
	msg.room_update = &update;
	room_send(r, &msg, NULL);
}

static void on_participant(const struct stoa_participant_info *p, void *user)
{
	mark(user, p->room, p->id);
}

static void on_participant_left(const struct stoa_participant_info *p, void *user)
{
	struct session *s = session_find(user, p->id);
	struct room *r = room_find(user, p->room);

	if (s) {
		stoa_list_unlink(&s->in_room); /* hears why it left, not that somebody did */
		stoa_list_init(&s->in_room);
	}
	if (r)
		room_tell_left(r, p);
	if (s)
		session_gone(s, p->leave_reason);
}

static void mark_owner(struct livekit *lk, const struct stoa_track_info *t)
{
	const struct stoa_participant_info *p;

	if (stoa_sfu_participant_get(&lk->sfu, t->participant, &p) == 0)
		mark(lk, p->room, p->id);
}

static void on_track(const struct stoa_track_info *t, void *user)
{
	if (render_is_visible(t))
		mark_owner(user, t);
}

static void on_track_unpublished(const struct stoa_track_info *t, void *user)
{
	struct livekit *lk = user;
	struct session *s = session_find(lk, t->participant);
	const struct stoa_participant_info *p;
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__TrackUnpublishedResponse gone = LK__TRACK_UNPUBLISHED_RESPONSE__INIT;

	/* One that ends with its participant is not told: a client that is asked to join anew would
	 * take its camera for withdrawn and come back without it. */
	if (stoa_sfu_participant_get(&lk->sfu, t->participant, &p) != 0)
		return;
	mark(lk, p->room, p->id);
	if (!s)
		return;
	gone.track_sid = (char *)(uintptr_t)t->sid;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_TRACK_UNPUBLISHED;
	msg.track_unpublished = &gone;
	session_send(s, &msg);
}

static void on_offer_needed(stoa_participant_id p, stoa_transport_id t, uint32_t audios,
			    uint32_t videos, void *user)
{
	struct session *s = session_find(user, p);
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__MediaSectionsRequirement need = LK__MEDIA_SECTIONS_REQUIREMENT__INIT;

	if (!s || s->transport != t)
		return;
	room_flush(s->room);
	need.num_audios = audios;
	need.num_videos = videos;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_MEDIA_SECTIONS_REQUIREMENT;
	msg.media_sections_requirement = &need;
	session_send(s, &msg);
}

static void on_mute_asked(stoa_participant_id p, stoa_track_id t, bool muted, void *user)
{
	struct livekit *lk = user;
	struct session *s = session_find(lk, p);
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__MuteTrackRequest mute = LK__MUTE_TRACK_REQUEST__INIT;
	const struct stoa_track_info *track;

	if (!s || stoa_sfu_track_get(&lk->sfu, t, &track) != 0)
		return;
	mute.sid = (char *)(uintptr_t)track->sid;
	mute.muted = muted;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_MUTE;
	msg.mute = &mute;
	session_send(s, &msg);
}

static void on_transport_state(stoa_transport_id t, stoa_participant_id p, bool is_connected,
			       void *user)
{
	struct session *s = session_find(user, p);

	if (s && s->transport == t)
		session_transport_changed(s, is_connected);
}

static void on_speakers_changed(stoa_room_id room, const stoa_participant_id *who,
				const float *levels, uint32_t n, void *user)
{
	struct livekit *lk = user;
	struct room *r = room_find(lk, room);
	stoa_auto(wire_arena_free) struct wire_arena *a = r ? wire_arena_new(WIRE_ARENA_MAX) : NULL;
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__SpeakersChanged changed = LK__SPEAKERS_CHANGED__INIT;
	const struct stoa_participant_info *p;

	changed.speakers = a ? wire_alloc(a, n * sizeof(*changed.speakers)) : NULL;
	if (!changed.speakers)
		return;
	for (uint32_t i = 0; i < n; i++)
		if (stoa_sfu_participant_get(&lk->sfu, who[i], &p) == 0 && !p->permission.hidden)
			changed.speakers[changed.n_speakers++] = render_speaker(a, p, levels[i]);
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_SPEAKERS_CHANGED;
	msg.speakers_changed = &changed;
	if (changed.n_speakers && !wire_failed(a))
		room_send(r, &msg, NULL);
}

static void on_quality_changed(stoa_participant_id id, enum stoa_connection_quality q, float score,
			       void *user)
{
	struct livekit *lk = user;
	const struct stoa_participant_info *p;
	struct room *r;
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__ConnectionQualityUpdate update = LK__CONNECTION_QUALITY_UPDATE__INIT;
	Lk__ConnectionQualityInfo info = LK__CONNECTION_QUALITY_INFO__INIT, *infos = &info;

	if (stoa_sfu_participant_get(&lk->sfu, id, &p) != 0 || p->permission.hidden ||
	    !(r = room_find(lk, p->room)))
		return;
	info.participant_sid = (char *)(uintptr_t)p->sid;
	info.quality = (Lk__ConnectionQuality)q;
	info.score = score;
	update.updates = &infos;
	update.n_updates = 1;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_CONNECTION_QUALITY;
	msg.connection_quality = &update;
	room_send(r, &msg, NULL);
}

static void on_subscription_failed(stoa_participant_id p, stoa_track_id t, int err, void *user)
{
	struct livekit *lk = user;
	struct session *s = session_find(lk, p);
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__SubscriptionResponse no = LK__SUBSCRIPTION_RESPONSE__INIT;
	const struct stoa_track_info *track;

	if (!s || stoa_sfu_track_get(&lk->sfu, t, &track) != 0)
		return;
	no.track_sid = (char *)(uintptr_t)track->sid;
	no.err = err == -ENOTSUP ? LK__SUBSCRIPTION_ERROR__SE_CODEC_UNSUPPORTED
				 : LK__SUBSCRIPTION_ERROR__SE_UNKNOWN;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_SUBSCRIPTION_RESPONSE;
	msg.subscription_response = &no;
	session_send(s, &msg);
}

const struct stoa_sfu_events livekit_events = {
	.size = sizeof(livekit_events),
	.room_updated = on_room_updated,
	.participant_joined = on_participant,
	.participant_updated = on_participant,
	.participant_left = on_participant_left,
	.track_published = on_track,
	.track_updated = on_track,
	.track_unpublished = on_track_unpublished,
	.offer_needed = on_offer_needed,
	.mute_asked = on_mute_asked,
	.transport_state = on_transport_state,
	.speakers_changed = on_speakers_changed,
	.quality_changed = on_quality_changed,
	.subscription_failed = on_subscription_failed,
};
