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
 * for a version that is not there yet are parked and released by one publish;
 *  4. WebSocket frames made once and written to many sockets.
 *
 * A request lives until it is answered; the answer may come later, from the thread of the handler.
 * The client may go away meanwhile: answering is then harmless.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

#define STOA_HTTP "http/0"

struct stoa_http_req; /* one request; owned by the provider until answered */
struct stoa_ws;       /* one open WebSocket */

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
/* n == 0 ends the body; a negative return refuses the rest (413 when -EFBIG, else 400) */
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

struct stoa_ws_ops { /* on the socket's edge thread or on ctl, as the route's flags say */
	uint32_t size;
	/* The upgrade request: fill *ret_session and return 0 to accept; or answer the request with
	 * stoa_http_answer() and return 1; a request kept for later returns 2 and is settled by
	 * stoa_ws_accept() or stoa_http_answer() (asynchronous decisions). */
	int (*accept)(struct stoa_http_req *req, void *user, void **ret_session);
	void (*open)(struct stoa_ws *ws, void *session);
	/* One whole message of at most `message_max` bytes. */
	void (*message)(struct stoa_ws *ws, void *session, bool is_text, const void *p, size_t n);
	/* Exactly once for each accepted session, even if it never opened (ws is NULL then). */
	void (*close)(struct stoa_ws *ws, void *session, int code);
};

struct stoa_ws_route {
	uint32_t size;
	const char *path;
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

/* Which version of a published path does this request want? Pure, on the edge thread. Returns 0 and
 * the version (0: what is there now), or an HTTP status to refuse with. */
typedef int stoa_http_want_fn(struct stoa_str query, uint64_t *ret_version, void *user);

struct stoa_http_ops {
	uint32_t size;
	int (*route_add)(void *self, struct stoa_mod *m, const struct stoa_http_route *r);
	int (*ws_route_add)(void *self, struct stoa_mod *m, const struct stoa_ws_route *r);
	int (*files_add)(void *self, struct stoa_mod *m, const char *prefix, const char *dir,
			 uint32_t flags);
	int (*publish)(void *self, struct stoa_mod *m, const struct stoa_http_body *b);
	int (*unpublish)(void *self, const char *path);
	/* Requests for a version above the published one wait until it is there, at most park_ms.
	 */
	int (*publish_rule)(void *self, struct stoa_mod *m, const char *path,
			    stoa_http_want_fn *want_fn, void *user, uint32_t park_ms);

	/* The request, until answered; strings are borrowed from it. Thread: the handler's. */
	enum stoa_http_method (*req_method)(const struct stoa_http_req *r);
	struct stoa_str (*req_path)(const struct stoa_http_req *r);
	struct stoa_str (*req_param)(const struct stoa_http_req *r, const char *name);
	struct stoa_str (*req_query)(const struct stoa_http_req *r, const char *name,
				     bool *ret_found);
	struct stoa_str (*req_header)(const struct stoa_http_req *r, const char *name);
	struct stoa_str (*req_body)(const struct stoa_http_req *r);
	const char *(*req_peer)(const struct stoa_http_req *r);     /* address without port */
	const char *(*req_base_url)(const struct stoa_http_req *r); /* "http://host:7880"   */
	void (*answer)(struct stoa_http_req *r, const struct stoa_http_answer *a);
	int (*answer_begin)(struct stoa_http_req *r, const struct stoa_http_answer *head);
	int (*answer_write)(struct stoa_http_req *r, const void *p, size_t n);
	void (*answer_end)(struct stoa_http_req *r);
	int (*answer_file)(struct stoa_http_req *r, const char *path, const char *content_type,
			   const char *cache_control);

	/* WebSockets. Thread: any, on a reference. */
	int (*ws_accept)(struct stoa_http_req *r, void *session);
	struct stoa_ws *(*ws_ref)(struct stoa_ws *ws);
	void (*ws_unref)(struct stoa_ws *ws);
	int (*ws_send)(struct stoa_ws *ws, bool is_text, const void *p, size_t n);
	int (*ws_send_frames)(struct stoa_ws *ws, struct stoa_bytes *frames);
	void (*ws_close)(struct stoa_ws *ws, int code, const char *reason);
	struct stoa_loop *(*ws_loop)(
		const struct stoa_ws *ws); /* for stoa_post() to its edge thread */
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

STOA_END_DECLS

#endif
