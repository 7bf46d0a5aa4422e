/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_HANDLERS_H
#define LIVEKIT_HANDLERS_H

#include "conn.h"
#include "session.h"

/*
 * What each request of a client does: one function per verb, one file per group of verbs. On ctl.
 * A handler acts for its own participant only; ids of others that it names are looked up in its own
 * room.
 */

typedef void handler_fn(struct session *s, struct request *r);

handler_fn handle_offer, handle_trickle;                          /* handle_offer.c        */
handler_fn handle_add_track, handle_mute;                         /* handle_track.c        */
handler_fn handle_subscription, handle_track_setting;             /* handle_subscription.c */
handler_fn handle_leave, handle_update_metadata, handle_simulate; /* handle_participant.c  */

/** Dispatches one request. */
void handlers_apply(struct request *r);
/** An add_track, alone or within a join request. */
void handlers_add_track(struct session *s, const Lk__AddTrackRequest *want);

#endif
