/* SPDX-License-Identifier: Apache-2.0 */
/* From a request's head to what answers it, for both protocols: limits, published bodies, routes,
 * preflights, files, errors, in this order. Called by conn_head.c and h2_request.c on the edge. */
#include <string.h>

#include "edge.h"

static void refuse(struct serve *s, int status, const char *error, const char *detail)
{
	s->kind = SERVE_ANSWER;
	answer_refuse(&s->answer, status, error, detail);
}

/* The headers that decide about a body that is at hand; one pass for all. */
static struct stoa_str read_file_request(const struct request_head *head, struct file_request *q)
{
	static const struct {
		const char *name;
		size_t offset;
	} wanted[] = {
		{ "if-none-match", offsetof(struct file_request, if_none_match) },
		{ "if-modified-since", offsetof(struct file_request, if_modified_since) },
		{ "if-range", offsetof(struct file_request, if_range) },
		{ "range", offsetof(struct file_request, range) },
		{ "accept-encoding", offsetof(struct file_request, accept_encoding) },
		{ "accept", offsetof(struct file_request, accept) },
	};
	struct stoa_str origin = stoa_str("");

	memset(q, 0, sizeof(*q));
	q->method = head->method;
	for (unsigned i = 0; i < head->n_headers; i++) {
		const struct h1_header *f = &head->headers[i];
		char first = f->name.n ? (char)(f->name.p[0] | 0x20) : 0;

		if (first == 'o' && h1_name_is(f->name, "origin"))
			origin = f->value;
		if (first != 'i' && first != 'r' && first != 'a')
			continue;
		for (size_t k = 0; k < STOA_ARRAY_SIZE(wanted); k++)
			if (h1_name_is(f->name, wanted[k].name))
				memcpy((char *)q + wanted[k].offset, &f->value, sizeof(f->value));
	}
	return origin;
}

/* ---- published bodies ---- */

static void serve_pub(struct edge *e, const struct request_head *head, struct pub *p,
		      struct serve *s)
{
	struct answer *a = &s->answer;
	struct file_request q;
	struct stoa_str origin = read_file_request(head, &q);

	s->kind = SERVE_ANSWER;
	a->status = 200;
	a->shared = stoa_bytes_ref(p->lines);
	a->body = stoa_bytes_ref(p->bytes);
	a->n = p->bytes->n;
	if (q.if_none_match.n || q.range.n)
		files_conditions(&q, stoa_str(p->etag), 0, p->bytes->n, a);
	if (p->cors)
		cors_decorate(e->settings, origin, a);
	pub_unref(p);
}

static void park(struct edge *e, struct stoa_str path, const struct published_found *f,
		 struct serve *s)
{
	s->waiter = waiter_new(e, path, f);
	if (s->waiter)
		s->kind = SERVE_PARK;
	else
		refuse(s, 503, "overloaded", "Too much is waiting.");
}

/* True when published bodies have the last word on this request. */
static bool serve_published(struct edge *e, const struct request_head *head, const struct target *t,
			    struct serve *s)
{
	struct published_found f;

	published_find(e->h->published, e->index, t->path, t->query, &f);
	if (!f.is_known)
		return false;
	if (f.status)
		refuse(s, f.status, f.status == 503 ? "unavailable" : "bad_input",
		       "This version cannot be had.");
	else if (f.must_wait)
		park(e, t->path, &f, s);
	else
		serve_pub(e, head, f.pub, s);
	return true;
}

void serve_again(struct edge *e, const struct request_head *head, struct waiter *w, struct serve *s)
{
	struct published_found f;

	memset(s, 0, sizeof(*s));
	answer_init(&s->answer, 0);
	published_check(e->h->published, e->index, w->path, w->version, &f);
	s->kind = SERVE_ANSWER;
	if (f.must_wait)
		s->kind = SERVE_PARK;
	else if (f.pub)
		serve_pub(e, head, f.pub, s);
	else
		refuse(s, 404, "not_found", "It is no longer there.");
}

/* ---- routes ---- */

static void serve_options(struct edge *e, const struct request_head *head,
			  const struct route_match *m, struct serve *s)
{
	char allow[80];

	s->kind = SERVE_ANSWER;
	s->answer.status = 204;
	cors_allow_line(m->allowed | STOA_HTTP_OPTIONS, allow, sizeof(allow));
	answer_add(&s->answer, "Allow", allow);
	if (m->has_cors)
		cors_preflight(e->settings, request_head_header(head, "origin"),
			       request_head_header(head, "access-control-request-headers"),
			       m->allowed, &s->answer);
}

