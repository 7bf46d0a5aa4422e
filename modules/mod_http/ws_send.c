/* SPDX-License-Identifier: Apache-2.0 */
/* Sending on a WebSocket from any thread: away from the socket's edge a send is a task on its way to
 * it. What is not written yet is counted; a socket whose queue is full is closed. */
#include <stdio.h>
#include <stdlib.h>

#include "ws.h"

/* ---- on the edge ---- */

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
		ws_send_close(ws, code, stoa_str(reason));
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

/* ---- on any thread ---- */

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
