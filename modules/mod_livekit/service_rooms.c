/* SPDX-License-Identifier: Apache-2.0 */
/* RoomService: rooms. */
#include "render.h"
#include "room_service.h"

#include <errno.h>

static const struct twirp_error *answer_room(struct twirp_call *c, stoa_room_id id)
{
	const struct stoa_room_info *room;
	Lk__Room *r;
	int err = stoa_sfu_room_get(&c->lk->sfu, id, &room);

	if (err)
		return room_service_error(err);
	r = render_room(c->arena, room);
	c->out = r ? &r->base : NULL;
	return NULL;
}

const struct twirp_error *create_room(struct twirp_call *c)
{
	static const struct twirp_error no_name = { "invalid_argument", "room name cannot be empty",
						    "name" };
	static const struct twirp_error over = { "failed_precondition",
						 "the call of this room is over", NULL };
	const Lk__CreateRoomRequest *in = (const Lk__CreateRoomRequest *)c->in;
	const struct lk_settings *set = &c->lk->set;
	struct stoa_room_info want = {
		.size = sizeof(want),
		.name = in->name,
		.metadata = in->metadata,
		.empty_timeout_s = in->empty_timeout ? in->empty_timeout : set->empty_timeout_s,
		.departure_timeout_s =
			in->departure_timeout ? in->departure_timeout : set->departure_timeout_s,
		.max_participants =
			in->max_participants ? in->max_participants : set->max_participants,
	};
	stoa_room_id id = 0;
	int err;

	if (!in->name[0])
		return &no_name;
	if (c->lk->calls.ops && stoa_calls_may_enter(&c->lk->calls, in->name, "") == -ESTALE)
		return &over;
	err = stoa_sfu_room_open(&c->lk->sfu, &want, &id);
	return err ? room_service_error(err) : answer_room(c, id);
}

/* Names are looked up in a set, so that a long list costs its length and no room comes twice. */
static struct stoa_map *make_set(char *const *names, size_t n)
{
	struct stoa_map *set = stoa_map_new();

	for (size_t i = 0; set && i < n; i++)
		if (stoa_map_set(set, stoa_str(names[i]), names[i], NULL) != 0) {
			stoa_map_free(set);
			return NULL;
		}
	return set;
}

static size_t count_rooms(const struct stoa_sfu *sfu)
{
	stoa_room_id id = 0;
	size_t n = 0;

	while (stoa_sfu_room_next(sfu, id, &id) == 0)
		n++;
	return n;
}

const struct twirp_error *list_rooms(struct twirp_call *c)
{
	const Lk__ListRoomsRequest *in = (const Lk__ListRoomsRequest *)c->in;
	Lk__ListRoomsResponse *out = (Lk__ListRoomsResponse *)room_service_answer(
		c, &lk__list_rooms_response__descriptor);
	size_t max = count_rooms(&c->lk->sfu);
	struct stoa_map *wanted = make_set(in->names, in->n_names);
	const struct stoa_room_info *room;
	stoa_room_id id = 0;

	if (out)
		out->rooms = wire_alloc(c->arena, max * sizeof(Lk__Room *));
	if (!wanted || !out || !out->rooms) {
		stoa_map_free(wanted);
		return room_service_error(-ENOMEM);
	}
	while (out->n_rooms < max && stoa_sfu_room_next(&c->lk->sfu, id, &id) == 0) {
		if (stoa_sfu_room_get(&c->lk->sfu, id, &room) != 0 ||
		    (in->n_names && !stoa_map_get(wanted, stoa_str(room->name))))
			continue;
		out->rooms[out->n_rooms] = render_room(c->arena, room);
		if (!out->rooms[out->n_rooms])
			break;
		out->n_rooms++;
	}
	stoa_map_free(wanted);
	return NULL;
}

const struct twirp_error *delete_room(struct twirp_call *c)
{
	const Lk__DeleteRoomRequest *in = (const Lk__DeleteRoomRequest *)c->in;
	stoa_room_id id = 0;
	const struct twirp_error *e = room_service_find_room(c, in->room, &id);

	if (!e)
		e = room_service_error(
			stoa_sfu_room_close(&c->lk->sfu, id, STOA_LEAVE_ROOM_DELETED));
	if (!e)
		room_service_answer(c, &lk__delete_room_response__descriptor);
	return e;
}

const struct twirp_error *update_room_metadata(struct twirp_call *c)
{
	static const struct twirp_error too_long = { "invalid_argument",
						     "metadata size exceeds limits", "metadata" };
	const Lk__UpdateRoomMetadataRequest *in = (const Lk__UpdateRoomMetadataRequest *)c->in;
	stoa_room_id id = 0;
	const struct twirp_error *e = room_service_find_room(c, in->room, &id);
	int err;

	if (e)
		return e;
	err = stoa_sfu_room_set_metadata(&c->lk->sfu, id, in->metadata);
	if (err)
		return err == -EINVAL ? &too_long : room_service_error(err);
	return answer_room(c, id);
}
