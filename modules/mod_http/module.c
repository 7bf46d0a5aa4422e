/* SPDX-License-Identifier: Apache-2.0 */
/* mod_http: provides `http`. Its life cycle; options.c has the options, listeners.c what is accepted,
 * offer.c what modules offer, edge.c the threads that serve it. */
#include <stdlib.h>

#include "edge.h"

#define TLS_LOOK_MS   2000u
#define DRAIN_LOOK_MS 50u

/* ---- begin ---- */

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
	h->published = published_new(waiters_wake_edge, h);
	if (!h->limits || !h->published || route_table_new(NULL, 0, &h->table) < 0)
		return -ENOMEM;
	return stoa_iface_publish(m, STOA_HTTP, &http_ops, h);
}

static void look_at_certificates(void *user)
{
	struct http *h = user;

	listeners_look(h);
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
	listeners_close(h);
	for (unsigned i = 0; i < h->n_edges; i++)
		edge_join(h->edges[i]);
	h->n_edges = 0;
	drop_held(h);
	listeners_free(h);
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
		err = listeners_read(h, c);
	for (unsigned i = 0; i < threads && !err; i++) {
		err = edge_start(h, i, &h->edges[i]);
		if (!err)
			h->n_edges++;
	}
	if (!err)
		err = listeners_open(h, c);
	if (err) {
		close_all(h);
		return err;
	}
	h->tls_timer = stoa_timer_new(m, look_at_certificates, h);
	if (h->tls_timer)
		stoa_timer_set(h->tls_timer, TLS_LOOK_MS);
	return 0;
}

/* ---- reload and drain ---- */

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
	listeners_look(h);
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

/* ---- end ---- */

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
	.check = options_check,
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
