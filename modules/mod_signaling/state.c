/* SPDX-License-Identifier: Apache-2.0 */
/* Two tables and their look-up. The handlers ask here before anything is stored; the statements ask
 * the database again, by the status they expect. */
#include "state.h"

#include <errno.h>

static const char *const call_names[CALL_STATUS_N] = {
	[CALL_NONE] = "",         [CALL_INITIATING] = "initiating", [CALL_RINGING] = "ringing",
	[CALL_ACTIVE] = "active", [CALL_ENDED] = "ended",           [CALL_DECLINED] = "declined",
	[CALL_MISSED] = "missed", [CALL_CANCELLED] = "cancelled",   [CALL_FAILED] = "failed",
};

static const char *const part_names[PART_STATUS_N] = {
	[PART_NONE] = "",         [PART_INVITED] = "invited", [PART_RINGING] = "ringing",
	[PART_JOINED] = "joined", [PART_LEFT] = "left",       [PART_DECLINED] = "declined",
	[PART_MISSED] = "missed", [PART_REMOVED] = "removed",
};

/* from, event -> to; 0 is forbidden */
static const uint8_t call_edges[CALL_STATUS_N][CALL_EVENT_N] = {
	[CALL_NONE] = {
		[CALL_EV_STORED] = CALL_INITIATING,
	},
	[CALL_INITIATING] = {
		[CALL_EV_ALLOWED] = CALL_RINGING,
		[CALL_EV_REFUSED] = CALL_FAILED,
		[CALL_EV_RESTART] = CALL_FAILED,
	},
	[CALL_RINGING] = {
		[CALL_EV_ANSWERED] = CALL_ACTIVE,
		[CALL_EV_DECLINED] = CALL_DECLINED,
		[CALL_EV_UNANSWERED] = CALL_MISSED,
		[CALL_EV_CALLER_LEFT] = CALL_CANCELLED,
		[CALL_EV_ROOM_CLOSED] = CALL_CANCELLED,
		[CALL_EV_RESTART] = CALL_ENDED,
	},
	[CALL_ACTIVE] = {
		[CALL_EV_PEER_LEFT] = CALL_ENDED,
		[CALL_EV_EMPTY] = CALL_ENDED,
		[CALL_EV_END] = CALL_ENDED,
		[CALL_EV_TOO_LONG] = CALL_ENDED,
		[CALL_EV_ROOM_CLOSED] = CALL_ENDED,
		[CALL_EV_RESTART] = CALL_ENDED,
	},
};

static const uint8_t part_edges[PART_STATUS_N][PART_EVENT_N] = {
	[PART_NONE] = {
		[PART_EV_INVITE] = PART_INVITED,
		[PART_EV_JOIN] = PART_JOINED,
	},
	[PART_INVITED] = {
		[PART_EV_RING] = PART_RINGING,
	},
	[PART_RINGING] = {
		[PART_EV_JOIN] = PART_JOINED,
		[PART_EV_DECLINE] = PART_DECLINED,
		[PART_EV_MISS] = PART_MISSED,
		[PART_EV_REMOVE] = PART_REMOVED,
	},
	[PART_JOINED] = {
		[PART_EV_JOIN] = PART_JOINED,
		[PART_EV_LEAVE] = PART_LEFT,
		[PART_EV_REMOVE] = PART_REMOVED,
	},
	[PART_LEFT] = {
		[PART_EV_JOIN] = PART_JOINED,
	},
	[PART_DECLINED] = {
		[PART_EV_JOIN] = PART_JOINED,
	},
	[PART_MISSED] = {
		[PART_EV_JOIN] = PART_JOINED,
	},
};

static const char *const reasons[CALL_EVENT_N] = {
	[CALL_EV_REFUSED] = "refused",
	[CALL_EV_DECLINED] = "declined",
	[CALL_EV_UNANSWERED] = "no_answer",
	[CALL_EV_CALLER_LEFT] = "cancelled",
	[CALL_EV_PEER_LEFT] = "left",
	[CALL_EV_EMPTY] = "empty",
	[CALL_EV_END] = "ended",
	[CALL_EV_TOO_LONG] = "max_duration",
	[CALL_EV_ROOM_CLOSED] = "room_closed",
	[CALL_EV_RESTART] = "server_restart",
};

int call_next(enum call_status from, enum call_event ev, enum call_status *ret_to)
{
	uint8_t to = call_edges[from][ev];

	if (!to)
		return -EPERM;
	*ret_to = (enum call_status)to;
	return 0;
}

bool call_is_open(enum call_status s)
{
	return s == CALL_INITIATING || s == CALL_RINGING || s == CALL_ACTIVE;
}

const char *call_event_reason(enum call_event ev)
{
	return reasons[ev];
}

int part_next(enum part_status from, enum part_event ev, enum part_status *ret_to)
{
	uint8_t to = part_edges[from][ev];

	if (!to)
		return -EPERM;
	*ret_to = (enum part_status)to;
	return 0;
}

/* ---- names ---- */

static int find_name(const char *const *names, int n, struct stoa_str s)
{
	for (int i = 1; i < n; i++)
		if (stoa_str_is(s, names[i]))
			return i;
	return 0;
}

const char *call_status_name(enum call_status s)
{
	return call_names[s];
}

enum call_status call_status_parse(struct stoa_str s)
{
	return (enum call_status)find_name(call_names, CALL_STATUS_N, s);
}

const char *part_status_name(enum part_status s)
{
	return part_names[s];
}

enum part_status part_status_parse(struct stoa_str s)
{
	return (enum part_status)find_name(part_names, PART_STATUS_N, s);
}
