/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 (RFC 9113) over a connection that ALPN chose it for. nghttp2 keeps frames, header
 * compression, flow control and the known abuses (resets, floods of settings and continuations) in
 * bounds; a stream here is what a connection is in conn.c: it serves one request.
 *
 * Called by conn.c. Frames are made only while the connection has room, so a slow client costs one
 * frame and what its streams hold. */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "edge.h"

#define STREAMS_MAX 128u
#define WINDOW      (256 * 1024) /* of a stream; the connection's is four times that */
#define SEND_AHEAD  (64u * 1024u)

struct piece { /* of a streaming answer */
	struct piece *next;
	struct stoa_bytes *bytes;
	size_t at;
};

struct stream {
	struct conn *c;
	int32_t id;
	struct stoa_list link; /* h2.streams */

	/* the request's head: names and values one after the other in `text` */
	struct stoa_buf text;
	struct {
		uint32_t name_at, name_n, value_at, value_n;
	} fields[H1_HEADERS_MAX];
	unsigned n_fields;
	struct {
		uint32_t at, n;
	} method, path, authority;
	int refused; /* a status, before the head is complete */
	bool has_head, body_ended;

	struct request *req;
	bool dispatched, discards;
	struct waiter *waiter;
	size_t body_got, body_max;
	uint64_t began_us;

	struct answer answer;
	bool answered, is_head_only, ended;
	struct piece *first, *last;
	size_t window_owed; /* bytes of an upload in the handler's hands */
};

struct h2 {
	nghttp2_session *session;
	struct stoa_list streams;
	unsigned n_streams;
	bool is_closing;
};

static const struct wire_ops stream_wire;

static void touch(struct stream *s)
{
	conn_touch(s->c);
}

/* ---- a stream ---- */

static struct stream *stream_new(struct conn *c, int32_t id)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->c = c;
	s->id = id;
	answer_init(&s->answer, 0);
	stoa_list_append(&c->h2->streams, &s->link);
	c->h2->n_streams++;
	return s;
}

static void pieces_free(struct stream *s)
{
	for (struct piece *p = s->first, *next; p; p = next) {
		next = p->next;
		stoa_bytes_unref(p->bytes);
		free(p);
	}
	s->first = s->last = NULL;
}

static void drop_request(struct stream *s)
{
	struct request *r = s->req;

	s->req = NULL;
	if (!r)
		return;
	if (!s->dispatched) {
		r->peer_conn = NULL;
		request_unref(r);
		return;
	}
	request_gone(r, !s->body_ended);
}

static void stream_free(struct stream *s)
{
	waiter_free(s->c->e, s->waiter);
	drop_request(s);
	pieces_free(s);
	answer_clear(&s->answer);
	stoa_buf_free(&s->text);
	stoa_list_unlink(&s->link);
	s->c->h2->n_streams--;
	free(s);
}

static struct stoa_str text_at(const struct stream *s, uint32_t at, uint32_t n)
{
	return stoa_strn(s->text.p ? s->text.p + at : "", n);
}

/* ---- answers ---- */

static ssize_t read_memory(struct stream *s, uint8_t *buf, size_t n)
{
	struct answer *a = &s->answer;

	if (n > a->n)
		n = (size_t)a->n;
	if (a->file >= 0) {
		ssize_t got = n ? pread(a->file, buf, n, (off_t)a->at) : 0;

		if (got < 0 || (n && got == 0))
			return -1;
		n = (size_t)got;
	} else if (n) {
		memcpy(buf, a->body->p + a->at, n);
	}
	a->at += n;
	a->n -= n;
	return (ssize_t)n;
}

static ssize_t read_pieces(struct stream *s, uint8_t *buf, size_t n)
{
	size_t done = 0;

	while (done < n && s->first) {
		struct piece *p = s->first;
		size_t left = p->bytes->n - p->at, take = left < n - done ? left : n - done;

		memcpy(buf + done, p->bytes->p + p->at, take);
		p->at += take;
		done += take;
		if (take < left)
			break;
		s->first = p->next;
		if (!s->first)
			s->last = NULL;
		stoa_bytes_unref(p->bytes);
		free(p);
	}
	if (done && s->req)
		request_sent(s->req, done);
	return (ssize_t)done;
}

