/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be told, in order, after the call that caused it: a queue that model_flush() empties.
 * Events about objects hold a reference to them. */
#include "model_state.h"
#include <errno.h>
#include <stdlib.h>

struct event {
	struct stoa_list in_queue;
	enum event_type type;
	struct object *object;
	struct object *other;
	uint32_t n[2];
	bool flag;
	int err;
	float score;
	struct stoa_answer *answer;
	stoa_sfu_answer_fn *answer_fn;
	void *user;
	uint64_t ids[NOTICE_SPEAKERS_MAX];
	float levels[NOTICE_SPEAKERS_MAX];
};

static struct event *push(struct model *m, enum event_type type, struct object *o)
{
	struct event *ev = calloc(1, sizeof(*ev));

	if (!ev)
		return NULL; /* listeners miss a change: there is nothing better to do */
	ev->type = type;
	ev->object = o;
	o->refs++;
	stoa_list_append(&m->queue, &ev->in_queue);
	if (m->plane)
		m->plane->wake(m->plane->io);
	return ev;
}

void model_tell(struct model *m, enum event_type type, struct object *o)
{
	struct event *last = STOA_CONTAINER(m->queue.prev, struct event, in_queue);

	/* An update right behind an update of the same object says nothing new. */
	if (!stoa_list_empty(&m->queue) && last->type == type && last->object == o)
		return;
	push(m, type, o);
}

void model_tell_offer_needed(struct connection *t, uint32_t audios, uint32_t videos)
{
	struct event *ev = push(t->obj.model, EVENT_OFFER_NEEDED, &t->obj);

	if (ev) {
		ev->n[0] = audios;
		ev->n[1] = videos;
	}
}

void model_tell_mute_asked(struct track *t, bool muted)
{
	struct event *ev = push(t->obj.model, EVENT_MUTE_ASKED, &t->obj);

	if (ev)
		ev->flag = muted;
}

void model_tell_transport_state(struct connection *t, bool is_connected)
{
	struct event *ev = push(t->obj.model, EVENT_TRANSPORT_STATE, &t->obj);

	if (ev)
		ev->flag = is_connected;
}

void model_tell_speakers(struct model *m, const struct notice *n)
{
	struct event *ev = push(m, EVENT_SPEAKERS, &model_room(m, n->id)->obj);

	if (!ev)
		return;
	for (uint32_t i = 0; i < n->n && i < NOTICE_SPEAKERS_MAX; i++) {
		if (!model_participant(m, n->who[i].participant))
			continue; /* left while the notice was on its way */
		ev->ids[ev->n[0]] = n->who[i].participant;
		ev->levels[ev->n[0]++] = n->who[i].level;
	}
}

void model_tell_quality(struct participant *p, float score)
{
	struct event *ev = push(p->obj.model, EVENT_QUALITY, &p->obj);

	if (ev)
		ev->score = score;
}

void model_tell_subscription_failed(struct subscription *s, int err)
{
	struct event *ev =
		push(s->track->obj.model, EVENT_SUBSCRIPTION_FAILED, &s->participant->obj);

	if (!ev)
		return;
	ev->other = &s->track->obj;
	ev->other->refs++;
	ev->err = err;
}

int model_tell_answer(struct connection *t, int err, struct stoa_answer *answer_take,
		      stoa_sfu_answer_fn *fn, void *user)
{
	struct event *ev = push(t->obj.model, EVENT_ANSWER, &t->obj);

	if (!ev) {
		answer_unref(answer_take);
		return -ENOMEM;
	}
	ev->err = err;
	ev->answer = answer_take;
	ev->answer_fn = fn;
	ev->user = user;
	return 0;
}

/* ---- telling ---- */

#define TELL(l, member, ...)                                                                       \
	do {                                                                                       \
		if (STOA_HAS((l)->ev, member))                                                     \
			(l)->ev->member(__VA_ARGS__, (l)->user);                                   \
	} while (0)

