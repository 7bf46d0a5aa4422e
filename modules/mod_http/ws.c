/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets (RFC 6455): opened by an accepted upgrade, fed by conn_input.c, written to from any thread.
 *
 * A socket is counted: by its connection, by modules, and by messages on their way. Callbacks run on
 * the edge or, in order, on ctl; a client that sends faster than ctl takes is not read. */
#include <stdlib.h>

#include "edge.h"
#include "ws_frame.h"

#define CLOSE_WAIT_MS 5000u /* for the peer's close frame      */
#define CTL_MESSAGES  64u   /* on their way to ctl, per socket */
#define CTL_BYTES     (256u * 1024u)
#define CONTROL_QUEUE 16384u /* pongs may add this to a full queue, no more */

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

static struct ws *ws_of(const struct stoa_ws *base)
{
	return STOA_CONTAINER((uintptr_t)base, struct ws, base);
}

static struct ws *ws_hold(struct ws *ws)
{
	atomic_fetch_add_explicit(&ws->refs, 1, memory_order_relaxed);
	return ws;
}

static void ws_drop(struct ws *ws)
{
	if (atomic_fetch_sub_explicit(&ws->refs, 1, memory_order_acq_rel) != 1)
		return;
	ws_parser_free(&ws->parser);
	route_unref(ws->route);
	free(ws);
}

/* ---- to the module, on its thread ---- */

enum event_kind { EVENT_OPEN, EVENT_MESSAGE, EVENT_CLOSE };

struct event {
	struct stoa_task task;
	struct ws *ws; /* referenced */
	enum event_kind kind;
	bool is_text;
	int code;
	size_t n;
	char data[];
};

static void call_close(struct ws *ws, int code)
{
	if (ws->session_closed)
		return;
	ws->session_closed = true;
	if (ws->on_ctl)
		stoa_list_unlink(&ws->link);
	if (STOA_HAS(ws->route->ws_ops, close))
		ws->route->ws_ops->close(&ws->base, ws->session, code);
}

static void call(struct ws *ws, const struct event *ev, const void *data)
{
	const struct stoa_ws_ops *ops = ws->route->ws_ops;

	if (ev->kind == EVENT_CLOSE) {
		call_close(ws, ev->code);
		return;
	}
	if (ws->session_closed)
		return;
	if (ev->kind == EVENT_MESSAGE) {
		if (STOA_HAS(ops, message))
			ops->message(&ws->base, ws->session, ev->is_text, data, ev->n);
	} else {
		if (ws->on_ctl)
			stoa_list_append(&ws->h->sockets, &ws->link);
		if (STOA_HAS(ops, open))
			ops->open(&ws->base, ws->session);
	}
}

static void resume_reading(void *user)
{
	struct ws *ws = user;

	if (ws->conn) {
		conn_pause(ws->conn, false);
		conn_touch(ws->conn);
	}
	ws_drop(ws);
}

static void run_event(struct stoa_task *t)
{
	struct event *ev = STOA_CONTAINER(t, struct event, task);
	struct ws *ws = ev->ws;
	unsigned left;

	call(ws, ev, ev->data);
	atomic_fetch_sub(&ws->in_flight_bytes, ev->n);
	left = atomic_fetch_sub(&ws->in_flight, 1) - 1;
	if (left <= CTL_MESSAGES / 2 && atomic_load(&ws->in_flight_bytes) <= CTL_BYTES / 2 &&
	    atomic_exchange(&ws->want_resume, false) &&
	    stoa_post(ws->e->loop, resume_reading, ws_hold(ws)) < 0)
		ws_drop(ws);
	ws_drop(ws);
	free(ev);
}

static void tell(struct ws *ws, enum event_kind kind, bool is_text, int code, struct stoa_str data)
{
	struct event *ev;

	if (!ws->on_ctl) {
		struct event here = { .kind = kind, .is_text = is_text, .code = code, .n = data.n };

		call(ws, &here, data.p ? data.p : "");
		return;
	}
	ev = malloc(sizeof(*ev) + data.n + 1);
	if (!ev)
		abort(); /* close() is owed exactly once; nothing sound is left to do */
	*ev = (struct event){ .task.fn = run_event,
			      .ws = ws_hold(ws),
			      .kind = kind,
			      .is_text = is_text,
			      .code = code,
			      .n = data.n };
	if (data.n)
		memcpy(ev->data, data.p, data.n);
	ev->data[data.n] = '\0';
	atomic_fetch_add(&ws->in_flight, 1);
	atomic_fetch_add(&ws->in_flight_bytes, data.n);
	if (stoa_post_task(stoa_ctl(), &ev->task) < 0) {
		ws_drop(ws);
		free(ev);
	}
}

void ws_session_close(const struct route *route, void *session)
{
	if (STOA_HAS(route->ws_ops, close))
		route->ws_ops->close(NULL, session, 1006);
}

/* ---- the edge: frames out ---- */

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
static void send_close(struct ws *ws, int code, struct stoa_str reason)
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

/* ---- the edge: frames in ---- */

