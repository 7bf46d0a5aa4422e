/* SPDX-License-Identifier: Apache-2.0 */
/* Route tables: a tree by path segments. Built on ctl by module.c, read on every edge thread. Pure
 * but for memory. */
#include "route.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- one route ---- */

struct route *route_new(enum route_kind kind, struct stoa_mod *m, const char *path)
{
	struct route *r = calloc(1, sizeof(*r));

	if (!r || !(r->path = strdup(path))) {
		free(r);
		return NULL;
	}
	atomic_init(&r->refs, 1);
	atomic_init(&r->removed, false);
	r->kind = kind;
	r->mod = m;
	r->dir_fd = -1;
	return r;
}

struct route *route_ref(struct route *r)
{
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	return r;
}

void route_unref(struct route *r)
{
	if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (r->dir_fd >= 0)
		close(r->dir_fd);
	free(r->dir);
	free(r->path);
	free(r);
}

/* The segment of a pattern that starts at `p`, behind its '/'. */
static struct stoa_str pattern_segment(const char *p)
{
	return stoa_strn(p, strcspn(p, "/"));
}

static bool is_param(struct stoa_str s)
{
	return s.n > 2 && s.p[0] == '{' && s.p[s.n - 1] == '}';
}

static bool is_rest(struct stoa_str s)
{
	return is_param(s) && s.n > 5 && memcmp(s.p + s.n - 4, "...}", 4) == 0;
}

static bool param_name_valid(struct stoa_str s)
{
	size_t n = is_rest(s) ? s.n - 5 : s.n - 2;

	for (size_t i = 1; i <= n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '_')
			return false;
	}
	return true;
}

bool route_pattern_valid(const char *path)
{
	unsigned params = 0, segments = 0;
	const char *p = path;

	if (!p || *p != '/')
		return false;
	while (*p) {
		struct stoa_str s = pattern_segment(p + 1);

		p += 1 + s.n;
		if (++segments > TARGET_SEGMENTS_MAX || (s.n == 0 && *p))
			return false;
		if (is_param(s)) {
			if (++params > ROUTE_PARAMS_MAX || !param_name_valid(s) ||
			    (is_rest(s) && *p))
				return false;
		} else {
			for (size_t i = 0; i < s.n; i++)
				if ((unsigned char)s.p[i] <= 0x20 || strchr("{}?#%", s.p[i]))
					return false;
		}
	}
	return true;
}

int route_param_index(const struct route *r, const char *name)
{
	size_t n = strlen(name);
	int index = 0;

	for (const char *p = r->path; *p;) {
		struct stoa_str s = pattern_segment(p + 1);

		if (is_param(s)) {
			if ((is_rest(s) ? s.n - 5 : s.n - 2) == n && memcmp(s.p + 1, name, n) == 0)
				return index;
			index++;
		}
		p += 1 + s.n;
	}
	return -1;
}

/* ---- the tree ---- */

struct node {
	struct stoa_str literal; /* points into a route's path */
	struct node *children;   /* literal ones, linked by `next` */
	struct node *param, *rest;
	struct node *next;
	struct route **routes; /* that end here */
	unsigned n_routes;
};

struct route_table {
	atomic_uint refs;
	struct node root;
	struct route **all;
	size_t n_all;
};

static struct node *child_get(struct node *at, struct stoa_str s)
{
	struct node **slot = is_rest(s) ? &at->rest : is_param(s) ? &at->param : &at->children;
	struct node *n;

	if (!is_param(s))
		while (*slot && !stoa_str_eq((*slot)->literal, s))
			slot = &(*slot)->next;
	if (!*slot) {
		n = calloc(1, sizeof(*n));
		if (n)
			n->literal = s;
		*slot = n;
	}
	return *slot;
}

static int node_add_route(struct node *n, struct route *r)
{
	struct route **grown;

	for (unsigned i = 0; i < n->n_routes; i++)
		if (n->routes[i]->kind == r->kind &&
		    (r->kind == ROUTE_WS || (n->routes[i]->methods & r->methods)))
			return -EEXIST;
	grown = realloc(n->routes, (n->n_routes + 1) * sizeof(struct route *));
	if (!grown)
		return -ENOMEM;
	n->routes = grown;
	n->routes[n->n_routes++] = r;
	return 0;
}

