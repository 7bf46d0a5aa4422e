/* SPDX-License-Identifier: Apache-2.0 */
/* mod_httptest: exercises every way of `http` for the tests in tests/http and the benchmark. Never
 * installed. What each path does stands in the table at the end. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/iface/http_json.h>
#include <stoa/list.h>
#include <stoa/module.h>

struct httptest {
	struct stoa_mod *m;
	struct stoa_http http;
	struct stoa_list delayed, streams;
	unsigned closed; /* WebSocket sessions that ended */
};

static const struct stoa_opt httptest_options[] = {
	{ .key = "files", .type = STOA_OPT_PATH, .doc = "Directory served at /files/ and /app/." },
	{ .key = "file", .type = STOA_OPT_PATH, .doc = "File that /ctl/file answers with." },
	STOA_OPT_END
};

static struct httptest *ctx;

static unsigned query_number(struct stoa_http_req *r, const char *name, unsigned dflt)
{
	bool found;
	struct stoa_str v = stoa_http_req_query(r, name, &found);

	return found && v.n ? (unsigned)strtoul(v.p, NULL, 10) : dflt;
}

/* ---- plain handlers ---- */

static json_t *text(struct stoa_str s)
{
	return json_stringn(s.p ? s.p : "", s.n);
}

static void on_echo(struct stoa_http_req *r, void *user)
{
	struct stoa_str body = stoa_http_req_body(r);
	bool has_x;
	json_t *doc = json_pack("{si}", "method", (int)stoa_http_req_method(r));

	json_object_set_new(doc, "path", text(stoa_http_req_path(r)));
	json_object_set_new(doc, "id", text(stoa_http_req_param(r, "id")));
	json_object_set_new(doc, "rest", text(stoa_http_req_param(r, "rest")));
	json_object_set_new(doc, "x", text(stoa_http_req_query(r, "x", &has_x)));
	json_object_set_new(doc, "hasX", json_boolean(has_x));
	json_object_set_new(doc, "joined", text(stoa_http_req_header(r, "X-Joined")));
	json_object_set_new(doc, "key", text(stoa_http_req_header(r, "Idempotency-Key")));
	json_object_set_new(doc, "bodyLength", json_integer((json_int_t)body.n));
	json_object_set_new(doc, "targetLength",
			    json_integer((json_int_t)stoa_http_req_query(r, "t", NULL).n));
	json_object_set_new(doc, "peer", json_string(stoa_http_req_peer(r)));
	json_object_set_new(doc, "base", json_string(stoa_http_req_base_url(r)));
	json_object_set_new(doc, "thread", json_string(user));
	stoa_http_answer_json(r, 200, doc);
}

static void on_small(struct stoa_http_req *r, void *user)
{
	static const char doc[] = "{\"id\":\"0190\",\"status\":\"active\",\"participants\":[]}";

	(void)user;
	stoa_http_answer_text(r, 200, "application/json", stoa_strn(doc, sizeof(doc) - 1));
}

static void on_closed(struct stoa_http_req *r, void *user)
{
	char reply[16];

	(void)user;
	snprintf(reply, sizeof(reply), "%u", __atomic_load_n(&ctx->closed, __ATOMIC_RELAXED));
	stoa_http_answer_text(r, 200, "text/plain", stoa_str(reply));
}

struct delayed {
	struct stoa_list link;
	struct stoa_http_req *req;
	struct stoa_timer *timer;
};

static void end_delayed(struct delayed *d)
{
	stoa_list_unlink(&d->link);
	stoa_timer_free(d->timer);
	free(d);
}

static void answer_delayed(void *user)
{
	struct delayed *d = user;

	stoa_http_answer_text(d->req, 200, "text/plain", stoa_str("late"));
	end_delayed(d);
}

static void on_later(struct stoa_http_req *r, void *user)
{
	struct delayed *d = calloc(1, sizeof(*d));

	(void)user;
	d->req = r;
	d->timer = stoa_timer_new(ctx->m, answer_delayed, d);
	stoa_list_append(&ctx->delayed, &d->link);
	stoa_timer_set(d->timer, query_number(r, "ms", 50));
}

