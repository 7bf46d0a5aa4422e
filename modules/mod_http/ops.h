/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_OPS_H
#define MOD_HTTP_OPS_H

#include "http.h"

/* The members of struct stoa_http_ops; each function's words stand in <stoa/iface/http.h>. Those of
 * WebSockets are in http.h. */

static inline const struct request *request_of(const struct stoa_http_req *base)
{
	return STOA_CONTAINER((uintptr_t)base, struct request, base);
}

static inline struct request *request_mut(const struct stoa_http_req *base)
{
	return STOA_CONTAINER((uintptr_t)base, struct request, base);
}

/* ---- offer.c ---- */

int offer_route(void *self, struct stoa_mod *m, const struct stoa_http_route *in);
int offer_ws_route(void *self, struct stoa_mod *m, const struct stoa_ws_route *in);
int offer_files(void *self, struct stoa_mod *m, const char *prefix, const char *dir,
		uint32_t flags);
void offer_remove(void *self, struct stoa_mod *m);
int offer_publish(void *self, struct stoa_mod *m, const struct stoa_http_body *b);
int offer_unpublish(void *self, const char *path);
int offer_publish_rule(void *self, struct stoa_mod *m, const char *path, stoa_http_want_fn *want_fn,
		       void *user, uint32_t park_ms);

/* ---- ops_request.c ---- */

enum stoa_http_method req_method(const struct stoa_http_req *b);
struct stoa_str req_path(const struct stoa_http_req *b);
struct stoa_str req_param(const struct stoa_http_req *b, const char *name);
struct stoa_str req_query(const struct stoa_http_req *b, const char *name, bool *ret_found);
struct stoa_str req_header(const struct stoa_http_req *b, const char *name);
struct stoa_str req_body(const struct stoa_http_req *b);
const char *req_peer(const struct stoa_http_req *b);
const char *req_base_url(const struct stoa_http_req *b);
int req_watch(struct stoa_http_req *b, const struct stoa_http_watch *w, void *user);

/* ---- ops_answer.c ---- */

void req_answer(struct stoa_http_req *b, const struct stoa_http_answer *in);
void req_problem(struct stoa_http_req *b, const struct stoa_http_problem *p);
int req_answer_begin(struct stoa_http_req *b, const struct stoa_http_answer *head);
int req_answer_write(struct stoa_http_req *b, const void *data, size_t n);
void req_answer_end(struct stoa_http_req *b);
int req_answer_file(struct stoa_http_req *b, const char *path, const char *content_type,
		    const char *cache_control);
int req_accept_ws(struct stoa_http_req *b, void *session);

#endif