static int table_add(struct route_table *t, struct route *r)
{
	struct node *at = &t->root;

	t->all[t->n_all++] = route_ref(r);
	if (r->kind == ROUTE_FILES)
		return 0;
	for (const char *p = r->path; *p;) {
		struct stoa_str s = pattern_segment(p + 1);

		at = child_get(at, s);
		if (!at)
			return -ENOMEM;
		p += 1 + s.n;
	}
	return node_add_route(at, r);
}

static void node_free(struct node *n) /* recursion as deep as TARGET_SEGMENTS_MAX */
{
	if (!n)
		return;
	for (struct node *c = n->children, *next; c; c = next) {
		next = c->next;
		node_free(c);
		free(c);
	}
	node_free(n->param);
	node_free(n->rest);
	free(n->param);
	free(n->rest);
	free(n->routes);
}

int route_table_new(struct route *const *routes, size_t n, struct route_table **ret)
{
	struct route_table *t = calloc(1, sizeof(*t));
	int err = 0;

	if (!t)
		return -ENOMEM;
	atomic_init(&t->refs, 1);
	t->all = calloc(n + 1, sizeof(*t->all));
	if (!t->all)
		err = -ENOMEM;
	for (size_t i = 0; i < n && !err; i++)
		err = table_add(t, routes[i]);
	if (err) {
		route_table_unref(t);
		return err;
	}
	*ret = t;
	return 0;
}

struct route_table *route_table_ref(struct route_table *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void route_table_unref(struct route_table *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	node_free(&t->root);
	for (size_t i = 0; i < t->n_all; i++)
		route_unref(t->all[i]);
	free(t->all);
	free(t);
}

/* ---- finding ---- */

struct walk {
	const struct target *target;
	struct stoa_str params[ROUTE_PARAMS_MAX];
	unsigned n_params;
};

/* Depth first, literal before parameter before rest; the first node with routes wins. */
static const struct node *walk_node(const struct node *at, unsigned depth, struct walk *w)
{
	const struct target *t = w->target;
	const struct node *found;
	struct stoa_str s;

	if (depth == t->n_segments)
		return at->n_routes ? at : NULL;
	s = t->segments[depth];
	for (const struct node *c = at->children; c; c = c->next)
		if (stoa_str_eq(c->literal, s)) {
			found = walk_node(c, depth + 1, w);
			if (found)
				return found;
			break;
		}
	if (at->param && s.n) {
		w->params[w->n_params++] = s;
		found = walk_node(at->param, depth + 1, w);
		if (found)
			return found;
		w->n_params--;
	}
	if (at->rest) {
		w->params[w->n_params++] = stoa_strn(s.p, (size_t)(t->path.p + t->path.n - s.p));
		return at->rest;
	}
	return NULL;
}

void route_find(const struct route_table *t, const struct target *target, uint32_t method,
		struct route_match *ret)
{
	struct walk w = { .target = target };
	const struct node *n = target->n_segments ? walk_node(&t->root, 0, &w) : NULL;

	ret->route = ret->ws = NULL;
	ret->allowed = 0;
	ret->has_cors = false;
	ret->n_params = 0;
	if (!n)
		return;
	ret->n_params = w.n_params;
	memcpy(ret->params, w.params, w.n_params * sizeof(w.params[0]));
	for (unsigned i = 0; i < n->n_routes; i++) {
		struct route *r = n->routes[i];
		uint32_t methods = r->methods;

		if (r->kind == ROUTE_WS) {
			ret->ws = r;
			continue;
		}
		if (methods & STOA_HTTP_GET)
			methods |= STOA_HTTP_HEAD;
		ret->allowed |= methods;
		if (r->flags & STOA_HTTP_CORS)
			ret->has_cors = true;
		if ((r->methods & method) ||
		    (!ret->route && method == STOA_HTTP_HEAD && (methods & method)))
			ret->route = r;
	}
}

struct route *route_find_files(const struct route_table *t, struct stoa_str path)
{
	struct route *best = NULL;
	size_t best_n = 0;

	for (size_t i = 0; i < t->n_all; i++) {
		struct route *r = t->all[i];
		size_t n = strlen(r->path);

		if (r->kind == ROUTE_FILES && n > best_n && n <= path.n &&
		    memcmp(r->path, path.p, n) == 0) {
			best = r;
			best_n = n;
		}
	}
	return best;
}