static void on_problem(struct stoa_http_req *r, void *user)
{
	static const struct stoa_field fields[] = {
		{ "name", STOA_FIELD_STRING, STOA_FIELD_REQUIRED, 0, 1, 5, NULL },
		{ "count", STOA_FIELD_INT, 0, sizeof(struct stoa_str), 1, 9, NULL },
	};
	struct {
		struct stoa_str name;
		int64_t count;
	} in = { { NULL, 0 }, 0 };
	json_t *doc;

	(void)user;
	if (stoa_http_json_fields(r, fields, STOA_ARRAY_SIZE(fields), &in, &doc) < 0)
		return;
	stoa_http_answer_text(r, 200, "text/plain", in.name);
	json_decref(doc);
}

static void on_headers(struct stoa_http_req *r, void *user)
{
	static const struct stoa_header headers[] = { { "X-Good", "yes" },
						      { "X-Bad", "a\r\nSet-Cookie: b" },
						      { NULL, NULL } };
	struct stoa_http_answer a = {
		.size = sizeof(a),
		.status = 200,
		.content_type = "text/plain",
		.headers = headers,
		.body = "x",
		.body_len = 1,
	};

	(void)user;
	stoa_http_answer(r, &a);
}

static void on_file(struct stoa_http_req *r, void *user)
{
	stoa_http_answer_file(r, user, NULL, NULL);
}

/* ---- uploads ---- */

struct upload {
	struct stoa_http_req *req;
	size_t n, max;
	uint32_t sum;
	struct upload *next;
};

static struct upload *uploads[2]; /* by thread: ctl, net (the test uses one edge for it) */

static struct upload **find_upload(struct stoa_http_req *r, size_t slot)
{
	struct upload **u = &uploads[slot];

	while (*u && (*u)->req != r)
		u = &(*u)->next;
	return u;
}

static void on_upload(struct stoa_http_req *r, void *user)
{
	struct upload *u = calloc(1, sizeof(*u));
	size_t slot = *(const char *)user == 'n';

	u->req = r;
	u->max = query_number(r, "max", 1u << 30);
	u->next = uploads[slot];
	uploads[slot] = u;
}

static int on_upload_piece(struct stoa_http_req *r, const void *p, size_t n, void *user)
{
	struct upload **slot = find_upload(r, *(const char *)user == 'n'), *u = *slot;
	char reply[64];

	if (p && n && u->n + n <= u->max) {
		for (size_t i = 0; i < n; i++)
			u->sum = u->sum * 31 + ((const uint8_t *)p)[i];
		u->n += n;
		return 0;
	}
	*slot = u->next;
	snprintf(reply, sizeof(reply), "%zu %u", u->n, u->sum);
	free(u);
	if (p && n)
		return -EFBIG;
	stoa_http_answer_text(r, 200, "text/plain", stoa_str(reply)); /* also when it left */
	return 0;
}

/* ---- streams ---- */

struct stream {
	struct stoa_list link;
	struct stoa_http_req *req;
	unsigned left, size;
	bool is_gone, waits;
};

static void run_stream(struct stream *s)
{
	char *piece = malloc(s->size + 1);
	int err = 0;

	memset(piece, 'a', s->size);
	s->waits = false;
	while (s->left && !err) {
		err = stoa_http_answer_write(s->req, piece, s->size);
		if (!err)
			s->left--;
	}
	free(piece);
	s->waits = err == -EAGAIN;
	if (s->waits && !s->is_gone)
		return;
	stoa_http_answer_end(s->req);
	stoa_list_unlink(&s->link);
	free(s);
}

static void on_drained(struct stoa_http_req *r, void *user)
{
	(void)r;
	run_stream(user);
}

static void on_gone(struct stoa_http_req *r, void *user)
{
	struct stream *s = user;

	(void)r;
	s->is_gone = true;
	run_stream(s);
}

