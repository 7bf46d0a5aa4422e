/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs on one call have in common: find the call, wait for its turn, mind the key. */
#include "signaling.h"

#include <stdlib.h>

#define NOT_FOUND "There is no such call, or it is not for you to know."

/* ---- a call that is over: from the database, as far as the user may see it ---- */

static void on_participants(int err, const struct stoa_sql_result *const *results, uint32_t n,
			    uint32_t failed, void *user)
{
	struct request *rq = user;
	uint32_t rows = err ? 0 : stoa_sql_rows(&rq->sg->sql, results[0]);

	(void)n;
	(void)failed;
	for (uint32_t i = 0; !err && i < rows; i++)
		err = store_read_participant(rq->sg, results[0], i, rq->draft);
	if (err) {
		request_storage_problem(rq, err == -ENOENT ? -EIO : err);
		op_done(&rq->op);
		return;
	}
	rq->then_fn(&rq->op);
}

static int ask_participants(struct request *rq)
{
	struct stoa_sql_value v[] = { STOA_V_TEXT(rq->draft->id) };

	return store_query(rq->sg, request_reader(rq), STORE_PARTS_OF, v, 1, on_participants, rq);
}

static void on_call(int err, const struct stoa_sql_result *const *results, uint32_t n,
		    uint32_t failed, void *user)
{
	struct request *rq = user;

	(void)n;
	(void)failed;
	if (!err && !stoa_sql_rows(&rq->sg->sql, results[0])) {
		request_problem(rq, 404, "call_not_found", NOT_FOUND);
		op_done(&rq->op);
		return;
	}
	if (!err)
		err = store_read_call(rq->sg, results[0], 0, &rq->draft);
	if (!err)
		err = ask_participants(rq);
	if (err) {
		request_storage_problem(rq, err == -ENOENT ? -EIO : err);
		op_done(&rq->op);
	}
}

void verb_load(struct request *rq, const char *id, op_fn *then_fn)
{
	const struct call *open = call_find(rq->sg, stoa_str(id));
	bool is_let_in = open && access_may_see(rq, open);
	char *channels = request_channels(rq);
	struct stoa_sql_value v[] = {
		STOA_V_TEXT(id),
		STOA_V_BOOL(is_let_in || request_is_staff(rq)),
		STOA_V_TEXT(rq->user->id),
		STOA_V_BOOL(rq->user->all_channels),
		STOA_V_JSON(stoa_str(channels)),
	};
	int err = channels ? 0 : -ENOMEM;

	rq->is_let_in = is_let_in;
	rq->then_fn = then_fn;
	if (!err)
		err = store_query(rq->sg, request_reader(rq), STORE_CALL_GET, v, STOA_ARRAY_SIZE(v),
				  on_call, rq);
	free(channels);
	if (err) {
		request_storage_problem(rq, err);
		op_done(&rq->op);
	}
}

/* ---- in turn ---- */

const struct call *verb_call(const struct request *rq)
{
	return rq->op.call ? rq->op.call : rq->draft;
}

static void refuse_closed(struct op *op)
{
	struct request *rq = (struct request *)op;

	if (rq->is_repeated) {
		rq->repeat_fn(op);
		return;
	}
	request_problem(rq, 409, "call_over", "The call is over.");
	op_done(op);
}

/* Not open (any more): what it was decides between 404 and 409. */
static void load_closed(struct op *op)
{
	struct request *rq = (struct request *)op;

	verb_load(rq, rq->target, refuse_closed);
}

static void with_key(struct op *op)
{
	struct request *rq = (struct request *)op;

	if (rq->is_repeated)
		rq->repeat_fn(op);
	else if (op->call->is_dead)
		refuse_closed(op);
	else
		rq->run_fn(op);
}

static void on_turn(struct op *op)
{
	request_look_up_key((struct request *)op, with_key);
}

void verb_on_call(struct request *rq, op_fn *run_fn, op_fn *repeat_fn)
{
	struct stoa_str id = stoa_http_req_param(rq->http, "id");
	struct call *c = call_find(rq->sg, id);

	rq->run_fn = run_fn;
	rq->repeat_fn = repeat_fn;
	if (!stoa_uuid_valid(id) || (c && !access_may_see(rq, c))) {
		request_problem(rq, 404, "call_not_found", NOT_FOUND);
		request_free(rq);
		return;
	}
	memcpy(rq->target, id.p, id.n);
	rq->op.run_fn = on_turn;
	if (!c)
		request_look_up_key(rq, load_closed);
	else if (c->n_ops >= OPS_MAX) {
		stoa_http_problem_retry(stoa_take(rq->http), 429, "call_busy",
					"Too many requests for this call at once.", 1);
		request_free(rq);
	} else
		op_submit(c, &rq->op);
}

void verb_answer_call(struct op *op)
{
	struct request *rq = (struct request *)op;

	request_answer(rq, 200, render_call(verb_call(rq)));
	op_done(op);
}

/* Ends of changes that answer with the call. */
void verb_answer_change(int err, void *user)
{
	struct request *rq = user;

	if (!err) {
		verb_answer_call(&rq->op);
		return;
	}
	request_storage_problem(rq, err);
	op_done(&rq->op);
}

void verb_commit(struct request *rq, struct change *ch, change_done_fn *fn)
{
	int err;

	request_remember(rq, change_tx(ch), rq->op.call->id, 200);
	err = change_commit(ch, fn, rq);
	if (err) {
		request_storage_problem(rq, err);
		op_done(&rq->op);
	}
}
