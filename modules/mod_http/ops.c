/* SPDX-License-Identifier: Apache-2.0 */
/* The interface `http` as modules call it: routes, accessors, answers. Each function here is one
 * member of struct stoa_http_ops; what it means stands in <stoa/iface/http.h>. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "edge.h"

/* ---- what a module offers ---- */

static int route_add(void *self, struct stoa_mod *m, const struct stoa_http_route *in)
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
	return http_route_add(h, r);
}

static int ws_route_add(void *self, struct stoa_mod *m, const struct stoa_ws_route *in)
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
	return http_route_add(h, r);
}

static int files_add(void *self, struct stoa_mod *m, const char *prefix, const char *dir,
		     uint32_t flags)
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
	return http_route_add(h, r);
}

static void remove_all(void *self, struct stoa_mod *m)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	http_remove(self, m);
}

static int publish(void *self, struct stoa_mod *m, const struct stoa_http_body *b)
{
	return published_put(((struct http *)self)->published, m, b);
}

static int unpublish(void *self, const char *path)
{
	return published_take(((struct http *)self)->published, stoa_str(path));
}

static int publish_rule(void *self, struct stoa_mod *m, const char *path,
			stoa_http_want_fn *want_fn, void *user, uint32_t park_ms)
{
	return published_rule(((struct http *)self)->published, m, path, want_fn, user, park_ms);
}

/* ---- reading a request ---- */

static const struct request *request_of(const struct stoa_http_req *base)
{
	return STOA_CONTAINER((uintptr_t)base, struct request, base);
}

static struct request *request_mut(const struct stoa_http_req *base)
{
	return STOA_CONTAINER((uintptr_t)base, struct request, base);
}

static enum stoa_http_method req_method(const struct stoa_http_req *b)
{
	return (enum stoa_http_method)request_of(b)->method;
}

static struct stoa_str req_path(const struct stoa_http_req *b)
{
	return request_of(b)->target.path;
}

static struct stoa_str req_param(const struct stoa_http_req *b, const char *name)
{
	const struct request *r = request_of(b);
	int i = route_param_index(r->route, name);

	return i >= 0 && (unsigned)i < r->n_params ? r->params[i] : stoa_str("");
}

/* Room for `n` bytes and a NUL that lives as long as the request. */
static char *keep(struct request *r, size_t n)
{
	struct request_value *v = malloc(sizeof(*v) + n + 1);

	if (!v)
		return NULL;
	v->next = r->values;
	r->values = v;
	return v->text;
}

static struct stoa_str req_query(const struct stoa_http_req *b, const char *name, bool *ret_found)
{
	struct request *r = request_mut(b);
	struct stoa_str value = stoa_str("");
	bool found = false;
	char *buf;

	if (r->target.query.n && (buf = keep(r, r->target.query.n)))
		found = target_query(r->target.query, name, buf, &value);
	if (ret_found)
		*ret_found = found;
	return value;
}

/* Several fields of one name are one list (RFC 9110 section 5.3); cookies are joined by "; ". */
static struct stoa_str join_headers(struct request *r, const char *name, size_t n_values,
				    size_t n_bytes)
{
	bool is_cookie = strcmp(name, "cookie") == 0;
	char *buf = keep(r, n_bytes + 2 * n_values), *p = buf;

	if (!buf)
		return stoa_str("");
	for (unsigned i = 0; i < r->n_headers; i++) {
		if (!h1_name_is(r->headers[i].name, name))
			continue;
		if (p != buf) {
			*p++ = is_cookie ? ';' : ',';
			*p++ = ' ';
		}
		memcpy(p, r->headers[i].value.p, r->headers[i].value.n);
		p += r->headers[i].value.n;
	}
	*p = '\0';
	return stoa_strn(buf, (size_t)(p - buf));
}

static struct stoa_str req_header(const struct stoa_http_req *b, const char *name)
{
	struct request *r = request_mut(b);
	struct stoa_str first = stoa_str("");
	size_t n_values = 0, n_bytes = 0;
	char lower[64];
	size_t i;

	for (i = 0; i < sizeof(lower) - 1 && name[i]; i++)
		lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
	lower[i] = '\0';
	for (unsigned k = 0; k < r->n_headers; k++) {
		if (!h1_name_is(r->headers[k].name, lower))
			continue;
		if (n_values++ == 0)
			first = r->headers[k].value;
		n_bytes += r->headers[k].value.n;
	}
	return n_values > 1 ? join_headers(r, lower, n_values, n_bytes) : first;
}