static const struct stoa_http_watch stream_watch = {
	.size = sizeof(stream_watch),
	.drained = on_drained,
	.gone = on_gone,
};

static void on_stream(struct stoa_http_req *r, void *user)
{
	struct stoa_http_answer head = {
		.size = sizeof(head),
		.status = 200,
		.content_type = "application/octet-stream",
	};
	struct stream *s = calloc(1, sizeof(*s));

	(void)user;
	s->req = r;
	s->left = query_number(r, "n", 10);
	s->size = query_number(r, "size", 1000);
	stoa_list_init(&s->link);
	stoa_http_req_watch(r, &stream_watch, s);
	stoa_http_answer_begin(r, &head);
	run_stream(s);
}

/* ---- published bodies ---- */

static int want(struct stoa_str query, uint64_t *ret_version, void *user)
{
	bool found;
	struct stoa_str v = stoa_http_query_get(query, "v", &found);
	uint64_t n = 0;

	(void)user;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9' || i > 9)
			return 400;
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	*ret_version = n;
	return 0;
}

static void on_publish(struct stoa_http_req *r, void *user)
{
	struct stoa_str body = stoa_http_req_body(r);
	struct stoa_bytes *bytes = stoa_bytes_new(body.p, body.n);
	char path[300];
	struct stoa_http_body b = {
		.size = sizeof(b),
		.path = path,
		.bytes = bytes,
		.content_type = "text/plain",
		.version = query_number(r, "v", 0),
		.cors = true,
	};
	int err;

	(void)user;
	snprintf(path, sizeof(path), "/pub/%.*s", STOA_FMT(stoa_http_req_param(r, "name")));
	err = stoa_http_publish(&ctx->http, ctx->m, &b);
	stoa_bytes_unref(bytes);
	stoa_http_answer_text(r, err ? 409 : 204, NULL, stoa_str(""));
}

static void on_unpublish(struct stoa_http_req *r, void *user)
{
	char path[300];

	(void)user;
	snprintf(path, sizeof(path), "/pub/%.*s", STOA_FMT(stoa_http_req_param(r, "name")));
	stoa_http_answer_text(r, stoa_http_unpublish(&ctx->http, path) ? 404 : 204, NULL,
			      stoa_str(""));
}

static void on_rule(struct stoa_http_req *r, void *user)
{
	char path[300];

	(void)user;
	snprintf(path, sizeof(path), "/pub/%.*s", STOA_FMT(stoa_http_req_param(r, "name")));
	stoa_http_publish_rule(&ctx->http, ctx->m, path, want, NULL, query_number(r, "ms", 5000));
	stoa_http_answer_text(r, 204, NULL, stoa_str(""));
}

/* ---- WebSockets ---- */

static int ws_accept_all(struct stoa_http_req *r, void *user, void **ret_session)
{
	(void)r;
	*ret_session = user;
	return 0;
}

static int ws_refuse(struct stoa_http_req *r, void *user, void **ret_session)
{
	(void)user;
	(void)ret_session;
	stoa_http_problem(r, 401, "no_token", "Bring a token.");
	return 1;
}

static void accept_delayed(void *user)
{
	struct delayed *d = user;

	stoa_ws_accept(d->req, NULL);
	end_delayed(d);
}

static int ws_later(struct stoa_http_req *r, void *user, void **ret_session)
{
	struct delayed *d = calloc(1, sizeof(*d));

	(void)user;
	(void)ret_session;
	d->req = r;
	d->timer = stoa_timer_new(ctx->m, accept_delayed, d);
	stoa_list_append(&ctx->delayed, &d->link);
	stoa_timer_set(d->timer, query_number(r, "ms", 50));
	return 2;
}

static void ws_open(struct stoa_ws *ws, void *session)
{
	(void)session;
	stoa_ws_send(ws, true, "hello", 5);
}

static void ws_message(struct stoa_ws *ws, void *session, bool is_text, const void *p, size_t n)
{
	(void)session;
	if (is_text && n == 9 && memcmp(p, "close4000", 9) == 0)
		stoa_ws_close(ws, 4000, "as asked");
	else
		stoa_ws_send(ws, is_text, p, n);
}

