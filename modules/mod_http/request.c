/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on their way: made by serve.c on an edge, handed to ctl and back by the task they carry
 * (one hop each way, no allocation), seen by modules through ops.c.
 *
 * An answered request belongs to the edge again. If the edge has ended, or the client is gone, it is
 * only freed. */
#include <stdlib.h>

#include "edge.h"

#define BATCH_MAX 16u /* requests that reach ctl as one message */

struct stoa_str request_head_header(const struct request_head *h, const char *lower_name)
{
	for (unsigned i = 0; i < h->n_headers; i++)
		if (h1_name_is(h->headers[i].name, lower_name))
			return h->headers[i].value;
	return stoa_str("");
}

/* ---- making one ---- */

static char *copy(char **p, struct stoa_str s)
{
	char *at = *p;

	if (s.n)
		memcpy(at, s.p, s.n);
	at[s.n] = '\0';
	*p += s.n + 1;
	return at;
}

/* Everything textual goes into one block: the head's memory is the connection's. */
static int copy_texts(struct request *r, const struct request_head *head)
{
	size_t n = head->target.n * 2 + 4 + head->host.n + 1;
	char *p;

	for (unsigned i = 0; i < head->n_headers; i++)
		n += head->headers[i].name.n + head->headers[i].value.n + 2;
	r->text = malloc(n);
	r->headers = malloc((head->n_headers + 1) * sizeof(*r->headers));
	if (!r->text || !r->headers)
		return -ENOMEM;
	p = r->text;
	for (unsigned i = 0; i < head->n_headers; i++) {
		const struct h1_header *f = &head->headers[i];

		r->headers[i].name = stoa_strn(copy(&p, f->name), f->name.n);
		r->headers[i].value = stoa_strn(copy(&p, f->value), f->value.n);
	}
	r->n_headers = head->n_headers;
	r->host = stoa_strn(copy(&p, head->host), head->host.n);
	r->target_text = stoa_strn(copy(&p, head->target), head->target.n);
	return target_parse(r->target_text, p, &r->target) ? -EINVAL : 0;
}

/* The parameters of a match, of which the last segment of a rest reaches to the path's end. They
 * are given relative to the matched target, whose path is equal to ours. */
static void copy_params(struct request *r, const struct route_match *match,
			const struct request_head *head)
{
	char *p;

	(void)head;
	r->n_params = match->n_params;
	for (unsigned i = 0; i < match->n_params; i++) {
		struct request_value *v = malloc(sizeof(*v) + match->params[i].n + 1);

		if (!v) {
			r->params[i] = stoa_str("");
			continue;
		}
		v->next = r->values;
		r->values = v;
		p = v->text;
		r->params[i] = stoa_strn(copy(&p, match->params[i]), match->params[i].n);
	}
}

/* Behind a trusted proxy the client is the last address of X-Forwarded-For that is not a trusted
 * one itself: what stands before it is the client's own word. */
static void note_proxy(struct request *r)
{
	struct stoa_str list;
	char address[48];

	if (!settings_trusts(r->settings, r->peer))
		return;
	r->via_proxy = true;
	list = request_header(r, "x-forwarded-for");
	while (list.n) {
		const char *comma = memrchr(list.p, ',', list.n);
		struct stoa_str s =
			comma ? stoa_strn(comma + 1, (size_t)(list.p + list.n - comma - 1)) : list;

		while (s.n && s.p[0] == ' ')
			s = stoa_strn(s.p + 1, s.n - 1);
		while (s.n && s.p[s.n - 1] == ' ')
			s.n--;
		if (!proxy_address_copy(s, address))
			return;
		memcpy(r->peer, address, sizeof(address));
		if (!comma || !settings_trusts(r->settings, address))
			return;
		list.n = (size_t)(comma - list.p);
	}
}

struct request *request_new(struct edge *e, const struct request_head *head, struct route *route,
			    const struct route_match *match)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->base.ops = &http_ops;
	atomic_init(&r->refs, 1);
	stoa_list_init(&r->link);
	r->h = e->h;
	r->e = e;
	r->route = route_ref(route);
	r->settings = settings_ref(e->settings);
	answer_init(&r->answer, 0);
	r->on_ctl = !(route->flags & STOA_HTTP_NET);
	r->is_upgrade = route->kind == ROUTE_WS;
	r->method = head->method;
	if (r->method == STOA_HTTP_HEAD && !(route->methods & STOA_HTTP_HEAD))
		r->method = STOA_HTTP_GET;
	r->is_tls = head->is_tls;
	memcpy(r->peer, head->peer, strlen(head->peer) + 1);
	atomic_fetch_add_explicit(&e->h->in_flight, 1, memory_order_relaxed);
	if (copy_texts(r, head) < 0) {
		request_unref(r);
		return NULL;
	}
	note_proxy(r);
	copy_params(r, match, head);
	r->began_us = stoa_now_us();
	return r;
}

