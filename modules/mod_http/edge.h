/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_EDGE_H
#define MOD_HTTP_EDGE_H

#include <libwebsockets.h>
#include <pthread.h>
#include <semaphore.h>
#include <stoa/list.h>
#include <sys/socket.h>
#include <uv.h>

#include "http.h"

/* An edge: a thread with a libwebsockets context on a libuv loop, and what its files share.
 *
 * libwebsockets brings the sockets' life on the loop. What is spoken on them (TLS, HTTP/1.1, HTTP/2,
 * WebSockets) is ours, over its raw role: its own HTTP can neither hold a request or an upgrade for a
 * later answer from another thread, nor show the target undecoded, nor refuse with 414, and its
 * HTTP/2 (4.1) drops every header field that it has no constant for, Idempotency-Key among them.
 * Everything here belongs to the edge's thread unless said otherwise. */

#define SCRATCH_SIZE 16384u /* small writes are gathered up to one TLS record */
#define PLAIN_WRITE  65536u /* one write without TLS                          */

struct edge {
	struct http *h;
	unsigned index;
	pthread_t thread;
	sem_t ready;
	int start_error;
	struct stoa_loop *loop; /* set before `ready`                         */
	atomic_uint n_conns;    /* written here, read by ctl to share the load */

	uv_loop_t uv;
	uv_async_t wake;
	uv_prepare_t before_poll;
	uv_timer_t tick;
	struct lws_context *lws;
	struct lws_vhost *vhost;
	void *ssl_ctx[LISTENERS_MAX]; /* SSL_CTX, referenced; NULL: plain */
	struct stoa_buf tls_out;      /* ciphertext of the connection being written */
	uint8_t *plain;               /* SCRATCH_SIZE: what was decrypted           */
	struct settings *settings;
	struct route_table *table;
	struct stoa_list conns;      /* all connections                             */
	struct stoa_list flush_list; /* those with something to do before we sleep  */
	struct stoa_list parked;     /* struct waiter                               */
	struct request *batch_first; /* those that ctl gets after this turn         */
	struct request *batch_last;
	unsigned batch_n;
	uint64_t now_ms; /* of this turn of the loop                    */
	char date[48];   /* "Date: …\r\n", made once a second           */
	unsigned date_n;
	uint8_t *scratch_block;
	uint8_t *scratch; /* SCRATCH_SIZE; LWS_PRE bytes before it belong to libwebsockets */
	char *target_buf; /* decoded targets of one call */
	size_t target_cap;
	bool draining, stopping, is_released;
};

/* ---- edge.c ---- */

int edge_start(struct http *h, unsigned index, struct edge **ret_edge);
/* Closes what is open and ends the thread. Thread: ctl. */
void edge_join(struct edge *e);
/* Only when nobody can post to it any more. NULL is fine. */
void edge_free(struct edge *e);

/* Runs fn(e, arg) on the edge and waits until it has run. Thread: ctl. */
typedef void edge_call_fn(struct edge *e, void *arg);
int edge_call(struct edge *e, edge_call_fn *fn, void *arg);

/* ---- conn.c: one client's connection; HTTP/1.1, or the carrier of HTTP/2 streams or of a
 *      WebSocket ---- */

enum conn_state {
	CONN_HEAD,    /* reads a request's head                          */
	CONN_BODY,    /* reads its body                                  */
	CONN_WAIT,    /* the request is in a handler's hands, or parked  */
	CONN_DISCARD, /* answered; the rest of the body is thrown away   */
	CONN_WS,      /* a WebSocket                                     */
	CONN_LINGER,  /* all is said: waits for the client to close      */
	CONN_H2,      /* carries HTTP/2 streams                          */
};

/* One thing to send; the list is in order. */
struct out {
	struct out *next;
	struct stoa_bytes *bytes; /* NULL: a file, or `copied` */
	int file;                 /* owned; -1: none */
	bool is_counted;          /* told to the stream or socket when it leaves */
	uint64_t at, n;
	uint8_t copied[];
};

struct waiter {                /* a request parked for a version of a published path */
	struct stoa_list link; /* edge.parked */
	struct stoa_str path;  /* copied */
	uint64_t version, deadline_ms;
	/* Answers it now: look again, or (timed_out) give up. */
	void (*resume_fn)(struct waiter *w, bool timed_out);
	void *user;
};

struct conn {
	struct edge *e;
	struct lws *wsi;
	struct listener *listener;
	struct limit_slot *slot;
	struct stoa_list link;  /* edge.conns */
	struct stoa_list flush; /* edge.flush_list */
	enum conn_state state;
	char peer[48];
	struct ssl_st *ssl;    /* NULL: plain */
	const uint8_t *tls_in; /* lent for the call */
	size_t tls_in_n;
	struct h2 *h2;        /* with CONN_H2 */
	uint64_t deadline_ms; /* UINT64_MAX: none */

	/* reading */
	struct stoa_buf rx;    /* from rx_at on not yet consumed                        */
	struct stoa_buf ahead; /* what came while `head` must stay where it is in rx */
	size_t rx_at, rx_scanned;
	bool rx_paused;
	struct h1_head head; /* while in CONN_HEAD and until the request is answered */
	struct h1_chunked chunked;
	uint64_t body_left; /* with a Content-Length */
	uint64_t body_got, body_began_ms;
	size_t body_max;

