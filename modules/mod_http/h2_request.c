/* SPDX-License-Identifier: Apache-2.0 */
/* What a client asks on an HTTP/2 stream: its fields are kept one after the other until the head is
 * whole, then serve.c says what becomes of it; its body is gathered or handed on piece by piece.
 * Called by h2.c out of nghttp2's callbacks. */
#include "h2.h"

/* ---- the head ---- */

static uint32_t keep(struct stream *s, const uint8_t *p, size_t n)
{
	uint32_t at = (uint32_t)s->text.n;

	stoa_buf_add(&s->text, p, n);
	return at;
}

void stream_take_field(struct stream *s, const uint8_t *name, size_t name_n, const uint8_t *value,
		       size_t value_n)
{
	struct stoa_str key = stoa_strn(name, name_n);
	uint32_t at;

	if (s->has_head || s->refused)
		return; /* trailers are not for us */
	if (s->text.n + name_n + value_n > s->c->e->settings->head_max ||
	    s->n_fields == H1_HEADERS_MAX) {
		s->refused = 431;
		return;
	}
	if (name[0] == ':') {
		at = keep(s, value, value_n);
		if (stoa_str_is(key, ":method"))
			s->method.at = at, s->method.n = (uint32_t)value_n;
		else if (stoa_str_is(key, ":path"))
			s->path.at = at, s->path.n = (uint32_t)value_n;
		else if (stoa_str_is(key, ":authority"))
			s->authority.at = at, s->authority.n = (uint32_t)value_n;
		return;
	}
	s->fields[s->n_fields].name_at = keep(s, name, name_n);
	s->fields[s->n_fields].name_n = (uint32_t)name_n;
	s->fields[s->n_fields].value_at = keep(s, value, value_n);
	s->fields[s->n_fields].value_n = (uint32_t)value_n;
	s->n_fields++;
}

static uint32_t method_of(struct stoa_str s)
{
	for (uint32_t bit = STOA_HTTP_GET; bit <= STOA_HTTP_OPTIONS; bit <<= 1)
		if (stoa_str_is(s, method_name(bit)))
			return bit;
	return 0;
}

static void head_of(const struct stream *s, struct h1_header *fields, struct request_head *ret)
{
	struct stoa_str host = stream_text(s, s->authority.at, s->authority.n);

	for (unsigned i = 0; i < s->n_fields; i++) {
		fields[i].name = stream_text(s, s->fields[i].name_at, s->fields[i].name_n);
		fields[i].value = stream_text(s, s->fields[i].value_at, s->fields[i].value_n);
		if (!host.n && h1_name_is(fields[i].name, "host"))
			host = fields[i].value;
	}
	*ret = (struct request_head){
		.method = method_of(stream_text(s, s->method.at, s->method.n)),
		.target = stream_text(s, s->path.at, s->path.n),
		.host = host,
		.headers = fields,
		.n_headers = s->n_fields,
		.peer = s->c->peer,
		.slot = s->c->slot,
		.is_tls = s->c->ssl != NULL,
	};
}

static void resume_parked(struct waiter *w, bool timed_out)
{
	struct h1_header fields[H1_HEADERS_MAX];
	struct stream *s = w->user;
	struct request_head head;
	struct serve out;

	head_of(s, fields, &head);
	serve_again(s->c->e, &head, w, &out);
	if (out.kind == SERVE_PARK && !timed_out)
		return;
	if (out.kind == SERVE_PARK)
		answer_refuse(&out.answer, 503, "not_yet", "It did not come in time.");
	waiter_free(s->c->e, w);
	s->waiter = NULL;
	s->answer = out.answer;
	stream_log(s, head.method, s->answer.status, s->answer.n);
	stream_answer(s);
}

static void dispatch(struct stream *s)
{
	s->dispatched = true;
	request_dispatch(s->req);
}

static void begin_request(struct stream *s, struct request *r)
{
	r->wire = &stream_wire;
	r->peer_conn = s;
	s->req = r;
	s->body_max = r->route->body_max ? r->route->body_max : s->c->e->settings->body_max;
	s->body_began_ms = s->c->e->now_ms;
	s->body_by_ms = edge_body_deadline(s->c->e, s->body_began_ms, 0);
	if (r->route->flags & STOA_HTTP_BODY_STREAM)
		dispatch(s);
}

void stream_take_head(struct stream *s)
{
	struct h1_header fields[H1_HEADERS_MAX];
	struct request_head head;
	struct serve out;

	s->has_head = true;
	if (s->refused || s->text.failed) {
		stream_refuse(s, 431, "headers_too_large", "The header section is too large.");
		return;
	}
	if (s->path.n > s->c->e->settings->line_max) {
		stream_refuse(s, 414, "uri_too_long", "The request target is too long.");
		return;
	}
	head_of(s, fields, &head);
	s->is_head_only = head.method == STOA_HTTP_HEAD;
	if (s->c->e->settings->access_log)
		s->began_us = stoa_now_us();
	serve_head(s->c->e, &head, &out);
	switch (out.kind) {
	case SERVE_REQUEST:
		begin_request(s, out.req);
		break;
	case SERVE_PARK:
		out.waiter->resume_fn = resume_parked;
		out.waiter->user = s;
		s->waiter = out.waiter;
		break;
	case SERVE_ANSWER:
		s->answer = out.answer;
		stream_log(s, head.method, s->answer.status, s->answer.n);
		stream_answer(s);
		break;
	}
}

/* ---- the body ---- */

void stream_end_body(struct stream *s)
{
	s->body_ended = true;
	if (!s->req)
		return;
	if (s->req->route->flags & STOA_HTTP_BODY_STREAM)
		request_body_piece(s->req, "", 0);
	else
		dispatch(s);
}

static void refuse_body(struct stream *s, int status, const char *error, const char *detail)
{
	bool begun = s->req->begun;

	stream_drop_request(s);
	s->body_ended = false;
	if (begun)
		nghttp2_submit_rst_stream(s->c->h2->session, NGHTTP2_FLAG_NONE, s->id,
					  NGHTTP2_INTERNAL_ERROR);
	else
		stream_refuse(s, status, error, detail);
}

static void refuse_large(struct stream *s)
{
	refuse_body(s, 413, "too_large", "The body is larger than this resource takes.");
}

void stream_tick(struct stream *s)
{
	if (!s->req || s->body_ended || s->discards || s->window_owed ||
	    s->c->e->now_ms < s->body_by_ms)
		return;
	stoa_metric_add(s->c->e->h->metrics.refused_timeout, 1);
	refuse_body(s, 408, "timeout", "The request took too long.");
}

void stream_take_data(struct stream *s, const uint8_t *p, size_t n)
{
	nghttp2_session *session = s->c->h2->session;

	s->body_got += n;
	s->body_by_ms = edge_body_deadline(s->c->e, s->body_began_ms, s->body_got);
	if (!s->req || s->discards) {
		nghttp2_session_consume(session, s->id, n);
	} else if (s->body_got > s->body_max) {
		nghttp2_session_consume(session, s->id, n);
		refuse_large(s);
	} else if (s->req->route->flags & STOA_HTTP_BODY_STREAM) {
		s->window_owed += n; /* the window opens as the handler takes them */
		request_body_piece(s->req, p, n);
	} else {
		stoa_buf_add(&s->req->body, p, n);
		nghttp2_session_consume(session, s->id, n);
		if (s->req->body.failed)
			refuse_large(s);
	}
}
