/* SPDX-License-Identifier: Apache-2.0 */
/* The `calls` interface: questions of other modules, answered from memory. */
#include "signaling.h"

static int fill(const struct call *c, const struct stoa_call_info **ret_info)
{
	static struct stoa_call_info info; /* borrowed by one caller at a time, on ctl */

	if (!c)
		return -ENOENT;
	info = (struct stoa_call_info){
		.size = sizeof(info),
		.call_id = c->id,
		.type = c->type,
		.status = call_status_name(c->status),
		.initiator_id = c->initiator_id,
		.channel_id = c->channel_id ? c->channel_id : "",
		.room_name = c->room_name,
		.n_joined = call_count(c, PART_JOINED),
		.max_participants = c->max_participants,
		.created_ms = c->created_ms,
		.started_ms = c->started_ms,
	};
	*ret_info = &info;
	return 0;
}

static int find(void *self, const char *call_id, const struct stoa_call_info **ret_info)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	return fill(call_find(self, stoa_str(call_id)), ret_info);
}

static int find_room(void *self, const char *room_name, const struct stoa_call_info **ret_info)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	return fill(call_of_room(self, stoa_str(room_name)), ret_info);
}

static bool is_call_room(const char *name)
{
	size_t n = strlen(ROOM_PREFIX);

	return strncmp(name, ROOM_PREFIX, n) == 0 && stoa_uuid_valid(stoa_str(name + n));
}

static int may_enter(void *self, const char *room_name, const char *user_id)
{
	const struct call *c;
	const struct participant *p;

	stoa_assert_thread(STOA_THREAD_CTL);
	c = call_of_room(self, stoa_str(room_name));
	if (!c)
		return is_call_room(room_name) ? -ESTALE : -ENOENT;
	p = call_participant(c, stoa_str(user_id));
	return p && p->status == PART_REMOVED ? -EACCES : 0;
}

const struct stoa_calls_ops provide_ops = {
	.size = sizeof(provide_ops),
	.find = find,
	.find_room = find_room,
	.may_enter = may_enter,
};
