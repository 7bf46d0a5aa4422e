/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of HTTP/1.1 requests: gathered whole, handed on piece by piece, or thrown away. One
 * piece is in the handler's hands at a time. Called by conn_input.c. */
#include "conn.h"

/* The next piece of the body in rx. Returns 0, 1 at the end, or a status. */
static int next_piece(struct conn *c, struct stoa_str *ret)
{
	struct stoa_str in = stoa_strn(c->rx.p + c->rx_at, c->rx.n - c->rx_at);
	size_t used = 0;
	int r = 0;

	if (c->head.is_chunked) {
		r = h1_chunked_take(&c->chunked, in, &used, ret);
	} else {
		used = in.n < c->body_left ? in.n : (size_t)c->body_left;
		*ret = stoa_strn(in.p, used);
		c->body_left -= used;
		r = c->body_left == 0;
	}
	c->rx_at += used;
	c->body_got += ret->n;
	if (r <= 1 && c->body_got > c->body_max)
		return 413;
	return r;
}

void conn_refuse_body(struct conn *c, int status)
{
	struct request *r = c->req;

	if (c->dispatched) {
		bool begun = r->begun;

		request_gone(r, true);
		if (begun) { /* the answer has begun: all that is left is to cut it off */
			c->req = NULL;
			conn_kill(c);
			return;
		}
	} else {
		r->peer_conn = NULL;
		request_unref(r);
	}
	c->req = NULL;
	conn_refuse(c, status);
	c->state = CONN_HEAD;
}

static void body_complete(struct conn *c)
{
	struct request *r = c->req;

	c->state = CONN_WAIT;
	c->deadline_ms = NEVER;
	if (r->route->flags & STOA_HTTP_BODY_STREAM) {
		request_body_piece(r, "", 0);
	} else {
		c->dispatched = true;
		request_dispatch(r);
	}
}

bool conn_take_body(struct conn *c)
{
	bool is_stream = c->req->route->flags & STOA_HTTP_BODY_STREAM;
	struct stoa_str piece = stoa_str("");
	int r;

	if (c->piece_in_work)
		return false;
	if (c->body_ended) {
		body_complete(c);
		return true;
	}
	r = next_piece(c, &piece);
	if (r > 1) {
		conn_refuse_body(c, r);
		return false;
	}
	c->deadline_ms = edge_body_deadline(c->e, c->body_began_ms, c->body_got);
	if (piece.n && is_stream) {
		c->body_ended = r == 1;
		c->piece_in_work = true;
		request_body_piece(c->req, piece.p, piece.n);
		return c->state == CONN_BODY && c->req;
	}
	if (piece.n)
		stoa_buf_add(&c->req->body, piece.p, piece.n);
	if (c->req->body.failed) {
		conn_refuse_body(c, 413);
		return false;
	}
	if (r == 1)
		body_complete(c);
	return r == 1 || (c->head.is_chunked && c->rx_at < c->rx.n);
}

bool conn_take_discard(struct conn *c)
{
	size_t n = c->rx.n - c->rx_at;

	if (n > c->body_left)
		n = (size_t)c->body_left;
	c->rx_at += n;
	c->body_left -= n;
	if (c->body_left)
		return false;
	c->state = CONN_HEAD;
	c->deadline_ms = c->e->now_ms + c->e->settings->idle_ms;
	return true;
}
