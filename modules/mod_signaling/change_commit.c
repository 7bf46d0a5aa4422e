/* SPDX-License-Identifier: Apache-2.0 */
/* A change on its way: to the database with its events, and when it is on disk into the memory. */
#include "change.h"

#include <stdlib.h>

static json_t *render_note(const struct change *ch, const struct note *n)
{
	const struct call *c = ch->call;

	if (!n->p)
		return json_pack("{s:s, s:s?, s:o}", "callId", c->id, "reason", n->reason, "call",
				 render_call(c));
	return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s?, s:o}", "callId", c->id, "userId",
			 n->p->user_id, "name", n->p->name, "channelId", c->channel_id,
			 "callStatus", call_status_name(c->status), "reason", n->reason,
			 "participant", render_participant(n->p, ch->now_ms));
}

static void settle(struct change *ch)
{
	struct call *c = ch->call;
	struct signaling *sg = c->sg;
	enum call_status before = c->status;
	struct participant *p;
	uint64_t now = stoa_now_ms();

	change_swap(ch);
	ch->is_future = false; /* it is the present now: nothing to put back */
	if (before != CALL_RINGING && c->status == CALL_RINGING)
		c->ring_at = now + sg->ring_ms;
	if (before != CALL_ACTIVE && c->status == CALL_ACTIVE)
		c->longest_at = now + sg->longest_ms;
	stoa_list_for_each (p, &c->participants, struct participant, link) {
		if (p->status != PART_JOINED || p->n_present)
			p->absent_at = 0;
		else if (c->status == CALL_ACTIVE && !p->absent_at)
			p->absent_at = now + sg->connect_ms;
	}
	if (c->status != CALL_ACTIVE || call_count(c, PART_JOINED))
		c->empty_at = 0;
	else if (!c->empty_at)
		c->empty_at = sg->is_draining ? now : now + sg->empty_ms;
}

/* Somebody else wrote to the database: what it says counts, and the call here is given up. */
static void give_up(struct call *c, uint32_t failed)
{
	stoa_log(c->sg->m, STOA_LOG_ERROR,
		 "call=%s is not what the database says (statement %u): given up", c->id, failed);
	call_remove(c);
}

static void apply(struct change *ch)
{
	struct call *c = ch->call;

	settle(ch);
	if (call_is_open(c->status))
		return;
	stoa_metric_add(c->sg->ended[c->status], 1);
	call_remove(c);
}

static void on_stored(int err, const struct stoa_sql_result *const *results, uint32_t n,
		      uint32_t failed, void *user)
{
	struct change *ch = user;
	struct call *c = ch->call;
	change_done_fn *fn = ch->fn;
	void *fn_user = ch->user;

	(void)results;
	(void)n;
	ch->tx = NULL;
	if (!err)
		apply(ch);
	else if (err == -ENOENT)
		give_up(c, failed);
	else
		stoa_log(c->sg->m, STOA_LOG_WARN, "call=%s change not stored: %s", c->id,
			 strerror(-err));
	change_free(ch);
	fn(err, fn_user);
}

int change_commit(struct change *ch, change_done_fn *fn, void *user)
{
	struct signaling *sg = ch->sg;
	int err;

	for (uint32_t i = 0; i < ch->n_notes; i++)
		stoa_tx_emit(&sg->sql, ch->tx, ch->notes[i].event, render_note(ch, &ch->notes[i]));
	change_swap(ch);
	if (ch->err) {
		err = ch->err;
		goto fail;
	}
	ch->fn = fn;
	ch->user = user;
	stoa_list_append(&sg->changes, &ch->link);
	err = stoa_tx_commit(&sg->sql, stoa_take(ch->tx), on_stored, ch);
	if (!err)
		return 0;
fail:
	change_free(ch);
	return err;
}
