/* SPDX-License-Identifier: Apache-2.0 */
/* Calls and participants as JSON, the same for answers and events. A NULL result means out of
 * memory and is handed on as such. */
#include "signaling.h"

static json_t *time_or_null(int64_t ms)
{
	char text[STOA_TIME_LEN];

	if (!ms)
		return json_null();
	stoa_time_format(ms, text);
	return json_string(text);
}

json_t *render_participant(const struct participant *p, int64_t now_ms)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:b}", "userId", p->user_id, "name",
			 p->name, "status", part_status_name(p->status), "invitedAt",
			 time_or_null(p->invited_ms), "joinedAt", time_or_null(p->joined_ms),
			 "leftAt", time_or_null(p->left_ms), "durationSeconds",
			 (json_int_t)participant_seconds(p, now_ms), "isScreenSharing",
			 p->is_sharing);
}

json_t *render_participants(const struct call *c)
{
	const struct participant *p;
	json_t *list = json_array();
	int64_t now_ms = stoa_wall_ms();

	stoa_list_for_each (p, &c->participants, struct participant, link) {
		if (p->status != PART_NONE)
			json_array_append_new(list, render_participant(p, now_ms));
	}
	return list;
}

static int64_t call_seconds(const struct call *c)
{
	int64_t until = c->ended_ms ? c->ended_ms : stoa_wall_ms();

	return c->started_ms && until > c->started_ms ? (until - c->started_ms) / 1000 : 0;
}

json_t *render_call(const struct call *c)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s?, s:s, s:I, s:O?, s:o, s:o, s:o, s:I, s:s?, s:o}",
		"callId", c->id, "type", c->type, "status", call_status_name(c->status),
		"initiatorId", c->initiator_id, "channelId", c->channel_id, "roomName",
		c->room_name, "maxParticipants", (json_int_t)c->max_participants, "metadata",
		c->metadata, "createdAt", time_or_null(c->created_ms), "startedAt",
		time_or_null(c->started_ms), "endedAt", time_or_null(c->ended_ms),
		"durationSeconds", (json_int_t)call_seconds(c), "endReason", c->end_reason,
		"participants", render_participants(c));
}
