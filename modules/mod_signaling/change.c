/* SPDX-License-Identifier: Apache-2.0 */
/* One change of a call. While it is made the memory shows the call as it will be, so that rules and
 * events look at one thing; change_commit() puts the old values back until the database has the
 * new ones. Each statement repeats the status it relies on: if the database knows otherwise, the
 * whole change is rolled back. */
#include "change.h"

#include <stdlib.h>

/* ---- there and back ---- */

static void swap_participant(struct part_change *x)
{
	struct participant *p = x->p;
	struct part_values v = { p->status,     p->joined_ms, p->left_ms,
				 p->present_ms, p->seconds,   p->is_sharing };

	p->status = x->v.status;
	p->joined_ms = x->v.joined_ms;
	p->left_ms = x->v.left_ms;
	p->present_ms = x->v.present_ms;
	p->seconds = x->v.seconds;
	p->is_sharing = x->v.is_sharing;
	x->v = v;
}

#define SWAP(a, b)                                                                                 \
	do {                                                                                       \
		__typeof__(a) swap_ = (a);                                                         \
		(a) = (b);                                                                         \
		(b) = swap_;                                                                       \
	} while (0)

void change_swap(struct change *ch)
{
	struct call *c = ch->call;

	for (uint32_t i = 0; i < ch->n_parts; i++)
		swap_participant(&ch->parts[i]);
	SWAP(c->status, ch->status);
	SWAP(c->started_ms, ch->started_ms);
	SWAP(c->ended_ms, ch->ended_ms);
	SWAP(c->end_reason, ch->end_reason);
	ch->is_future = !ch->is_future;
}

struct change *change_new(struct call *c)
{
	struct change *ch = calloc(1, sizeof(*ch));

	if (!ch)
		return NULL;
	ch->tx = stoa_sql_begin(&c->sg->sql, c->sg->m, NULL);
	if (!ch->tx || stoa_tx_order(&c->sg->sql, ch->tx, stoa_str(c->id))) {
		stoa_tx_cancel(&c->sg->sql, ch->tx);
		free(ch);
		return NULL;
	}
	stoa_list_init(&ch->link);
	ch->sg = c->sg;
	ch->call = c;
	ch->now_ms = stoa_wall_ms();
	ch->status = c->status;
	ch->started_ms = c->started_ms;
	ch->ended_ms = c->ended_ms;
	ch->is_future = true;
	return ch;
}

void change_free(struct change *ch)
{
	if (!ch)
		return;
	if (ch->is_future)
		change_swap(ch);
	stoa_list_unlink(&ch->link);
	stoa_tx_cancel(&ch->sg->sql, ch->tx);
	for (uint32_t i = 0; i < ch->n_notes; i++)
		free(ch->notes[i].reason);
	free(ch->end_reason);
	free(ch->notes);
	free(ch->parts);
	free(ch);
}

void change_free_all(struct signaling *sg)
{
	while (!stoa_list_empty(&sg->changes))
		change_free(STOA_CONTAINER(sg->changes.next, struct change, link));
}

bool change_is_empty(const struct change *ch)
{
	return !ch->n_parts && ch->status == ch->call->status;
}

void change_set_time(struct change *ch, int64_t wall_ms)
{
	ch->now_ms = wall_ms;
}

struct stoa_tx *change_tx(struct change *ch)
{
	return ch->tx;
}

static void run(struct change *ch, enum store_statement s, const struct stoa_sql_value *v,
		uint32_t n, enum stoa_sql_expect expect)
{
	store_run(ch->sg, ch->tx, s, v, n, expect);
}

/* Keeps the participant's values of before; from then on they may be written to. */
static bool keep(struct change *ch, struct participant *p)
{
	struct part_change *parts;

	for (uint32_t i = 0; i < ch->n_parts; i++)
		if (ch->parts[i].p == p)
			return true;
	parts = reallocarray(ch->parts, ch->n_parts + 1, sizeof(*parts));
	if (!parts) {
		ch->err = -ENOMEM;
		return false;
	}
	ch->parts = parts;
	parts[ch->n_parts++] = (struct part_change){
		p, { p->status, p->joined_ms, p->left_ms, p->present_ms, p->seconds, p->is_sharing }
	};
	return true;
}

static void note(struct change *ch, const char *event, struct participant *p, const char *reason)
{
	struct note *notes = reallocarray(ch->notes, ch->n_notes + 1, sizeof(*notes));

	if (!notes) {
		ch->err = -ENOMEM;
		return;
	}
	ch->notes = notes;
	notes[ch->n_notes++] = (struct note){ event, p, reason ? strdup(reason) : NULL };
}

