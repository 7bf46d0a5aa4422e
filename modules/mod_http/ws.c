/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets (RFC 6455) on the edge: opened by an accepted upgrade, fed by conn_input.c, kept alive by
 * pings, closed by both sides' close frames.
 *
 * A socket is counted: by its connection, by modules, and by messages on their way. */
#include <stdlib.h>

#include "ws.h"

#define CLOSE_WAIT_MS 5000u  /* for the peer's close frame                   */
#define CONTROL_QUEUE 16384u /* pongs may add this to a full queue, no more */

void ws_drop(struct ws *ws)
{
	if (atomic_fetch_sub_explicit(&ws->refs, 1, memory_order_acq_rel) != 1)
		return;
	ws_parser_free(&ws->parser);
	route_unref(ws->route);
	free(ws);
}

/* ---- frames out ---- */

static void queue_frame(struct ws *ws, uint8_t opcode, const void *p, size_t n)
{
	struct stoa_buf b = { 0 };

	ws_frame_add(&b, opcode, p, n);
	if (b.failed)
		conn_kill(ws->conn);
	else
		out_copy(ws->conn, b.p, b.n, false);
	stoa_buf_free(&b);
}

/* Starts the closing handshake, or finishes the peer's. */
void ws_send_close(struct ws *ws, int code, struct stoa_str reason)
{
	uint8_t payload[125];
	size_t n = 0;

	if (ws->close_sent || !ws->conn)
		return;
	ws->close_sent = true;
	atomic_store(&ws->closing, true);
	if (code != 1005 && code != 1006) {
		payload[0] = (uint8_t)(code >> 8);
		payload[1] = (uint8_t)code;
		if (reason.n > 123)
			reason.n = 123;
		while (reason.n && !ws_utf8_valid((const uint8_t *)reason.p, reason.n))
			reason.n--; /* cut in the middle of a character */
		if (reason.n)
			memcpy(payload + 2, reason.p, reason.n);
		n = 2 + reason.n;
	}
	queue_frame(ws, OP_CLOSE, payload, n);
	ws->close_by_ms = ws->e->now_ms + CLOSE_WAIT_MS;
}

void ws_sent(struct ws *ws, size_t n)
{
	atomic_fetch_sub(&ws->queued, n);
}

/* ---- frames in ---- */

static void handle_message(struct ws *ws, const struct ws_event *ev)
{
	ws_tell(ws, EVENT_MESSAGE, ev->is_text, 0, ev->payload);
	if (!ws->on_ctl || !ws->conn)
		return;
	if (atomic_load(&ws->in_flight) >= WS_CTL_MESSAGES ||
	    atomic_load(&ws->in_flight_bytes) >= WS_CTL_BYTES) {
		conn_pause(ws->conn, true);
		atomic_store(&ws->want_resume, true);
		/* It may have drained between the look and the store. */
		if (atomic_load(&ws->in_flight) <= WS_CTL_MESSAGES / 2 &&
		    atomic_load(&ws->in_flight_bytes) <= WS_CTL_BYTES / 2 &&
		    atomic_exchange(&ws->want_resume, false))
			conn_pause(ws->conn, false);
	}
}

static void handle_ping(struct ws *ws, const struct ws_event *ev)
{
	/* A client that pings and does not read is not owed more memory. */
	if (ws->conn->gather.n - ws->conn->gather_at < CONTROL_QUEUE && !ws->close_sent &&
	    atomic_load(&ws->queued) <= ws->route->send_queue_max)
		queue_frame(ws, OP_PONG, ev->payload.p, ev->payload.n);
}

static void handle_event(struct ws *ws, const struct ws_event *ev)
{
	switch (ev->kind) {
	case WS_MORE:
	case WS_PONG:
		break;
	case WS_MESSAGE:
		if (!ws->close_sent)
			handle_message(ws, ev);
		break;
	case WS_PING:
		handle_ping(ws, ev);
		break;
	case WS_CLOSE:
		if (!ws->close_sent)
			ws->code = ev->code;
		ws_send_close(ws, ev->code, stoa_str(""));
		ws->conn->close_after = true;
		break;
	case WS_FAIL:
		ws->code = ev->code;
		ws_send_close(ws, ev->code, stoa_str(""));
		ws->conn->close_after = true;
		break;
	}
}

