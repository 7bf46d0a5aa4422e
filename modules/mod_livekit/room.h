/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_ROOM_H
#define LIVEKIT_ROOM_H

#include "livekit.h"
#include "signal.pb-c.h"

/*
 * The sessions of one room, and what they are told together. Changes of participants are collected
 * and told at the end of the loop's turn, in one message rendered once. On ctl.
 */

struct session;

struct room {
	struct livekit *lk;
	stoa_room_id id;
	struct stoa_list sessions;
	stoa_participant_id *dirty; /* changed since the last flush */
	size_t n_dirty, cap_dirty;
};

/** The room's entry; NULL when none of its participants came through this module. */
struct room *room_find(struct livekit *lk, stoa_room_id id);
/** Finds or makes it. NULL when out of memory. */
struct room *room_get(struct livekit *lk, stoa_room_id id);
/** Frees the entry when no session is left in it. */
void room_drop(struct room *r);

/** Sends to every session but `except` (may be NULL). */
void room_send(struct room *r, const Lk__SignalResponse *msg, const struct session *except);

/** A participant changed: all will be told by room_flush(), at the latest in the next turn. */
void room_mark(struct room *r, stoa_participant_id p);
/** Tells what was marked. Called before anything that relies on it (an answer with media). */
void room_flush(struct room *r);
void room_flush_all(void *lk); /* a timer's function */

/** Tells that somebody is gone; `p` is the info of the event. */
void room_tell_left(struct room *r, const struct stoa_participant_info *p);

#endif