struct request *request_ref(struct request *r)
{
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	return r;
}

void request_unref(struct request *r)
{
	if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (struct request_value *v = r->values, *next; v; v = next) {
		next = v->next;
		free(v);
	}
	atomic_fetch_sub_explicit(&r->h->in_flight, 1, memory_order_relaxed);
	answer_clear(&r->answer);
	stoa_buf_free(&r->body);
	settings_unref(r->settings);
	route_unref(r->route);
	free(r->base_url);
	free(r->headers);
	free(r->text);
	free(r);
}

/* ---- to the handler ---- */

void request_refuse(struct request *r, int status, const char *error, const char *detail)
{
	answer_clear(&r->answer);
	answer_refuse(&r->answer, status, error, detail);
	request_submit(r);
}

static void call_upgrade(struct request *r)
{
	struct route *route = r->route;
	void *session = NULL;
	int verdict;

	request_ref(r); /* accept() may answer it: then only `state` may still be read */
	verdict = route->ws_ops->accept(&r->base, route->user, &session);
	if (verdict == 0 && r->state == REQUEST_OPEN) {
		r->session = session;
		r->accepted = true;
		request_submit(r);
	} else if (verdict < 0 && r->state == REQUEST_OPEN) {
		request_refuse(r, 500, "internal", "The socket could not be opened.");
	}
	request_unref(r);
}

static void call_handler(struct request *r)
{
	if (atomic_load(&r->route->removed))
		request_refuse(r, 503, "unavailable", "The service is going away.");
	else if (r->is_upgrade)
		call_upgrade(r);
	else
		r->route->fn(&r->base, r->route->user);
}

static void arrive(struct request *r)
{
	if (r->accepted) {
		if (r->peer_conn)
			r->wire->upgrade(r);
		else
			ws_never(r);
		return;
	}
	if (r->peer_conn) {
		r->wire->answer(r);
		return;
	}
	if (!r->answer.is_stream)
		request_unref(r);
}

/* ---- to ctl: those of one turn of the edge's loop together ----
 *
 * Each alone would wake ctl, and where the two share a processor ctl then interrupts the edge for
 * every single request. */

static void run_batch(struct stoa_task *t)
{
	struct request *r = STOA_CONTAINER(t, struct request, task), *next;

	for (; r; r = next) {
		next = r->batch_next; /* answered, it belongs to the edge again */
		stoa_list_append(&r->h->held, &r->link);
		call_handler(r);
	}
}

void requests_hand_over(struct edge *e)
{
	struct request *r = e->batch_first, *next;

	if (!r)
		return;
	e->batch_first = e->batch_last = NULL;
	e->batch_n = 0;
	r->task.fn = run_batch;
	if (stoa_post_task(stoa_ctl(), &r->task) == 0)
		return;
	for (; r; r = next) { /* the process is ending: an empty answer closes */
		next = r->batch_next;
		arrive(r);
	}
}

void request_dispatch(struct request *r)
{
	struct edge *e = r->e;

	if (!r->on_ctl) {
		call_handler(r);
		return;
	}
	r->batch_next = NULL;
	if (e->batch_last)
		e->batch_last->batch_next = r;
	else
		e->batch_first = r;
	e->batch_last = r;
	if (++e->batch_n >= BATCH_MAX)
		requests_hand_over(e);
}

/* ---- and back ---- */

static void arrive_task(struct stoa_task *t)
{
	arrive(STOA_CONTAINER(t, struct request, task));
}

void request_submit(struct request *r)
{
	r->state = r->answer.is_stream && !r->accepted ? REQUEST_STREAMING : REQUEST_ANSWERED;
	if (!r->on_ctl) {
		arrive(r);
		return;
	}
	if (r->state == REQUEST_ANSWERED)
		stoa_list_unlink(&r->link);
	r->task.fn = arrive_task;
	if (stoa_post_task(r->e->loop, &r->task) == 0)
		return;
	/* The edge has ended. */
	atomic_store(&r->gone, true);
	if (r->accepted)
		ws_session_close(r->route, r->session);
	if (r->state == REQUEST_ANSWERED)
		request_unref(r);
}

void request_decorate(struct request *r)
{
	if (r->route->flags & STOA_HTTP_CORS)
		cors_decorate(r->settings, request_header(r, "origin"), &r->answer);
}

struct stoa_str request_header(const struct request *r, const char *lower_name)
{
	for (unsigned i = 0; i < r->n_headers; i++)
		if (h1_name_is(r->headers[i].name, lower_name))
			return r->headers[i].value;
	return stoa_str("");
}
