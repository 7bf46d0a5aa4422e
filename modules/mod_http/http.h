/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_HTTP_H
#define MOD_HTTP_HTTP_H

#include <stdatomic.h>
#include <stoa/iface/http.h>
#include <stoa/list.h>
#include <stoa/metric.h>
#include <stoa/module.h>

#include "answer.h"
#include "h1.h"
#include "limit.h"
#include "publish.h"
#include "route.h"
#include "settings.h"
#include "target.h"

/* The module's context, and requests: what ctl and the edges have in common. */

#define EDGES_MAX     64
#define LISTENERS_MAX 16

#define OUT_HIGH (256u * 1024u) /* a streaming answer waits above this      */
#define OUT_LOW  (64u * 1024u)  /* and goes on below this                   */
#define RX_AHEAD (64u * 1024u)  /* bytes read ahead of the request in work  */

struct edge;

struct metrics {
	stoa_metric requests[6]; /* by class of status: [2] is 2xx; [0] is unused */
	stoa_metric connections, websockets, parked, bytes_in, bytes_out;
	stoa_metric refused_connections, refused_rate, refused_draining, refused_malformed,
		refused_timeout;
};

struct listener {
	struct http *h;
	unsigned index;
	char *name, *address;
	char *certificate, *key; /* paths; NULL: plain */
	bool with_h2;
	void *ssl_ctx;      /* SSL_CTX; NULL: plain */
	uint64_t tls_stamp; /* how the files looked */
	struct stoa_listener *socket;
};

struct http { /* ctl, unless said otherwise */
	struct stoa_mod *m;
	struct settings *settings;
	struct metrics metrics;      /* any, constant */
	struct limit_table *limits;  /* any */
	struct published *published; /* any */
	struct listener listeners[LISTENERS_MAX];
	unsigned n_listeners;
	struct edge *edges[EDGES_MAX];
	unsigned n_edges;
	struct route **routes;
	size_t n_routes;
	struct route_table *table;
	struct stoa_list held;    /* requests in handlers' hands on ctl           */
	struct stoa_list sockets; /* WebSockets whose callbacks run on ctl        */
	struct stoa_timer *drain_timer, *tls_timer;
	bool draining;
	atomic_uint in_flight; /* requests that exist; any */
};

extern const struct stoa_http_ops http_ops;

/* ---- request.c ---- */

enum request_state {
	REQUEST_OPEN,      /* in the handler's hands   */
	REQUEST_STREAMING, /* answer_begin() was called */
	REQUEST_ANSWERED,  /* nothing more may come    */
};

struct request;

/* How the edge sends what a request's handler answers; one table per protocol. */
struct wire_ops {
	void (*answer)(struct request *r); /* r->answer; a stream goes on, else r is consumed */
	void (*piece)(struct request *r, struct stoa_bytes *b_take);
	void (*end)(struct request *r);     /* consumes r */
	void (*resume)(struct request *r);  /* the handler took its piece of the body */
	void (*upgrade)(struct request *r); /* accepted; consumes r */
};

struct request_value { /* a decoded query value or a joined header; freed with the request */
	struct request_value *next;
	char text[];
};

struct request {
	struct stoa_http_req base; /* first: what modules see */
	atomic_uint refs;          /* its owner, and notices on their way to ctl */
	struct stoa_task task;     /* there and back */
	struct stoa_task end_task;
	struct stoa_list link; /* http.held, on ctl */
	struct request *batch_next;
	struct http *h;
	struct edge *e;
	struct route *route;
	bool on_ctl, is_upgrade, via_proxy; /* constant, as all down to `settings` */
	uint32_t method;
	struct stoa_str target_text; /* as it came */
	struct target target;
	struct stoa_str params[ROUTE_PARAMS_MAX];
	unsigned n_params;
	struct h1_header *headers; /* values end in NUL */
	unsigned n_headers;
	struct stoa_str host;
	bool is_tls;
	char peer[48];
	char *text; /* one block: headers, target */
	struct settings *settings;
	struct stoa_buf body; /* whole when handed over */
	uint64_t began_us;

	/* the handler's thread */
	enum request_state state;
	struct answer answer; /* the edge's once submitted */
	const struct stoa_http_watch *watch;
	void *watch_user;
	bool is_full, body_refused, accepted;
	void *session; /* of an accepted upgrade */
	struct request_value *values;
	char *base_url;

	/* any */
	atomic_bool gone;         /* set by the edge */
	atomic_size_t out_queued; /* bytes of a streaming answer not yet sent */
	atomic_bool want_drained;