static struct stoa_str req_body(const struct stoa_http_req *b)
{
	const struct request *r = request_of(b);

	return stoa_strn(r->body.p, r->body.n);
}

static const char *req_peer(const struct stoa_http_req *b)
{
	return request_of(b)->peer;
}

/* The last element of a list such as X-Forwarded-Proto: what the nearest proxy saw. */
static struct stoa_str last_of(struct stoa_str list)
{
	const char *comma = list.n ? memrchr(list.p, ',', list.n) : NULL;

	if (comma)
		list = stoa_strn(comma + 1, (size_t)(list.p + list.n - comma - 1));
	while (list.n && list.p[0] == ' ')
		list = stoa_strn(list.p + 1, list.n - 1);
	return list;
}

static bool is_host(struct stoa_str s)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";

	if (!s.p || s.n == 0 || s.n > 255)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr(allowed, s.p[i]))
			return false;
	return true;
}

static const char *req_base_url(const struct stoa_http_req *b)
{
	struct request *r = request_mut(b);
	struct stoa_str host = r->host, forwarded;
	bool is_tls = r->is_tls;

	if (r->settings->public_url)
		return r->settings->public_url;
	if (r->base_url)
		return r->base_url;
	if (r->via_proxy) {
		forwarded = last_of(request_header(r, "x-forwarded-host"));
		if (is_host(forwarded))
			host = forwarded;
		forwarded = last_of(request_header(r, "x-forwarded-proto"));
		if (forwarded.n)
			is_tls = h1_name_is(forwarded, "https") || h1_name_is(forwarded, "wss");
	}
	if (!is_host(host))
		host = stoa_str("localhost");
	if (asprintf(&r->base_url, "%s://%.*s", is_tls ? "https" : "http", STOA_FMT(host)) < 0)
		r->base_url = NULL;
	return r->base_url ? r->base_url : "http://localhost";
}

static int req_watch(struct stoa_http_req *b, const struct stoa_http_watch *w, void *user)
{
	struct request *r = request_mut(b);

	if (atomic_load(&r->gone))
		return -EPIPE;
	r->watch = w;
	r->watch_user = user;
	return 0;
}

/* ---- answering ---- */

/* False, with a word in the log, when the request has been answered before. */
static bool may_answer(struct request *r)
{
	if (r->state == REQUEST_OPEN)
		return true;
	stoa_log(r->h->m, STOA_LOG_ERROR, "%s %s answered twice: the second answer is dropped",
		 method_name(r->method), r->route->path);
	return false;
}

static void add_headers(struct request *r, const struct stoa_http_answer *in)
{
	struct answer *a = &r->answer;

	if (in->content_type && !answer_add(a, "Content-Type", in->content_type))
		stoa_log(r->h->m, STOA_LOG_ERROR, "%s: bad content type left out", r->route->path);
	for (const struct stoa_header *f = in->headers; f && f->name; f++)
		if (!f->value || !answer_add(a, f->name, f->value))
			stoa_log(r->h->m, STOA_LOG_ERROR, "%s: bad header %s left out",
				 r->route->path, f->name);
}

static void answer_whole(struct stoa_http_req *b, const struct stoa_http_answer *in)
{
	struct request *r = request_mut(b);

	if (!may_answer(r)) {
		if (in->bytes_take)
			stoa_bytes_unref(in->bytes_take);
		return;
	}
	r->answer.status = in->status >= 200 && in->status <= 599 ? in->status : 500;
	add_headers(r, in);
	r->answer.body = in->bytes_take ? in->bytes_take
			 : in->body_len ? stoa_bytes_new(in->body, in->body_len)
					: NULL;
	if (in->body_len && !r->answer.body)
		r->answer.status = 500;
	r->answer.n = r->answer.body ? r->answer.body->n : 0;
	request_decorate(r);
	request_submit(r);
}

static void problem(struct stoa_http_req *b, const struct stoa_http_problem *p)
{
	struct request *r = request_mut(b);

	if (!may_answer(r))
		return;
	answer_problem(&r->answer, p);
	request_decorate(r);
	request_submit(r);
}

static int answer_begin(struct stoa_http_req *b, const struct stoa_http_answer *head)
{
	struct request *r = request_mut(b);

	if (!may_answer(r))
		return -EALREADY;
	r->answer.status = head->status;
	r->answer.is_stream = true;
	add_headers(r, head);
	request_decorate(r);
	request_submit(r);
	return 0;
}

struct out_piece {
	struct stoa_task task;
	struct request *r;
	struct stoa_bytes *bytes;
};

