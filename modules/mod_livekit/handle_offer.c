/* SPDX-License-Identifier: Apache-2.0 */
/* offer, trickle: the client negotiates. It is always the offerer; a second offer right behind the
 * first is normal and is answered in its turn. */
#include "handlers.h"

void handle_offer(struct session *s, struct request *r)
{
	session_offer(s, stoa_take(r->sdp), r->msg->offer->id);
}

void handle_trickle(struct session *s, struct request *r)
{
	/* an ICE-lite server learns addresses from checks: a candidate it cannot use is no error */
	if (r->msg->trickle->target == LK__SIGNAL_TARGET__PUBLISHER && r->candidate.n)
		(void)stoa_sfu_transport_candidate(&s->lk->sfu, s->transport, r->candidate);
}
