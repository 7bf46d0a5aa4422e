/* SPDX-License-Identifier: Apache-2.0 */
/* The interface `sfu`: ids to objects, objects to what the files of the model do. */
#include "model_state.h"
#include <errno.h>

#define ENTER stoa_assert_thread(STOA_THREAD_CTL)

static const struct stoa_sfu_events no_events; /* of a listener that is gone; its slot is free */

static int op_listen(void *self, struct stoa_mod *mod, const struct stoa_sfu_events *ev, void *user)
{
	struct model *m = self;
	uint32_t i = 0;

	ENTER;
	while (i < m->n_listeners && m->listeners[i].ev != &no_events)
		i++;
	if (i == LISTENERS_MAX)
		return -ENOSPC;
	m->listeners[i] = (struct listener){ mod, ev, user };
	m->n_listeners = i == m->n_listeners ? i + 1 : m->n_listeners;
	return 0;
}

static void op_unlisten(void *self, struct stoa_mod *mod)
{
	struct model *m = self;

	ENTER;
	for (uint32_t i = 0; i < m->n_listeners; i++) /* in place: a flush may be walking them */
		if (m->listeners[i].mod == mod)
			m->listeners[i] = (struct listener){ NULL, &no_events, NULL };
}

/* ---- rooms ---- */

static int op_room_open(void *self, const struct stoa_room_info *want, stoa_room_id *ret_room)
{
	ENTER;
	return room_open(self, want, ret_room);
}

static int op_room_find(void *self, const char *name, stoa_room_id *ret_room)
{
	struct model *m = self;
	struct room *r;

	ENTER;
	if (!(r = stoa_map_get(m->names, stoa_str(name))))
		return -ENOENT;
	*ret_room = r->obj.id;
	return 0;
}

static int op_room_get(void *self, stoa_room_id room, const struct stoa_room_info **ret_info)
{
	struct room *r;

	ENTER;
	if (!(r = model_room(self, room)))
		return -ENOENT;
	*ret_info = room_info(r);
	return 0;
}

static int op_room_next(void *self, stoa_room_id after, stoa_room_id *ret_room)
{
	struct model *m = self;
	struct room *r;

	ENTER;
	stoa_list_for_each (r, &m->rooms, struct room, in_model) { /* ids rise along the list */
		if (r->obj.id > after) {
			*ret_room = r->obj.id;
			return 0;
		}
	}
	return -ENOENT;
}

static int op_room_set_metadata(void *self, stoa_room_id room, const char *metadata)
{
	struct room *r;
	int err;

	ENTER;
	if (!(r = model_room(self, room)))
		return -ENOENT;
	if ((err = text_set(&r->metadata, metadata, BLOB_MAX_BYTES)) < 0)
		return err;
	model_tell(self, EVENT_ROOM_UPDATED, &r->obj);
	return 0;
}

static int op_room_close(void *self, stoa_room_id room, enum stoa_leave_reason why)
{
	struct room *r;

	ENTER;
	if (!(r = model_room(self, room)))
		return -ENOENT;
	room_close(r, why);
	return 0;
}

/* ---- participants ---- */

static int op_join(void *self, stoa_room_id room, const struct stoa_participant_info *want,
		   stoa_participant_id *ret_p)
{
	struct room *r;

	ENTER;
	if (!(r = model_room(self, room)))
		return -ENOENT;
	return participant_join(self, r, want, ret_p);
}

static int op_leave(void *self, stoa_participant_id id, enum stoa_leave_reason why)
{
	struct participant *p;

	ENTER;
	if (!(p = model_participant(self, id)))
		return -ENOENT;
	participant_leave(p, why);
	return 0;
}

static int op_participant_get(void *self, stoa_participant_id id,
			      const struct stoa_participant_info **ret_info)
{
	struct participant *p;

	ENTER;
	if (!(p = model_participant(self, id)))
		return -ENOENT;
	*ret_info = &p->info;
	return 0;
}

static int op_participant_find(void *self, stoa_room_id room, const char *identity,
			       stoa_participant_id *ret_p)
{
	struct participant *p;
	struct room *r;

	ENTER;
	if (!(r = model_room(self, room)) || !(p = room_find_participant(r, identity)))
		return -ENOENT;
	*ret_p = p->obj.id;
	return 0;
}

static int op_participant_next(void *self, stoa_room_id room, stoa_participant_id after,
			       stoa_participant_id *ret_p)
{
	struct participant *p;
	struct room *r;

	ENTER;
	if (!(r = model_room(self, room)))
		return -ENOENT;
	stoa_list_for_each (p, &r->participants, struct participant, in_room) {
		if (p->obj.id > after) {
			*ret_p = p->obj.id;
			return 0;
		}
	}
	return -ENOENT;
}

static int op_participant_update(void *self, const struct stoa_participant_info *changed)
{
	struct participant *p;

	ENTER;
	if (!(p = model_participant(self, changed->id)))
		return -ENOENT;
	return participant_update(p, changed);
}

/* ---- tracks ---- */

static int op_track_announce(void *self, stoa_participant_id id, const struct stoa_track_info *want,
			     stoa_track_id *ret_t)
{
	struct participant *p;

	ENTER;
	if (!(p = model_participant(self, id)))
		return -ENOENT;
	return track_announce(p, want, ret_t);
}

static int op_track_unpublish(void *self, stoa_track_id id)
{
	struct track *t;

	ENTER;
	if (!(t = model_track(self, id)))
		return -ENOENT;
	track_unpublish(t);
	return 0;
}

static int op_track_get(void *self, stoa_track_id id, const struct stoa_track_info **ret_info)
{
	struct track *t;

	ENTER;
	if (!(t = model_track(self, id)))
		return -ENOENT;
	*ret_info = &t->info;
	return 0;
}

