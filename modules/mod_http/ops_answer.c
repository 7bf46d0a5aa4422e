/* SPDX-License-Identifier: Apache-2.0 */
/* How a module answers a request: whole, as a stream, with a file, with a WebSocket. The functions
 * are members of struct stoa_http_ops; what they mean stands in <stoa/iface/http.h>. */
#include <stdlib.h>

#include "edge.h"
#include "ops.h"

/* ---- whole ---- */

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

void req_answer(struct stoa_http_req *b, const struct stoa_http_answer *in)
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

void req_problem(struct stoa_http_req *b, const struct stoa_http_problem *p)
{
	struct request *r = request_mut(b);

	if (!may_answer(r))
		return;
	answer_problem(&r->answer, p);
	request_decorate(r);
	request_submit(r);
}

int req_answer_file(struct stoa_http_req *b, const char *path, const char *content_type,
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

/* ---- in pieces ---- */

int req_answer_begin(struct stoa_http_req *b, const struct stoa_http_answer *head)
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

int req_answer_write(struct stoa_http_req *b, const void *data, size_t n)
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

void req_answer_end(struct stoa_http_req *b)
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

/* ---- as a WebSocket ---- */

int req_accept_ws(struct stoa_http_req *b, void *session)
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