/* ---- participants ---- */

static void store_join(struct change *ch, struct participant *p, enum part_status from)
{
	struct stoa_sql_value id = STOA_V_TEXT(ch->call->id), now = STOA_V_TIME(ch->now_ms);

	if (from == PART_NONE) {
		struct stoa_sql_value v[] = { id,
					      STOA_V_TEXT(p->user_id),
					      STOA_V_TEXT(p->name),
					      STOA_V_TEXT(part_status_name(PART_JOINED)),
					      STOA_V_NULL,
					      now,
					      now };

		run(ch, STORE_PART_INSERT, v, STOA_ARRAY_SIZE(v), STOA_ROWS_ONE);
	} else {
		struct stoa_sql_value v[] = { id, STOA_V_TEXT(p->user_id), STOA_V_TEXT(p->name),
					      now, STOA_V_TEXT(part_status_name(from)) };

		run(ch, STORE_PART_JOIN, v, STOA_ARRAY_SIZE(v), STOA_ROWS_ONE);
	}
	p->joined_ms = p->joined_ms ? p->joined_ms : ch->now_ms;
	p->present_ms = ch->now_ms;
	p->left_ms = 0;
}

static void store_leave(struct change *ch, struct participant *p)
{
	uint32_t seconds = participant_seconds(p, ch->now_ms);
	struct stoa_sql_value v[] = {
		STOA_V_TEXT(ch->call->id),
		STOA_V_TEXT(p->user_id),
		STOA_V_TEXT(part_status_name(p->status)),
		STOA_V_TIME(ch->now_ms),
		STOA_V_INT(seconds),
		STOA_V_BOOL(false),
	};

	run(ch, STORE_PART_LEAVE, v, STOA_ARRAY_SIZE(v), STOA_ROWS_ONE);
	p->seconds = seconds;
	p->present_ms = 0;
	p->left_ms = ch->now_ms;
	p->is_sharing = false;
}

static void store_status(struct change *ch, const struct participant *p, enum part_status from)
{
	struct stoa_sql_value v[] = { STOA_V_TEXT(ch->call->id), STOA_V_TEXT(p->user_id),
				      STOA_V_TEXT(part_status_name(p->status)),
				      STOA_V_TEXT(part_status_name(from)) };

	run(ch, STORE_PART_STATUS, v, STOA_ARRAY_SIZE(v), STOA_ROWS_ONE);
}

static void step_participant(struct change *ch, struct participant *p, enum part_status from,
			     const char *reason)
{
	switch (p->status) {
	case PART_JOINED:
		store_join(ch, p, from);
		if (from == PART_RINGING || (from == PART_NONE && ch->call->status == CALL_RINGING))
			note(ch, "call.accepted", p, NULL);
		note(ch, "participant.joined", p, NULL);
		break;
	case PART_LEFT:
		store_leave(ch, p);
		note(ch, "participant.left", p, reason ? reason : "left");
		break;
	case PART_REMOVED:
		if (from == PART_JOINED)
			store_leave(ch, p);
		else
			store_status(ch, p, from);
		note(ch, "participant.left", p, reason ? reason : "removed");
		break;
	case PART_DECLINED:
		store_status(ch, p, from);
		note(ch, "call.declined", p, reason);
		break;
	default:
		store_status(ch, p, from);
		note(ch, "call.missed", p, reason);
		break;
	}
}

/* What follows for the call from where its participants are. */
static int follow(struct change *ch, const char *reason)
{
	const struct call *c = ch->call;
	const struct participant *caller = call_participant(c, stoa_str(c->initiator_id));
	uint32_t joined = call_count(c, PART_JOINED);
	bool is_caller_in = caller && caller->status == PART_JOINED;

	if (c->status == CALL_ACTIVE)
		return c->is_direct && joined < 2 ? change_call(ch, CALL_EV_PEER_LEFT, reason) : 0;
	if (c->status != CALL_RINGING)
		return 0;
	if (joined > is_caller_in)
		return change_call(ch, CALL_EV_ANSWERED, NULL);
	if (!is_caller_in)
		return change_call(ch, CALL_EV_CALLER_LEFT, reason);
	if (!c->channel_id && !call_count(c, PART_RINGING))
		return change_call(ch, CALL_EV_DECLINED, reason);
	return 0;
}

