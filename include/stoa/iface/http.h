/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_IFACE_HTTP_H
#define STOA_IFACE_HTTP_H

#include <errno.h>
#include <stoa/iface.h>
#include <stoa/loop.h>
#include <stoa/util.h>

/*
 * `http`: routes, WebSockets, published bodies, files, streaming.
 *
 * Four ways to answer, so that the control thread stays idle:
 *  1. a route whose handler runs on ctl (STOA_HTTP_CTL): what needs the model or the database;
 *  2. a route whose handler runs on the socket's edge thread (STOA_HTTP_NET): pure answers;
 *  3. a published body: a path mapped to immutable bytes that edge threads serve alone; requests
 *     for a version that is not there yet are parked and released by one publish;
 *  4. WebSocket frames made once and written to many sockets.
 *
 * A request lives until it is answered; the answer may come later, from the thread of the handler.
 * The client may go away meanwhile: answering is then harmless, and still due. Every request that
 * reached a handler is answered exactly once, by stoa_http_answer(), stoa_http_problem(),
 * stoa_http_answer_file() or stoa_http_answer_begin() … stoa_http_answer_end(); it must not be
 * touched afterwards.
 *
 * "Thread: the handler's" is ctl for a route with STOA_HTTP_CTL and the edge thread that called the
 * handler for one with STOA_HTTP_NET.
 *
 * <stoa/iface/http_json.h> adds answers and bodies in JSON.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

#define STOA_HTTP "http/0"

struct stoa_http_ops;

/** One request; owned by the provider, whose own struct begins with this. */
struct stoa_http_req {
	const struct stoa_http_ops *ops;
};

/** One open WebSocket; counted, owned by the provider, whose own struct begins with this. */
struct stoa_ws {
	const struct stoa_http_ops *ops;
};

enum stoa_http_method {
	STOA_HTTP_GET = 1,
	STOA_HTTP_HEAD = 2,
	STOA_HTTP_POST = 4,
	STOA_HTTP_PUT = 8,
	STOA_HTTP_PATCH = 16,
	STOA_HTTP_DELETE = 32,
	STOA_HTTP_OPTIONS = 64,
};

#define STOA_HTTP_CTL         0u /* handler runs on ctl                                        */
#define STOA_HTTP_NET         1u /* handler runs on the socket's edge thread and may not block */
#define STOA_HTTP_BODY_STREAM 2u /* the body arrives in pieces through body_fn (uploads)       */
#define STOA_HTTP_CORS        4u /* answers carry Access-Control-* for the allowed origins     */

typedef void stoa_http_fn(struct stoa_http_req *req, void *user);
/** A piece of an upload, after fn. n == 0 ends the body; a negative return refuses the rest (413
 *  when -EFBIG, else 400) and is the request's answer. A client that goes away in the middle ends
 *  the body with p == NULL and n == SIZE_MAX; the request is still to be answered. */
typedef int stoa_http_body_fn(struct stoa_http_req *req, const void *p, size_t n, void *user);

struct stoa_http_route {
	uint32_t size;
	uint32_t methods; /* bits of stoa_http_method; HEAD comes with GET, OPTIONS with CORS */
	/* "/api/calls/{id}/join"; "{name}" is one segment, a last "{name...}" the rest of the path.
	 * Literal segments win over parameters. */
	const char *path;
	uint32_t flags;
	size_t body_max; /* bytes; 0: the option's default; larger: 413 */
	stoa_http_fn *fn;
	stoa_http_body_fn *body_fn; /* with STOA_HTTP_BODY_STREAM, on the handler's thread */
	void *user;
};

struct stoa_header {
	const char *name, *value;
};

struct stoa_http_answer {
	uint32_t size;
	int status;
	const char *content_type;          /* NULL: none                               */
	const struct stoa_header *headers; /* ends with a NULL name; may be NULL       */
	const void *body;                  /* copied                                   */
	size_t body_len;
	struct stoa_bytes *bytes_take; /* or shared bytes instead of body; consumed */
};

struct stoa_http_field { /* what is wrong with one field of the input */
	const char *field, *reason;
};

