/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 (RFC 9113) over a connection that ALPN chose it for. nghttp2 keeps frames, header
 * compression, flow control and the known abuses (resets, floods of settings and continuations) in
 * bounds; a stream here is what a connection is in conn.c: it serves one request.
 *
 * Called by conn.c. Frames are made only while the connection has room, so a slow client costs one
 * frame and what its streams hold. */
#include <stdlib.h>

#include "h2.h"

#define STREAMS_MAX 128u
#define WINDOW      (256 * 1024) /* of a stream; the connection's is four times that */
#define SEND_AHEAD  (64u * 1024u)

/* ---- streams ---- */

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

void stream_drop_request(struct stream *s)
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
	stream_drop_request(s);
	pieces_free(s);
	answer_clear(&s->answer);
	stoa_buf_free(&s->text);
	stoa_list_unlink(&s->link);
	s->c->h2->n_streams--;
	free(s);
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

static int on_header(nghttp2_session *session, const nghttp2_frame *f, const uint8_t *name,
		     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, f->hd.stream_id);

	(void)flags;
	(void)user;
	if (s)
		stream_take_field(s, name, name_n, value, value_n);
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *f, void *user)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, f->hd.stream_id);

	(void)user;
	if (!s || (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA))
		return 0;
	if (f->hd.type == NGHTTP2_HEADERS && !s->has_head)
		stream_take_head(s);
	if ((f->hd.flags & NGHTTP2_FLAG_END_STREAM) && !s->body_ended)
		stream_end_body(s);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
		   void *user)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	(void)flags;
	(void)user;
	if (s)
		stream_take_data(s, p, n);
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
	struct stream *s, *tmp;

	stoa_list_for_each_safe (s, tmp, &h2->streams, struct stream, link)
		stream_tick(s);
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
