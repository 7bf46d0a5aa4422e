/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_RENDER_H
#define LIVEKIT_RENDER_H

#include "livekit.h"
#include "signal.pb-c.h"
#include "wire.h"

/*
 * The sfu's model as LiveKit's messages, built in an arena. Every function yields NULL once the
 * arena is exhausted; ask wire_failed() at the end. Strings of the model are borrowed, not copied:
 * pack the message before the model changes. On ctl.
 */

#define RENDER_ARENA_MAX (16u * 1024 * 1024) /* a room of thousands, with all their tracks */

Lk__Room *render_room(struct wire_arena *a, const struct stoa_room_info *room);
Lk__TrackInfo *render_track(struct wire_arena *a, const struct stoa_track_info *t);
/** With all its tracks that others may know of. */
Lk__ParticipantInfo *render_participant(struct wire_arena *a, const struct livekit *lk,
					const struct stoa_participant_info *p);
Lk__SpeakerInfo *render_speaker(struct wire_arena *a, const struct stoa_participant_info *p,
				float level);
Lk__ServerInfo *render_server(struct wire_arena *a);
/** The ICE servers for one user; fewer, or none, when something fails. */
Lk__ICEServer **render_ice_servers(struct wire_arena *a, const struct livekit *lk,
				   const char *identity, size_t *ret_n);

/** May others know of this track already? */
bool render_is_visible(const struct stoa_track_info *t);

#endif