static void ws_closed(struct stoa_ws *ws, void *session, int code)
{
	(void)session;
	__atomic_add_fetch(&ctx->closed, 1, __ATOMIC_RELAXED);
	stoa_log(ctx->m, STOA_LOG_INFO, "socket %s closed with %d", ws ? "opened and" : "never",
		 code);
}

/* Sends until the queue is full. */
static void ws_flood(struct stoa_ws *ws, void *session, bool is_text, const void *p, size_t n)
{
	static char block[16384];

	(void)session;
	(void)is_text;
	(void)p;
	(void)n;
	while (stoa_ws_send(ws, false, block, sizeof(block)) == 0)
		;
}

/* Answers with two ready-made frames in one write. */
static void ws_frames(struct stoa_ws *ws, void *session, bool is_text, const void *p, size_t n)
{
	struct stoa_buf b = { 0 };
	struct stoa_bytes *bytes;

	(void)session;
	stoa_ws_frame_add(&b, is_text, p, n);
	stoa_ws_frame_add(&b, true, "second", 6);
	bytes = stoa_bytes_new(b.p, b.n);
	stoa_ws_send_frames(ws, bytes);
	stoa_bytes_unref(bytes);
	stoa_buf_free(&b);
}

#define WS_OPS(accept_fn, message_fn)                                                              \
	{                                                                                          \
		.size = sizeof(struct stoa_ws_ops), .accept = accept_fn, .open = ws_open,          \
		.message = message_fn, .close = ws_closed                                          \
	}

static const struct stoa_ws_ops ws_echo_ops = WS_OPS(ws_accept_all, ws_message);
static const struct stoa_ws_ops ws_refuse_ops = WS_OPS(ws_refuse, ws_message);
static const struct stoa_ws_ops ws_later_ops = WS_OPS(ws_later, ws_message);
static const struct stoa_ws_ops ws_flood_ops = WS_OPS(ws_accept_all, ws_flood);
static const struct stoa_ws_ops ws_frames_ops = WS_OPS(ws_accept_all, ws_frames);

/* ---- tables ---- */

#define GET  STOA_HTTP_GET
#define POST STOA_HTTP_POST

static char on_ctl[] = "ctl", on_net[] = "net";

static const struct stoa_http_route routes[] = {
	{ .methods = GET | POST,
	  .path = "/ctl/echo/{id}",
	  .flags = STOA_HTTP_CORS,
	  .fn = on_echo,
	  .user = on_ctl,
	  .body_max = 100000 },
	{ .methods = GET | POST,
	  .path = "/net/echo/{id}",
	  .flags = STOA_HTTP_NET,
	  .fn = on_echo,
	  .user = on_net },
	{ .methods = GET,
	  .path = "/net/echo/literal",
	  .flags = STOA_HTTP_NET,
	  .fn = on_echo,
	  .user = on_net },
	{ .methods = GET,
	  .path = "/net/tree/{rest...}",
	  .flags = STOA_HTTP_NET,
	  .fn = on_echo,
	  .user = on_net },
	{ .methods = GET, .path = "/ctl/small", .fn = on_small },
	{ .methods = GET, .path = "/net/small", .flags = STOA_HTTP_NET, .fn = on_small },
	{ .methods = GET, .path = "/ctl/closed", .fn = on_closed },
	{ .methods = GET, .path = "/ctl/later", .fn = on_later },
	{ .methods = POST, .path = "/ctl/problem", .fn = on_problem, .body_max = 1000 },
	{ .methods = GET, .path = "/net/headers", .flags = STOA_HTTP_NET, .fn = on_headers },
	{ .methods = POST,
	  .path = "/ctl/upload",
	  .flags = STOA_HTTP_BODY_STREAM,
	  .fn = on_upload,
	  .body_fn = on_upload_piece,
	  .user = on_ctl,
	  .body_max = 64u << 20 },
	{ .methods = POST,
	  .path = "/net/upload",
	  .flags = STOA_HTTP_BODY_STREAM | STOA_HTTP_NET,
	  .fn = on_upload,
	  .body_fn = on_upload_piece,
	  .user = on_net,
	  .body_max = 64u << 20 },
	{ .methods = GET, .path = "/ctl/stream", .fn = on_stream },
	{ .methods = GET, .path = "/net/stream", .flags = STOA_HTTP_NET, .fn = on_stream },
	{ .methods = STOA_HTTP_PUT,
	  .path = "/publish/{name...}",
	  .fn = on_publish,
	  .body_max = 1u << 20 },
	{ .methods = STOA_HTTP_DELETE, .path = "/publish/{name...}", .fn = on_unpublish },
	{ .methods = POST, .path = "/rule/{name...}", .fn = on_rule },
};