struct stoa_http_problem { /* application/problem+json, RFC 9457 */
	uint32_t size;
	int status;
	const char *error;                    /* short stable code: "call_not_found"  */
	const char *detail;                   /* one sentence; NULL: the title        */
	const struct stoa_http_field *fields; /* "errors": may be NULL                */
	size_t n_fields;
	uint32_t retry_after_s; /* Retry-After; 0: none                 */
};

/** What a streaming answer may want to hear of; on the handler's thread, until answer_end(). */
struct stoa_http_watch {
	uint32_t size;
	void (*drained)(struct stoa_http_req *req, void *user); /* write again after -EAGAIN     */
	void (*gone)(struct stoa_http_req *req, void *user);    /* the client left; end it still */
};

struct stoa_ws_ops { /* on the socket's edge thread or on ctl, as the route's flags say */
	uint32_t size;
	/* The upgrade request: fill *ret_session and return 0 to accept; or answer the request with
	 * stoa_http_answer() and return 1; a request kept for later returns 2 and is settled by
	 * stoa_ws_accept() or stoa_http_answer() (asynchronous decisions). */
	int (*accept)(struct stoa_http_req *req, void *user, void **ret_session);
	void (*open)(struct stoa_ws *ws, void *session);
	/* One whole message of at most `message_max` bytes; text is well-formed UTF-8. */
	void (*message)(struct stoa_ws *ws, void *session, bool is_text, const void *p, size_t n);
	/* Exactly once for each accepted session, even if it never opened (ws is NULL then). `code`
	 * is the peer's or our close code, 1005 without one, 1006 for a lost connection. */
	void (*close)(struct stoa_ws *ws, void *session, int code);
};

struct stoa_ws_route {
	uint32_t size;
	const char *path;         /* pattern as in stoa_http_route                        */
	uint32_t flags;           /* STOA_HTTP_CTL or STOA_HTTP_NET                       */
	size_t message_max;       /* bytes; larger closes with 1009                       */
	size_t send_queue_max;    /* bytes waiting; beyond it the socket closes with 1013 */
	uint32_t ping_interval_s; /* protocol-level pings; 0: none                        */
	const struct stoa_ws_ops *ops;
	void *user;
};

struct stoa_http_body { /* a published body */
	uint32_t size;
	const char *path;         /* exact path, without query */
	struct stoa_bytes *bytes; /* referenced                */
	const char *content_type;
	const char *cache_control; /* NULL: "no-cache"                          */
	uint64_t version;          /* what parked requests wait for; only rises */
	bool cors;
};

/** Which version of a published path does this request want? Pure, on the edge thread. Returns 0
 *  and the version (0: what is there now), or an HTTP status to refuse with. `query` is raw,
 * without the question mark: stoa_http_query_get() reads it. */
typedef int stoa_http_want_fn(struct stoa_str query, uint64_t *ret_version, void *user);

/* Flags of files_add. */
#define STOA_HTTP_FILES_SPA       1u /* a GET for HTML that finds no file gets index.html         */
#define STOA_HTTP_FILES_IMMUTABLE 2u /* names carry a hash of the content: cache for a year */
#define STOA_HTTP_FILES_CORS      4u /* answers carry Access-Control-* for the allowed origins    */

/** The provider's table; consumers call the wrappers below, never the members. */
struct stoa_http_ops {
	uint32_t size;
	int (*route_add)(void *self, struct stoa_mod *m, const struct stoa_http_route *r);
	int (*ws_route_add)(void *self, struct stoa_mod *m, const struct stoa_ws_route *r);
	int (*files_add)(void *self, struct stoa_mod *m, const char *prefix, const char *dir,
			 uint32_t flags);
	void (*remove)(void *self, struct stoa_mod *m);
	int (*publish)(void *self, struct stoa_mod *m, const struct stoa_http_body *b);
	int (*unpublish)(void *self, const char *path);
	int (*publish_rule)(void *self, struct stoa_mod *m, const char *path,
			    stoa_http_want_fn *want_fn, void *user, uint32_t park_ms);

