/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/calls/{id}/join: the first callee who comes makes the call active. */
#include "signaling.h"

#include <stdlib.h>
#include <stoa/hook/call_join.h>

static void answer_grant(struct op *op)
{
	struct request *rq = (struct request *)op;
	json_t *grant;

	if (grant_render(rq, verb_call(rq), &grant))
		request_problem(rq, 503, "no_media_token", "No media token could be made.");
	else
		request_answer(rq, 200, grant);
	op_done(op);
}

static void on_joined(int err, void *user)
{
	struct request *rq = user;

	if (!err) {
		answer_grant(&rq->op);
		return;
	}
	request_storage_problem(rq, err);
	op_done(&rq->op);
}

static bool ask_hooks(struct request *rq)
{
	const struct call *c = rq->op.call;
	struct stoa_hook_call_join ev = {
		.size = sizeof(ev),
		.call_id = c->id,
		.type = c->type,
		.status = call_status_name(c->status),
		.initiator_id = c->initiator_id,
		.channel_id = c->channel_id ? c->channel_id : "",
		.user_id = rq->user->id,
		.user_name = rq->user->name,
		.n_joined = call_count(c, PART_JOINED),
		.max_participants = c->max_participants,
	};

	if (STOA_HOOK_RUN(rq->sg->m, call_join, &ev) == STOA_ALLOW)
		return true;
	request_problem(rq, 403, ev.denial.code[0] ? ev.denial.code : "refused",
			ev.denial.text[0] ? ev.denial.text : "Joining was refused.");
	return false;
}

/* Finds the user's part in the call, or makes one that is not stored yet. */
static int own_part(struct request *rq, struct participant **ret_p)
{
	struct call *c = rq->op.call;
	struct participant *p = call_participant(c, stoa_str(rq->user->id));
	char *name;

	if (!p)
		return call_add_participant(c, stoa_str(rq->user->id), stoa_str(rq->user->name),
					    ret_p);
	*ret_p = p;
	if (!rq->user->name[0])
		return 0;
	name = strdup(rq->user->name);
	if (!name)
		return -ENOMEM;
	free(p->name);
	p->name = name;
	return 0;
}

static bool may_join(struct request *rq)
{
	const struct call *c = rq->op.call;
	const struct participant *p = call_participant(c, stoa_str(rq->user->id));
	bool is_in = p && p->status == PART_JOINED;

	if (!access_may_join(rq, c))
		request_problem(rq, 403, p ? "removed_from_call" : "not_invited",
				p ? "You were removed from this call."
				  : "You were not invited to this call.");
	else if (!is_in && call_count(c, PART_JOINED) >= c->max_participants)
		request_problem(rq, 409, "call_full", "The call has all participants it may have.");
	else
		return ask_hooks(rq);
	return false;
}

static void join(struct op *op)
{
	struct request *rq = (struct request *)op;
	struct participant *p;
	struct change *ch;
	int err;

	if (!may_join(rq)) {
		op_done(op);
		return;
	}
	err = own_part(rq, &p);
	if (!err && p->status == PART_JOINED && !rq->key) { /* another device: nothing to store */
		answer_grant(op);
		return;
	}
	ch = err ? NULL : change_new(op->call);
	if (!ch) {
		on_joined(-ENOMEM, rq);
		return;
	}
	err = change_participant(ch, p, PART_EV_JOIN, NULL);
	if (err) {
		change_free(ch);
		request_problem(rq, 409, "not_joinable", "The call cannot be joined now.");
		op_done(op);
		return;
	}
	verb_commit(rq, ch, on_joined);
}

void verb_join(struct stoa_http_req *http, void *sg)
{
	struct request *rq = request_new(sg, http, REQUEST_BODY);

	if (rq)
		verb_on_call(rq, join, answer_grant);
}
