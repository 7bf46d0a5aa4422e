/* SPDX-License-Identifier: Apache-2.0 */
/* One client's connection: reads requests, waits for their answers, keeps deadlines. Called by
 * libwebsockets (raw role) and by the edge's loop. One request is in work at a time; what the client
 * sends ahead waits, in bounds. A connection is only freed in the close callback. */
#include <stdlib.h>

#include "edge.h"
#include "tls.h"

#define NEVER     UINT64_MAX
#define LINGER_MS 2000u
#define DISCARD_MAX                                                                                \
	(256u * 1024u) /* a body nobody wants is read up to this to keep the connection */
#define BODY_RATE 512u /* bytes a second below which a body is a slow attack */
#define RX_KEEP   8192u

static void take_input(struct conn *c);

void conn_touch(struct conn *c)
{
	if (stoa_list_empty(&c->flush))
		stoa_list_append(&c->e->flush_list, &c->flush);
}

void conn_kill(struct conn *c)
{
	c->dead = true;
	conn_touch(c);
}

void conn_pause(struct conn *c, bool paused)
{
	if (c->rx_paused == paused)
		return;
	c->rx_paused = paused;
	lws_rx_flow_control(c->wsi, paused ? 0 : 1);
}

/* ---- the life of a connection ---- */

static struct conn *conn_new(struct edge *e, struct listener *l, const char *peer,
			     struct limit_slot *slot)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->e = e;
	c->listener = l;
	c->slot = slot;
	c->deadline_ms = e->now_ms + e->settings->head_ms; /* includes the TLS handshake */
	c->write_deadline_ms = NEVER;
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
	stoa_list_init(&c->flush);
	stoa_list_append(&e->conns, &c->link);
	atomic_fetch_add_explicit(&e->n_conns, 1, memory_order_relaxed);
	stoa_metric_add(e->h->metrics.connections, 1);
	return c;
}

static void drop_request(struct conn *c)
{
	struct request *r = c->req;

	if (c->waiter)
		waiter_free(c->e, c->waiter);
	c->waiter = NULL;
	c->req = NULL;
	if (!r)
		return;
	if (!c->dispatched) {
		r->peer_conn = NULL;
		request_unref(r);
		return;
	}
	request_gone(r, c->state == CONN_BODY);
}

static void conn_free(struct conn *c)
{
	struct edge *e = c->e;

	if (c->ws)
		ws_lost(c);
	if (c->h2)
		h2_end(c);
	drop_request(c);
	out_clear(c);
	tls_end(c);
	stoa_buf_free(&c->rx);
	stoa_buf_free(&c->ahead);
	stoa_list_unlink(&c->link);
	stoa_list_unlink(&c->flush);
	limit_disconnect(e->h->limits, c->slot);
	atomic_fetch_sub_explicit(&e->n_conns, 1, memory_order_relaxed);
	stoa_metric_add(e->h->metrics.connections, -1);
	free(c);
}

int conn_adopt(struct edge *e, struct listener *l, int fd, const char *peer,
	       struct limit_slot *slot)
{
	lws_sock_file_fd_type desc = { .sockfd = fd };
	struct conn *c = conn_new(e, l, peer, slot);
	lws_adopt_desc_t info = {
		.vh = e->vhost,
		.type = LWS_ADOPT_SOCKET,
		.fd = desc,
		.opaque = c,
		.vh_prot_name = "stoa",
	};

	if (c && e->ssl_ctx[l->index] && tls_begin(c, e->ssl_ctx[l->index]) < 0) {
		conn_free(c);
		close(fd);
		return -ENOMEM;
	}
	if (!c) {
		limit_disconnect(e->h->limits, slot);
		close(fd);
		return -ENOMEM;
	}
	/* On failure libwebsockets has closed the socket, and called us back or not. */
	c->adopting = true;
	c->wsi = lws_adopt_descriptor_vhost_via_info(&info);
	c->adopting = false;
	if (c->wsi)
		return 0;
	conn_free(c);
	return -EIO;
}

/* ---- answering ---- */

static void log_exchange(struct conn *c, struct stoa_str target, uint32_t method, int status,
			 uint64_t bytes, uint64_t began_us)
{
	if (c->e->settings->access_log)
		access_log(c->e->h, c->e->settings, c->peer, method, target, status, bytes,
			   began_us);
}

/* The exchange is over once its answer is queued. */
static void finish_exchange(struct conn *c)
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