static void handle_message(struct ws *ws, const struct ws_event *ev)
{
	tell(ws, EVENT_MESSAGE, ev->is_text, 0, ev->payload);
	if (!ws->on_ctl || !ws->conn)
		return;
	if (atomic_load(&ws->in_flight) >= CTL_MESSAGES ||
	    atomic_load(&ws->in_flight_bytes) >= CTL_BYTES) {
		conn_pause(ws->conn, true);
		atomic_store(&ws->want_resume, true);
		/* It may have drained between the look and the store. */
		if (atomic_load(&ws->in_flight) <= CTL_MESSAGES / 2 &&
		    atomic_load(&ws->in_flight_bytes) <= CTL_BYTES / 2 &&
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
		send_close(ws, ev->code, stoa_str(""));
		ws->conn->close_after = true;
		break;
	case WS_FAIL:
		ws->code = ev->code;
		send_close(ws, ev->code, stoa_str(""));
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

/* ---- the edge: begin, tick, end ---- */

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
	tell(ws, EVENT_OPEN, false, 0, stoa_str(""));
}

static void never_on_ctl(void *user)
{
	struct request *r = user;

	ws_session_close(r->route, r->session);
	request_unref(r);
}

void ws_never(struct request *r)
{
	if (r->on_ctl && stoa_post(stoa_ctl(), never_on_ctl, r) == 0)
		return;
	never_on_ctl(r);
}

void ws_sent(struct ws *ws, size_t n)
{
	atomic_fetch_sub(&ws->queued, n);
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
	tell(ws, EVENT_CLOSE, false, ws->code, stoa_str(""));
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
		send_close(ws, code, stoa_str(""));
		if (m && !ws->on_ctl) {
			ws_hold(ws);
			call_close(ws, ws->code);
			ws_drop(ws);
		}
	}
}

void ws_remove(struct http *h, struct stoa_mod *m)
{
	struct ws *ws, *tmp;

	stoa_list_for_each_safe (ws, tmp, &h->sockets, struct ws, link)
		if (ws->route->mod == m)
			call_close(ws, 1001);
}

/* ---- the interface, on any thread ---- */

struct stoa_ws *ws_op_ref(struct stoa_ws *base)
{
	return &ws_hold(ws_of(base))->base;
}

void ws_op_unref(struct stoa_ws *base)
{
	ws_drop(ws_of(base));
}

struct stoa_loop *ws_op_loop(const struct stoa_ws *base)
{
	return ws_of(base)->e->loop;
}

struct command {
	struct stoa_task task;
	struct ws *ws;             /* referenced */
	struct stoa_bytes *frames; /* NULL: close */
	int code;
	char reason[124];
};

static void run(struct ws *ws, struct stoa_bytes *frames_take, int code, const char *reason)
{
	if (frames_take && ws->conn && !ws->close_sent) {
		out_bytes(ws->conn, frames_take, 0, frames_take->n, true);
	} else if (frames_take) {
		atomic_fetch_sub(&ws->queued, frames_take->n);
		stoa_bytes_unref(frames_take);
	} else if (ws->conn && !ws->close_sent) {
		ws->code = code;
		send_close(ws, code, stoa_str(reason));
	}
}

static void run_command(struct stoa_task *t)
{
	struct command *cmd = STOA_CONTAINER(t, struct command, task);

	if (cmd->frames) /* then the rest was not allocated */
		run(cmd->ws, cmd->frames, 0, NULL);
	else
		run(cmd->ws, NULL, cmd->code, cmd->reason);
	ws_drop(cmd->ws);
	free(cmd);
}

/* Takes `frames_take` in every case. */
static int submit(struct ws *ws, struct stoa_bytes *frames_take, int code, const char *reason)
{
	struct command *cmd;
	int err;

	if (stoa_loop_self() == ws->e->loop) {
		run(ws, frames_take, code, reason);
		return 0;
	}
	cmd = malloc(frames_take ? offsetof(struct command, code) : sizeof(*cmd));
	if (!cmd) {
		if (frames_take)
			stoa_bytes_unref(frames_take);
		return -ENOMEM;
	}
	cmd->task.fn = run_command;
	cmd->ws = ws_hold(ws);
	cmd->frames = frames_take;
	if (!frames_take) {
		cmd->code = code;
		snprintf(cmd->reason, sizeof(cmd->reason), "%s", reason ? reason : "");
	}
	err = stoa_post_task(ws->e->loop, &cmd->task);
	if (err) {
		if (frames_take)
			stoa_bytes_unref(frames_take);
		ws_drop(ws);
		free(cmd);
	}
	return err ? -EPIPE : 0;
}

static int send_bytes(struct ws *ws, struct stoa_bytes *frames_take)
{
	size_t n = frames_take->n;
	int err;

	if (atomic_load(&ws->closing)) {
		stoa_bytes_unref(frames_take);
		return -EPIPE;
	}
	if (atomic_fetch_add(&ws->queued, n) + n > ws->route->send_queue_max) {
		atomic_fetch_sub(&ws->queued, n);
		stoa_bytes_unref(frames_take);
		if (!atomic_exchange(&ws->closing, true))
			submit(ws, NULL, 1013, "the send queue is full");
		return -ENOBUFS;
	}
	err = submit(ws, frames_take, 0, NULL);
	if (err)
		atomic_fetch_sub(&ws->queued, n);
	return err;
}

int ws_op_send(struct stoa_ws *base, bool is_text, const void *p, size_t n)
{
	struct stoa_buf b = { 0 };
	struct stoa_bytes *bytes;

	ws_frame_add(&b, is_text ? OP_TEXT : OP_BINARY, p, n);
	bytes = b.failed ? NULL : stoa_bytes_new(b.p, b.n);
	stoa_buf_free(&b);
	return bytes ? send_bytes(ws_of(base), bytes) : -ENOMEM;
}

int ws_op_send_frames(struct stoa_ws *base, struct stoa_bytes *frames)
{
	return send_bytes(ws_of(base), stoa_bytes_ref(frames));
}

void ws_op_close(struct stoa_ws *base, int code, const char *reason)
{
	struct ws *ws = ws_of(base);

	if (!atomic_exchange(&ws->closing, true))
		submit(ws, NULL, ws_code_valid((unsigned)code) ? code : 1000, reason ? reason : "");
}
