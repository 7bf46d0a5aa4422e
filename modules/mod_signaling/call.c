/* SPDX-License-Identifier: Apache-2.0 */
/* The open calls in memory: found by id and by room name, with their participants. */
#include "signaling.h"

#include <stdio.h>
#include <stdlib.h>

int call_new(struct signaling *sg, const char *id, struct call **ret_call)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->sg = sg;
	stoa_list_init(&c->participants);
	stoa_list_init(&c->link);
	stoa_list_init(&c->ops);
	stoa_list_init(&c->presences);
	snprintf(c->id, sizeof(c->id), "%s", id);
	snprintf(c->room_name, sizeof(c->room_name), ROOM_PREFIX "%s", c->id);
	c->by_user = stoa_map_new();
	if (!c->by_user) {
		free(c);
		return -ENOMEM;
	}
	*ret_call = c;
	return 0;
}

static void free_participant(struct participant *p)
{
	stoa_list_unlink(&p->link);
	free(p->user_id);
	free(p->name);
	free(p);
}

static void free_ops(struct call *c)
{
	while (!stoa_list_empty(&c->ops)) {
		struct op *op = STOA_CONTAINER(c->ops.next, struct op, link);

		stoa_list_unlink(&op->link);
		op->free_fn(op);
	}
}

void call_free(struct call *c)
{
	if (!c)
		return;
	stoa_list_unlink(&c->link);
	free_ops(c);
	while (!stoa_list_empty(&c->participants))
		free_participant(STOA_CONTAINER(c->participants.next, struct participant, link));
	stoa_map_free(c->by_user);
	stoa_timer_free(c->timer);
	json_decref(c->metadata);
	free(c->type);
	free(c->initiator_id);
	free(c->channel_id);
	free(c->end_reason);
	free(c);
}

struct call *call_find(const struct signaling *sg, struct stoa_str id)
{
	return stoa_map_get(sg->calls, id);
}

struct call *call_of_room(const struct signaling *sg, struct stoa_str room_name)
{
	return stoa_map_get(sg->rooms, room_name);
}

int call_add(struct call *c)
{
	struct signaling *sg = c->sg;

	if (stoa_map_len(sg->calls) >= CALLS_MAX)
		return -ENOBUFS;
	c->timer = stoa_timer_new(sg->m, review_timer, c);
	if (!c->timer || stoa_map_set(sg->calls, stoa_str(c->id), c, NULL))
		return -ENOMEM;
	if (stoa_map_set(sg->rooms, stoa_str(c->room_name), c, NULL)) {
		stoa_map_remove(sg->calls, stoa_str(c->id));
		return -ENOMEM;
	}
	stoa_list_append(&sg->all, &c->link);
	stoa_metric_add(sg->open_calls, 1);
	return 0;
}

void call_remove(struct call *c)
{
	struct signaling *sg = c->sg;

	if (stoa_map_remove(sg->calls, stoa_str(c->id)) == NULL)
		return;
	stoa_map_remove(sg->rooms, stoa_str(c->room_name));
	stoa_timer_cancel(c->timer);
	media_close_room(c);
	stoa_metric_add(sg->open_calls, -1);
	c->is_dead = true;
	if (sg->is_draining && stoa_map_len(sg->calls) == 0)
		stoa_mod_drained(sg->m);
}

struct participant *call_participant(const struct call *c, struct stoa_str user_id)
{
	return stoa_map_get(c->by_user, user_id);
}

int call_add_participant(struct call *c, struct stoa_str user_id, struct stoa_str name,
			 struct participant **ret_p)
{
	struct participant *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	stoa_list_init(&p->link);
	p->user_id = strndup(user_id.p, user_id.n);
	p->name = strndup(name.n ? name.p : "", name.n);
	if (!p->user_id || !p->name || stoa_map_set(c->by_user, user_id, p, NULL)) {
		free_participant(p);
		return -ENOMEM;
	}
	stoa_list_append(&c->participants, &p->link);
	c->n_participants++;
	*ret_p = p;
	return 0;
}

uint32_t call_count(const struct call *c, enum part_status status)
{
	const struct participant *p;
	uint32_t n = 0;

	stoa_list_for_each (p, &c->participants, struct participant, link)
		n += p->status == status;
	return n;
}

uint32_t participant_seconds(const struct participant *p, int64_t now_ms)
{
	int64_t stay = p->present_ms && now_ms > p->present_ms ? now_ms - p->present_ms : 0;

	return p->seconds + (uint32_t)(stay / 1000);
}
