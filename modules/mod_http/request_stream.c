/* SPDX-License-Identifier: Apache-2.0 */
/* What passes between edge and handler while a request is open: pieces of an upload, and notices that
 * a streaming answer has drained or its client is gone. Called by the connections on the edge. */
#include <stdlib.h>

#include "edge.h"

/* ---- notices of a streaming answer: from the edge to the handler's thread ---- */

enum notice_kind { NOTICE_DRAINED, NOTICE_GONE };

struct notice {
	struct stoa_task task;
	struct request *r; /* referenced */
	enum notice_kind kind;
};

static void tell(struct request *r, enum notice_kind kind)
{
	const struct stoa_http_watch *w = r->watch;

	if (r->state == REQUEST_ANSWERED || !w || atomic_load(&r->route->removed))
		return;
	if (kind == NOTICE_DRAINED) {
		r->is_full = false;
		if (STOA_HAS(w, drained))
			w->drained(&r->base, r->watch_user);
	} else if (STOA_HAS(w, gone)) {
		w->gone(&r->base, r->watch_user);
	}
}

static void run_notice(struct stoa_task *t)
{
	struct notice *n = STOA_CONTAINER(t, struct notice, task);

	tell(n->r, n->kind);
	request_unref(n->r);
	free(n);
}

static void notify(struct request *r, enum notice_kind kind)
{
	struct notice *n;

	if (!r->on_ctl) {
		request_ref(r);
		tell(r, kind);
		request_unref(r);
		return;
	}
	requests_hand_over(r->e); /* the request itself comes first */
	n = malloc(sizeof(*n));
	if (!n)
		return;
	*n = (struct notice){ .task.fn = run_notice, .r = request_ref(r), .kind = kind };
	if (stoa_post_task(stoa_ctl(), &n->task) < 0) {
		request_unref(r);
		free(n);
	}
}

void request_sent(struct request *r, size_t n)
{
	size_t left = atomic_fetch_sub(&r->out_queued, n) - n;

	if (left <= OUT_LOW && atomic_exchange(&r->want_drained, false))
		notify(r, NOTICE_DRAINED);
}

/* ---- pieces of an upload ---- */

struct piece {
	struct stoa_task task;
	struct request *r;
	struct stoa_bytes *bytes; /* NULL: the end, or the client left */
	bool left;
};

static void take_piece(struct request *r, const void *p, size_t n)
{
	int err;

	if (r->body_refused || r->state == REQUEST_ANSWERED || atomic_load(&r->route->removed))
		return;
	if (n == 0 || !p)
		r->body_refused = true; /* nothing more comes */
	err = r->route->body_fn(&r->base, p, n, r->route->user);
	if (err >= 0 || r->state == REQUEST_ANSWERED || !p)
		return;
	r->body_refused = true;
	if (err == -EFBIG)
		request_refuse(r, 413, "too_large", "The body is larger than this resource takes.");
	else
		request_refuse(r, 400, "bad_input", "The body is not what this resource takes.");
}

static void piece_done(struct stoa_task *t)
{
	struct piece *piece = STOA_CONTAINER(t, struct piece, task);
	struct request *r = piece->r;

	if (r->peer_conn && !piece->left)
		r->wire->resume(r);
	request_unref(r);
	free(piece);
}

static void run_piece(struct stoa_task *t)
{
	struct piece *piece = STOA_CONTAINER(t, struct piece, task);

	if (piece->left)
		take_piece(piece->r, NULL, SIZE_MAX);
	else
		take_piece(piece->r, piece->bytes ? (const void *)piece->bytes->p : "",
			   piece->bytes ? piece->bytes->n : 0);
	if (piece->bytes)
		stoa_bytes_unref(piece->bytes);
	piece->task.fn = piece_done;
	if (stoa_post_task(piece->r->e->loop, &piece->task) < 0) {
		request_unref(piece->r);
		free(piece);
	}
}

void request_body_piece(struct request *r, const void *p, size_t n)
{
	struct piece *piece;

	if (!r->on_ctl) {
		request_ref(r);
		take_piece(r, p, n);
		if (p && r->peer_conn)
			r->wire->resume(r);
		request_unref(r);
		return;
	}
	requests_hand_over(r->e); /* the request itself comes first */
	piece = calloc(1, sizeof(*piece));
	if (piece && p && n && !(piece->bytes = stoa_bytes_new(p, n))) {
		free(piece);
		piece = NULL;
	}
	if (!piece)
		return; /* out of memory: the body stalls and its deadline ends it */
	piece->left = !p;
	piece->task.fn = run_piece;
	piece->r = request_ref(r);
	if (stoa_post_task(stoa_ctl(), &piece->task) < 0) {
		request_unref(r);
		stoa_bytes_unref(piece->bytes);
		free(piece);
	}
}

void request_gone(struct request *r, bool in_body)
{
	request_ref(r); /* the handler may answer at once, which frees it */
	r->peer_conn = NULL;
	atomic_store(&r->gone, true);
	if (in_body && (r->route->flags & STOA_HTTP_BODY_STREAM))
		request_body_piece(r, NULL, SIZE_MAX);
	notify(r, NOTICE_GONE);
	request_unref(r);
}
