/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_CONN_H
#define LIVEKIT_CONN_H

#include "join.h"
#include "livekit.h"

#include <stoa/loop.h>

struct session;

struct bucket { /* a token bucket: so many requests per second, and a burst */
	uint64_t at_ms;
	uint32_t tokens;
};

struct conn { /* one socket; counted: the edge and ctl hold it */
	atomic_uint refs;
	struct livekit *lk;
	struct stoa_ws *ws; /* a reference, set before ctl hears of the socket */
	const struct stoa_media_grant *grant;
	struct join *join;       /* what the client asked for in the address */
	struct stoa_sdp *offer;  /* of the join, until ctl takes it          */
	struct stoa_task opened; /* to ctl */
	struct stoa_task closed; /* to ctl */
	atomic_uint pending;     /* requests on their way to ctl */
	struct bucket bucket;    /* edge only */
	bool is_refused;         /* edge only: closing, hear nothing more */
	int close_code;          /* set before `closed` is posted */
	struct session *session; /* ctl only; NULL when it has another socket or is gone */
};

struct request { /* one message of the client, parsed, on its way to ctl */
	struct stoa_task task;
	struct conn *conn; /* a reference */
	struct wire_arena *arena;
	Lk__SignalRequest *msg;
	struct stoa_sdp *sdp;      /* of an offer; a handler that keeps it leaves NULL */
	struct stoa_str candidate; /* of a trickle */
};

/** The WebSocket callbacks of /rtc and /rtc/v1. */
extern const struct stoa_ws_ops conn_ws_ops;

struct conn *conn_ref(struct conn *c);
void conn_unref(struct conn *c);

/** Renders and sends one message. Failures close the socket, which is then told as usual.
 *  Thread: any that holds a reference. */
void conn_send(struct conn *c, const Lk__SignalResponse *r);
/** Sends a ready-made frame. Thread: any that holds a reference. */
void conn_send_frame(struct conn *c, struct stoa_bytes *frame);
/** Closes after what is queued. Thread: any that holds a reference. */
void conn_close(struct conn *c, int code, const char *reason);

#endif