static enum stoa_connection_quality quality_of(float score)
{
	return score >= 4   ? STOA_QUALITY_EXCELLENT
	       : score >= 2 ? STOA_QUALITY_GOOD
	       : score > 0  ? STOA_QUALITY_POOR
			    : STOA_QUALITY_LOST;
}

static void tell(const struct listener *l, const struct event *ev)
{
	struct room *r = (struct room *)(void *)ev->object;
	struct participant *p = (struct participant *)(void *)ev->object;
	struct track *t = (struct track *)(void *)ev->object;
	struct connection *tr = (struct connection *)(void *)ev->object;

	switch (ev->type) {
	case EVENT_ROOM_OPENED:
		TELL(l, room_opened, room_info(r));
		break;
	case EVENT_ROOM_UPDATED:
		TELL(l, room_updated, room_info(r));
		break;
	case EVENT_ROOM_CLOSED:
		TELL(l, room_closed, room_info(r), r->why_closed);
		break;
	case EVENT_PARTICIPANT_JOINED:
		TELL(l, participant_joined, &p->info);
		break;
	case EVENT_PARTICIPANT_UPDATED:
		TELL(l, participant_updated, &p->info);
		break;
	case EVENT_PARTICIPANT_LEFT:
		TELL(l, participant_left, &p->info);
		break;
	case EVENT_TRACK_PUBLISHED:
		TELL(l, track_published, &t->info);
		break;
	case EVENT_TRACK_UPDATED:
		TELL(l, track_updated, &t->info);
		break;
	case EVENT_TRACK_UNPUBLISHED:
		TELL(l, track_unpublished, &t->info);
		break;
	case EVENT_OFFER_NEEDED:
		if (!tr->obj.is_gone)
			TELL(l, offer_needed, tr->participant->obj.id, tr->obj.id, ev->n[0],
			     ev->n[1]);
		break;
	case EVENT_MUTE_ASKED:
		if (!t->obj.is_gone)
			TELL(l, mute_asked, t->info.participant, t->obj.id, ev->flag);
		break;
	case EVENT_TRANSPORT_STATE:
		if (!tr->obj.is_gone)
			TELL(l, transport_state, tr->obj.id, tr->participant->obj.id, ev->flag);
		break;
	case EVENT_SPEAKERS:
		if (ev->n[0])
			TELL(l, speakers_changed, r->obj.id, ev->ids, ev->levels, ev->n[0]);
		break;
	case EVENT_QUALITY:
		if (!p->obj.is_gone)
			TELL(l, quality_changed, p->obj.id, quality_of(ev->score), ev->score);
		break;
	case EVENT_SUBSCRIPTION_FAILED:
		if (!p->obj.is_gone)
			TELL(l, subscription_failed, p->obj.id, ev->other->id, ev->err);
		break;
	case EVENT_ANSWER:
		break;
	}
}

static void drop(struct event *ev)
{
	stoa_list_unlink(&ev->in_queue);
	object_unref(ev->object);
	if (ev->other)
		object_unref(ev->other);
	answer_unref(ev->answer);
	free(ev);
}

static void tell_answer(struct event *ev)
{
	if (ev->err == 0 && ev->object->is_gone) {
		answer_unref(stoa_take(ev->answer));
		ev->err = -ECANCELED;
	}
	ev->answer_fn(ev->err, stoa_take(ev->answer), ev->user);
}

void model_flush(struct model *m)
{
	while (!stoa_list_empty(&m->queue)) {
		struct event *ev = STOA_CONTAINER(m->queue.next, struct event, in_queue);

		/* Unlinked first: a listener that calls back may queue more. */
		stoa_list_unlink(&ev->in_queue);
		if (ev->type == EVENT_ANSWER)
			tell_answer(ev);
		for (uint32_t i = 0; i < m->n_listeners; i++)
			tell(&m->listeners[i], ev);
		drop(ev);
	}
}

void model_drop_queue(struct model *m)
{
	while (!stoa_list_empty(&m->queue))
		drop(STOA_CONTAINER(m->queue.next, struct event, in_queue));
}
