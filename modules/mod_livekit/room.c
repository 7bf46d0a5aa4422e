/* SPDX-License-Identifier: Apache-2.0 */
/* Fan-out of what a whole room is told. A hidden participant is told of itself and nobody else. */
#include "room.h"

#include "conn.h"
#include "frame.h"
#include "render.h"
#include "session.h"

#include <stdlib.h>

struct room *room_find(struct livekit *lk, stoa_room_id id)
{
	return stoa_map_get(lk->rooms, id_key(&id));
}

struct room *room_get(struct livekit *lk, stoa_room_id id)
{
	struct room *r = room_find(lk, id);

	if (r)
		return r;
	r = calloc(1, sizeof(*r));
	if (!r || stoa_map_set(lk->rooms, id_key(&id), r, NULL) != 0) {
		free(r);
		return NULL;
	}
	r->lk = lk;
	r->id = id;
	stoa_list_init(&r->sessions);
	return r;
}

void room_drop(struct room *r)
{
	if (!stoa_list_empty(&r->sessions))
		return;
	stoa_map_remove(r->lk->rooms, id_key(&r->id));
	free(r->dirty);
	free(r);
}

void room_send(struct room *r, const Lk__SignalResponse *msg, const struct session *except)
{
	struct stoa_bytes *frame = frame_render(msg);
	struct session *s;

	if (!frame) {
		stoa_log(r->lk->mod, STOA_LOG_ERROR, "room=%llu out of memory: an update is lost",
			 (unsigned long long)r->id);
		return;
	}
	/* the analyzer thinks that the ring may have an end */
	stoa_list_for_each (s, &r->sessions, struct session, in_room) /* NOLINT(*NullDereference) */
		if (s != except && s->conn)
			conn_send_frame(s->conn, frame);
	stoa_bytes_unref(frame);
}

void room_mark(struct room *r, stoa_participant_id p)
{
	size_t cap = r->cap_dirty ? r->cap_dirty * 2 : 8;
	stoa_participant_id *grown;

	for (size_t i = r->n_dirty; i-- > 0;)
		if (r->dirty[i] == p)
			return;
	if (r->n_dirty == r->cap_dirty) {
		grown = realloc(r->dirty, cap * sizeof(*grown));
		if (!grown) {
			room_flush(r);
			if (!r->cap_dirty)
				return;
		} else {
			r->dirty = grown;
			r->cap_dirty = cap;
		}
	}
	r->dirty[r->n_dirty++] = p;
	stoa_timer_set(r->lk->flush, 0);
}

static void send_update(struct livekit *lk, struct room *r, struct session *only,
			Lk__ParticipantInfo **list, size_t n)
{
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__ParticipantUpdate update = LK__PARTICIPANT_UPDATE__INIT;

	(void)lk;
	update.participants = list;
	update.n_participants = n;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_UPDATE;
	msg.update = &update;
	if (!only)
		room_send(r, &msg, NULL);
	else if (only->conn)
		conn_send(only->conn, &msg);
}

void room_flush(struct room *r)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = NULL;
	const struct stoa_participant_info *p;
	Lk__ParticipantInfo **list, *info;
	struct session *self;
	size_t n = 0;

	if (!r->n_dirty)
		return;
	a = wire_arena_new(RENDER_ARENA_MAX);
	list = a ? wire_alloc(a, r->n_dirty * sizeof(Lk__ParticipantInfo *)) : NULL;
	for (size_t i = 0; list && i < r->n_dirty; i++) {
		if (stoa_sfu_participant_get(&r->lk->sfu, r->dirty[i], &p) != 0)
			continue; /* gone: told by room_tell_left() */
		info = render_participant(a, r->lk, p);
		self = session_find(r->lk, r->dirty[i]);
		if (wire_failed(a))
			break;
		if (!p->permission.hidden)
			list[n++] = info;
		else if (self)
			send_update(r->lk, r, self, &info, 1);
	}
	if (!list || wire_failed(a))
		stoa_log(r->lk->mod, STOA_LOG_ERROR, "room=%llu out of memory: an update is lost",
			 (unsigned long long)r->id);
	else if (n)
		send_update(r->lk, r, NULL, list, n);
	r->n_dirty = 0;
}

void room_flush_all(void *user)
{
	struct livekit *lk = user;
	size_t pos = 0;
	void *r;

	stoa_assert_thread(STOA_THREAD_CTL);
	while (stoa_map_next(lk->rooms, &pos, NULL, &r))
		room_flush(r);
}

void room_tell_left(struct room *r, const struct stoa_participant_info *p)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(RENDER_ARENA_MAX);
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__ParticipantUpdate update = LK__PARTICIPANT_UPDATE__INIT;
	struct session *same = session_find_identity(r, p->identity);
	Lk__ParticipantInfo *info;

	if (p->permission.hidden || !a)
		return;
	room_flush(r); /* what came before is told before */
	info = render_participant(a, r->lk, p);
	if (!info || wire_failed(a))
		return;
	info->state = LK__PARTICIPANT_INFO__STATE__DISCONNECTED;
	update.participants = &info;
	update.n_participants = 1;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_UPDATE;
	msg.update = &update;
	room_send(r, &msg, same); /* a client takes news of its own identity for its own */
}