static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *buf, size_t n,
		       uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct stream *s = source->ptr;
	ssize_t got;

	(void)session;
	(void)id;
	(void)user;
	if (!s->answer.is_stream) {
		got = read_memory(s, buf, n);
		if (got < 0)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the file became shorter */
		if (s->answer.n == 0)
			*flags |= NGHTTP2_DATA_FLAG_EOF;
		return got;
	}
	got = read_pieces(s, buf, n);
	if (!s->first && s->ended)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	else if (got == 0)
		return NGHTTP2_ERR_DEFERRED;
	return got;
}

#define NV_MAX 40

struct nv_list {
	nghttp2_nv nv[NV_MAX];
	size_t n;
	char names[NV_MAX][40]; /* lower case */
};

static void nv_add(struct nv_list *l, struct stoa_str name, struct stoa_str value)
{
	nghttp2_nv *nv;
	char *lower;

	if (l->n >= NV_MAX || name.n >= sizeof(l->names[0]))
		return;
	nv = &l->nv[l->n];
	lower = l->names[l->n];
	for (size_t i = 0; i < name.n; i++)
		lower[i] =
			name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i];
	nv->name = (uint8_t *)lower;
	nv->namelen = name.n;
	nv->value = (uint8_t *)(uintptr_t)value.p;
	nv->valuelen = value.n;
	nv->flags = NGHTTP2_NV_FLAG_NONE;
	l->n++;
}

/* "Name: value\r\n…" into pairs; connection-specific fields do not exist in HTTP/2. */
static void nv_add_lines(struct nv_list *l, const char *p, size_t n)
{
	while (n) {
		const char *colon = memchr(p, ':', n), *end = memmem(p, n, "\r\n", 2);
		struct stoa_str name;

		if (!colon || !end)
			return;
		name = stoa_strn(p, (size_t)(colon - p));
		if (!h1_name_is(name, "connection") && !h1_name_is(name, "upgrade") &&
		    !h1_name_is(name, "transfer-encoding"))
			nv_add(l, name, stoa_strn(colon + 2, (size_t)(end - colon - 2)));
		n -= (size_t)(end - p) + 2;
		p = end + 2;
	}
}

/* Sends s->answer. */
static void send_answer(struct stream *s)
{
	struct answer *a = &s->answer;
	nghttp2_data_provider source = { .source.ptr = s, .read_callback = on_read };
	struct nv_list *l = calloc(1, sizeof(*l)); /* 4 KB: too much for deep stacks */
	bool has_body =
		answer_may_have_body(a->status) && !s->is_head_only && (a->is_stream || a->n);
	char status[8], length[24];
	const struct edge *e = s->c->e;

	if (!l) {
		conn_kill(s->c);
		return;
	}
	snprintf(status, sizeof(status), "%d", a->status);
	snprintf(length, sizeof(length), "%llu", (unsigned long long)a->n);
	nv_add(l, stoa_str(":status"), stoa_str(status));
	nv_add_lines(l, e->date, e->date_n);
	if (a->shared)
		nv_add_lines(l, (const char *)a->shared->p, a->shared->n);
	nv_add_lines(l, a->lines.p, a->lines.n);
	if (!a->is_stream && answer_may_have_body(a->status))
		nv_add(l, stoa_str("content-length"), stoa_str(length));
	s->answered = true;
	if (nghttp2_submit_response(s->c->h2->session, s->id, l->nv, l->n,
				    has_body ? &source : NULL) < 0)
		conn_kill(s->c);
	free(l);
	stoa_metric_add(e->h->metrics.requests[a->status / 100 % 6], 1);
	if (!s->body_ended && !a->is_stream) /* the rest of the upload is not wanted */
		s->discards = true;
	touch(s);
}

static void log_exchange(struct stream *s, uint32_t method, int status, uint64_t n)
{
	const struct edge *e = s->c->e;

	if (e->settings->access_log)
		access_log(e->h, e->settings, s->c->peer, method, text_at(s, s->path.at, s->path.n),
			   status, n, s->began_us);
}