	enum stoa_http_method (*req_method)(const struct stoa_http_req *r);
	struct stoa_str (*req_path)(const struct stoa_http_req *r);
	struct stoa_str (*req_param)(const struct stoa_http_req *r, const char *name);
	struct stoa_str (*req_query)(const struct stoa_http_req *r, const char *name,
				     bool *ret_found);
	struct stoa_str (*req_header)(const struct stoa_http_req *r, const char *name);
	struct stoa_str (*req_body)(const struct stoa_http_req *r);
	const char *(*req_peer)(const struct stoa_http_req *r);
	const char *(*req_base_url)(const struct stoa_http_req *r);
	int (*req_watch)(struct stoa_http_req *r, const struct stoa_http_watch *w, void *user);
	void (*answer)(struct stoa_http_req *r, const struct stoa_http_answer *a);
	void (*problem)(struct stoa_http_req *r, const struct stoa_http_problem *p);
	int (*answer_begin)(struct stoa_http_req *r, const struct stoa_http_answer *head);
	int (*answer_write)(struct stoa_http_req *r, const void *p, size_t n);
	void (*answer_end)(struct stoa_http_req *r);
	int (*answer_file)(struct stoa_http_req *r, const char *path, const char *content_type,
			   const char *cache_control);

	int (*ws_accept)(struct stoa_http_req *r, void *session);
	struct stoa_ws *(*ws_ref)(struct stoa_ws *ws);
	void (*ws_unref)(struct stoa_ws *ws);
	int (*ws_send)(struct stoa_ws *ws, bool is_text, const void *p, size_t n);
	int (*ws_send_frames)(struct stoa_ws *ws, struct stoa_bytes *frames);
	void (*ws_close)(struct stoa_ws *ws, int code, const char *reason);
	struct stoa_loop *(*ws_loop)(const struct stoa_ws *ws);
};

/** What consumers hold. Bind in start(). */
struct stoa_http {
	const struct stoa_http_ops *ops;
	void *self;
};

/** Binds the provider. Errors of stoa_iface_bind(). Thread: ctl. */
static inline int stoa_http_bind(struct stoa_mod *m, struct stoa_http *ret_http)
{
	struct stoa_iface i;
	int err = stoa_iface_bind(m, STOA_HTTP, &i);

	if (err)
		return err;
	ret_http->ops = (const struct stoa_http_ops *)i.ops;
	ret_http->self = i.self;
	return 0;
}

/* ---- what a module offers; all but publishing on ctl ---- */

/** Adds a route; strings are copied, `user` is passed to the handler. The same path may be added
 *  again with other methods. -EINVAL: bad pattern or flags; -EEXIST: path and method are taken.
 *  Thread: ctl. */
static inline int stoa_http_route_add(const struct stoa_http *h, struct stoa_mod *m,
				      const struct stoa_http_route *r)
{
	return STOA_HAS(h->ops, route_add) ? h->ops->route_add(h->self, m, r) : -ENOTSUP;
}

/** Adds a WebSocket route (RFC 6455); `ops` must stay. A plain GET of the path gets 426 unless a
 *  route answers it. Errors as stoa_http_route_add(). Thread: ctl. */
static inline int stoa_http_ws_route_add(const struct stoa_http *h, struct stoa_mod *m,
					 const struct stoa_ws_route *r)
{
	return STOA_HAS(h->ops, ws_route_add) ? h->ops->ws_route_add(h->self, m, r) : -ENOTSUP;
}

/** Serves the files below `dir` (absolute) at `prefix` ("/" or "/x/"): GET and HEAD with ETag,
 *  Last-Modified, ranges (RFC 9110 section 14), name.br or name.gz where the client takes them, and
 *  index.html for a directory. Routes and published bodies win over files. `flags`:
 *  STOA_HTTP_FILES_…. -ENOENT: no such directory. Thread: ctl. */
static inline int stoa_http_files_add(const struct stoa_http *h, struct stoa_mod *m,
				      const char *prefix, const char *dir, uint32_t flags)
{
	return STOA_HAS(h->ops, files_add) ? h->ops->files_add(h->self, m, prefix, dir, flags)
					   : -ENOTSUP;
}

/** Removes all that `m` added or published. When it returns no handler of `m` runs on any thread or
 *  will be called again; its WebSockets are closed with 1001 and their close() has run; requests
 *  it holds may still be answered. Every module that added something calls it first in stop().
 *  Thread: ctl. */
