/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_WS_H
#define MOD_HTTP_WS_H

#include "edge.h"
#include "ws_frame.h"

/* What the files of WebSockets (ws*.c, but for the pure ws_frame.c) share: the socket. What the
 * connection calls stands in edge.h, what modules call in http.h. */

#define WS_CTL_MESSAGES 64u /* on their way to ctl, per socket */
#define WS_CTL_BYTES    (256u * 1024u)

enum { OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct ws {
	struct stoa_ws base; /* first */
	atomic_uint refs;
	struct http *h;
	struct edge *e;
	struct route *route;
	bool on_ctl;
	atomic_bool closing; /* takes no more messages to send */
	atomic_size_t queued;
	atomic_uint in_flight; /* messages on their way to ctl */
	atomic_size_t in_flight_bytes;
	atomic_bool want_resume;

	/* the callbacks' thread */
	void *session;
	bool session_closed;
	struct stoa_list link; /* http.sockets, on ctl */

	/* the edge's */
	struct conn *conn; /* NULL: gone */
	struct ws_parser parser;
	int code; /* for close() */
	bool close_sent, close_told;
	uint64_t close_by_ms, next_ping_ms, pong_by_ms;
};

static inline struct ws *ws_of(const struct stoa_ws *base)
{
	return STOA_CONTAINER((uintptr_t)base, struct ws, base);
}

static inline struct ws *ws_hold(struct ws *ws)
{
	atomic_fetch_add_explicit(&ws->refs, 1, memory_order_relaxed);
	return ws;
}

/* ---- ws.c ---- */

/* Thread: any. */
void ws_drop(struct ws *ws);
/* Starts the closing handshake, or finishes the peer's. Thread: net. */
void ws_send_close(struct ws *ws, int code, struct stoa_str reason);

/* ---- ws_event.c ---- */

enum event_kind { EVENT_OPEN, EVENT_MESSAGE, EVENT_CLOSE };

/* Tells the module, on the thread its callbacks run on. Thread: net. */
void ws_tell(struct ws *ws, enum event_kind kind, bool is_text, int code, struct stoa_str data);
/* The module's close(), once. Thread: the callbacks'. */
void ws_call_close(struct ws *ws, int code);

#endif
