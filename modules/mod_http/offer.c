/* SPDX-License-Identifier: Apache-2.0 */
/* What modules offer: routes, WebSockets, files, published bodies. Each change of the routes makes a
 * new table that the edges swap in. The functions are members of struct stoa_http_ops; what they
 * mean stands in <stoa/iface/http.h>. */
#include <fcntl.h>
#include <stdlib.h>

#include "edge.h"
#include "ops.h"

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

static int add_to_table(struct http *h, struct route *r_take)
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

/* ---- the interface ---- */

int offer_route(void *self, struct stoa_mod *m, const struct stoa_http_route *in)
{
	const uint32_t known = STOA_HTTP_NET | STOA_HTTP_BODY_STREAM | STOA_HTTP_CORS;
	struct http *h = self;
	struct route *r;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!in->fn || !in->methods || in->methods > 127 || (in->flags & ~known) ||
	    !route_pattern_valid(in->path) || ((in->flags & STOA_HTTP_BODY_STREAM) && !in->body_fn))
		return -EINVAL;
	r = route_new(ROUTE_HTTP, m, in->path);
	if (!r)
		return -ENOMEM;
	r->methods = in->methods;
	r->flags = in->flags;
	r->body_max = in->body_max;
	r->fn = in->fn;
	r->body_fn = in->body_fn;
	r->user = in->user;
	return add_to_table(h, r);
}

int offer_ws_route(void *self, struct stoa_mod *m, const struct stoa_ws_route *in)
{
	struct http *h = self;
	struct route *r;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!in->ops || !in->ops->accept || (in->flags & ~STOA_HTTP_NET) ||
	    !route_pattern_valid(in->path) || in->message_max == 0 || in->send_queue_max == 0)
		return -EINVAL;
	r = route_new(ROUTE_WS, m, in->path);
	if (!r)
		return -ENOMEM;
	r->flags = in->flags;
	r->ws_ops = in->ops;
	r->user = in->user;
	r->message_max = in->message_max;
	r->send_queue_max = in->send_queue_max;
	r->ping_interval_s = in->ping_interval_s;
	return add_to_table(h, r);
}

int offer_files(void *self, struct stoa_mod *m, const char *prefix, const char *dir, uint32_t flags)
{
	const uint32_t known =
		STOA_HTTP_FILES_SPA | STOA_HTTP_FILES_IMMUTABLE | STOA_HTTP_FILES_CORS;
	struct http *h = self;
	size_t n = prefix ? strlen(prefix) : 0;
	struct route *r;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (n == 0 || prefix[0] != '/' || prefix[n - 1] != '/' || !dir || dir[0] != '/' ||
	    (flags & ~known))
		return -EINVAL;
	r = route_new(ROUTE_FILES, m, prefix);
	if (!r || !(r->dir = strdup(dir))) {
		route_unref(r);
		return -ENOMEM;
	}
	r->flags = flags;
	r->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->dir_fd < 0) {
		int err = -errno;

		route_unref(r);
		return err;
	}
	return add_to_table(h, r);
}

static void close_sockets_of(struct edge *e, void *arg)
{
	ws_close_all(e, arg, 1001);
}

static void remove_all(struct http *h, struct stoa_mod *m)
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

void offer_remove(void *self, struct stoa_mod *m)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	remove_all(self, m);
}

int offer_publish(void *self, struct stoa_mod *m, const struct stoa_http_body *b)
{
	return published_put(((struct http *)self)->published, m, b);
}

int offer_unpublish(void *self, const char *path)
{
	return published_take(((struct http *)self)->published, stoa_str(path));
}

int offer_publish_rule(void *self, struct stoa_mod *m, const char *path, stoa_http_want_fn *want_fn,
		       void *user, uint32_t park_ms)
{
	return published_rule(((struct http *)self)->published, m, path, want_fn, user, park_ms);
}
