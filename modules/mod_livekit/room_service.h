/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_ROOM_SERVICE_H
#define LIVEKIT_ROOM_SERVICE_H

#include "room_service.pb-c.h"
#include "twirp.h"

/*
 * The methods of livekit.RoomService: a table, and one function for each. On ctl.
 */

/** The method of that name; NULL when there is none. */
const struct twirp_method *room_service_find(struct stoa_str name);

/** What an error of the sfu means to the caller; NULL for 0. */
const struct twirp_error *room_service_error(int err);

/** An empty message of the arena as the answer (`d` is initialised, all defaults). */
ProtobufCMessage *room_service_answer(struct twirp_call *c, const ProtobufCMessageDescriptor *d);

const struct twirp_error *room_service_find_room(struct twirp_call *c, const char *name,
						 stoa_room_id *ret_room);
const struct twirp_error *room_service_find_participant(struct twirp_call *c, const char *room,
							const char *identity,
							stoa_participant_id *ret_p);

twirp_fn create_room, list_rooms, delete_room, update_room_metadata; /* service_rooms.c        */
twirp_fn list_participants, get_participant, remove_participant;     /* service_participants.c */
twirp_fn update_participant, mute_published_track, update_subscriptions;

#endif