/* Answers the head in `c->head` with what this module made itself. */
static void answer_here(struct conn *c, struct answer *a)
{
	int status = a->status;
	uint64_t n = a->n;

	h1_answer_send(c, a);
	log_exchange(c, c->head.target, c->head.method, status, n, c->began_us);
	answer_clear(a);
}

/* The head could not be understood: say so and close. */
static void refuse_head(struct conn *c, int status)
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
	finish_exchange(c);
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
	finish_exchange(c);
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

/* ---- parked requests ---- */

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

static void consume_head(struct conn *c)
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
	answer_here(c, &s.answer);
	consume_head(c);
	finish_exchange(c);
}

/* ---- reading heads ---- */

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
		consume_head(c);
		refuse_head(c, 413);
		return;
	}
	if (c->head.expects_continue && has_body)
		out_copy(c, "HTTP/1.1 100 Continue\r\n\r\n", 25, false);
	consume_head(c);
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
		answer_here(c, &s.answer);
		consume_head(c);
		finish_exchange(c);
		break;
	}
}

/* Does enough wait for the client? One that sends requests and does not read their answers is owed
 * no more memory and no more open files. */
static bool is_backlogged(const struct conn *c)
{
	return c->out_first || c->gather.n - c->gather_at > OUT_LOW || lws_partial_buffered(c->wsi);
}

/* True when a head was taken. */
static bool take_head(struct conn *c)
{
	const struct settings *set = c->e->settings;
	struct h1_limits limits = { set->line_max, set->head_max };
	int err;

	c->held_back = is_backlogged(c);
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
		refuse_head(c, err);
		c->rx_at = c->rx.n;
		return false;
	}
	handle_head(c);
	return true;
}

/* ---- reading bodies ---- */

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

static void refuse_body(struct conn *c, int status)
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
	refuse_head(c, status);
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

/* True when there is more to do with what has been read. */
static bool take_body(struct conn *c)
{
	bool is_stream = c->req->route->flags & STOA_HTTP_BODY_STREAM;
	struct stoa_str piece = stoa_str("");
	uint64_t allowed_ms;
	int r;

	if (c->piece_in_work)
		return false;
	if (c->body_ended) {
		body_complete(c);
		return true;
	}
	r = next_piece(c, &piece);
	if (r > 1) {
		refuse_body(c, r);
		return false;
	}
	allowed_ms = c->e->settings->body_ms + c->body_got * 1000 / BODY_RATE;
	c->deadline_ms = c->e->now_ms + c->e->settings->body_ms;
	if (c->deadline_ms > c->body_began_ms + allowed_ms)
		c->deadline_ms = c->body_began_ms + allowed_ms;
	if (piece.n && is_stream) {
		c->body_ended = r == 1;
		c->piece_in_work = true;
		request_body_piece(c->req, piece.p, piece.n);
		return c->state == CONN_BODY && c->req;
	}
	if (piece.n)
		stoa_buf_add(&c->req->body, piece.p, piece.n);
	if (c->req->body.failed) {
		refuse_body(c, 413);
		return false;
	}
	if (r == 1)
		body_complete(c);
	return r == 1 || (c->head.is_chunked && c->rx_at < c->rx.n);
}

static bool take_discard(struct conn *c)
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

/* ---- input ---- */

static void compact(struct conn *c)
{
	if (c->waiter || c->rx_at == 0)
		return; /* the parked head points into rx */
	if (c->rx_at == c->rx.n) {
		if (c->rx.cap > RX_KEEP)
			stoa_buf_free(&c->rx);
		else
			stoa_buf_clear(&c->rx);
	} else {
		memmove(c->rx.p, c->rx.p + c->rx_at, c->rx.n - c->rx_at);
		c->rx.n -= c->rx_at;
	}
	c->rx_at = 0;
}

static void take_input(struct conn *c)
{
	bool more = true;

	c->in_input = true;
	while (more && !c->dead) {
		switch (c->state) {
		case CONN_HEAD:
			more = take_head(c);
			break;
		case CONN_BODY:
			more = take_body(c);
			break;
		case CONN_DISCARD:
			more = take_discard(c);
			break;
		case CONN_WS:
			ws_input(c);
			more = false;
			break;
		case CONN_LINGER:
			c->rx_at = c->rx.n;
			more = false;
			break;
		case CONN_WAIT:
		case CONN_H2:
			more = false;
			break;
		}
	}
	c->in_input = false;
	compact(c);
	if (c->state != CONN_WS)
		conn_pause(c, c->rx.n - c->rx_at + c->ahead.n > RX_AHEAD &&
				      (c->state != CONN_HEAD || c->held_back));
}

