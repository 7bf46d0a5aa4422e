/* SPDX-License-Identifier: Apache-2.0 */
/* One client's connection from its accepted socket to its last byte: adopted, flushed, timed out,
 * ended. Called by libwebsockets (raw role) and by the edge's loop. One request is in work at a
 * time; what the client sends ahead waits, in bounds. A connection is only freed in the close
 * callback. */
#include <stdio.h>
#include <stdlib.h>

#include "conn.h"
#include "tls.h"

#define LINGER_MS 2000u

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

/* ---- begin and end ---- */

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

/* ---- a turn of the loop ---- */

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
		conn_take_input(c);
	if (!c->dead && !out_write(c))
		c->dead = true;
	if (!c->dead && c->held_back && !conn_is_backlogged(c))
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

/* ---- deadlines ---- */

static void time_out(struct conn *c)
{
	bool is_partial = (c->state == CONN_HEAD && c->head_begun) || c->state == CONN_BODY;

	if (is_partial && !c->close_after && c->state == CONN_HEAD)
		conn_refuse(c, 408);
	else if (is_partial && !c->close_after)
		conn_refuse_body(c, 408);
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

/* ---- libwebsockets ---- */

static void receive(struct conn *c, const void *p, size_t n)
{
	if (c->dead)
		return;
	if (c->ssl)
		tls_receive(c, p, n);
	else
		conn_plain(c, p, n);
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
