/* SPDX-License-Identifier: Apache-2.0 */
/* The listeners: opened from the configuration, and each socket they accept handed to the least
 * loaded edge. Called by module.c on ctl. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "edge.h"
#include "tls.h"

/* ---- accepting ---- */

static struct edge *least_loaded(struct http *h)
{
	struct edge *best = h->edges[0];

	for (unsigned i = 1; i < h->n_edges; i++)
		if (atomic_load_explicit(&h->edges[i]->n_conns, memory_order_relaxed) <
		    atomic_load_explicit(&best->n_conns, memory_order_relaxed))
			best = h->edges[i];
	return best;
}

struct handover {
	struct stoa_task task;
	struct edge *e;
	struct listener *l;
	struct limit_slot *slot;
	int fd;
	char peer[48];
};

static void take_over(struct stoa_task *t)
{
	struct handover *o = STOA_CONTAINER(t, struct handover, task);

	if (o->e->stopping) {
		close(o->fd);
		limit_disconnect(o->e->h->limits, o->slot);
	} else {
		conn_adopt(o->e, o->l, o->fd, o->peer, o->slot);
	}
	atomic_fetch_sub_explicit(&o->e->n_conns, 1, memory_order_relaxed); /* counted twice */
	free(o);
}

static void name_peer(const struct sockaddr *peer, char out[48])
{
	const struct sockaddr_in6 *v6 = (const void *)peer;
	const struct sockaddr_in *v4 = (const void *)peer;

	if (peer->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], out, 48);
	else if (peer->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, out, 48);
	else
		inet_ntop(AF_INET, &v4->sin_addr, out, 48);
}

/* Over a limit there is no answer: it would cost a TLS handshake, which is what an attack is after. */
static void on_accept(int fd, const struct sockaddr *peer, unsigned peer_len, void *user)
{
	struct listener *l = user;
	struct http *h = l->h;
	struct handover *o = calloc(1, sizeof(*o));
	unsigned per_address = h->settings->connections_per_address;
	int on = 1;

	(void)peer_len;
	if (!o) {
		close(fd);
		return;
	}
	name_peer(peer, o->peer);
	if (settings_trusts(h->settings, o->peer))
		per_address = 0;
	o->slot = limit_connect(h->limits, peer, h->settings->connections_max, per_address);
	if (!o->slot) {
		stoa_metric_add(h->metrics.refused_connections, 1);
		close(fd);
		free(o);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	o->task.fn = take_over;
	o->e = least_loaded(h);
	o->l = l;
	o->fd = fd;
	atomic_fetch_add_explicit(&o->e->n_conns, 1, memory_order_relaxed);
	if (stoa_post_task(o->e->loop, &o->task) < 0) {
		limit_disconnect(h->limits, o->slot);
		close(fd);
		free(o);
	}
}

/* ---- opening and closing ---- */

static char *dup_or_null(const char *s)
{
	return *s ? strdup(s) : NULL;
}

int listeners_read(struct http *h, const struct stoa_conf *c)
{
	size_t n = stoa_conf_map_len(c, "listeners");

	for (size_t i = 0; i < (n ? n : 1) && i < LISTENERS_MAX; i++) {
		struct listener *l = &h->listeners[i];
		const char *name = "http";
		const struct stoa_conf *lc = n ? stoa_conf_map_get(c, "listeners", i, &name) : NULL;

		l->h = h;
		l->index = h->n_listeners++;
		l->name = strdup(name);
		l->address = strdup(lc ? stoa_conf_string(lc, "address") : "127.0.0.1:7880");
		l->certificate = lc ? dup_or_null(stoa_conf_string(lc, "tls-certificate")) : NULL;
		l->key = lc ? dup_or_null(stoa_conf_string(lc, "tls-key")) : NULL;
		l->with_h2 = lc && stoa_conf_bool(lc, "http2");
		if (!l->name || !l->address)
			return -ENOMEM;
		if (tls_listener_open(l) < 0)
			return -EINVAL;
	}
	return 0;
}

/* An address that cannot be had is a mistake of the configuration, and ends the start. */
int listeners_open(struct http *h, const struct stoa_conf *c)
{
	for (unsigned i = 0; i < h->n_listeners; i++) {
		struct listener *l = &h->listeners[i];
		const struct stoa_conf *lc = stoa_conf_map_get(c, "listeners", i, NULL);
		int err = stoa_listen(h->m, l->address, on_accept, l, &l->socket);

		if (err) {
			stoa_errors_add(NULL, lc ? lc : c, lc ? "address" : "listeners",
					"listener %s cannot listen on %s: %s; choose another "
					"address under listeners or stop what holds it",
					l->name, l->address, strerror(-err));
			return err;
		}
		stoa_log(h->m, STOA_LOG_INFO, "listening on %s (%s)", l->address,
			 l->certificate ? "https" : "http");
	}
	return 0;
}

void listeners_look(struct http *h)
{
	for (unsigned i = 0; i < h->n_listeners; i++)
		tls_listener_look(&h->listeners[i]);
}

void listeners_close(struct http *h)
{
	for (unsigned i = 0; i < h->n_listeners; i++) {
		struct listener *l = &h->listeners[i];

		if (l->socket)
			stoa_listener_free(l->socket);
		l->socket = NULL;
	}
}

void listeners_free(struct http *h)
{
	for (unsigned i = 0; i < h->n_listeners; i++) {
		struct listener *l = &h->listeners[i];

		tls_listener_close(l);
		free(l->name);
		free(l->address);
		free(l->certificate);
		free(l->key);
		memset(l, 0, sizeof(*l));
	}
	h->n_listeners = 0;
}
