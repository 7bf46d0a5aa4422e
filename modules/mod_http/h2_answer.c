/* SPDX-License-Identifier: Apache-2.0 */
/* How an answer leaves on an HTTP/2 stream: its fields are made from the same header lines as for
 * HTTP/1.1, its body is read by nghttp2 as flow control lets it go. Called by h2_request.c, and by
 * handlers through the wire table. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "h2.h"

/* ---- bodies, as nghttp2 asks for them ---- */

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

/* ---- heads ---- */

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

void stream_answer(struct stream *s)
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
	conn_touch(s->c);
}

void stream_log(const struct stream *s, uint32_t method, int status, uint64_t n)
{
	const struct edge *e = s->c->e;

	if (e->settings->access_log)
		access_log(e->h, e->settings, s->c->peer, method,
			   stream_text(s, s->path.at, s->path.n), status, n, s->began_us);
}

void stream_refuse(struct stream *s, int status, const char *error, const char *detail)
{
	answer_clear(&s->answer);
	answer_refuse(&s->answer, status, error, detail);
	stream_log(s, 0, status, s->answer.n);
	stream_answer(s);
}

/* ---- what handlers answer ---- */

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
		stream_log(s, r->method, s->answer.status, s->answer.n);
		s->req = NULL;
		r->peer_conn = NULL;
		request_unref(r);
	}
	stream_answer(s);
}

static void resume_data(struct stream *s)
{
	nghttp2_session_resume_data(s->c->h2->session, s->id);
	conn_touch(s->c);
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
	stream_log(s, r->method, s->answer.status, r->sent);
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
	conn_touch(s->c);
}

/* serve.c lets no upgrade through: RFC 8441 is not offered. */
static void wire_upgrade(struct request *r)
{
	ws_never(r);
}

const struct wire_ops stream_wire = {
	.answer = wire_answer,
	.piece = wire_piece,
	.end = wire_end,
	.resume = wire_resume,
	.upgrade = wire_upgrade,
};