static int op_track_find(void *self, stoa_room_id room, const char *sid, stoa_track_id *ret_t)
{
	struct participant *p;
	struct room *r;
	struct track *t;

	ENTER;
	if (!(r = model_room(self, room)))
		return -ENOENT;
	stoa_list_for_each (p, &r->participants, struct participant, in_room) {
		stoa_list_for_each (t, &p->tracks, struct track, in_owner) {
			if (strcmp(t->sid, sid) == 0) {
				*ret_t = t->obj.id;
				return 0;
			}
		}
	}
	return -ENOENT;
}

static int op_track_next(void *self, stoa_participant_id id, stoa_track_id after,
			 stoa_track_id *ret_t)
{
	struct participant *p;
	struct track *t;

	ENTER;
	if (!(p = model_participant(self, id)))
		return -ENOENT;
	stoa_list_for_each (t, &p->tracks, struct track, in_owner) {
		if (t->obj.id > after) {
			*ret_t = t->obj.id;
			return 0;
		}
	}
	return -ENOENT;
}

static int op_track_set_muted(void *self, stoa_track_id id, bool muted, bool by_server)
{
	struct track *t;

	ENTER;
	if (!(t = model_track(self, id)))
		return -ENOENT;
	track_set_muted(t, muted, by_server);
	return 0;
}

static int op_subscribe(void *self, stoa_participant_id p_id, stoa_track_id t_id, bool wanted)
{
	struct participant *p;
	struct track *t;

	ENTER;
	if (!(p = model_participant(self, p_id)) || !(t = model_track(self, t_id)))
		return -ENOENT;
	return subscription_want(p, t, wanted);
}

static int op_set_track_settings(void *self, stoa_participant_id p_id, stoa_track_id t_id,
				 const struct stoa_track_settings *s)
{
	struct participant *p;
	struct track *t;

	ENTER;
	if (!(p = model_participant(self, p_id)) || !(t = model_track(self, t_id)))
		return -ENOENT;
	return subscription_set(p, t, s);
}

/* ---- transports ---- */

static int op_sdp_parse(void *self, struct stoa_str text, struct stoa_sdp **ret_sdp)
{
	(void)self;
	return sdp_parse(text, ret_sdp);
}

static void op_sdp_free(void *self, struct stoa_sdp *sdp)
{
	(void)self;
	sdp_free(sdp);
}

static int op_transport_open(void *self, stoa_participant_id id, stoa_transport_id *ret_t)
{
	struct participant *p;

	ENTER;
	if (!(p = model_participant(self, id)))
		return -ENOENT;
	return connection_open(p, ret_t);
}

static int op_transport_close(void *self, stoa_transport_id id)
{
	struct connection *t;

	ENTER;
	if (!(t = model_connection(self, id)))
		return -ENOENT;
	connection_close(t);
	return 0;
}

static int op_transport_offer(void *self, stoa_transport_id id, struct stoa_sdp *offer_take,
			      stoa_sfu_answer_fn *fn, void *user)
{
	struct connection *t = model_connection(self, id);
	struct stoa_answer *answer = NULL;
	int err;

	ENTER;
	if (!t) {
		sdp_free(offer_take);
		return -ENOENT;
	}
	err = connection_apply_offer(t, offer_take, &answer);
	sdp_free(offer_take);
	return model_tell_answer(t, err, answer, fn, user);
}

static int op_transport_candidate(void *self, stoa_transport_id id, struct stoa_str candidate)
{
	ENTER;
	if (!model_connection(self, id))
		return -ENOENT;
	if (candidate.n > TEXT_MAX_BYTES ||
	    (candidate.n && (candidate.n < 10 || memcmp(candidate.p, "candidate:", 10) != 0)))
		return -EINVAL;
	return 0;
}

static int op_answer_render(void *self, const struct stoa_answer *a, struct stoa_buf *out)
{
	(void)self;
	return answer_render(a, out);
}

static const struct stoa_mid_track *op_answer_tracks(void *self, const struct stoa_answer *a,
						     uint32_t *ret_n)
{
	(void)self;
	*ret_n = a->n_tracks;
	return a->n_tracks ? a->tracks : NULL;
}

static void op_answer_unref(void *self, struct stoa_answer *a)
{
	(void)self;
	answer_unref(a);
}

const struct stoa_sfu_ops model_ops = {
	.size = sizeof(model_ops),
	.listen = op_listen,
	.unlisten = op_unlisten,
	.room_open = op_room_open,
	.room_find = op_room_find,
	.room_get = op_room_get,
	.room_next = op_room_next,
	.room_set_metadata = op_room_set_metadata,
	.room_close = op_room_close,
	.join = op_join,
	.leave = op_leave,
	.participant_get = op_participant_get,
	.participant_find = op_participant_find,
	.participant_next = op_participant_next,
	.participant_update = op_participant_update,
	.track_announce = op_track_announce,
	.track_unpublish = op_track_unpublish,
	.track_get = op_track_get,
	.track_find = op_track_find,
	.track_next = op_track_next,
	.track_set_muted = op_track_set_muted,
	.subscribe = op_subscribe,
	.set_track_settings = op_set_track_settings,
	.sdp_parse = op_sdp_parse,
	.sdp_free = op_sdp_free,
	.transport_open = op_transport_open,
	.transport_close = op_transport_close,
	.transport_offer = op_transport_offer,
	.transport_candidate = op_transport_candidate,
	.answer_render = op_answer_render,
	.answer_tracks = op_answer_tracks,
	.answer_unref = op_answer_unref,
};
