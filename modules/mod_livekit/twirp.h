/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_TWIRP_H
#define LIVEKIT_TWIRP_H

#include "livekit.h"
#include "wire.h"

/*
 * LiveKit's server API: POST /twirp/livekit.{Service}/{Method} with a message as JSON or protobuf
 * (Twirp, version 7 of its wire protocol). Here are the transport and the errors; the methods are a
 * table (room_service.c). All on ctl.
 */

struct twirp_error {
	const char *code;     /* of Twirp's list; the HTTP status follows from it */
	const char *msg;      /* one phrase for people                            */
	const char *argument; /* the field at fault; NULL: none                   */
};

struct twirp_call { /* one request; messages and all they point to live until it is answered */
	struct livekit *lk;
	const struct stoa_media_grant *grant;
	struct wire_arena *arena;
	const ProtobufCMessage *in;
	const ProtobufCMessage *out; /* the handler sets it; texts of the model may be borrowed */
};

/** Does the work. NULL, or what went wrong (constant, or of the arena). */
typedef const struct twirp_error *twirp_fn(struct twirp_call *c);

enum twirp_grant {               /* what the token must allow */
		   TWIRP_CREATE, /* roomCreate                                               */
		   TWIRP_LIST,   /* roomList                                                 */
		   TWIRP_ADMIN,  /* roomAdmin, for the room that the request's `room` names  */
};

struct twirp_method {
	const char *name;
	const ProtobufCMessageDescriptor *request;
	enum twirp_grant grant;
	bool is_change; /* worth a line in the log */
	twirp_fn *fn;
};

/** The HTTP status of an error code; 500 for a code that is not of the list. */
int twirp_status(const char *code);

/** Does the token allow this method with this request? */
bool twirp_may(const struct twirp_method *m, const struct stoa_media_grant *g,
	       const ProtobufCMessage *in);

/** Adds the routes of RoomService, and one that answers bad_route for all others. */
int twirp_add_routes(struct livekit *lk);

#endif