static void refuse_method(const struct route_match *m, struct serve *s)
{
	char allow[80];

	cors_allow_line(m->allowed | (m->has_cors ? STOA_HTTP_OPTIONS : 0), allow, sizeof(allow));
	answer_add(&s->answer, "Allow", allow);
	refuse(s, 405, "method_not_allowed", "This resource does not know the method.");
}

static void make_request(struct edge *e, const struct request_head *head, struct route *route,
			 const struct route_match *m, struct serve *s)
{
	s->kind = SERVE_REQUEST;
	s->req = request_new(e, head, route, m);
	if (!s->req)
		refuse(s, 503, "overloaded", "The server is out of memory.");
}

/* An upgrade must be complete before the module is asked (RFC 6455 section 4.2.1). */
static void serve_upgrade(struct edge *e, const struct request_head *head,
			  const struct route_match *m, struct serve *s)
{
	if (head->method != STOA_HTTP_GET) {
		refuse(s, 400, "bad_upgrade", "A WebSocket begins with GET.");
	} else if (!stoa_str_is(request_head_header(head, "sec-websocket-version"), "13")) {
		answer_add(&s->answer, "Sec-WebSocket-Version", "13");
		refuse(s, 426, "bad_upgrade", "Only version 13 of the protocol is spoken.");
	} else if (request_head_header(head, "sec-websocket-key").n != 24) {
		refuse(s, 400, "bad_upgrade", "Sec-WebSocket-Key is missing or malformed.");
	} else if (e->draining) {
		stoa_metric_add(e->h->metrics.refused_draining, 1);
		refuse(s, 503, "draining", "The server takes no new sessions.");
	} else {
		make_request(e, head, m->ws, m, s);
	}
}

static void serve_files(struct edge *e, const struct request_head *head, const struct target *t,
			struct route *files, struct serve *s)
{
	struct file_request q;
	struct stoa_str origin = read_file_request(head, &q);

	s->kind = SERVE_ANSWER;
	if (head->method != STOA_HTTP_GET && head->method != STOA_HTTP_HEAD) {
		answer_add(&s->answer, "Allow", "GET, HEAD");
		refuse(s, 405, "method_not_allowed", "Files can only be read.");
		return;
	}
	files_serve(files, t, &q, &s->answer);
	if (files->flags & STOA_HTTP_FILES_CORS)
		cors_decorate(e->settings, origin, &s->answer);
}

static void serve_target(struct edge *e, const struct request_head *head, const struct target *t,
			 struct serve *s)
{
	struct route_match m;
	struct route *files;

	if ((head->method & (STOA_HTTP_GET | STOA_HTTP_HEAD)) && serve_published(e, head, t, s))
		return;
	route_find(e->table, t, head->method, &m);
	if (m.ws && head->is_upgrade) {
		serve_upgrade(e, head, &m, s);
	} else if (m.route) {
		make_request(e, head, m.route, &m, s);
	} else if (m.allowed && head->method == STOA_HTTP_OPTIONS) {
		serve_options(e, head, &m, s);
	} else if (m.allowed) {
		refuse_method(&m, s);
	} else if (m.ws) {
		answer_add(&s->answer, "Upgrade", "websocket");
		refuse(s, 426, "upgrade_required", "This is a WebSocket.");
	} else if ((files = route_find_files(e->table, t->path))) {
		serve_files(e, head, t, files, s);
	} else {
		refuse(s, 404, "not_found", "There is nothing at this path.");
	}
}

void serve_head(struct edge *e, const struct request_head *head, struct serve *s)
{
	struct target t;
	unsigned wait_s;
	int status;

	s->kind = SERVE_ANSWER;
	s->req = NULL;
	s->waiter = NULL;
	answer_init(&s->answer, 0);
	wait_s = limit_request(head->slot, e->settings->requests_per_address, e->now_ms);
	if (wait_s) {
		struct stoa_http_problem p = {
			.size = sizeof(p),
			.status = 429,
			.error = "too_many_requests",
			.detail = "Too many requests from this address.",
			.retry_after_s = wait_s,
		};

		stoa_metric_add(e->h->metrics.refused_rate, 1);
		answer_problem(&s->answer, &p);
		return;
	}
	if (!head->method) {
		refuse(s, 501, "not_implemented", "This method is not known.");
		return;
	}
	status = head->target.n + 2 > e->target_cap ? 414
						    : target_parse(head->target, e->target_buf, &t);
	if (status) {
		refuse(s, status, status == 414 ? "uri_too_long" : "bad_target",
		       "The request target is malformed.");
		return;
	}
	serve_target(e, head, &t, s);
}
