/* SPDX-License-Identifier: Apache-2.0 */
/* RoomService: participants, their tracks and subscriptions. Hidden participants are listed here,
 * for that is how a backend sees its recorders. */
#include "attributes.h"
#include "render.h"
#include "room_service.h"

#include <errno.h>

static const struct twirp_error no_track = { "not_found", "track is not found", "track_sid" };

static const struct twirp_error *answer_participant(struct twirp_call *c, stoa_participant_id id)
{
	const struct stoa_participant_info *p;
	Lk__ParticipantInfo *r;
	int err = stoa_sfu_participant_get(&c->lk->sfu, id, &p);

	if (err)
		return room_service_error(err);
	r = render_participant(c->arena, c->lk, p);
	c->out = r ? &r->base : NULL;
	return NULL;
}

static size_t count_participants(const struct stoa_sfu *sfu, stoa_room_id room)
{
	stoa_participant_id id = 0;
	size_t n = 0;

	while (stoa_sfu_participant_next(sfu, room, id, &id) == 0)
		n++;
	return n;
}

/* A room that is not there has nobody in it: livekit-server answers so, and backends poll it. */
const struct twirp_error *list_participants(struct twirp_call *c)
{
	const Lk__ListParticipantsRequest *in = (const Lk__ListParticipantsRequest *)c->in;
	Lk__ListParticipantsResponse *out = (Lk__ListParticipantsResponse *)room_service_answer(
		c, &lk__list_participants_response__descriptor);
	const struct stoa_participant_info *p;
	stoa_participant_id id = 0;
	stoa_room_id room = 0;
	size_t max;

	if (!out || stoa_sfu_room_find(&c->lk->sfu, in->room, &room) != 0)
		return NULL;
	max = count_participants(&c->lk->sfu, room);
	out->participants = wire_alloc(c->arena, max * sizeof(Lk__ParticipantInfo *));
	while (out->participants && out->n_participants < max &&
	       stoa_sfu_participant_next(&c->lk->sfu, room, id, &id) == 0) {
		if (stoa_sfu_participant_get(&c->lk->sfu, id, &p) != 0)
			continue;
		out->participants[out->n_participants] = render_participant(c->arena, c->lk, p);
		if (!out->participants[out->n_participants])
			break;
		out->n_participants++;
	}
	return NULL;
}

const struct twirp_error *get_participant(struct twirp_call *c)
{
	const Lk__RoomParticipantIdentity *in = (const Lk__RoomParticipantIdentity *)c->in;
	stoa_participant_id id = 0;
	const struct twirp_error *e = room_service_find_participant(c, in->room, in->identity, &id);

	return e ? e : answer_participant(c, id);
}

const struct twirp_error *remove_participant(struct twirp_call *c)
{
	const Lk__RoomParticipantIdentity *in = (const Lk__RoomParticipantIdentity *)c->in;
	stoa_participant_id id = 0;
	const struct twirp_error *e = room_service_find_participant(c, in->room, in->identity, &id);

	if (!e)
		e = room_service_error(stoa_sfu_leave(&c->lk->sfu, id, STOA_LEAVE_REMOVED));
	if (!e)
		room_service_answer(c, &lk__remove_participant_response__descriptor);
	return e;
}

static void read_permission(const Lk__ParticipantPermission *from, struct stoa_permission *to)
{
	*to = (struct stoa_permission){
		.can_subscribe = from->can_subscribe,
		.can_publish = from->can_publish,
		.can_publish_data = from->can_publish_data,
		.can_update_own_metadata = from->can_update_metadata,
		.hidden = from->hidden,
		.recorder = from->recorder,
	};
	for (size_t i = 0; i < from->n_can_publish_sources; i++)
		if ((unsigned)from->can_publish_sources[i] <= STOA_SOURCE_SCREEN_AUDIO)
			to->publish_sources |= 1u << (unsigned)from->can_publish_sources[i];
}

const struct twirp_error *update_participant(struct twirp_call *c)
{
	static const struct twirp_error too_long = {
		"invalid_argument", "name, metadata or attributes exceed their limits", NULL
	};
	const Lk__UpdateParticipantRequest *in = (const Lk__UpdateParticipantRequest *)c->in;
	struct stoa_participant_info changed;
	const struct stoa_participant_info *p;
	stoa_participant_id id = 0;
	const struct twirp_error *e = room_service_find_participant(c, in->room, in->identity, &id);
	int err;

	if (e)
		return e;
	err = stoa_sfu_participant_get(&c->lk->sfu, id, &p);
	if (err)
		return room_service_error(err);
	changed = *p;
	err = attributes_merge(c->arena, &changed, in->n_attributes,
			       (const ProtobufCMessage *const *)in->attributes);
	if (in->name[0])
		changed.name = in->name;
	if (in->metadata[0])
		changed.metadata = in->metadata;
	if (in->permission)
		read_permission(in->permission, &changed.permission);
	if (!err)
		err = stoa_sfu_participant_update(&c->lk->sfu, &changed);
	if (err)
		return err == -EINVAL || err == -E2BIG ? &too_long : room_service_error(err);
	return answer_participant(c, id);
}