int change_participant(struct change *ch, struct participant *p, enum part_event ev,
		       const char *reason)
{
	enum part_status from = p->status, to;
	int err = part_next(from, ev, &to);

	if (err)
		return err;
	if (!keep(ch, p))
		return -ENOMEM;
	if (from == to)
		return 0;
	p->status = to;
	step_participant(ch, p, from, reason);
	return follow(ch, reason);
}

void change_sharing(struct change *ch, struct participant *p, bool is_sharing)
{
	struct stoa_sql_value v[] = { STOA_V_TEXT(ch->call->id), STOA_V_TEXT(p->user_id),
				      STOA_V_BOOL(is_sharing) };

	if (!keep(ch, p))
		return;
	run(ch, STORE_PART_SHARING, v, STOA_ARRAY_SIZE(v), STOA_ROWS_ONE);
	p->is_sharing = is_sharing;
}

/* ---- the call ---- */

static void store_progress(struct change *ch, enum call_status from)
{
	struct call *c = ch->call;
	struct stoa_sql_value v[] = { STOA_V_TEXT(c->id), STOA_V_TEXT(call_status_name(c->status)),
				      STORE_TIME(c->started_ms), STOA_V_TIME(ch->now_ms),
				      STOA_V_TEXT(call_status_name(from)) };

	run(ch, STORE_CALL_STATUS, v, STOA_ARRAY_SIZE(v), STOA_ROWS_ONE);
}

static void ring_all(struct change *ch)
{
	struct stoa_sql_value v[] = { STOA_V_TEXT(ch->call->id) };
	struct participant *p;

	run(ch, STORE_PARTS_RING, v, STOA_ARRAY_SIZE(v), STOA_ROWS_ANY);
	stoa_list_for_each (p, &ch->call->participants, struct participant, link) {
		if (p->status == PART_INVITED && keep(ch, p))
			p->status = PART_RINGING;
	}
}

static void close_participants(struct change *ch)
{
	struct stoa_sql_value id = STOA_V_TEXT(ch->call->id);
	struct stoa_sql_value conns[] = { id, STOA_V_TIME(ch->now_ms) };
	struct participant *p;

	stoa_list_for_each (p, &ch->call->participants, struct participant, link) {
		if (p->status == PART_JOINED && keep(ch, p)) {
			p->status = PART_LEFT;
			store_leave(ch, p);
		} else if (p->status == PART_RINGING && keep(ch, p)) {
			p->status = PART_MISSED;
		}
	}
	run(ch, STORE_PARTS_MISS, &id, 1, STOA_ROWS_ANY);
	run(ch, STORE_CONNS_CLOSE, conns, STOA_ARRAY_SIZE(conns), STOA_ROWS_ANY);
}

static int close_call(struct change *ch, enum call_status from, const char *reason)
{
	struct call *c = ch->call;
	int64_t seconds = c->started_ms ? (ch->now_ms - c->started_ms) / 1000 : 0;
	struct stoa_sql_value v[] = { STOA_V_TEXT(c->id),
				      STOA_V_TEXT(call_status_name(c->status)),
				      STOA_V_TIME(ch->now_ms),
				      STOA_V_TEXT(reason),
				      STOA_V_INT(seconds > 0 ? seconds : 0),
				      STOA_V_TEXT(call_status_name(from)) };

	c->ended_ms = ch->now_ms;
	c->end_reason = strdup(reason); /* it was NULL: the call was open */
	if (!c->end_reason)
		return -ENOMEM;
	run(ch, STORE_CALL_CLOSE, v, STOA_ARRAY_SIZE(v), STOA_ROWS_ONE);
	close_participants(ch);
	if (c->status == CALL_MISSED)
		note(ch, "call.missed", NULL, reason);
	note(ch, "call.ended", NULL, reason);
	return 0;
}

int change_call(struct change *ch, enum call_event ev, const char *reason)
{
	struct call *c = ch->call;
	enum call_status from = c->status, to;
	int err = call_next(from, ev, &to);

	if (err)
		return err;
	c->status = to;
	if (!call_is_open(to))
		return close_call(ch, from, reason ? reason : call_event_reason(ev));
	if (to == CALL_ACTIVE)
		c->started_ms = ch->now_ms;
	store_progress(ch, from);
	if (to == CALL_RINGING) {
		ring_all(ch);
		note(ch, "call.ringing", NULL, NULL);
	}
	return 0;
}
