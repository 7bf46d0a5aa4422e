/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_IFACE_CALLS_H
#define STOA_IFACE_CALLS_H

#include <errno.h>
#include <stoa/iface.h>
#include <stoa/util.h>

/*
 * `calls`: the open calls, as far as other modules need them: whose room is this, may this user be
 * in it, how many are there. Changes are told by events (docs/events.md), not here.
 *
 * Everything is on ctl and answered from memory. Infos are borrowed until the calling code returns
 * to the loop.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

#define STOA_CALLS "calls/0"

struct stoa_call_info { /* an open call */
	uint32_t size;
	const char *call_id;
	const char *type;   /* "audio", "video", "screen_share"       */
	const char *status; /* "initiating", "ringing", "active"      */
	const char *initiator_id;
	const char *channel_id; /* "" when it is a call to users          */
	const char *room_name;
	uint32_t n_joined, max_participants;
	int64_t created_ms, started_ms; /* started: 0 while nobody answered */
};

struct stoa_calls_ops {
	uint32_t size;
	int (*find)(void *self, const char *call_id, const struct stoa_call_info **ret_info);
	int (*find_room)(void *self, const char *room_name, const struct stoa_call_info **ret_info);
	int (*may_enter)(void *self, const char *room_name, const char *user_id);
};

/** What consumers hold. Bind in start(). */
struct stoa_calls {
	const struct stoa_calls_ops *ops;
	void *self;
};

/** Binds the provider. Errors of stoa_iface_bind(). Thread: ctl. */
static inline int stoa_calls_bind(struct stoa_mod *m, struct stoa_calls *ret_calls)
{
	struct stoa_iface i;
	int err = stoa_iface_bind(m, STOA_CALLS, &i);

	if (err)
		return err;
	ret_calls->ops = (const struct stoa_calls_ops *)i.ops;
	ret_calls->self = i.self;
	return 0;
}

/** An open call by its id; -ENOENT. Thread: ctl. */
static inline int stoa_calls_find(const struct stoa_calls *c, const char *call_id,
				  const struct stoa_call_info **ret_info)
{
	return STOA_HAS(c->ops, find) ? c->ops->find(c->self, call_id, ret_info) : -ENOTSUP;
}

/** The open call that a media room belongs to; -ENOENT. Thread: ctl. */
static inline int stoa_calls_find_room(const struct stoa_calls *c, const char *room_name,
				       const struct stoa_call_info **ret_info)
{
	return STOA_HAS(c->ops, find_room) ? c->ops->find_room(c->self, room_name, ret_info)
					   : -ENOTSUP;
}

/** May somebody who holds a valid token for this room come in now? 0: yes, as far as calls are
 *  concerned. -ENOENT: the name is no call's, not ours to judge. -ESTALE: it is, and the call is
 *  over: a room of that name must not be made again. -EACCES: this user was removed. Thread: ctl.
 */
static inline int stoa_calls_may_enter(const struct stoa_calls *c, const char *room_name,
				       const char *user_id)
{
	return STOA_HAS(c->ops, may_enter) ? c->ops->may_enter(c->self, room_name, user_id)
					   : -ENOTSUP;
}

STOA_END_DECLS

#endif
