/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what with an open call. The statements say the same for those that are over. */
#include "signaling.h"

static bool is_of_channel(const struct request *rq, const struct call *c)
{
	return c->channel_id &&
	       stoa_user_role(&rq->sg->auth, rq->user, c->channel_id) >= STOA_ROLE_MEMBER;
}

static const struct participant *part_of(const struct request *rq, const struct call *c)
{
	const struct participant *p = call_participant(c, stoa_str(rq->user->id));

	return p && p->status != PART_NONE ? p : NULL;
}

bool access_may_see(const struct request *rq, const struct call *c)
{
	return part_of(rq, c) || is_of_channel(rq, c) || request_is_staff(rq);
}

bool access_may_join(const struct request *rq, const struct call *c)
{
	const struct participant *p = part_of(rq, c);

	return p ? p->status != PART_REMOVED : is_of_channel(rq, c);
}

bool access_may_end(const struct request *rq, const struct call *c)
{
	return strcmp(c->initiator_id, rq->user->id) == 0 || request_is_staff(rq) ||
	       (c->channel_id &&
		stoa_user_role(&rq->sg->auth, rq->user, c->channel_id) >= STOA_ROLE_MODERATOR);
}