/* The track of this participant; somebody else's of the same room is not found. */
static const struct twirp_error *find_track(struct twirp_call *c,
					    const Lk__MuteRoomTrackRequest *in,
					    stoa_track_id *ret_track)
{
	const struct stoa_track_info *t;
	stoa_participant_id id = 0;
	stoa_room_id room = 0;
	const struct twirp_error *e = room_service_find_participant(c, in->room, in->identity, &id);

	if (!e)
		e = room_service_find_room(c, in->room, &room);
	if (e)
		return e;
	if (stoa_sfu_track_find(&c->lk->sfu, room, in->track_sid, ret_track) != 0 ||
	    stoa_sfu_track_get(&c->lk->sfu, *ret_track, &t) != 0 || t->participant != id)
		return &no_track;
	return NULL;
}

const struct twirp_error *mute_published_track(struct twirp_call *c)
{
	static const struct twirp_error no_unmute = { "failed_precondition",
						      "remote unmute not enabled", NULL };
	const Lk__MuteRoomTrackRequest *in = (const Lk__MuteRoomTrackRequest *)c->in;
	const struct stoa_track_info *t;
	Lk__MuteRoomTrackResponse *out;
	stoa_track_id id;
	const struct twirp_error *e = find_track(c, in, &id);
	int err;

	if (e)
		return e;
	if (!in->muted && !c->lk->set.remote_unmute)
		return &no_unmute;
	err = stoa_sfu_track_set_muted(&c->lk->sfu, id, in->muted, true);
	if (!err)
		err = stoa_sfu_track_get(&c->lk->sfu, id, &t);
	if (err)
		return err == -ENOENT ? &no_track : room_service_error(err);
	out = (Lk__MuteRoomTrackResponse *)room_service_answer(
		c, &lk__mute_room_track_response__descriptor);
	if (out)
		out->track = render_track(c->arena, t);
	return NULL;
}

/* All that can be done is done; the first thing that cannot is told. To give up what is not there is
 * done already. */
static const struct twirp_error *subscribe(struct twirp_call *c, stoa_participant_id p,
					   char *const *sids, size_t n, bool wanted)
{
	static const struct twirp_error not_allowed = { "failed_precondition",
							"the participant may not subscribe", NULL };
	static const struct twirp_error own = { "invalid_argument",
						"a participant does not subscribe to itself",
						"track_sids" };
	const struct stoa_participant_info *who;
	const struct twirp_error *first = NULL;
	stoa_track_id t;
	int err;

	for (size_t i = 0; i < n; i++) {
		err = stoa_sfu_participant_get(&c->lk->sfu, p, &who);
		if (!err)
			err = stoa_sfu_track_find(&c->lk->sfu, who->room, sids[i], &t);
		if (!err)
			err = stoa_sfu_subscribe(&c->lk->sfu, p, t, wanted);
		if (!err || first || (err == -ENOENT && !wanted))
			continue;
		first = err == -ENOENT   ? &no_track
			: err == -EACCES ? &not_allowed
			: err == -EINVAL ? &own
					 : room_service_error(err);
	}
	return first;
}

const struct twirp_error *update_subscriptions(struct twirp_call *c)
{
	static const struct twirp_error too_many = { "invalid_argument", "too many tracks",
						     "track_sids" };
	const Lk__UpdateSubscriptionsRequest *in = (const Lk__UpdateSubscriptionsRequest *)c->in;
	size_t n = in->n_track_sids;
	stoa_participant_id p = 0;
	const struct twirp_error *e = room_service_find_participant(c, in->room, in->identity, &p),
				 *next;

	for (size_t i = 0; i < in->n_participant_tracks; i++)
		n += in->participant_tracks[i]->n_track_sids;
	if (e || n > LK_SIDS_MAX)
		return e ? e : &too_many;
	e = subscribe(c, p, in->track_sids, in->n_track_sids, in->subscribe);
	for (size_t i = 0; i < in->n_participant_tracks; i++) {
		const Lk__ParticipantTracks *of = in->participant_tracks[i];

		next = subscribe(c, p, of->track_sids, of->n_track_sids, in->subscribe);
		e = e ? e : next;
	}
	if (!e)
		room_service_answer(c, &lk__update_subscriptions_response__descriptor);
	return e;
}
