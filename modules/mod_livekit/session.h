/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_SESSION_H
#define LIVEKIT_SESSION_H

#include "conn.h"
#include "room.h"

#include <stoa/event.h>

/*
 * One participant that came over a signal socket. It outlives the socket as long as its media
 * transport lives, so that a client can resume on a new one. On ctl.
 */

#define LK_SID_LEN 64

struct session {
	struct stoa_list in_all, in_room;
	struct livekit *lk;
	struct room *room;
	struct conn *conn;                    /* a reference; NULL while the socket is away */
	const struct stoa_media_grant *grant; /* the newest socket's; lives with `grant_owner` */
	struct conn *grant_owner;
	stoa_participant_id participant;
	stoa_transport_id transport;
	char sid[LK_SID_LEN];
	bool is_connected;       /* the media transport */
	uint32_t offers;         /* waiting for their answer */
	uint64_t speakers_at_ms; /* told who speaks once more; 0: not due */
	uint64_t give_up_at_ms;  /* not connected by then: out; 0: no deadline */
	uint64_t refresh_at_ms;  /* next token */
};

/** A socket opened: join, or resume what its address names. */
void session_begin(struct conn *c);
/** A socket closed. Without a living transport that is a leave. */
void session_socket_closed(struct conn *c);

/** Ends the participation; the session goes when the sfu has told participant_left. */
void session_end(struct session *s, enum stoa_leave_reason why);
/** The sfu told that the participant is gone: tells the client why, closes, frees. */
void session_gone(struct session *s, enum stoa_leave_reason why);
/** The media transport came up or went down. */
void session_transport_changed(struct session *s, bool is_connected);
/** The tokens of a user were revoked: ends what they let in. `lk` is the module's. */
void session_revoked(const struct stoa_event *ev, void *lk);
/** Once a second: deadlines and tokens. */
void session_tick(void *lk);

/** Hands an offer to the sfu; the answer carries `id`. Takes `sdp_take`. */
void session_offer(struct session *s, struct stoa_sdp *sdp_take, uint32_t id);

/** Sends to the client, if its socket is there. */
void session_send(struct session *s, const Lk__SignalResponse *r);

struct session *session_find(struct livekit *lk, stoa_participant_id p);
struct session *session_find_identity(const struct room *r, const char *identity);

/** The identity of the session, for logs. */
const char *session_name(const struct session *s);

#endif