static inline void stoa_http_remove(const struct stoa_http *h, struct stoa_mod *m)
{
	if (h->ops && STOA_HAS(h->ops, remove))
		h->ops->remove(h->self, m);
}

/** Publishes bytes at an exact path (GET and HEAD, ETag, ranges), replacing what was there, and
 *  releases the requests parked for this version or an earlier one. `bytes` is referenced. -EINVAL,
 *  -ENOMEM, -ESTALE: a higher version is there, -ENOSPC: 65536 paths are published. Thread: any. */
static inline int stoa_http_publish(const struct stoa_http *h, struct stoa_mod *m,
				    const struct stoa_http_body *b)
{
	return STOA_HAS(h->ops, publish) ? h->ops->publish(h->self, m, b) : -ENOTSUP;
}

/** Takes a path back, its rule as well; requests parked for it get 404. -ENOENT. Thread: any. */
static inline int stoa_http_unpublish(const struct stoa_http *h, const char *path)
{
	return STOA_HAS(h->ops, unpublish) ? h->ops->unpublish(h->self, path) : -ENOTSUP;
}

/** Lets requests for a version of `path` above the published one (nothing published is version 0)
 *  wait until it is there, at most park_ms, then 503. `want_fn` is asked on the edge thread and
 *  must be pure; NULL waits for version 1, which is a path that is about to come. Thread: any. */
static inline int stoa_http_publish_rule(const struct stoa_http *h, struct stoa_mod *m,
					 const char *path, stoa_http_want_fn *want_fn, void *user,
					 uint32_t park_ms)
{
	return STOA_HAS(h->ops, publish_rule)
		       ? h->ops->publish_rule(h->self, m, path, want_fn, user, park_ms)
		       : -ENOTSUP;
}

/* ---- the request, until it is answered; strings are borrowed from it. Thread: the handler's ----
 */

/** The method of the request. HEAD is seen as GET unless the route asks for HEAD itself; the body
 * of its answer is left out. */
static inline enum stoa_http_method stoa_http_req_method(const struct stoa_http_req *r)
{
	return r->ops->req_method(r);
}

/** The path, percent-decoded, dot segments removed, without query; begins with '/'. */
static inline struct stoa_str stoa_http_req_path(const struct stoa_http_req *r)
{
	return r->ops->req_path(r);
}

/** A parameter of the route's pattern, percent-decoded (NUL-terminated as well); empty when the
 *  pattern has none of that name. */
static inline struct stoa_str stoa_http_req_param(const struct stoa_http_req *r, const char *name)
{
	return r->ops->req_param(r, name);
}

/** The first parameter of that name in the query, decoded ('+' is a space), NUL-terminated as well.
 *  `ret_found` (may be NULL) tells "?name=" from its absence. */
static inline struct stoa_str stoa_http_req_query(const struct stoa_http_req *r, const char *name,
						  bool *ret_found)
{
	return r->ops->req_query(r, name, ret_found);
}

/** A header field by its name in any case, NUL-terminated as well; empty when absent. Repeated
 *  fields are joined by ", " (RFC 9110 section 5.3). */
static inline struct stoa_str stoa_http_req_header(const struct stoa_http_req *r, const char *name)
{
	return r->ops->req_header(r, name);
}

/** The whole body; empty for routes with STOA_HTTP_BODY_STREAM. */
static inline struct stoa_str stoa_http_req_body(const struct stoa_http_req *r)
{
	return r->ops->req_body(r);
}

/** The client's address without port ("192.0.2.1", "2001:db8::1"); of a trusted proxy's client
 *  where X-Forwarded-For says so. */
static inline const char *stoa_http_req_peer(const struct stoa_http_req *r)
{
	return r->ops->req_peer(r);
}

/** Where the client sees us, without a last '/': the option public-url, or the request's host:
 *  "http://localhost:7880". For a WebSocket address replace "http" by "ws". */
static inline const char *stoa_http_req_base_url(const struct stoa_http_req *r)
{
	return r->ops->req_base_url(r);
}

/** Asks to be told of a streaming answer's progress or of the client's going. `w` must stay until
 *  the request is answered; -EPIPE: already gone. */