	/* the edge's */
	const struct wire_ops *wire;
	void *peer_conn; /* struct conn or struct stream; NULL: the client is gone */
	bool begun, stop_body;
	uint64_t sent;
};

struct request_head { /* what either protocol knows when a head is whole; borrowed */
	uint32_t method;
	struct stoa_str target, host;
	const struct h1_header *headers;
	unsigned n_headers;
	const char *peer;
	struct limit_slot *slot;
	bool is_tls, is_upgrade;
};

struct stoa_str request_head_header(const struct request_head *h, const char *lower_name);

struct request *request_new(struct edge *e, const struct request_head *head, struct route *route,
			    const struct route_match *match);
struct request *request_ref(struct request *r);
void request_unref(struct request *r);
/* Calls the handler, here or, soon after this turn of the loop, on ctl. Thread: net. */
void request_dispatch(struct request *r);
/* Those that wait for ctl leave now; at the end of every turn. Thread: net. */
void requests_hand_over(struct edge *e);
/* A piece of an upload; n == 0: its end; p == NULL: the client left. Thread: net. */
void request_body_piece(struct request *r, const void *p, size_t n);
/* The client is gone, or is not listened to any more; `in_body`: before its body ended. Thread: net. */
void request_gone(struct request *r, bool in_body);
/* `n` bytes of a streaming answer have left. Thread: net. */
void request_sent(struct request *r, size_t n);
/* Answers on the handler's thread with what is in r->answer. */
void request_submit(struct request *r);
/* Answers with a problem of this module's own. Thread: the handler's. */
void request_refuse(struct request *r, int status, const char *error, const char *detail);
/* Adds what every answer of a route has (CORS). Thread: the handler's. */
void request_decorate(struct request *r);
struct stoa_str request_header(const struct request *r, const char *lower_name);

/* ---- cors.c ---- */

void cors_decorate(const struct settings *s, struct stoa_str origin, struct answer *a);
void cors_preflight(const struct settings *s, struct stoa_str origin, struct stoa_str headers,
		    uint32_t methods, struct answer *a);
void cors_allow_line(uint32_t methods, char *out, size_t n);

/* ---- files.c ---- */

struct file_request {
	uint32_t method;
	struct stoa_str if_none_match, if_modified_since, if_range, range, accept_encoding, accept;
};

/* Serves target's path below route->dir. */
void files_serve(const struct route *route, const struct target *t, const struct file_request *q,
		 struct answer *a);
/* One trusted path. */
void files_serve_path(const char *path, const char *content_type, const char *cache_control,
		      const struct file_request *q, struct answer *a);
/* Ranges and conditions for `n` bytes with these validators: sets status, lines and the part. */
void files_conditions(const struct file_request *q, struct stoa_str etag, int64_t modified_s,
		      uint64_t n, struct answer *a);

/* ---- options.c ---- */

extern const struct stoa_opt http_options[];
int options_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e);

/* ---- listeners.c; thread: ctl ---- */

/* Copies them from the configuration and loads their certificates. */
int listeners_read(struct http *h, const struct stoa_conf *c);
/* Begins to accept. An address that cannot be had is a mistake of the configuration, and ends the
 * start. */
int listeners_open(struct http *h, const struct stoa_conf *c);
/* Takes certificates that have changed. */
void listeners_look(struct http *h);
/* Accepts no more. */
void listeners_close(struct http *h);
/* Once no edge uses them. */
void listeners_free(struct http *h);

/* ---- access_log.c, request.c ---- */

void access_log(struct http *h, const struct settings *s, const char *peer, uint32_t method,
		struct stoa_str target, int status, uint64_t bytes, uint64_t began_us);
const char *method_name(uint32_t method);

/* ---- ws.c ---- */

struct stoa_ws *ws_op_ref(struct stoa_ws *ws);
void ws_op_unref(struct stoa_ws *ws);
int ws_op_send(struct stoa_ws *ws, bool is_text, const void *p, size_t n);
int ws_op_send_frames(struct stoa_ws *ws, struct stoa_bytes *frames);
void ws_op_close(struct stoa_ws *ws, int code, const char *reason);
struct stoa_loop *ws_op_loop(const struct stoa_ws *ws);
/* Closes the module's sockets and runs their close(). Thread: ctl. */
void ws_remove(struct http *h, struct stoa_mod *m);
void ws_session_close(const struct route *route, void *session); /* never opened */

#endif
