/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_GREET_H
#define LIVEKIT_GREET_H

#include "session.h"

/*
 * The first words on a socket, and tokens. On ctl.
 */

/** `join`: the room, the participant, everybody else, how to connect. -ENOMEM. */
int greet_join(struct session *s);
/** `reconnect`, then everything that may have been missed. -ENOMEM. */
int greet_resume(struct session *s);
/** Who speaks at this moment, since the sfu tells changes only; `with_silent`: who does not, too. */
void greet_speakers(struct session *s, bool with_silent);
/** A fresh access token for the client's next attempt. */
void greet_token(struct session *s);
/** `leave` on a socket that has no session (any more). */
void greet_leave(struct conn *c, enum stoa_leave_reason why, Lk__LeaveRequest__Action action);

#endif
