/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/calls/initiate: checked, stored as `initiating`, put to the hooks, then ringing. */
#include "signaling.h"
#include "wish.h"

#include <stdio.h>
#include <stdlib.h>
#include <stoa/hook/call_initiate.h>

/* ---- making it ---- */

static int add_people(struct call *c, const struct wish *w, const struct stoa_user *caller)
{
	struct participant *p;
	int err = call_add_participant(c, stoa_str(caller->id), stoa_str(caller->name), &p);

	if (err)
		return err;
	p->status = PART_JOINED;
	p->joined_ms = p->present_ms = c->created_ms;
	for (uint32_t i = 0; i < w->n_callees; i++) {
		err = call_add_participant(c, stoa_str(w->callees[i]), stoa_str(""), &p);
		if (err)
			return err;
		p->status = PART_INVITED;
		p->invited_ms = c->created_ms;
	}
	return 0;
}

static int make_call(struct request *rq, const struct wish *w)
{
	char id[STOA_UUID_LEN];
	struct call *c;
	int err;

	stoa_uuid7(id);
	err = call_new(rq->sg, id, &c);
	if (err)
		return err;
	rq->draft = c;
	c->type = strdup(w->type);
	c->initiator_id = strdup(rq->user->id);
	c->channel_id = w->channel_id ? strdup(w->channel_id) : NULL;
	c->metadata = json_incref(w->metadata);
	c->is_direct = w->is_direct;
	c->max_participants = w->max_participants;
	c->created_ms = stoa_wall_ms();
	if (!c->type || !c->initiator_id || (w->channel_id && !c->channel_id) ||
	    call_next(CALL_NONE, CALL_EV_STORED, &c->status))
		return -ENOMEM;
	return add_people(c, w, rq->user);
}

static void store_call(struct request *rq, struct stoa_tx *tx, const struct call *c)
{
	char *metadata = c->metadata ? json_dumps(c->metadata, JSON_COMPACT) : NULL;
	const struct stoa_sql_value v[] = {
		STOA_V_TEXT(c->id),
		STOA_V_TEXT(c->type),
		STOA_V_TEXT(call_status_name(c->status)),
		STOA_V_TEXT(c->initiator_id),
		STORE_TEXT(c->channel_id),
		STOA_V_TEXT(c->room_name),
		STOA_V_BOOL(c->is_direct),
		STOA_V_INT(c->max_participants),
		metadata ? STOA_V_JSON(stoa_str(metadata)) : STOA_V_NULL,
		STOA_V_TIME(c->created_ms),
	};
	const struct participant *p;

	store_run(rq->sg, tx, STORE_CALL_INSERT, v, STOA_ARRAY_SIZE(v), STOA_ROWS_ONE);
	free(metadata);
	stoa_list_for_each (p, &c->participants, struct participant, link) {
		const struct stoa_sql_value pv[] = {
			STOA_V_TEXT(c->id),        STOA_V_TEXT(p->user_id),
			STOA_V_TEXT(p->name),      STOA_V_TEXT(part_status_name(p->status)),
			STORE_TIME(p->invited_ms), STORE_TIME(p->joined_ms),
			STORE_TIME(p->present_ms),
		};

		store_run(rq->sg, tx, STORE_PART_INSERT, pv, STOA_ARRAY_SIZE(pv), STOA_ROWS_ONE);
	}
}

/* ---- after it was stored: hooks, room, ringing ---- */

static bool ask_hooks(struct request *rq, struct stoa_denial *ret_why)
{
	const struct call *c = rq->op.call;
	const struct participant *p;
	const char **callees = calloc(c->n_participants + 1, sizeof(*callees));
	char *metadata = c->metadata ? json_dumps(c->metadata, JSON_COMPACT) : NULL;
	struct stoa_hook_call_initiate ev = {
		.size = sizeof(ev),
		.call_id = c->id,
		.type = c->type,
		.initiator_id = c->initiator_id,
		.initiator_name = rq->user->name,
		.channel_id = c->channel_id ? c->channel_id : "",
		.callee_ids = callees,
		.max_participants = c->max_participants,
		.metadata = metadata ? metadata : "",
	};
	enum stoa_verdict verdict = STOA_DENY;

	stoa_list_for_each (p, &c->participants, struct participant, link) {
		if (callees && p->status == PART_INVITED)
			callees[ev.n_callees++] = p->user_id;
	}
	if (callees)
		verdict = STOA_HOOK_RUN(rq->sg->m, call_initiate, &ev);
	else
		stoa_deny(&ev.denial, "out_of_memory", "Out of memory.");
	*ret_why = ev.denial;
	free(callees);
	free(metadata);
	return verdict == STOA_ALLOW;
}

static void on_refused(int err, void *user)
{
	struct request *rq = user;

	if (err)
		request_storage_problem(rq, err);
	else
		request_problem(rq, rq->refusal_status, rq->op.call->end_reason, rq->refusal);
	op_done(&rq->op);
}

