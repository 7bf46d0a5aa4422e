/* SPDX-License-Identifier: Apache-2.0 */
/* leave, update_metadata, simulate: the participant itself. */
#include "attributes.h"
#include "greet.h"
#include "handlers.h"

#include <errno.h>
#include <stdlib.h>

void handle_leave(struct session *s, struct request *r)
{
	(void)r;
	session_end(s, STOA_LEAVE_CLIENT);
}

static int update(struct session *s, struct request *r)
{
	const Lk__UpdateParticipantMetadata *u = r->msg->update_metadata;
	const struct stoa_participant_info *p;
	struct stoa_participant_info changed;
	int err = stoa_sfu_participant_get(&s->lk->sfu, s->participant, &p);

	if (err)
		return err;
	if (!p->permission.can_update_own_metadata)
		return -EACCES;
	changed = *p;
	err = attributes_merge(r->arena, &changed, u->n_attributes,
			       (const ProtobufCMessage *const *)u->attributes);
	if (err)
		return err;
	if (u->name[0])
		changed.name = u->name;
	if (u->metadata[0])
		changed.metadata = u->metadata;
	return stoa_sfu_participant_update(&s->lk->sfu, &changed);
}

void handle_update_metadata(struct session *s, struct request *r)
{
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__RequestResponse answer = LK__REQUEST_RESPONSE__INIT;
	int err = update(s, r);

	answer.request_id = r->msg->update_metadata->request_id;
	answer.reason = !err             ? LK__REQUEST_RESPONSE__REASON__OK
			: err == -EACCES ? LK__REQUEST_RESPONSE__REASON__NOT_ALLOWED
					 : LK__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED;
	if (err)
		answer.message = err == -EACCES
					 ? (char *)(uintptr_t) "canUpdateOwnMetadata is not granted"
					 : strerror(-err);
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_REQUEST_RESPONSE;
	msg.request_response = &answer;
	session_send(s, &msg);
}

/* Test buttons of clients; each acts on the client's own session only. */
void handle_simulate(struct session *s, struct request *r)
{
	switch (r->msg->simulate->scenario_case) {
	case LK__SIMULATE_SCENARIO__SCENARIO_SERVER_LEAVE:
		session_end(s, STOA_LEAVE_REMOVED);
		return;
	case LK__SIMULATE_SCENARIO__SCENARIO_NODE_FAILURE:
	case LK__SIMULATE_SCENARIO__SCENARIO_LEAVE_REQUEST_FULL_RECONNECT:
		session_end(s, STOA_LEAVE_STATE_MISMATCH);
		return;
	default:
		return;
	}
}