	/* the request in work */
	struct request *req;
	struct waiter *waiter;
	bool keep_alive, is_head_only, is_chunked_out, in_input, dispatched, piece_in_work;
	bool head_begun, body_ended, adopting;
	bool held_back; /* the next request waits until the client has read */
	uint64_t began_us;

	/* writing: first `gather`, then the list */
	struct stoa_buf gather;
	size_t gather_at;
	struct out *out_first, *out_last;
	uint64_t write_deadline_ms; /* by which some of it must leave; UINT64_MAX: nothing waits */
	bool close_after;           /* when all is written */
	bool dead;                  /* closes before the loop sleeps again */

	struct ws *ws;
};

int conn_adopt(struct edge *e, struct listener *l, int fd, const char *peer,
	       struct limit_slot *slot);
int conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		  size_t len);
/* Something is to be written or parsed before the loop sleeps again. */
void conn_touch(struct conn *c);
/* Does it, for all touched ones. */
void conns_flush(struct edge *e);
void conns_tick(struct edge *e);
/* Closes as soon as nobody is inside of it. */
void conn_kill(struct conn *c);
/* Decrypted input; the handshake is over. */
void conn_plain(struct conn *c, const void *p, size_t n);
void conn_secured(struct conn *c, bool is_h2);
/* Stops and starts reading. */
void conn_pause(struct conn *c, bool paused);

/* ---- output.c: what waits to be written ---- */

void out_copy(struct conn *c, const void *p, size_t n, bool is_counted);
void out_bytes(struct conn *c, struct stoa_bytes *b_take, uint64_t at, uint64_t n, bool is_counted);
void out_file(struct conn *c, int fd_take, uint64_t at, uint64_t n);
bool out_is_empty(const struct conn *c);
/* Writes what the socket takes. False: the connection is broken. */
bool out_write(struct conn *c);
void out_clear(struct conn *c);

/* ---- h1_answer.c ---- */

/* Queues an answer's head and body; consumes the answer's contents. */
void h1_answer_send(struct conn *c, struct answer *a);

extern const struct wire_ops conn_wire;

/* ---- h2.c: HTTP/2 (RFC 9113) on a connection, by nghttp2 ---- */

int h2_begin(struct conn *c);
void h2_receive(struct conn *c, const void *p, size_t n);
/* Produces frames while the connection takes them; false: the connection is to be closed. */
bool h2_send(struct conn *c);
void h2_tick(struct conn *c);
void h2_drain(struct conn *c);
/* The connection is gone. */
void h2_end(struct conn *c);

/* ---- serve.c: what a request's head leads to, in either protocol ---- */

enum serve_kind {
	SERVE_ANSWER,  /* `answer` is complete                             */
	SERVE_REQUEST, /* `req` wants its body, if any, and then dispatch  */
	SERVE_PARK,    /* `waiter` is parked; `resume_fn` is to be set     */
};

struct serve {
	enum serve_kind kind;
	struct answer answer;
	struct request *req;
	struct waiter *waiter;
};

void serve_head(struct edge *e, const struct request_head *head, struct serve *ret);
/* A parked one's second look: SERVE_ANSWER, or SERVE_PARK to wait on. */
void serve_again(struct edge *e, const struct request_head *head, struct waiter *w,
		 struct serve *ret);

/* ---- wait.c: requests that wait for a version of a published body ---- */

/* Parks one; NULL without memory. `resume_fn` is to be set. */
struct waiter *waiter_new(struct edge *e, struct stoa_str path, const struct published_found *f);
void waiter_free(struct edge *e, struct waiter *w); /* NULL is fine */
/* Resumes those parked for the path. */
void waiters_wake(struct edge *e, struct stoa_str path);
/* Resumes those whose time is over. */
void waiters_tick(struct edge *e);
/* The publisher's way to wake those of one edge; `user` is the module's struct http. Thread: any. */
void waiters_wake_edge(void *user, unsigned edge, struct stoa_str path);

/* ---- ws.c ---- */

struct ws;
/* Makes the connection a WebSocket for an accepted upgrade; consumes r. */
void ws_begin(struct conn *c, struct request *r);
void ws_input(struct conn *c);
void ws_tick(struct conn *c);
/* `n` counted bytes have left. */
void ws_sent(struct ws *ws, size_t n);
/* The connection is gone. */
void ws_lost(struct conn *c);
/* Closes those of the module (NULL: all) with `code`. */
void ws_close_all(struct edge *e, struct stoa_mod *m, int code);
/* The session of an upgrade whose client is gone; consumes r. */
void ws_never(struct request *r);

/* ---- bodies, in either protocol ---- */

#define BODY_RATE 512u /* bytes a second below which a body is a slow attack */

/* By when the next piece must be here, of a body that began then and of which so much came. */
static inline uint64_t edge_body_deadline(const struct edge *e, uint64_t began_ms, uint64_t got)
{
	uint64_t next = e->now_ms + e->settings->body_ms;
	uint64_t last = began_ms + e->settings->body_ms + got * 1000 / BODY_RATE;

	return next < last ? next : last;
}

#endif
