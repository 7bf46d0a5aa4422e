/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a call and of a participation, as two tables. Pure; any thread.
 * Whatever is not in a table is forbidden. */
#ifndef SIGNALING_STATE_H
#define SIGNALING_STATE_H

#include <stoa/base.h>

enum call_status {
	CALL_NONE = 0,
	CALL_INITIATING, /* stored; hooks were not asked yet    */
	CALL_RINGING,    /* nobody but the caller is in it      */
	CALL_ACTIVE,
	CALL_ENDED, /* from here on: over                       */
	CALL_DECLINED,
	CALL_MISSED,
	CALL_CANCELLED,
	CALL_FAILED,
	CALL_STATUS_N
};

enum call_event {
	CALL_EV_STORED = 0,
	CALL_EV_ALLOWED,     /* hooks allow, the room is open                       */
	CALL_EV_REFUSED,     /* hooks refuse, or there is no room                   */
	CALL_EV_ANSWERED,    /* the first callee came in                            */
	CALL_EV_DECLINED,    /* the last callee who rang declined                   */
	CALL_EV_UNANSWERED,  /* ring time-out                                       */
	CALL_EV_CALLER_LEFT, /* while it rang                                       */
	CALL_EV_PEER_LEFT,   /* one of two                                          */
	CALL_EV_EMPTY,       /* a group that nobody came back to                    */
	CALL_EV_END,         /* asked for by initiator, moderator or admin          */
	CALL_EV_TOO_LONG,    /* longest duration                                    */
	CALL_EV_ROOM_CLOSED, /* the media room was closed by an operator            */
	CALL_EV_RESTART,     /* found open by a new daemon                          */
	CALL_EVENT_N
};

/** 0 and the new status, or -EPERM: this cannot happen in this status. */
int call_next(enum call_status from, enum call_event ev, enum call_status *ret_to);
bool call_is_open(enum call_status s);
const char *call_status_name(enum call_status s);
/** CALL_NONE for what is no name of a status. */
enum call_status call_status_parse(struct stoa_str s);
/** What endReason says when nobody gave a reason; NULL: the event does not end a call. */
const char *call_event_reason(enum call_event ev);

enum part_status {
	PART_NONE = 0,
	PART_INVITED,
	PART_RINGING,
	PART_JOINED,
	PART_LEFT,
	PART_DECLINED,
	PART_MISSED,
	PART_REMOVED,
	PART_STATUS_N
};

enum part_event {
	PART_EV_INVITE = 0,
	PART_EV_RING,
	PART_EV_JOIN, /* again while joined: another device takes over */
	PART_EV_DECLINE,
	PART_EV_LEAVE,
	PART_EV_MISS, /* rang until the time-out, or until the call was over */
	PART_EV_REMOVE,
	PART_EVENT_N
};

int part_next(enum part_status from, enum part_event ev, enum part_status *ret_to);
const char *part_status_name(enum part_status s);
enum part_status part_status_parse(struct stoa_str s);

#endif