void conn_plain(struct conn *c, const void *p, size_t n)
{
	struct stoa_buf *b = c->waiter ? &c->ahead : &c->rx;

	stoa_metric_add(c->e->h->metrics.bytes_in, (int64_t)n);
	if (c->state == CONN_LINGER || c->close_after)
		return;
	if (c->state == CONN_H2) {
		h2_receive(c, p, n);
		return;
	}
	stoa_buf_add(b, p, n);
	if (b->failed)
		conn_kill(c);
	else
		take_input(c);
}

void conn_secured(struct conn *c, bool is_h2)
{
	if (is_h2 && h2_begin(c) < 0)
		conn_kill(c);
}

static void receive(struct conn *c, const void *p, size_t n)
{
	if (c->dead)
		return;
	if (c->ssl)
		tls_receive(c, p, n);
	else
		conn_plain(c, p, n);
}

/* ---- ends ---- */

/* All is written: half-close, so that the client reads our answer before it sees a reset. */
static void begin_linger(struct conn *c)
{
	if (c->state == CONN_LINGER)
		return;
	if (c->ws)
		ws_lost(c);
	c->state = CONN_LINGER;
	c->deadline_ms = c->e->now_ms + LINGER_MS;
	if (c->ssl)
		tls_shutdown(c);
	shutdown(lws_get_socket_fd(c->wsi), SHUT_WR);
	conn_pause(c, false);
}

static void flush(struct conn *c)
{
	if (!c->dead && c->state == CONN_H2 && !h2_send(c))
		c->close_after = true;
	if (!c->dead && (c->state == CONN_HEAD || c->state == CONN_BODY ||
			 c->state == CONN_DISCARD || c->state == CONN_WS))
		take_input(c);
	if (!c->dead && !out_write(c))
		c->dead = true;
	if (!c->dead && c->held_back && !is_backlogged(c))
		conn_touch(c); /* there is room for the next request now */
	if (!c->dead && c->close_after && out_is_empty(c) && !lws_partial_buffered(c->wsi))
		begin_linger(c);
	if (c->dead)
		lws_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
}

void conns_flush(struct edge *e)
{
	/* What is touched meanwhile is done in this turn as well, but a connection that always has
	 * something to do does not keep the others waiting. */
	for (unsigned i = 0; i < 100000 && !stoa_list_empty(&e->flush_list); i++) {
		struct conn *c = STOA_CONTAINER(e->flush_list.next, struct conn, flush);

		stoa_list_unlink(&c->flush);
		flush(c);
	}
}

static void time_out(struct conn *c)
{
	bool is_partial = (c->state == CONN_HEAD && c->head_begun) || c->state == CONN_BODY;

	if (is_partial && !c->close_after && c->state == CONN_HEAD)
		refuse_head(c, 408);
	else if (is_partial && !c->close_after)
		refuse_body(c, 408);
	else
		conn_kill(c);
	c->deadline_ms = c->e->now_ms + LINGER_MS;
}

void conns_tick(struct edge *e)
{
	struct conn *c, *tmp;

	stoa_list_for_each_safe (c, tmp, &e->conns, struct conn, link) {
		bool is_writing = c->write_deadline_ms != NEVER && c->state == CONN_HEAD;

		if (c->state == CONN_H2)
			h2_tick(c);
		if (e->now_ms >= c->deadline_ms && c->state != CONN_H2 && !is_writing)
			time_out(c);
		else if (e->now_ms >= c->write_deadline_ms)
			conn_kill(c);
		else if (c->ws)
			ws_tick(c);
	}
}

int conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		  size_t len)
{
	struct conn *c;

	(void)user;
	switch (reason) {
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_RAW_RX:
	case LWS_CALLBACK_RAW_WRITEABLE:
	case LWS_CALLBACK_RAW_CLOSE:
		break;
	default:
		return 0;
	}
	c = lws_get_opaque_user_data(wsi);
	if (!c)
		return 0;
	c->wsi = wsi;
	if (reason == LWS_CALLBACK_RAW_RX) {
		receive(c, in, len);
	} else if (reason == LWS_CALLBACK_RAW_WRITEABLE) {
		conn_touch(c);
	} else if (reason == LWS_CALLBACK_RAW_CLOSE) {
		lws_set_opaque_user_data(wsi, NULL);
		if (!c->adopting)
			conn_free(c);
	}
	return 0;
}