static void refuse(struct stream *s, int status, const char *error, const char *detail)
{
	answer_clear(&s->answer);
	answer_refuse(&s->answer, status, error, detail);
	log_exchange(s, 0, status, s->answer.n);
	send_answer(s);
}

static void wire_answer(struct request *r)
{
	struct stream *s = r->peer_conn;
	bool is_stream = r->answer.is_stream;

	if (!r->answer.status)
		answer_refuse(&r->answer, 503, "stopping", "The server is stopping.");
	answer_clear(&s->answer);
	s->answer = r->answer; /* moved */
	answer_init(&r->answer, s->answer.status);
	r->begun = true;
	if (!is_stream) {
		log_exchange(s, r->method, s->answer.status, s->answer.n);
		s->req = NULL;
		r->peer_conn = NULL;
		request_unref(r);
	}
	send_answer(s);
}

static void resume_data(struct stream *s)
{
	nghttp2_session_resume_data(s->c->h2->session, s->id);
	touch(s);
}

static void wire_piece(struct request *r, struct stoa_bytes *b_take)
{
	struct stream *s = r->peer_conn;
	struct piece *p = s->is_head_only ? NULL : malloc(sizeof(*p));

	r->sent += b_take->n;
	if (!p) {
		request_sent(r, b_take->n);
		stoa_bytes_unref(b_take);
		return;
	}
	*p = (struct piece){ .bytes = b_take };
	if (s->last)
		s->last->next = p;
	else
		s->first = p;
	s->last = p;
	resume_data(s);
}

static void wire_end(struct request *r)
{
	struct stream *s = r->peer_conn;

	s->ended = true;
	s->req = NULL;
	log_exchange(s, r->method, s->answer.status, r->sent);
	r->peer_conn = NULL;
	request_unref(r);
	if (!s->body_ended)
		s->discards = true;
	resume_data(s);
}

static void wire_resume(struct request *r)
{
	struct stream *s = r->peer_conn;

	nghttp2_session_consume(s->c->h2->session, s->id, s->window_owed);
	s->window_owed = 0;
	touch(s);
}

/* serve.c lets no upgrade through: RFC 8441 is not offered. */
static void wire_upgrade(struct request *r)
{
	ws_never(r);
}

static const struct wire_ops stream_wire = {
	.answer = wire_answer,
	.piece = wire_piece,
	.end = wire_end,
	.resume = wire_resume,
	.upgrade = wire_upgrade,
};

/* ---- the request ---- */

static uint32_t method_of(struct stoa_str s)
{
	for (uint32_t bit = STOA_HTTP_GET; bit <= STOA_HTTP_OPTIONS; bit <<= 1)
		if (stoa_str_is(s, method_name(bit)))
			return bit;
	return 0;
}