/* 503 when it is our fault, 403 when somebody objects. */
static void refuse(struct request *rq, int status, const char *code, const char *text)
{
	struct change *ch = change_new(rq->op.call);
	int err = ch ? change_call(ch, CALL_EV_REFUSED, code) : -ENOMEM;

	rq->refusal_status = status;
	snprintf(rq->refusal, sizeof(rq->refusal), "%s", text);
	if (!err)
		err = change_commit(stoa_take(ch), on_refused, rq);
	change_free(ch);
	if (err) /* the next review closes it */
		on_refused(err, rq);
}

static void answer_grant(struct request *rq)
{
	const struct call *c = verb_call(rq);
	json_t *grant;

	if (c->status == CALL_FAILED)
		request_problem(rq, 403, c->end_reason, "The call was refused.");
	else if (grant_render(rq, c, &grant))
		request_problem(rq, 503, "no_media_token", "No media token could be made.");
	else
		request_answer(rq, 201, grant);
	op_done(&rq->op);
}

static void on_ringing(int err, void *user)
{
	struct request *rq = user;

	if (err) {
		request_storage_problem(rq, err);
		op_done(&rq->op);
		return;
	}
	stoa_metric_add(rq->sg->started, 1);
	answer_grant(rq);
}

static void ring(struct op *op)
{
	struct request *rq = (struct request *)op;
	struct stoa_denial why = { "", "" };
	struct change *ch;
	int err;

	if (!ask_hooks(rq, &why)) {
		refuse(rq, 403, why.code[0] ? why.code : "refused",
		       why.text[0] ? why.text : "The call was refused.");
		return;
	}
	err = media_open_room(op->call);
	if (err) {
		refuse(rq, 503, "media_unavailable", "No room could be opened for the call.");
		return;
	}
	ch = change_new(op->call);
	err = ch ? change_call(ch, CALL_EV_ALLOWED, NULL) : -ENOMEM;
	if (!err)
		err = change_commit(stoa_take(ch), on_ringing, rq);
	change_free(ch);
	if (err)
		on_ringing(err, rq);
}

/* ---- the request ---- */

static void repeat(struct op *op)
{
	answer_grant((struct request *)op);
}

static void start(struct op *op);

static void on_stored(int err, const struct stoa_sql_result *const *results, uint32_t n,
		      uint32_t failed, void *user)
{
	struct request *rq = user;
	struct call *c = rq->draft;

	(void)results;
	(void)n;
	if (err == -EEXIST && failed == UINT32_MAX && rq->key) { /* the same, a moment earlier */
		call_free(c);
		rq->draft = NULL;
		request_look_up_key(rq, start);
		return;
	}
	if (!err)
		err = call_add(c);
	if (err) {
		request_storage_problem(rq, err);
		op_done(&rq->op);
		return;
	}
	rq->draft = NULL;
	rq->op.run_fn = ring;
	op_submit(c, &rq->op);
}

static void store(struct request *rq, const struct wish *w)
{
	struct stoa_tx *tx = stoa_sql_begin(&rq->sg->sql, rq->sg->m, rq->user->id);
	int err = tx ? make_call(rq, w) : -ENOMEM;

	if (!err) {
		request_remember(rq, tx, rq->draft->id, 201);
		store_call(rq, tx, rq->draft);
		stoa_tx_emit(&rq->sg->sql, tx, "call.initiated",
			     json_pack("{s:s, s:o}", "callId", rq->draft->id, "call",
				       render_call(rq->draft)));
		err = stoa_tx_commit(&rq->sg->sql, stoa_take(tx), on_stored, rq);
	}
	stoa_tx_cancel(&rq->sg->sql, tx);
	if (err) {
		request_storage_problem(rq, err);
		op_done(&rq->op);
	}
}

static bool may_initiate(struct request *rq, const struct wish *w)
{
	if (w->channel_id &&
	    stoa_user_role(&rq->sg->auth, rq->user, w->channel_id) < STOA_ROLE_MEMBER)
		request_problem(rq, 403, "not_a_member", "The caller is not of this channel.");
	else if (rq->sg->is_draining)
		request_problem(rq, 503, "draining", "The server takes no new calls.");
	else if (stoa_map_len(rq->sg->calls) >= CALLS_MAX)
		request_problem(rq, 503, "too_many_calls", "The server is full.");
	else
		return true;
	return false;
}

static void start(struct op *op)
{
	struct request *rq = (struct request *)op;
	struct wish w = { 0 };

	if (rq->is_repeated) {
		verb_load(rq, rq->call_id, repeat);
		return;
	}
	w.callees = calloc(CALL_SIZE_MAX, sizeof(*w.callees));
	if (!w.callees) {
		request_storage_problem(rq, -ENOMEM);
		op_done(op);
		return;
	}
	if (wish_read(&w, rq) && may_initiate(rq, &w))
		store(rq, &w);
	else
		op_done(op);
	free(w.callees);
}

void verb_initiate(struct stoa_http_req *http, void *sg)
{
	struct request *rq = request_new(sg, http, REQUEST_BODY);

	if (rq)
		request_look_up_key(rq, start);
}
