/* SPDX-License-Identifier: Apache-2.0 */
/* Which methods RoomService has, what they want, and the errors they share. The words are those of
 * livekit-server: tools match them. */
#include "room_service.h"

#include <errno.h>

/* What needs a data channel of the server's own, or another node. The token is checked first. */
static const struct twirp_error *refuse_unserved(struct twirp_call *c)
{
	static const struct twirp_error unserved = { "unimplemented",
						     "this server does not serve this method",
						     NULL };

	(void)c;
	return &unserved;
}

static const struct twirp_method methods[] = {
	{ "CreateRoom", &lk__create_room_request__descriptor, TWIRP_CREATE, true, create_room },
	{ "ListRooms", &lk__list_rooms_request__descriptor, TWIRP_LIST, false, list_rooms },
	{ "DeleteRoom", &lk__delete_room_request__descriptor, TWIRP_CREATE, true, delete_room },
	{ "ListParticipants", &lk__list_participants_request__descriptor, TWIRP_ADMIN, false,
	  list_participants },
	{ "GetParticipant", &lk__room_participant_identity__descriptor, TWIRP_ADMIN, false,
	  get_participant },
	{ "RemoveParticipant", &lk__room_participant_identity__descriptor, TWIRP_ADMIN, true,
	  remove_participant },
	{ "MutePublishedTrack", &lk__mute_room_track_request__descriptor, TWIRP_ADMIN, true,
	  mute_published_track },
	{ "UpdateParticipant", &lk__update_participant_request__descriptor, TWIRP_ADMIN, true,
	  update_participant },
	{ "UpdateSubscriptions", &lk__update_subscriptions_request__descriptor, TWIRP_ADMIN, true,
	  update_subscriptions },
	{ "UpdateRoomMetadata", &lk__update_room_metadata_request__descriptor, TWIRP_ADMIN, true,
	  update_room_metadata },
	{ "SendData", &lk__room_only_request__descriptor, TWIRP_ADMIN, true, refuse_unserved },
	{ "ForwardParticipant", &lk__room_only_request__descriptor, TWIRP_ADMIN, true,
	  refuse_unserved },
	{ "MoveParticipant", &lk__room_only_request__descriptor, TWIRP_ADMIN, true,
	  refuse_unserved },
	{ "PerformRpc", &lk__room_only_request__descriptor, TWIRP_ADMIN, true, refuse_unserved },
};

const struct twirp_method *room_service_find(struct stoa_str name)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(methods); i++)
		if (stoa_str_is(name, methods[i].name))
			return &methods[i];
	return NULL;
}

const struct twirp_error *room_service_error(int err)
{
	static const struct {
		int err;
		struct twirp_error error;
	} table[] = {
		{ -EINVAL, { "invalid_argument", "a text is not UTF-8 or over its limit", NULL } },
		{ -E2BIG, { "invalid_argument", "the request is over a limit", NULL } },
		{ -ENOENT, { "not_found", "requested room does not exist", NULL } },
		{ -EMFILE, { "resource_exhausted", "the server takes no more rooms", NULL } },
		{ -ESHUTDOWN, { "unavailable", "the server is shutting down", NULL } },
		{ -ENOMEM, { "internal", "out of memory", NULL } },
	};
	static const struct twirp_error other = { "internal", "the server failed", NULL };

	if (!err)
		return NULL;
	for (size_t i = 0; i < STOA_ARRAY_SIZE(table); i++)
		if (table[i].err == err)
			return &table[i].error;
	return &other;
}

ProtobufCMessage *room_service_answer(struct twirp_call *c, const ProtobufCMessageDescriptor *d)
{
	ProtobufCMessage *m = wire_alloc(c->arena, d->sizeof_message);

	if (m)
		d->message_init(m);
	c->out = m;
	return m;
}

const struct twirp_error *room_service_find_room(struct twirp_call *c, const char *name,
						 stoa_room_id *ret_room)
{
	return room_service_error(stoa_sfu_room_find(&c->lk->sfu, name, ret_room));
}

const struct twirp_error *room_service_find_participant(struct twirp_call *c, const char *room,
							const char *identity,
							stoa_participant_id *ret_p)
{
	static const struct twirp_error no_identity = { "invalid_argument",
							"identity cannot be empty", "identity" };
	static const struct twirp_error unknown = { "not_found", "participant does not exist",
						    NULL };
	const struct twirp_error *e;
	stoa_room_id id = 0;
	int err;

	if (!identity[0])
		return &no_identity;
	e = room_service_find_room(c, room, &id);
	if (e)
		return e;
	err = stoa_sfu_participant_find(&c->lk->sfu, id, identity, ret_p);
	return err == -ENOENT ? &unknown : room_service_error(err);
}