static const struct stoa_ws_route ws_routes[] = {
	{ .path = "/ws/net", .flags = STOA_HTTP_NET, .ops = &ws_echo_ops, .ping_interval_s = 30 },
	{ .path = "/ws/ctl", .ops = &ws_echo_ops, .ping_interval_s = 1 },
	{ .path = "/ws/refuse", .ops = &ws_refuse_ops },
	{ .path = "/ws/later", .ops = &ws_later_ops },
	{ .path = "/ws/flood", .flags = STOA_HTTP_NET, .ops = &ws_flood_ops },
	{ .path = "/ws/flood-ctl", .ops = &ws_flood_ops },
	{ .path = "/ws/frames", .ops = &ws_frames_ops },
};

static int add_files(struct httptest *t, const struct stoa_conf *c)
{
	const char *files = stoa_conf_string(c, "files"), *file = stoa_conf_string(c, "file");
	struct stoa_http_route r = {
		.size = sizeof(r),
		.methods = GET,
		.path = "/ctl/file",
		.fn = on_file,
		.user = (void *)(uintptr_t)file,
	};
	int err = 0;

	if (*files)
		err = stoa_http_files_add(&t->http, t->m, "/files/", files, 0);
	if (*files && !err)
		err = stoa_http_files_add(&t->http, t->m, "/app/", files, STOA_HTTP_FILES_SPA);
	if (*file && !err)
		err = stoa_http_route_add(&t->http, t->m, &r);
	return err;
}

static int httptest_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct httptest *t = stoa_mod_ctx(m);
	int err;

	ctx = t;
	t->m = m;
	stoa_list_init(&t->delayed);
	err = stoa_http_bind(m, &t->http);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(routes) && !err; i++) {
		struct stoa_http_route r = routes[i];

		r.size = sizeof(r);
		err = stoa_http_route_add(&t->http, m, &r);
	}
	for (size_t i = 0; i < STOA_ARRAY_SIZE(ws_routes) && !err; i++) {
		struct stoa_ws_route r = ws_routes[i];

		r.size = sizeof(r);
		r.message_max = 1u << 20;
		r.send_queue_max = 4u << 20;
		err = stoa_http_ws_route_add(&t->http, m, &r);
	}
	return err ? err : add_files(t, c);
}

static void httptest_stop(struct stoa_mod *m)
{
	struct httptest *t = stoa_mod_ctx(m);

	stoa_http_remove(&t->http, m);
	while (!stoa_list_empty(&t->delayed)) {
		struct delayed *d = STOA_CONTAINER(t->delayed.next, struct delayed, link);

		stoa_http_problem(d->req, 503, "stopping", NULL);
		end_delayed(d);
	}
}

static const struct stoa_mod_ops httptest_ops = {
	.size = sizeof(httptest_ops),
	.start = httptest_start,
	.stop = httptest_stop,
};

STOA_MODULE(mod_httptest, .version = "0.1.0", .summary = "Exercises http in tests.",
	    .ctx_size = sizeof(struct httptest), .needs = STOA_NAMES(STOA_HTTP),
	    .options = httptest_options, .ops = &httptest_ops);
