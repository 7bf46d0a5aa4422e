/* SPDX-License-Identifier: Apache-2.0 */
/* Renders answers as HTTP/1.1 (RFC 9112): status line, framing, Connection. Called by
 * conn_answer.c. */
#include <stdio.h>

#include "edge.h"

static void add_number(struct stoa_buf *b, const char *name, uint64_t v)
{
	char text[20], *p = text + sizeof(text);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	stoa_buf_adds(b, name);
	stoa_buf_add(b, p, (size_t)(text + sizeof(text) - p));
	stoa_buf_add(b, "\r\n", 2);
}

static void render_head(struct conn *c, const struct answer *a, struct stoa_buf *b)
{
	if (a->status == 200) {
		stoa_buf_adds(b, "HTTP/1.1 200 OK\r\n");
	} else {
		stoa_buf_addf(b, "HTTP/1.1 %d %s\r\n", a->status, answer_reason(a->status));
	}
	stoa_buf_add(b, c->e->date, c->e->date_n);
	if (a->shared)
		stoa_buf_add(b, a->shared->p, a->shared->n);
	if (a->lines.n)
		stoa_buf_add(b, a->lines.p, a->lines.n);
	if (a->is_stream && c->is_chunked_out)
		stoa_buf_adds(b, "Transfer-Encoding: chunked\r\n");
	else if (!a->is_stream && answer_may_have_body(a->status))
		add_number(b, "Content-Length: ", a->n);
	if (!c->keep_alive)
		stoa_buf_adds(b, a->status == 426 ? "Connection: Upgrade, close\r\n"
						  : "Connection: close\r\n");
	else if (a->status == 426)
		stoa_buf_adds(b, "Connection: Upgrade\r\n");
	stoa_buf_add(b, "\r\n", 2);
}

void h1_answer_send(struct conn *c, struct answer *a)
{
	bool has_body = answer_may_have_body(a->status) && !c->is_head_only && a->n;

	if (a->close || c->e->draining)
		c->keep_alive = false;
	if (a->is_stream) {
		c->is_chunked_out = answer_may_have_body(a->status) && !c->head.is_http10;
		if (!c->is_chunked_out && answer_may_have_body(a->status))
			c->keep_alive = false;
	}
	conn_touch(c);
	if (!c->out_first) {
		render_head(c, a, &c->gather);
		if (c->gather.failed)
			conn_kill(c);
	} else {
		struct stoa_buf b = { 0 };

		render_head(c, a, &b);
		out_copy(c, b.p, b.n, false);
		stoa_buf_free(&b);
	}
	if (has_body && a->file >= 0) {
		out_file(c, a->file, a->at, a->n);
		a->file = -1;
	} else if (has_body && a->body) {
		out_bytes(c, a->body, a->at, a->n, false);
		a->body = NULL;
	}
	stoa_metric_add(c->e->h->metrics.requests[a->status / 100 % 6], 1);
}
