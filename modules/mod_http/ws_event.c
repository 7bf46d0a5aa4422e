/* SPDX-License-Identifier: Apache-2.0 */
/* What happens on a WebSocket, told to its module: on the edge at once, or in order on ctl. A client
 * that sends faster than ctl takes is not read. */
#include <stdlib.h>

#include "ws.h"

struct event {
	struct stoa_task task;
	struct ws *ws; /* referenced */
	enum event_kind kind;
	bool is_text;
	int code;
	size_t n;
	char data[];
};

void ws_call_close(struct ws *ws, int code)
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

	/* Came too late: its module has stopped, and what it knew of was closed by ws_remove(). */
	if (ws->on_ctl && atomic_load(&ws->route->removed))
		return;
	if (ev->kind == EVENT_CLOSE) {
		ws_call_close(ws, ev->code);
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

/* ---- by way of ctl ---- */

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
	if (left <= WS_CTL_MESSAGES / 2 && atomic_load(&ws->in_flight_bytes) <= WS_CTL_BYTES / 2 &&
	    atomic_exchange(&ws->want_resume, false) &&
	    stoa_post(ws->e->loop, resume_reading, ws_hold(ws)) < 0)
		ws_drop(ws);
	ws_drop(ws);
	free(ev);
}

void ws_tell(struct ws *ws, enum event_kind kind, bool is_text, int code, struct stoa_str data)
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

/* ---- sessions that no socket has ---- */

void ws_session_close(const struct route *route, void *session)
{
	if (STOA_HAS(route->ws_ops, close))
		route->ws_ops->close(NULL, session, 1006);
}

static void never_on_ctl(void *user)
{
	struct request *r = user;

	if (!atomic_load(&r->route->removed)) /* else its module has stopped */
		ws_session_close(r->route, r->session);
	request_unref(r);
}

void ws_never(struct request *r)
{
	if (r->on_ctl && stoa_post(stoa_ctl(), never_on_ctl, r) == 0)
		return;
	never_on_ctl(r);
}

void ws_remove(struct http *h, struct stoa_mod *m)
{
	struct ws *ws, *tmp;

	stoa_list_for_each_safe (ws, tmp, &h->sockets, struct ws, link)
		if (ws->route->mod == m)
			ws_call_close(ws, 1001);
}
