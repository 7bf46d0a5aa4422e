/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_EVENTS_H
#define LIVEKIT_EVENTS_H

#include "livekit.h"

/** What the sfu tells, turned into messages for the clients of the room. `user` is the livekit. */
extern const struct stoa_sfu_events livekit_events;

#endif