static void run_out_piece(struct stoa_task *t)
{
	struct out_piece *p = STOA_CONTAINER(t, struct out_piece, task);

	if (p->r->peer_conn)
		p->r->wire->piece(p->r, p->bytes);
	else
		stoa_bytes_unref(p->bytes);
	free(p);
}

static int answer_write(struct stoa_http_req *b, const void *data, size_t n)
{
	struct request *r = request_mut(b);
	struct stoa_bytes *bytes;
	struct out_piece *p;

	if (r->state != REQUEST_STREAMING)
		return -EINVAL;
	if (atomic_load(&r->gone))
		return -EPIPE;
	if (n == 0)
		return 0;
	if (r->is_full || atomic_load(&r->out_queued) >= OUT_HIGH) {
		r->is_full = true;
		atomic_store(&r->want_drained, true);
		if (atomic_load(&r->out_queued) > OUT_LOW) /* else it drained meanwhile */
			return -EAGAIN;
		r->is_full = false;
		atomic_store(&r->want_drained, false);
	}
	bytes = stoa_bytes_new(data, n);
	if (!bytes)
		return -ENOMEM;
	atomic_fetch_add(&r->out_queued, n);
	if (!r->on_ctl) {
		r->wire->piece(r, bytes);
		return 0;
	}
	p = malloc(sizeof(*p));
	if (p) {
		*p = (struct out_piece){ .task.fn = run_out_piece, .r = r, .bytes = bytes };
		if (stoa_post_task(r->e->loop, &p->task) == 0)
			return 0;
	}
	stoa_bytes_unref(bytes);
	free(p);
	return p ? -EPIPE : -ENOMEM;
}

static void end_stream(struct request *r)
{
	if (r->peer_conn)
		r->wire->end(r);
	else
		request_unref(r);
}

static void run_end(struct stoa_task *t)
{
	end_stream(STOA_CONTAINER(t, struct request, end_task));
}

static void answer_end(struct stoa_http_req *b)
{
	struct request *r = request_mut(b);

	if (r->state != REQUEST_STREAMING)
		return;
	r->state = REQUEST_ANSWERED;
	if (!r->on_ctl) {
		end_stream(r);
		return;
	}
	stoa_list_unlink(&r->link);
	r->end_task.fn = run_end;
	if (stoa_post_task(r->e->loop, &r->end_task) < 0)
		request_unref(r);
}

static int answer_file(struct stoa_http_req *b, const char *path, const char *content_type,
		       const char *cache_control)
{
	struct request *r = request_mut(b);
	struct file_request q = {
		.method = r->method,
		.if_none_match = request_header(r, "if-none-match"),
		.if_modified_since = request_header(r, "if-modified-since"),
		.if_range = request_header(r, "if-range"),
		.range = request_header(r, "range"),
		.accept_encoding = request_header(r, "accept-encoding"),
		.accept = request_header(r, "accept"),
	};

	if (!may_answer(r))
		return -EALREADY;
	files_serve_path(path, content_type, cache_control, &q, &r->answer);
	request_decorate(r);
	request_submit(r);
	return 0;
}

static int ws_accept(struct stoa_http_req *b, void *session)
{
	struct request *r = request_mut(b);

	if (!r->is_upgrade)
		return -EINVAL;
	if (!may_answer(r)) {
		ws_session_close(r->route, session);
		return -EALREADY;
	}
	r->session = session;
	r->accepted = true;
	request_submit(r);
	return 0;
}

const struct stoa_http_ops http_ops = {
	.size = sizeof(struct stoa_http_ops),
	.route_add = route_add,
	.ws_route_add = ws_route_add,
	.files_add = files_add,
	.remove = remove_all,
	.publish = publish,
	.unpublish = unpublish,
	.publish_rule = publish_rule,
	.req_method = req_method,
	.req_path = req_path,
	.req_param = req_param,
	.req_query = req_query,
	.req_header = req_header,
	.req_body = req_body,
	.req_peer = req_peer,
	.req_base_url = req_base_url,
	.req_watch = req_watch,
	.answer = answer_whole,
	.problem = problem,
	.answer_begin = answer_begin,
	.answer_write = answer_write,
	.answer_end = answer_end,
	.answer_file = answer_file,
	.ws_accept = ws_accept,
	.ws_ref = ws_op_ref,
	.ws_unref = ws_op_unref,
	.ws_send = ws_op_send,
	.ws_send_frames = ws_op_send_frames,
	.ws_close = ws_op_close,
	.ws_loop = ws_op_loop,
};
