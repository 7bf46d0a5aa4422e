/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_ROUTE_H
#define MOD_HTTP_ROUTE_H

#include <stdatomic.h>
#include <stoa/iface/http.h>
#include <stoa/list.h>

#include "target.h"

/* Routes and the tree that finds them. A table is immutable once it is shared: ctl builds a new one
 * for each change and the edges swap to it; counted, so that requests keep theirs. */

struct stoa_mod;

enum route_kind { ROUTE_HTTP, ROUTE_WS, ROUTE_FILES };

struct route { /* counted: by tables, requests and sockets */
	atomic_uint refs;
	enum route_kind kind;
	struct stoa_mod *mod;
	char *path; /* the pattern, or the prefix of files */
	uint32_t methods, flags;
	size_t body_max;
	stoa_http_fn *fn;
	stoa_http_body_fn *body_fn;
	void *user;
	/* WebSockets */
	const struct stoa_ws_ops *ws_ops;
	size_t message_max, send_queue_max;
	uint32_t ping_interval_s;
	/* files */
	char *dir;
	int dir_fd;
	atomic_bool removed; /* its module is stopping: call it no more */
};

struct route *route_new(enum route_kind kind, struct stoa_mod *m, const char *path);
struct route *route_ref(struct route *r);
void route_unref(struct route *r);

/* Is it a pattern: "/a/{id}/b", "/a/{rest...}"? Pure. */
bool route_pattern_valid(const char *path);

struct route_table;

/* A table of `n` routes, each referenced. -ENOMEM, -EEXIST when two take the same path and method. */
int route_table_new(struct route *const *routes, size_t n, struct route_table **ret);
struct route_table *route_table_ref(struct route_table *t);
void route_table_unref(struct route_table *t);

#define ROUTE_PARAMS_MAX 8

struct route_match {
	struct route *route; /* for the method; NULL: none           */
	struct route *ws;    /* a WebSocket route of that path       */
	uint32_t allowed;    /* methods the path has; 0: no such path */
	bool has_cors;       /* one of its routes has STOA_HTTP_CORS */
	unsigned n_params;
	struct stoa_str params[ROUTE_PARAMS_MAX]; /* in the order of the pattern's names */
};

/* Finds what serves the path. Literal segments win over parameters, those over a rest. Pure. */
void route_find(const struct route_table *t, const struct target *target, uint32_t method,
		struct route_match *ret);

/* The files route with the longest prefix of the path; NULL: none. */
struct route *route_find_files(const struct route_table *t, struct stoa_str path);

/* The position of `name` among the pattern's parameters, or -1. */
int route_param_index(const struct route *r, const char *name);

#endif