static void head_of(const struct stream *s, struct h1_header *fields, struct request_head *ret)
{
	struct stoa_str host = text_at(s, s->authority.at, s->authority.n);

	for (unsigned i = 0; i < s->n_fields; i++) {
		fields[i].name = text_at(s, s->fields[i].name_at, s->fields[i].name_n);
		fields[i].value = text_at(s, s->fields[i].value_at, s->fields[i].value_n);
		if (!host.n && h1_name_is(fields[i].name, "host"))
			host = fields[i].value;
	}
	*ret = (struct request_head){
		.method = method_of(text_at(s, s->method.at, s->method.n)),
		.target = text_at(s, s->path.at, s->path.n),
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
	log_exchange(s, head.method, s->answer.status, s->answer.n);
	send_answer(s);
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
	if (r->route->flags & STOA_HTTP_BODY_STREAM)
		dispatch(s);
}

static void take_head(struct stream *s)
{
	struct h1_header fields[H1_HEADERS_MAX];
	struct request_head head;
	struct serve out;

	s->has_head = true;
	if (s->refused || s->text.failed) {
		refuse(s, 431, "headers_too_large", "The header section is too large.");
		return;
	}
	if (s->path.n > s->c->e->settings->line_max) {
		refuse(s, 414, "uri_too_long", "The request target is too long.");
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
		log_exchange(s, head.method, s->answer.status, s->answer.n);
		send_answer(s);
		break;
	}
}

static void end_body(struct stream *s)
{
	s->body_ended = true;
	if (!s->req)
		return;
	if (s->req->route->flags & STOA_HTTP_BODY_STREAM)
		request_body_piece(s->req, "", 0);
	else
		dispatch(s);
}

static void refuse_body(struct stream *s)
{
	bool begun = s->req->begun;

	drop_request(s);
	s->body_ended = false;
	if (begun)
		nghttp2_submit_rst_stream(s->c->h2->session, NGHTTP2_FLAG_NONE, s->id,
					  NGHTTP2_INTERNAL_ERROR);
	else
		refuse(s, 413, "too_large", "The body is larger than this resource takes.");
}

static void take_data(struct stream *s, const uint8_t *p, size_t n)
{
	nghttp2_session *session = s->c->h2->session;

	s->body_got += n;
	if (!s->req || s->discards) {
		nghttp2_session_consume(session, s->id, n);
	} else if (s->body_got > s->body_max) {
		nghttp2_session_consume(session, s->id, n);
		refuse_body(s);
	} else if (s->req->route->flags & STOA_HTTP_BODY_STREAM) {
		s->window_owed += n; /* the window opens as the handler takes them */
		request_body_piece(s->req, p, n);
	} else {
		stoa_buf_add(&s->req->body, p, n);
		nghttp2_session_consume(session, s->id, n);
		if (s->req->body.failed)
			refuse_body(s);
	}
}

/* ---- nghttp2's callbacks ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *f, void *user)
{
	struct conn *c = user;
	struct stream *s;

	if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	s = stream_new(c, f->hd.stream_id);
	if (!s)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	nghttp2_session_set_stream_user_data(session, f->hd.stream_id, s);
	return 0;
}

static uint32_t keep(struct stream *s, const uint8_t *p, size_t n)
{
	uint32_t at = (uint32_t)s->text.n;

	stoa_buf_add(&s->text, p, n);
	return at;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *f, const uint8_t *name,
		     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, f->hd.stream_id);
	struct stoa_str key = stoa_strn(name, name_n);
	uint32_t at;

	(void)flags;
	(void)user;
	if (!s || s->has_head || s->refused)
		return 0; /* trailers are not for us */
	if (s->text.n + name_n + value_n > s->c->e->settings->head_max ||
	    s->n_fields == H1_HEADERS_MAX) {
		s->refused = 431;
		return 0;
	}
	if (name[0] == ':') {
		at = keep(s, value, value_n);
		if (stoa_str_is(key, ":method"))
			s->method.at = at, s->method.n = (uint32_t)value_n;
		else if (stoa_str_is(key, ":path"))
			s->path.at = at, s->path.n = (uint32_t)value_n;
		else if (stoa_str_is(key, ":authority"))
			s->authority.at = at, s->authority.n = (uint32_t)value_n;
		return 0;
	}
	s->fields[s->n_fields].name_at = keep(s, name, name_n);
	s->fields[s->n_fields].name_n = (uint32_t)name_n;
	s->fields[s->n_fields].value_at = keep(s, value, value_n);
	s->fields[s->n_fields].value_n = (uint32_t)value_n;
	s->n_fields++;
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *f, void *user)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, f->hd.stream_id);

	(void)user;
	if (!s || (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA))
		return 0;
	if (f->hd.type == NGHTTP2_HEADERS && !s->has_head)
		take_head(s);
	if ((f->hd.flags & NGHTTP2_FLAG_END_STREAM) && !s->body_ended)
		end_body(s);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
		   void *user)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	(void)flags;
	(void)user;
	if (s)
		take_data(s, p, n);
	else
		nghttp2_session_consume_connection(session, n);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	(void)code;
	(void)user;
	if (s)
		stream_free(s);
	return 0;
}

/* ---- the connection ---- */