static inline int stoa_http_req_watch(struct stoa_http_req *r, const struct stoa_http_watch *w,
				      void *user)
{
	return STOA_HAS(r->ops, req_watch) ? r->ops->req_watch(r, w, user) : -ENOTSUP;
}

/* ---- answers. Thread: the handler's ---- */

/** Answers; everything is copied or taken. Content-Length, Date, ETag for 200 to a GET and, with
 *  STOA_HTTP_CORS, Access-Control-* are added. A header with a CR or LF is left out, and logged. */
static inline void stoa_http_answer(struct stoa_http_req *r, const struct stoa_http_answer *a)
{
	r->ops->answer(r, a);
}

/** Answers with a problem document; 401 gets WWW-Authenticate: Bearer. */
static inline void stoa_http_problem_full(struct stoa_http_req *r,
					  const struct stoa_http_problem *p)
{
	r->ops->problem(r, p);
}

/** The usual problem: stoa_http_problem(r, 404, "call_not_found", "There is no such call."). 429
 *  and 503 carry Retry-After: 1; stoa_http_problem_retry() sets another. */
static inline void stoa_http_problem(struct stoa_http_req *r, int status, const char *error,
				     const char *detail)
{
	struct stoa_http_problem p = { sizeof(p), status, error, detail, NULL, 0, 0 };

	if (status == 429 || status == 503)
		p.retry_after_s = 1;
	r->ops->problem(r, &p);
}

static inline void stoa_http_problem_retry(struct stoa_http_req *r, int status, const char *error,
					   const char *detail, uint32_t retry_after_s)
{
	struct stoa_http_problem p = { sizeof(p), status, error, detail, NULL, 0, retry_after_s };

	r->ops->problem(r, &p);
}

/** 400 with the fields at fault: "errors":[{"field","reason"}]. */
static inline void stoa_http_problem_fields(struct stoa_http_req *r,
					    const struct stoa_http_field *fields, size_t n_fields)
{
	struct stoa_http_problem p = {
		sizeof(p), 400, "bad_input", "The request has invalid fields.", fields, n_fields, 0
	};

	r->ops->problem(r, &p);
}

/** An answer of a short text or none: stoa_http_answer_text(r, 204, NULL, stoa_str("")). */
static inline void stoa_http_answer_text(struct stoa_http_req *r, int status,
					 const char *content_type, struct stoa_str text)
{
	struct stoa_http_answer a = { sizeof(a), status, content_type, NULL, text.p, text.n, NULL };

	r->ops->answer(r, &a);
}

/** Begins an answer of unknown length (chunked in HTTP/1.1); body and bytes_take must be empty. */
static inline int stoa_http_answer_begin(struct stoa_http_req *r,
					 const struct stoa_http_answer *head)
{
	return STOA_HAS(r->ops, answer_begin) ? r->ops->answer_begin(r, head) : -ENOTSUP;
}

/** Writes a piece; copied. 0; -EAGAIN: 256 KB wait, nothing was taken, `drained` of
 *  stoa_http_req_watch() tells when to go on; -EPIPE: the client is gone. */
static inline int stoa_http_answer_write(struct stoa_http_req *r, const void *p, size_t n)
{
	return STOA_HAS(r->ops, answer_write) ? r->ops->answer_write(r, p, n) : -ENOTSUP;
}

/** Ends what answer_begin() began, also after -EPIPE. */
static inline void stoa_http_answer_end(struct stoa_http_req *r)
{
	if (STOA_HAS(r->ops, answer_end))
		r->ops->answer_end(r);
}

/** Answers with a file, as files_add() does (ranges, ETag). `path` is trusted. The request is
 *  answered in every case (404 when there is no such file). NULL content_type: by the name;
 *  NULL cache_control: "no-cache". */
static inline int stoa_http_answer_file(struct stoa_http_req *r, const char *path,
					const char *content_type, const char *cache_control)
{
	return STOA_HAS(r->ops, answer_file)
		       ? r->ops->answer_file(r, path, content_type, cache_control)
		       : -ENOTSUP;
}

/* ---- WebSockets. In callbacks a `ws` is borrowed from open() until close() returns; elsewhere and
 *      on other threads it is used on a reference. ---- */

