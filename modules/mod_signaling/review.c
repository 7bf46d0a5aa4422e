/* SPDX-License-Identifier: Apache-2.0 */
/* A review compares a call with the clock and with the facts of the media plane and makes the
 * changes that follow. It is an op like any other; one that could not be stored is tried again, so
 * that no time-out is lost while the database is away. */
#include "signaling.h"

#include <stdlib.h>

#define RETRY_MS 2000

static bool is_due(uint64_t at, uint64_t now)
{
	return at && at <= now;
}

/* ---- when to look again ---- */

static void sooner(uint64_t at, uint64_t *next)
{
	if (at && at < *next)
		*next = at;
}

static uint64_t next_deadline(const struct call *c, uint64_t now)
{
	const struct participant *p;
	uint64_t next = UINT64_MAX;

	if (c->retry_at > now)
		return c->retry_at;
	if (c->is_review_due)
		return now;
	sooner(c->ring_at, &next);
	sooner(c->empty_at, &next);
	sooner(c->longest_at, &next);
	stoa_list_for_each (p, &c->participants, struct participant, link) {
		if (p->status == PART_JOINED && !p->n_present)
			sooner(p->absent_at, &next);
	}
	return next;
}

void review_arm(struct call *c)
{
	uint64_t now = stoa_now_ms(), next;

	if (c->is_dead || !c->timer)
		return;
	next = next_deadline(c, now);
	if (next == UINT64_MAX)
		stoa_timer_cancel(c->timer);
	else
		stoa_timer_set(c->timer, next > now ? next - now : 0);
}

void review_soon(struct call *c)
{
	c->is_review_due = true;
	if (!c->n_ops)
		review_arm(c);
}

/* ---- what follows ---- */

static int review_participant(struct change *ch, struct participant *p, uint64_t now,
			      bool is_ring_over)
{
	switch (p->status) {
	case PART_JOINED:
		if (p->is_removed_now)
			return change_participant(ch, p, PART_EV_REMOVE, NULL);
		if (!p->n_present && is_due(p->absent_at, now))
			return change_participant(ch, p, PART_EV_LEAVE, "media_lost");
		if (p->is_sharing != (p->n_screens > 0))
			change_sharing(ch, p, p->n_screens > 0);
		return 0;
	case PART_RINGING:
		if (is_ring_over)
			return change_participant(ch, p, PART_EV_MISS, "no_answer");
		break;
	case PART_REMOVED:
		return 0;
	default:
		break;
	}
	return p->n_present ? change_participant(ch, p, PART_EV_JOIN, NULL) : 0;
}

static int review_call(struct change *ch, struct call *c)
{
	uint64_t now = stoa_now_ms();
	struct participant *p;
	int err = 0;

	if (c->status == CALL_INITIATING)
		return change_call(ch, CALL_EV_REFUSED, "unavailable");
	if (c->is_room_gone)
		return change_call(ch, CALL_EV_ROOM_CLOSED, NULL);
	if (c->status == CALL_RINGING && is_due(c->ring_at, now))
		return change_call(ch, CALL_EV_UNANSWERED, NULL);
	if (c->status == CALL_ACTIVE && is_due(c->longest_at, now))
		return change_call(ch, CALL_EV_TOO_LONG, NULL);
	stoa_list_for_each (p, &c->participants, struct participant, link) {
		if (!err && call_is_open(c->status))
			err = review_participant(ch, p, now, is_due(c->ring_at, now));
	}
	if (!err && c->status == CALL_ACTIVE && is_due(c->empty_at, now) &&
	    !call_count(c, PART_JOINED))
		err = change_call(ch, CALL_EV_EMPTY, NULL);
	return err;
}

/* ---- the op ---- */

static void on_stored(int err, void *user)
{
	struct op *op = user;
	struct call *c = op->call;

	c->retry_at = err ? stoa_now_ms() + RETRY_MS : 0;
	if (err)
		c->is_review_due = true;
	else if (c->status == CALL_ACTIVE && is_due(c->ring_at, stoa_now_ms()))
		c->ring_at = 0;
	op_done(op);
}

static void run(struct op *op)
{
	struct call *c = op->call;
	struct change *ch;
	int err;

	c->is_review_due = false;
	if (c->is_dead) {
		op_done(op);
		return;
	}
	ch = change_new(c);
	err = ch ? review_call(ch, c) : -ENOMEM;
	if (!err && change_is_empty(ch)) {
		change_free(ch);
		on_stored(0, op);
		return;
	}
	if (!err)
		err = change_commit(stoa_take(ch), on_stored, op);
	change_free(ch);
	if (err)
		on_stored(err, op);
}

static void free_op(struct op *op)
{
	free(op);
}

void review_timer(void *user)
{
	struct call *c = user;
	struct op *op;

	if (c->n_ops) /* the last of them arms the timer again */
		return;
	op = calloc(1, sizeof(*op));
	if (!op) {
		stoa_timer_set(c->timer, RETRY_MS);
		return;
	}
	stoa_list_init(&op->link);
	op->run_fn = run;
	op->free_fn = free_op;
	op_submit(c, op);
}
