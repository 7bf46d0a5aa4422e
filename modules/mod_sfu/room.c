/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms: opening by name, closing, and the two timeouts of a room without people. */
#include "model_state.h"
#include <errno.h>
#include <stdlib.h>

#define ASK_AGAIN_MS 3000

static void room_free(struct object *o)
{
	struct room *r = (struct room *)(void *)o;

	free(r->name);
	free(r->metadata);
	free(r);
}

static uint32_t choose_worker(const struct model *m)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < m->plane->n_workers; i++)
		if (m->worker_load[i] < m->worker_load[best])
			best = i;
	return best;
}

static void fill_info(struct room *r, const struct stoa_room_info *want)
{
	const struct model_settings *set = &r->obj.model->set;

	r->info = (struct stoa_room_info){
		.size = sizeof(r->info),
		.id = r->obj.id,
		.sid = r->sid,
		.empty_timeout_s =
			want->empty_timeout_s ? want->empty_timeout_s : set->empty_timeout_s,
		.departure_timeout_s = want->departure_timeout_s ? want->departure_timeout_s
								 : set->departure_timeout_s,
		.max_participants = want->max_participants,
		.created_ms = stoa_wall_ms(),
	};
	model_make_sid("RM_", r->sid);
}

const struct stoa_room_info *room_info(struct room *r)
{
	const struct participant *p;

	r->info.name = r->name;
	r->info.metadata = r->metadata;
	r->info.participants = r->info.publishers = 0;
	stoa_list_for_each (p, &r->participants, struct participant, in_room) {
		r->info.participants += !p->info.permission.hidden;
		r->info.publishers += p->info.is_publisher;
	}
	return &r->info;
}

static int make_stage(struct room *r)
{
	struct command *c = command_new(COMMAND_STAGE_OPEN);

	r->stage = c ? stage_new(r->obj.id) : NULL;
	if (!r->stage) {
		command_finish(c);
		return -ENOMEM;
	}
	c->stage = r->stage;
	model_post(r->obj.model, r, c);
	return 0;
}

int room_open(struct model *m, const struct stoa_room_info *want, stoa_room_id *ret_room)
{
	struct room *r;
	int err;

	if (!want->name || !want->name[0] || strlen(want->name) > NAME_MAX_BYTES)
		return -EINVAL;
	if ((r = stoa_map_get(m->names, stoa_str(want->name)))) {
		*ret_room = r->obj.id;
		return 0;
	}
	if (m->is_draining || !m->plane)
		return -ESHUTDOWN;
	if (m->n_rooms >= m->set.max_rooms)
		return -EMFILE;
	if (!(r = calloc(1, sizeof(*r))))
		return -ENOMEM;
	stoa_list_init(&r->in_model);
	stoa_list_init(&r->participants);
	if ((err = text_set(&r->name, want->name, NAME_MAX_BYTES)) < 0 ||
	    (err = text_set(&r->metadata, want->metadata, BLOB_MAX_BYTES)) < 0)
		goto fail_early;
	if ((err = object_init(m, &r->obj, OBJECT_ROOM, room_free)) < 0)
		goto fail_early;
	r->worker = choose_worker(m);
	fill_info(r, want);
	if ((err = stoa_map_set(m->names, stoa_str(r->name), r, NULL)) < 0 ||
	    (err = make_stage(r)) < 0) {
		stoa_map_remove(m->names, stoa_str(r->name));
		object_remove(&r->obj);
		return err;
	}
	r->empty_since_ms = model_now_ms(m);
	stoa_list_append(&m->rooms, &r->in_model);
	m->n_rooms++;
	m->worker_load[r->worker]++;
	model_tell(m, EVENT_ROOM_OPENED, &r->obj);
	*ret_room = r->obj.id;
	return 0;

fail_early:
	room_free(&r->obj);
	return err;
}

void room_close(struct room *r, enum stoa_leave_reason why)
{
	struct model *m = r->obj.model;
	struct command *c;

	if (r->obj.is_gone)
		return;
	r->why_closed = why;
	while (!stoa_list_empty(&r->participants))
		participant_leave(STOA_CONTAINER(r->participants.next, struct participant, in_room),
				  why);
	if ((c = command_new(COMMAND_STAGE_CLOSE))) {
		c->stage = r->stage;
		model_post(m, r, c);
	} /* else the stage stays until the process ends: smaller harm than a dangling one */
	r->stage = NULL;
	stoa_list_unlink(&r->in_model);
	stoa_map_remove(m->names, stoa_str(r->name));
	m->n_rooms--;
	m->worker_load[r->worker]--;
	model_tell(m, EVENT_ROOM_CLOSED, &r->obj);
	object_remove(&r->obj);
}

/* Sections that were asked for and never offered are asked for again. */
static void repeat_asking(struct connection *t, uint64_t now_ms)
{
	if (!t->is_asked || now_ms - t->asked_ms < ASK_AGAIN_MS)
		return;
	t->is_asked = false;
	t->asked[0] = t->asked[1] = 0;
	connection_check_sections(t, false);
}

static void check_participant(struct participant *p, uint64_t now_ms)
{
	bool was_active = p->info.state == STOA_PARTICIPANT_ACTIVE;
	struct connection *t;

	stoa_list_for_each (t, &p->transports, struct connection, in_participant) {
		repeat_asking(t, now_ms);
		if (t->lost_ms && t->has_answered && now_ms - t->lost_ms >= CONNECT_LIMIT_MS) {
			participant_leave(p, was_active ? STOA_LEAVE_CONNECTION_TIMEOUT
							: STOA_LEAVE_JOIN_FAILURE);
			return;
		}
	}
}

void room_check_timeout(struct room *r, uint64_t now_ms)
{
	uint64_t limit_s = r->was_joined ? r->info.departure_timeout_s : r->info.empty_timeout_s;
	struct participant *p, *next;

	if (r->empty_since_ms && now_ms - r->empty_since_ms >= limit_s * 1000) {
		room_close(r, STOA_LEAVE_ROOM_CLOSED);
		return;
	}
	stoa_list_for_each_safe (p, next, &r->participants, struct participant, in_room)
		check_participant(p, now_ms);
}
