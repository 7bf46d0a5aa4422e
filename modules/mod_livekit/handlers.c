/* SPDX-License-Identifier: Apache-2.0 */
/* The table from the wire's verbs to their functions. A verb without a function is accepted and
 * does nothing: the server keeps its state over a resume (sync_state), everybody may subscribe
 * (subscription_permission), and pings were answered on the edge. */
#include "handlers.h"

#define VERB(x) LK__SIGNAL_REQUEST__MESSAGE_##x

static handler_fn *const handlers[] = {
	[VERB(OFFER)] = handle_offer,
	[VERB(TRICKLE)] = handle_trickle,
	[VERB(ADD_TRACK)] = handle_add_track,
	[VERB(MUTE)] = handle_mute,
	[VERB(SUBSCRIPTION)] = handle_subscription,
	[VERB(TRACK_SETTING)] = handle_track_setting,
	[VERB(LEAVE)] = handle_leave,
	[VERB(SIMULATE)] = handle_simulate,
	[VERB(UPDATE_METADATA)] = handle_update_metadata,
};

void handlers_apply(struct request *r)
{
	struct session *s = r->conn->session;
	unsigned verb = (unsigned)r->msg->message_case;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!s || r->conn->lk->is_stopped) /* resumed elsewhere, or gone */
		return;
	if (verb < STOA_ARRAY_SIZE(handlers) && handlers[verb])
		handlers[verb](s, r);
}
