/* SPDX-License-Identifier: Apache-2.0 */
/* How the answer of the request in work leaves an HTTP/1.1 connection: made here, or by a handler
 * through the wire table. Once it is queued the exchange is over and the next head may be read. */
#include <stdio.h>

#include "conn.h"

static void log_exchange(struct conn *c, struct stoa_str target, uint32_t method, int status,
			 uint64_t bytes, uint64_t began_us)
{
	if (c->e->settings->access_log)
		access_log(c->e->h, c->e->settings, c->peer, method, target, status, bytes,
			   began_us);
}

void conn_finish(struct conn *c)
{
	c->req = NULL;
	c->dispatched = c->piece_in_work = false;
	if (c->state == CONN_BODY) {
		c->keep_alive = false; /* the rest of the body is in the way */
		c->state = CONN_HEAD;
	}
	if (!c->keep_alive) {
		c->close_after = true;
	} else if (c->state != CONN_DISCARD) {
		c->state = CONN_HEAD;
		c->deadline_ms = c->e->now_ms + c->e->settings->idle_ms;
	}
	conn_touch(c);
}

void conn_answer(struct conn *c, struct answer *a)
{
	int status = a->status;
	uint64_t n = a->n;

	h1_answer_send(c, a);
	log_exchange(c, c->head.target, c->head.method, status, n, c->began_us);
	answer_clear(a);
}

void conn_refuse(struct conn *c, int status)
{
	static const struct {
		int status;
		const char *error, *detail;
	} why[] = {
		{ 400, "bad_request", "The request is malformed." },
		{ 408, "timeout", "The request took too long." },
		{ 413, "too_large", "The body is larger than this resource takes." },
		{ 414, "uri_too_long", "The request target is too long." },
		{ 417, "expectation_failed", "Only 100-continue can be expected." },
		{ 431, "headers_too_large", "The header section is too large." },
		{ 501, "not_implemented", "This transfer coding is not known." },
		{ 505, "version", "HTTP/1.0, HTTP/1.1 and, over TLS, HTTP/2 are spoken." },
	};
	struct answer a;
	size_t i = 0;

	while (i + 1 < STOA_ARRAY_SIZE(why) && why[i].status != status)
		i++;
	answer_init(&a, status);
	answer_refuse(&a, status, why[i].error, why[i].detail);
	c->keep_alive = false;
	c->is_head_only = false;
	stoa_metric_add(status == 408 ? c->e->h->metrics.refused_timeout
				      : c->e->h->metrics.refused_malformed,
			1);
	h1_answer_send(c, &a);
	log_exchange(c, stoa_str("-"), 0, status, a.n, c->began_us);
	answer_clear(&a);
	c->close_after = true;
}

static void wire_answer(struct request *r)
{
	struct conn *c = r->peer_conn;
	bool is_stream = r->answer.is_stream;
	uint64_t n = r->answer.n;

	if (!r->answer.status) /* nobody could be asked */
		answer_refuse(&r->answer, 503, "stopping", "The server is stopping.");
	h1_answer_send(c, &r->answer);
	if (is_stream) {
		r->begun = true;
		return;
	}
	log_exchange(c, r->target_text, r->method, r->answer.status, n, r->began_us);
	r->peer_conn = NULL;
	request_unref(r);
	conn_finish(c);
}

static void wire_piece(struct request *r, struct stoa_bytes *b_take)
{
	struct conn *c = r->peer_conn;
	size_t n = b_take->n;
	char size[20];

	r->sent += n;
	if (c->is_head_only || !answer_may_have_body(r->answer.status)) {
		stoa_bytes_unref(b_take);
		request_sent(r, n);
		return;
	}
	if (c->is_chunked_out)
		out_copy(c, size, (size_t)snprintf(size, sizeof(size), "%zx\r\n", n), false);
	out_bytes(c, b_take, 0, n, true);
	if (c->is_chunked_out)
		out_copy(c, "\r\n", 2, false);
}

static void wire_end(struct request *r)
{
	struct conn *c = r->peer_conn;

	if (c->is_chunked_out && !c->is_head_only)
		out_copy(c, "0\r\n\r\n", 5, false);
	log_exchange(c, r->target_text, r->method, r->answer.status, r->sent, r->began_us);
	r->peer_conn = NULL;
	request_unref(r);
	conn_finish(c);
}

static void wire_resume(struct request *r)
{
	struct conn *c = r->peer_conn;

	c->piece_in_work = false;
	conn_touch(c);
}

static void wire_upgrade(struct request *r)
{
	struct conn *c = r->peer_conn;

	c->req = NULL;
	c->dispatched = false;
	c->deadline_ms = NEVER;
	c->state = CONN_WS;
	log_exchange(c, r->target_text, r->method, 101, 0, r->began_us);
	r->peer_conn = NULL;
	ws_begin(c, r);
	conn_touch(c);
}

const struct wire_ops conn_wire = {
	.answer = wire_answer,
	.piece = wire_piece,
	.end = wire_end,
	.resume = wire_resume,
	.upgrade = wire_upgrade,
};