/** Settles an upgrade that accept() kept (returned 2). The session is closed in every case, later
 * or at once. Thread: the handler's. */
static inline int stoa_ws_accept(struct stoa_http_req *r, void *session)
{
	return STOA_HAS(r->ops, ws_accept) ? r->ops->ws_accept(r, session) : -ENOTSUP;
}

/** A reference keeps the handle alive, not the connection. Thread: any. */
static inline struct stoa_ws *stoa_ws_ref(struct stoa_ws *ws)
{
	return ws->ops->ws_ref(ws);
}

/** NULL is fine. Thread: any. */
static inline void stoa_ws_unref(struct stoa_ws *ws)
{
	if (ws)
		ws->ops->ws_unref(ws);
}

/** Sends one message; copied. Messages of one thread keep their order. 0; -EPIPE: closed or
 * closing; -ENOBUFS: send_queue_max is exceeded and the socket closes with 1013; -ENOMEM. Thread:
 * any. */
static inline int stoa_ws_send(struct stoa_ws *ws, bool is_text, const void *p, size_t n)
{
	return ws->ops->ws_send(ws, is_text, p, n);
}

/** Sends ready-made frames (stoa_ws_frame_add()) unchanged; referenced, not copied: make them once
 *  for many sockets. Errors as stoa_ws_send(). Thread: any. */
static inline int stoa_ws_send_frames(struct stoa_ws *ws, struct stoa_bytes *frames)
{
	return STOA_HAS(ws->ops, ws_send_frames) ? ws->ops->ws_send_frames(ws, frames) : -ENOTSUP;
}

/** Closes after what is queued; `reason` (UTF-8, at most 123 bytes, may be NULL) is copied. The
 *  session's close() follows. Repeats are harmless. Thread: any. */
static inline void stoa_ws_close(struct stoa_ws *ws, int code, const char *reason)
{
	ws->ops->ws_close(ws, code, reason);
}

/** The loop of the socket's edge thread, for stoa_post(). Thread: any. */
static inline struct stoa_loop *stoa_ws_loop(const struct stoa_ws *ws)
{
	return STOA_HAS(ws->ops, ws_loop) ? ws->ops->ws_loop(ws) : NULL;
}

/** Appends one whole unmasked frame (RFC 6455 section 5.2) for stoa_ws_send_frames(). Pure. */
static inline void stoa_ws_frame_add(struct stoa_buf *b, bool is_text, const void *p, size_t n)
{
	uint8_t head[10];
	size_t len = 2;

	head[0] = (uint8_t)(0x80 | (is_text ? 1 : 2));
	if (n < 126) {
		head[1] = (uint8_t)n;
	} else if (n <= 0xffff) {
		head[1] = 126;
		head[2] = (uint8_t)(n >> 8);
		head[3] = (uint8_t)n;
		len = 4;
	} else {
		head[1] = 127;
		for (int i = 0; i < 8; i++)
			head[2 + i] = (uint8_t)((uint64_t)n >> (8 * (7 - i)));
		len = 10;
	}
	stoa_buf_add(b, head, len);
	stoa_buf_add(b, p, n);
}

/** The first value of `name` in a raw query ("_HLS_msn=7&_HLS_part=2"), not decoded: for want_fn,
 *  whose values are numbers. `ret_found` may be NULL. Pure. Thread: any. */
static inline struct stoa_str stoa_http_query_get(struct stoa_str query, const char *name,
						  bool *ret_found)
{
	size_t len = strlen(name), at = 0;

	if (ret_found)
		*ret_found = false;
	while (at < query.n) {
		const char *p = query.p + at;
		const char *amp = (const char *)memchr(p, '&', query.n - at);
		size_t n = amp ? (size_t)(amp - p) : query.n - at;

		if (n >= len && memcmp(p, name, len) == 0 && (n == len || p[len] == '=')) {
			if (ret_found)
				*ret_found = true;
			return n == len ? stoa_strn(p + n, 0) : stoa_strn(p + len + 1, n - len - 1);
		}
		at += n + 1;
	}
	return stoa_str("");
}

STOA_END_DECLS

#endif
