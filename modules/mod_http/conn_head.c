/* SPDX-License-Identifier: Apache-2.0 */
/* The heads of HTTP/1.1 requests: when the next one may be taken, what serve.c makes of it, and the
 * ones that are parked until something is published. Called by conn_input.c. */
#include <string.h>

#include "conn.h"

#define DISCARD_MAX                                                                                \
	(256u * 1024u) /* a body nobody wants is read up to this to keep the connection */

static void head_of(const struct conn *c, struct request_head *ret)
{
	ret->method = c->head.method;
	ret->target = c->head.target;
	ret->host = c->head.authority.n ? c->head.authority : c->head.host;
	ret->headers = c->head.headers;
	ret->n_headers = c->head.n_headers;
	ret->peer = c->peer;
	ret->slot = c->slot;
	ret->is_tls = c->listener->certificate != NULL;
	ret->is_upgrade = c->head.wants_upgrade;
}

void conn_consume_head(struct conn *c)
{
	c->rx_at += c->head.len;
	if (c->ahead.n) {
		stoa_buf_add(&c->rx, c->ahead.p, c->ahead.n);
		stoa_buf_clear(&c->ahead);
	}
	c->rx_scanned = 0;
}

static void resume_parked(struct waiter *w, bool timed_out)
{
	struct conn *c = w->user;
	struct request_head head;
	struct serve s;

	head_of(c, &head);
	serve_again(c->e, &head, w, &s);
	if (s.kind == SERVE_PARK && !timed_out)
		return;
	if (s.kind == SERVE_PARK)
		answer_refuse(&s.answer, 503, "not_yet", "It did not come in time.");
	waiter_free(c->e, w);
	c->waiter = NULL;
	conn_answer(c, &s.answer);
	conn_consume_head(c);
	conn_finish(c);
}

static void begin_discard(struct conn *c)
{
	bool has_body = c->head.is_chunked || c->head.content_length;

	if (!has_body) {
		c->state = CONN_HEAD;
	} else if (c->head.expects_continue || c->head.is_chunked ||
		   c->head.content_length > DISCARD_MAX) {
		c->keep_alive = false;
		c->state = CONN_HEAD;
	} else {
		c->state = CONN_DISCARD;
		c->body_left = c->head.content_length;
		c->deadline_ms = c->e->now_ms + c->e->settings->body_ms;
	}
}

static void begin_request(struct conn *c, struct request *r)
{
	bool has_body = c->head.is_chunked || c->head.content_length;
	bool is_stream = r->route->flags & STOA_HTTP_BODY_STREAM;

	r->wire = &conn_wire;
	r->peer_conn = c;
	c->req = r;
	c->body_max = r->route->body_max ? r->route->body_max : c->e->settings->body_max;
	c->deadline_ms = NEVER;
	if (has_body && c->head.content_length > c->body_max) {
		c->req = NULL;
		r->peer_conn = NULL;
		request_unref(r);
		conn_consume_head(c);
		conn_refuse(c, 413);
		return;
	}
	if (c->head.expects_continue && has_body)
		out_copy(c, "HTTP/1.1 100 Continue\r\n\r\n", 25, false);
	conn_consume_head(c);
	c->body_left = c->head.content_length;
	c->body_got = 0;
	c->body_ended = false;
	c->body_began_ms = c->e->now_ms;
	memset(&c->chunked, 0, sizeof(c->chunked));
	c->state = has_body || is_stream ? CONN_BODY : CONN_WAIT;
	if (c->state == CONN_BODY)
		c->deadline_ms = c->e->now_ms + c->e->settings->body_ms;
	if (is_stream || c->state == CONN_WAIT) {
		c->dispatched = true;
		request_dispatch(r);
	}
}

static void handle_head(struct conn *c)
{
	struct request_head head;
	struct serve s;

	c->keep_alive = c->head.keep_alive;
	c->is_head_only = c->head.method == STOA_HTTP_HEAD;
	c->is_chunked_out = c->dispatched = false;
	head_of(c, &head);
	serve_head(c->e, &head, &s);
	switch (s.kind) {
	case SERVE_REQUEST:
		begin_request(c, s.req);
		break;
	case SERVE_PARK:
		s.waiter->resume_fn = resume_parked;
		s.waiter->user = c;
		c->waiter = s.waiter;
		c->state = CONN_WAIT;
		c->deadline_ms = NEVER;
		break;
	case SERVE_ANSWER:
		begin_discard(c);
		conn_answer(c, &s.answer);
		conn_consume_head(c);
		conn_finish(c);
		break;
	}
}

bool conn_is_backlogged(const struct conn *c)
{
	return c->out_first || c->gather.n - c->gather_at > OUT_LOW || lws_partial_buffered(c->wsi);
}

bool conn_take_head(struct conn *c)
{
	const struct settings *set = c->e->settings;
	struct h1_limits limits = { set->line_max, set->head_max };
	int err;

	c->held_back = conn_is_backlogged(c);
	if (c->close_after || c->held_back)
		return false;
	while (c->rx_scanned == 0 && c->rx.n - c->rx_at >= 2 &&
	       memcmp(c->rx.p + c->rx_at, "\r\n", 2) == 0)
		c->rx_at += 2; /* RFC 9112 section 2.2 */
	if (c->rx_at == c->rx.n)
		return false;
	if (c->rx_scanned == 0 && !c->head_begun) {
		c->head_begun = true;
		c->deadline_ms = c->e->now_ms + set->head_ms;
		c->began_us = set->access_log ? stoa_now_us() : 0;
	}
	err = h1_parse(c->rx.p + c->rx_at, c->rx.n - c->rx_at, &c->rx_scanned, &limits, &c->head);
	if (err == -EAGAIN)
		return false;
	c->head_begun = false;
	if (err) {
		conn_refuse(c, err);
		c->rx_at = c->rx.n;
		return false;
	}
	handle_head(c);
	return true;
}