static int make_session(struct conn *c)
{
	nghttp2_session_callbacks *cb;
	nghttp2_option *opt;
	int err;

	if (nghttp2_session_callbacks_new(&cb))
		return -ENOMEM;
	if (nghttp2_option_new(&opt)) {
		nghttp2_session_callbacks_del(cb);
		return -ENOMEM;
	}
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
	nghttp2_option_set_no_auto_window_update(opt, 1);
	nghttp2_option_set_no_closed_streams(opt, 1);
	nghttp2_option_set_no_recv_client_magic(opt, 0);
	nghttp2_option_set_max_outbound_ack(opt, 200);
	err = nghttp2_session_server_new2(&c->h2->session, cb, c, opt);
	nghttp2_option_del(opt);
	nghttp2_session_callbacks_del(cb);
	return err ? -ENOMEM : 0;
}

int h2_begin(struct conn *c)
{
	nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)c->e->settings->head_max },
	};
	int err;

	c->h2 = calloc(1, sizeof(*c->h2));
	if (!c->h2)
		return -ENOMEM;
	stoa_list_init(&c->h2->streams);
	err = make_session(c);
	if (err) {
		free(c->h2);
		c->h2 = NULL;
		return err;
	}
	c->state = CONN_H2;
	c->deadline_ms = c->e->now_ms + c->e->settings->idle_ms;
	nghttp2_submit_settings(c->h2->session, NGHTTP2_FLAG_NONE, settings,
				STOA_ARRAY_SIZE(settings));
	nghttp2_session_set_local_window_size(c->h2->session, NGHTTP2_FLAG_NONE, 0, 4 * WINDOW);
	conn_touch(c);
	return 0;
}

void h2_receive(struct conn *c, const void *p, size_t n)
{
	c->deadline_ms = c->e->now_ms + c->e->settings->idle_ms;
	conn_touch(c);
	if (nghttp2_session_mem_recv(c->h2->session, p, n) < 0)
		conn_kill(c); /* not HTTP/2, or a flood; what can be said is said by nghttp2 */
}

bool h2_send(struct conn *c)
{
	nghttp2_session *session = c->h2->session;

	while (!lws_partial_buffered(c->wsi)) {
		const uint8_t *p;
		ssize_t n = 1;

		while (c->gather.n - c->gather_at < SEND_AHEAD &&
		       (n = nghttp2_session_mem_send(session, &p)) > 0)
			out_copy(c, p, (size_t)n, false);
		if (n < 0 || c->dead)
			return false;
		if (out_is_empty(c))
			break;
		if (!out_write(c)) {
			conn_kill(c);
			return true;
		}
	}
	return nghttp2_session_want_read(session) || nghttp2_session_want_write(session);
}

/* Is a stream waiting for one of our handlers, or parked? Then the client owes nothing. */
static bool is_our_turn(const struct h2 *h2)
{
	const struct stream *s;

	stoa_list_for_each (s, &h2->streams, struct stream, link)
		if (s->waiter || (s->dispatched && !s->answered) ||
		    (s->answered && s->answer.is_stream && !s->first && !s->ended))
			return true;
	return false;
}

void h2_tick(struct conn *c)
{
	struct h2 *h2 = c->h2;

	if (c->e->now_ms < c->deadline_ms || is_our_turn(h2))
		return;
	if (h2->is_closing || h2->n_streams) {
		stoa_metric_add(c->e->h->metrics.refused_timeout, h2->n_streams ? 1 : 0);
		conn_kill(c);
		return;
	}
	h2->is_closing = true;
	nghttp2_session_terminate_session(h2->session, NGHTTP2_NO_ERROR);
	c->deadline_ms = c->e->now_ms + 2000;
	conn_touch(c);
}

void h2_drain(struct conn *c)
{
	nghttp2_submit_goaway(c->h2->session, NGHTTP2_FLAG_NONE,
			      nghttp2_session_get_last_proc_stream_id(c->h2->session),
			      NGHTTP2_NO_ERROR, NULL, 0);
	conn_touch(c);
}

void h2_end(struct conn *c)
{
	struct stream *s, *tmp;

	stoa_list_for_each_safe (s, tmp, &c->h2->streams, struct stream, link)
		stream_free(s);
	nghttp2_session_del(c->h2->session);
	free(c->h2);
	c->h2 = NULL;
}