void ws_input(struct conn *c)
{
	struct ws *ws = c->ws;
	bool more = true;

	ws_hold(ws);
	while (more && !c->dead && !c->close_after && !c->rx_paused) {
		struct ws_event ev;
		size_t used;

		ev = ws_parser_take(&ws->parser, (uint8_t *)c->rx.p + c->rx_at, c->rx.n - c->rx_at,
				    &used);
		c->rx_at += used;
		if (used)
			ws->pong_by_ms = UINT64_MAX; /* whatever came, the peer lives */
		more = ev.kind != WS_MORE;
		handle_event(ws, &ev);
	}
	ws_drop(ws);
}

/* ---- begin, tick, end ---- */

void ws_begin(struct conn *c, struct request *r)
{
	static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
					"Connection: Upgrade\r\nSec-WebSocket-Accept: ";
	struct ws *ws = calloc(1, sizeof(*ws));
	char accept[29];

	if (!ws || ws_accept_key(request_header(r, "sec-websocket-key"), accept) < 0) {
		free(ws);
		ws_never(r);
		conn_kill(c);
		return;
	}
	ws->base.ops = &http_ops;
	atomic_init(&ws->refs, 1);
	ws->h = c->e->h;
	ws->e = c->e;
	ws->route = route_ref(r->route);
	ws->on_ctl = r->on_ctl;
	ws->session = r->session;
	ws->conn = c;
	ws->code = 1006;
	ws->parser.message_max = ws->route->message_max;
	ws->close_by_ms = ws->pong_by_ms = ws->next_ping_ms = UINT64_MAX;
	if (ws->route->ping_interval_s)
		ws->next_ping_ms = c->e->now_ms + ws->route->ping_interval_s * UINT64_C(1000);
	stoa_list_init(&ws->link);
	c->ws = ws;
	stoa_metric_add(ws->h->metrics.websockets, 1);
	stoa_metric_add(ws->h->metrics.requests[1], 1);
	out_copy(c, switching, sizeof(switching) - 1, false);
	out_copy(c, accept, 28, false);
	out_copy(c, "\r\n", 2, false);
	if (r->answer.lines.n)
		out_copy(c, r->answer.lines.p, r->answer.lines.n, false);
	out_copy(c, "\r\n", 2, false);
	request_unref(r);
	ws_tell(ws, EVENT_OPEN, false, 0, stoa_str(""));
}

void ws_tick(struct conn *c)
{
	struct ws *ws = c->ws;
	uint64_t now = c->e->now_ms;

	if (now >= ws->close_by_ms) {
		c->close_after = true; /* the peer does not answer our close */
		c->write_deadline_ms = now;
		conn_touch(c);
	} else if (now >= ws->pong_by_ms) {
		ws->code = 1006;
		conn_kill(c);
	} else if (now >= ws->next_ping_ms && !ws->close_sent) {
		queue_frame(ws, OP_PING, "", 0);
		ws->next_ping_ms = now + ws->route->ping_interval_s * UINT64_C(1000);
		if (ws->pong_by_ms == UINT64_MAX)
			ws->pong_by_ms = now + 2 * ws->route->ping_interval_s * UINT64_C(1000);
	}
}

void ws_lost(struct conn *c)
{
	struct ws *ws = c->ws;

	c->ws = NULL;
	ws->conn = NULL;
	atomic_store(&ws->closing, true);
	stoa_metric_add(ws->h->metrics.websockets, -1);
	ws_tell(ws, EVENT_CLOSE, false, ws->code, stoa_str(""));
	ws_drop(ws);
}

void ws_close_all(struct edge *e, struct stoa_mod *m, int code)
{
	struct conn *c, *tmp;

	stoa_list_for_each_safe (c, tmp, &e->conns, struct conn, link) {
		struct ws *ws = c->ws;

		if (!ws || (m && ws->route->mod != m))
			continue;
		if (!ws->close_sent)
			ws->code = code;
		ws_send_close(ws, code, stoa_str(""));
		if (m && !ws->on_ctl) {
			ws_hold(ws);
			ws_call_close(ws, ws->code);
			ws_drop(ws);
		}
	}
}
