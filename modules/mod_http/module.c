/* SPDX-License-Identifier: Apache-2.0 */
/* mod_http: provides `http`. Options, life cycle, listeners, and what changes the route table. The
 * edges do the rest: edge.c is the thread, conn.c a connection, serve.c what a request leads to. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "edge.h"
#include "tls.h"

#define TLS_LOOK_MS   2000u
#define DRAIN_LOOK_MS 50u

/* ---- options ---- */

static const struct stoa_opt listener_options[] = {
	{ .key = "address",
	  .type = STOA_OPT_ADDRESS,
	  .flags = STOA_OPT_REQUIRED,
	  .doc = "Address and port to listen on." },
	{ .key = "tls-certificate",
	  .type = STOA_OPT_PATH,
	  .doc = "PEM file with the certificate and its chain; unset means plain HTTP." },
	{ .key = "tls-key",
	  .type = STOA_OPT_PATH,
	  .doc = "PEM file with the certificate's private key." },
	{ .key = "http2",
	  .type = STOA_OPT_BOOL,
	  .dflt = "yes",
	  .doc = "Offer HTTP/2 to clients that connect with TLS." },
	STOA_OPT_END
};

static const struct stoa_opt http_options[] = {
	{ .key = "listeners",
	  .type = STOA_OPT_MAP,
	  .item = listener_options,
	  .doc = "Named addresses to serve; none means http on 127.0.0.1:7880." },
	{ .key = "edge-threads",
	  .type = STOA_OPT_INT,
	  .dflt = "0",
	  .max = EDGES_MAX,
	  .doc = "Threads that serve connections; 0 means as core.net-threads says." },
	{ .key = "public-url",
	  .type = STOA_OPT_STRING,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Where clients reach this server; unset means as each request's Host says." },
	{ .key = "trusted-proxies",
	  .type = STOA_OPT_LIST,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Addresses or networks whose X-Forwarded-For, -Host and -Proto are believed." },
	{ .key = "cors-origins",
	  .type = STOA_OPT_LIST,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Origins whose pages may call the API, or * for all." },
	{ .key = "access-log",
	  .type = STOA_OPT_BOOL,
	  .dflt = "no",
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Log one line per request at level info, without its query." },
	{ .key = "request-line-max",
	  .type = STOA_OPT_SIZE,
	  .dflt = "33K",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 1024,
	  .max = 60 * 1024,
	  .doc = "Longest request line; LiveKit's join requests need up to 32K." },
	{ .key = "head-max",
	  .type = STOA_OPT_SIZE,
	  .dflt = "60K",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 2048,
	  .max = 64 * 1024,
	  .doc = "Longest request line and headers together." },
	{ .key = "body-max",
	  .type = STOA_OPT_SIZE,
	  .dflt = "1M",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 1024,
	  .max = INT64_C(1) << 32,
	  .doc = "Longest request body where a route sets no limit of its own." },
	{ .key = "idle-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "65s",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 1000,
	  .max = 3600 * 1000,
	  .doc = "How long a connection may be idle between requests, or not take what we send." },
	{ .key = "head-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "10s",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 250,
	  .max = 600 * 1000,
	  .doc = "Within what time a request line and headers must be complete." },
	{ .key = "body-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "20s",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 250,
	  .max = 600 * 1000,
	  .doc = "How long the next piece of a request body may take." },
	{ .key = "connections-max",
	  .type = STOA_OPT_INT,
	  .dflt = "10000",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 1,
	  .max = 1000000,
	  .doc = "Connections at one time; further ones are closed at once." },
	{ .key = "connections-per-address",
	  .type = STOA_OPT_INT,
	  .dflt = "1000",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 0,
	  .max = 1000000,
	  .doc = "Connections at one time from one address (an IPv6 /64); 0 means no limit." },
	{ .key = "requests-per-address",
	  .type = STOA_OPT_INT,
	  .dflt = "0",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 0,
	  .max = 60000000,
	  .doc = "Requests a minute from one address, a sixth of it at once; 0 means no limit." },
	STOA_OPT_END
};

/* ---- listeners ---- */

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

static char *dup_or_null(const char *s)
{
	return *s ? strdup(s) : NULL;
}

static int copy_listeners(struct http *h, const struct stoa_conf *c)
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
static int open_listeners(struct http *h, const struct stoa_conf *c)
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

/* ---- the route table ---- */

static void swap_table(struct edge *e, void *arg)
{
	route_table_unref(e->table);
	e->table = route_table_ref(arg);
}

static int rebuild_table(struct http *h)
{
	struct route_table *t;
	int err = route_table_new(h->routes, h->n_routes, &t);

	if (err)
		return err;
	route_table_unref(h->table);
	h->table = t;
	for (unsigned i = 0; i < h->n_edges; i++)
		edge_call(h->edges[i], swap_table, t);
	return 0;
}

int http_route_add(struct http *h, struct route *r_take)
{
	struct route **grown = realloc(h->routes, (h->n_routes + 1) * sizeof(struct route *));
	int err;

	if (!grown) {
		route_unref(r_take);
		return -ENOMEM;
	}
	h->routes = grown;
	h->routes[h->n_routes++] = r_take;
	err = rebuild_table(h);
	if (err) {
		h->n_routes--;
		route_unref(r_take);
	}
	return err;
}

static void close_sockets_of(struct edge *e, void *arg)
{
	ws_close_all(e, arg, 1001);
}

void http_remove(struct http *h, struct stoa_mod *m)
{
	size_t kept = 0;

	published_remove(h->published, m);
	for (size_t i = 0; i < h->n_routes; i++) {
		struct route *r = h->routes[i];

		if (r->mod == m) {
			atomic_store(&r->removed, true);
			route_unref(r);
		} else {
			h->routes[kept++] = r;
		}
	}
	h->n_routes = kept;
	rebuild_table(h); /* when it returns, no edge is inside of a handler of `m` */
	for (unsigned i = 0; i < h->n_edges; i++)
		edge_call(h->edges[i], close_sockets_of, m);
	ws_remove(h, m);
}

/* ---- published bodies ---- */

struct wakeup {
	struct stoa_task task;
	struct edge *e;
	size_t n;
	char path[];
};

static void run_wakeup(struct stoa_task *t)
{
	struct wakeup *w = STOA_CONTAINER(t, struct wakeup, task);

	waiters_wake(w->e, stoa_strn(w->path, w->n));
	free(w);
}

/* On the publishing thread. */
static void wake_edge(void *user, unsigned edge, struct stoa_str path)
{
	struct http *h = user;
	struct wakeup *w = malloc(sizeof(*w) + path.n);

	if (!w)
		return; /* they find it when their time is over */
	w->task.fn = run_wakeup;
	w->e = h->edges[edge];
	w->n = path.n;
	memcpy(w->path, path.p, path.n);
	if (stoa_post_task(w->e->loop, &w->task) < 0)
		free(w);
}

/* ---- life cycle ---- */

static void declare_metrics(struct http *h)
{
	static const char *const classes[] = {
		NULL,           "class=\"1xx\"", "class=\"2xx\"", "class=\"3xx\"", "class=\"4xx\"",
		"class=\"5xx\""
	};
	struct stoa_mod *m = h->m;
	struct metrics *x = &h->metrics;

	for (size_t i = 1; i < STOA_ARRAY_SIZE(classes); i++)
		x->requests[i] = stoa_metric_counter(m, "requests_total", classes[i],
						     "Requests answered, by class of status.");
	x->connections = stoa_metric_gauge(m, "connections", NULL, "Open connections.");
	x->websockets = stoa_metric_gauge(m, "websockets", NULL, "Open WebSockets.");
	x->parked = stoa_metric_gauge(m, "parked_requests", NULL,
				      "Requests that wait for a body to be published.");
	x->bytes_in = stoa_metric_counter(m, "received_bytes_total", NULL,
					  "Bytes received, without TLS.");
	x->bytes_out = stoa_metric_counter(m, "sent_bytes_total", NULL, "Bytes sent, without TLS.");
	x->refused_connections = stoa_metric_counter(m, "rejected_total", "reason=\"connections\"",
						     "Connections and requests refused.");
	x->refused_rate = stoa_metric_counter(m, "rejected_total", "reason=\"rate\"",
					      "Connections and requests refused.");
	x->refused_draining = stoa_metric_counter(m, "rejected_total", "reason=\"draining\"",
						  "Connections and requests refused.");
	x->refused_malformed = stoa_metric_counter(m, "rejected_total", "reason=\"malformed\"",
						   "Connections and requests refused.");
	x->refused_timeout = stoa_metric_counter(m, "rejected_total", "reason=\"timeout\"",
						 "Connections and requests refused.");
}

static int http_load(struct stoa_mod *m)
{
	struct http *h = stoa_mod_ctx(m);

	h->m = m;
	stoa_list_init(&h->held);
	stoa_list_init(&h->sockets);
	atomic_init(&h->in_flight, 0);
	declare_metrics(h);
	h->limits = limit_table_new();
	h->published = published_new(wake_edge, h);
	if (!h->limits || !h->published || route_table_new(NULL, 0, &h->table) < 0)
		return -ENOMEM;
	return stoa_iface_publish(m, STOA_HTTP, &http_ops, h);
}

static void check_listener(const struct stoa_conf *lc, const char *name, struct stoa_errors *e)
{
	const char *certificate = stoa_conf_string(lc, "tls-certificate");
	const char *key = stoa_conf_string(lc, "tls-key");
	char why[300];

	if (!*certificate != !*key) {
		stoa_errors_add(e, lc, *certificate ? "tls-certificate" : "tls-key",
				"listener %s has %s: set both tls-certificate and tls-key, or "
				"neither",
				name,
				*certificate ? "a certificate without a key"
					     : "a key without a certificate");
	} else if (*certificate && tls_check(certificate, key, why, sizeof(why)) < 0) {
		stoa_errors_add(e, lc, "tls-certificate", "listener %s %s", name, why);
	}
}

static int http_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	size_t n = stoa_conf_map_len(c, "listeners");
	const char *url = stoa_conf_string(c, "public-url");
	struct proxy_net net;
	const char *name;

	(void)m;
	if (n > LISTENERS_MAX)
		stoa_errors_add(e, c, "listeners", "%zu listeners, at most %d are possible", n,
				LISTENERS_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct stoa_conf *lc = stoa_conf_map_get(c, "listeners", i, &name);

		check_listener(lc, name, e);
	}
	if (*url && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		stoa_errors_add(e, c, "public-url",
				"public-url begins with http:// or https://, not \"%s\"", url);
	for (size_t i = 0; i < stoa_conf_list_len(c, "trusted-proxies"); i++) {
		const char *text = stoa_conf_list_get(c, "trusted-proxies", i);

		if (proxy_net_parse(text, &net) < 0)
			stoa_errors_add(e, c, "trusted-proxies",
					"\"%s\" is no address or network such as 10.0.0.0/8", text);
	}
	if (stoa_conf_size(c, "head-max") < stoa_conf_size(c, "request-line-max"))
		stoa_errors_add(e, c, "head-max", "head-max is below request-line-max");
	return 0;
}

static void look_at_certificates(void *user)
{
	struct http *h = user;

	for (unsigned i = 0; i < h->n_listeners; i++)
		tls_listener_look(&h->listeners[i]);
	stoa_timer_set(h->tls_timer, TLS_LOOK_MS);
}

static void drop_held(struct http *h)
{
	struct request *r, *tmp;

	stoa_list_for_each_safe (r, tmp, &h->held, struct request, link) {
		stoa_log(h->m, STOA_LOG_WARN, "%s %s was never answered", method_name(r->method),
			 r->route->path);
		stoa_list_unlink(&r->link);
		request_unref(r);
	}
}

/* What http_start() opened, also when it got half way. */
static void close_all(struct http *h)
{
	stoa_timer_free(h->tls_timer);
	stoa_timer_free(h->drain_timer);
	h->tls_timer = h->drain_timer = NULL;
	for (unsigned i = 0; i < h->n_listeners; i++) {
		struct listener *l = &h->listeners[i];

		if (l->socket)
			stoa_listener_free(l->socket);
		l->socket = NULL;
	}
	for (unsigned i = 0; i < h->n_edges; i++)
		edge_join(h->edges[i]);
	h->n_edges = 0;
	drop_held(h);
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
	settings_unref(h->settings);
	h->settings = NULL;
}

static int http_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct http *h = stoa_mod_ctx(m);
	unsigned threads = (unsigned)stoa_conf_int(c, "edge-threads");
	int err;

	if (!threads)
		threads = stoa_thread_count(STOA_THREAD_NET);
	if (threads > EDGES_MAX)
		threads = EDGES_MAX;
	err = settings_new(c, &h->settings);
	if (!err)
		err = copy_listeners(h, c);
	for (unsigned i = 0; i < threads && !err; i++) {
		err = edge_start(h, i, &h->edges[i]);
		if (!err)
			h->n_edges++;
	}
	if (!err)
		err = open_listeners(h, c);
	if (err) {
		close_all(h);
		return err;
	}
	h->tls_timer = stoa_timer_new(m, look_at_certificates, h);
	if (h->tls_timer)
		stoa_timer_set(h->tls_timer, TLS_LOOK_MS);
	return 0;
}

static void swap_settings(struct edge *e, void *arg)
{
	settings_unref(e->settings);
	e->settings = settings_ref(arg);
}

static int http_reload(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct http *h = stoa_mod_ctx(m);
	struct settings *s;
	int err = settings_new(c, &s);

	if (err)
		return err;
	settings_unref(h->settings);
	h->settings = s;
	for (unsigned i = 0; i < h->n_edges; i++)
		edge_call(h->edges[i], swap_settings, s);
	for (unsigned i = 0; i < h->n_listeners; i++)
		tls_listener_look(&h->listeners[i]);
	return 0;
}

static void drain_edge(struct edge *e, void *arg)
{
	struct conn *c, *tmp;

	e->draining = *(const bool *)arg;
	if (e->draining)
		stoa_list_for_each_safe (c, tmp, &e->conns, struct conn, link)
			if (c->h2)
				h2_drain(c);
}

static void look_drained(void *user)
{
	struct http *h = user;

	if (atomic_load(&h->in_flight) == 0)
		stoa_mod_drained(h->m);
	else
		stoa_timer_set(h->drain_timer, DRAIN_LOOK_MS);
}

/* Requests are still answered, so that sessions can end in order and probes see why; upgrades are
 * refused and every answer closes its connection. */
static void http_drain(struct stoa_mod *m, uint64_t deadline_ms)
{
	struct http *h = stoa_mod_ctx(m);

	(void)deadline_ms;
	h->draining = true;
	for (unsigned i = 0; i < h->n_edges; i++)
		edge_call(h->edges[i], drain_edge, &h->draining);
	if (!h->drain_timer)
		h->drain_timer = stoa_timer_new(m, look_drained, h);
	look_drained(h);
}

static void http_undrain(struct stoa_mod *m)
{
	struct http *h = stoa_mod_ctx(m);

	h->draining = false;
	if (h->drain_timer)
		stoa_timer_cancel(h->drain_timer);
	for (unsigned i = 0; i < h->n_edges; i++)
		edge_call(h->edges[i], drain_edge, &h->draining);
}

static void http_stop(struct stoa_mod *m)
{
	close_all(stoa_mod_ctx(m));
}

static void http_unload(struct stoa_mod *m)
{
	struct http *h = stoa_mod_ctx(m);

	for (size_t i = 0; i < EDGES_MAX; i++)
		edge_free(h->edges[i]);
	for (size_t i = 0; i < h->n_routes; i++)
		route_unref(h->routes[i]);
	free(h->routes);
	route_table_unref(h->table);
	published_free(h->published);
	limit_table_free(h->limits);
}

static const struct stoa_mod_ops http_mod_ops = {
	.size = sizeof(http_mod_ops),
	.load = http_load,
	.check = http_check,
	.start = http_start,
	.reload = http_reload,
	.drain = http_drain,
	.undrain = http_undrain,
	.stop = http_stop,
	.unload = http_unload,
};

STOA_MODULE(mod_http, .version = "0.1.0",
	    .summary = "Serves HTTP/1.1, HTTP/2, WebSockets, published bodies and files.",
	    .ctx_size = sizeof(struct http), .provides = STOA_NAMES(STOA_HTTP),
	    .options = http_options, .ops = &http_mod_ops);
