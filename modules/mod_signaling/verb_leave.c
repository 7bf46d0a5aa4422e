/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/calls/{id}/decline, leave and end: the three ways out. */
#include "signaling.h"

static void refuse(struct request *rq, const char *error, const char *detail)
{
	request_problem(rq, 409, error, detail);
	op_done(&rq->op);
}

static struct participant *own_part(const struct request *rq)
{
	return call_participant(rq->op.call, stoa_str(rq->user->id));
}

/* Starts a change of the asking user's part; NULL when the request was answered. */
static struct change *change_own_part(struct request *rq, enum part_event ev, const char *error,
				      const char *detail)
{
	struct participant *p = own_part(rq);
	struct change *ch = p ? change_new(rq->op.call) : NULL;
	int err = ch ? change_participant(ch, p, ev, rq->reason) : -EPERM;

	if (!err)
		return ch;
	change_free(ch);
	refuse(rq, error, detail);
	return NULL;
}

/* ---- decline ---- */

/* Somebody of the channel: there is no row to change, but their other devices stop ringing. */
static void decline_unlisted(struct request *rq)
{
	const struct call *c = rq->op.call;
	int err = stoa_event_emit(rq->sg->m, "call.declined",
				  json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?}", "callId", c->id,
					    "userId", rq->user->id, "name", rq->user->name,
					    "channelId", c->channel_id, "callStatus",
					    call_status_name(c->status), "reason", rq->reason));

	if (err)
		stoa_log(rq->sg->m, STOA_LOG_WARN, "call=%s event lost: %s", c->id, strerror(-err));
	verb_answer_call(&rq->op);
}

static void decline(struct op *op)
{
	struct request *rq = (struct request *)op;
	struct change *ch;

	if (!own_part(rq) && op->call->channel_id && access_may_join(rq, op->call)) {
		decline_unlisted(rq);
		return;
	}
	ch = change_own_part(rq, PART_EV_DECLINE, "not_ringing", "The call does not ring for you.");
	if (ch)
		verb_commit(rq, ch, verb_answer_change);
}

/* ---- leave ---- */

static void on_left(int err, void *user)
{
	struct request *rq = user;

	if (!err && call_is_open(rq->op.call->status))
		media_remove(rq->op.call, rq->user->id);
	verb_answer_change(err, user);
}

static void leave(struct op *op)
{
	struct request *rq = (struct request *)op;
	struct change *ch =
		change_own_part(rq, PART_EV_LEAVE, "not_in_call", "You are not in this call.");

	if (ch)
		verb_commit(rq, ch, on_left);
}

/* ---- end ---- */

static void end(struct op *op)
{
	struct request *rq = (struct request *)op;
	struct change *ch;

	if (!access_may_end(rq, op->call)) {
		request_problem(rq, 403, "not_allowed",
				"Only the initiator, a moderator or an admin may end a call.");
		op_done(op);
		return;
	}
	ch = change_new(op->call);
	if (!ch || change_call(ch, CALL_EV_END, rq->reason)) {
		change_free(ch);
		refuse(rq, "call_not_active",
		       "Only an active call can be ended; leave it instead.");
		return;
	}
	verb_commit(rq, ch, verb_answer_change);
}

/* ---- the requests ---- */

static void begin(struct stoa_http_req *http, void *sg, op_fn *run_fn)
{
	struct request *rq = request_new(sg, http, REQUEST_BODY);

	if (!rq)
		return;
	if (request_read_reason(rq))
		verb_on_call(rq, run_fn, verb_answer_call);
	else
		request_free(rq);
}

void verb_decline(struct stoa_http_req *http, void *sg)
{
	begin(http, sg, decline);
}

void verb_leave(struct stoa_http_req *http, void *sg)
{
	begin(http, sg, leave);
}

void verb_end(struct stoa_http_req *http, void *sg)
{
	begin(http, sg, end);
}
