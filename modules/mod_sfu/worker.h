/* SPDX-License-Identifier: Apache-2.0 */
/* A media worker: a thread with its own loop, sockets, timer wheel, packet pool and engine. Starts
 * and stops on ctl; everything else happens on its own thread. peer_io.c is the other half. */
#ifndef SFU_WORKER_H
#define SFU_WORKER_H

#include "datagram.h"
#include "dtls.h"
#include "engine.h"
#include "inbox.h"
#include "net.h"
#include "outbox.h"
#include "stun.h"
#include "wheel.h"

#include <stdatomic.h>
#include <stoa/loop.h>
#include <stoa/util.h>

#define WORKERS_MAX      64
#define WORKER_NOTICES   256 /* waiting for ctl                           */
#define WORKER_PACKETS   65536
#define HANDSHAKES_MAX   512 /* at once, per worker                       */
#define HANDSHAKE_MAX_US UINT64_C(20000000)
#define CONSENT_US       UINT64_C(30000000) /* RFC 7675 section 5.1                */

struct peer_io;
struct worker;

struct worker_counters { /* see metrics.c */
	uint64_t datagrams_in, bytes_in;
	uint64_t drop_junk, drop_truncated, drop_unchecked, drop_early, drop_no_packet;
	uint64_t stun_checks, stun_unknown, stun_forged, stun_malformed;
	uint64_t dtls_ready, dtls_failed, dtls_refused, dtls_data;
	uint64_t srtp_forged, srtp_replayed, srtp_malformed;
	uint64_t send_unready, send_failed, notices_lost;
	struct outbox_stats out;    /* of all sockets; copied when counted */
	struct engine_stats engine; /* copied when counted                 */
};

struct worker_socket {
	struct address address; /* bound to; port set */
	struct worker *worker;
	struct stoa_fd *watch;
	struct outbox *outbox;
	int fd;
	uint8_t index;
	bool is_blocked;
};

struct worker {
	struct stoa_mod *mod;
	struct stoa_loop *loop;
	struct dtls_ctx *dtls;
	uint32_t index;
	struct worker_socket sockets[NET_ADDRESSES_MAX];
	uint32_t n_sockets;

	struct packet_pool *pool;
	struct engine *engine;
	struct stun_server *stun;
	struct wheel wheel;
	struct stoa_timer *timer;
	uint64_t timer_due_us; /* what `timer` is set to; UINT64_MAX: it is not */
	uint64_t now_us;       /* of this turn */

	struct address_map by_address; /* struct peer_io */
	struct stoa_map *by_ufrag;     /* struct peer_io */
	struct stoa_list peers;
	uint32_t handshakes;
	struct address last_from; /* whose peer is   */
	struct peer_io *last_io;  /* this one          */

	struct inbox *inbox; /* where recvmmsg() writes */

	struct worker_counters counters, counted; /* `counted`: what the metrics know of */
	struct wheel_timer count_timer;

	/* notices: written by the worker, read by ctl */
	struct notice *notices;
	_Atomic uint32_t notices_in, notices_out;
	_Atomic bool is_announced; /* ctl has been told that there are some */
	struct stoa_task notice_task;
	void (*on_notices)(struct worker *w); /* on ctl */
	void *user;
	bool is_orphan; /* ctl only: to be freed by the task */
};

struct worker_settings {
	struct stoa_mod *mod;
	struct dtls_ctx *dtls;
	const struct address *bind; /* ports set */
	uint32_t n_bind, index;
	int buffer; /* bytes asked for each socket's send and receive buffer */
	void (*on_notices)(struct worker *w);
	void *user;
};

/** Binds the sockets and starts the thread. On -EADDRINUSE and the like `ret_bad` tells which
 *  address it was. Thread: ctl. */
int worker_start(const struct worker_settings *s, uint32_t *ret_bad, struct worker **ret_worker);
/** Ends the thread after what was posted; all peers must have been closed. Thread: ctl. */
void worker_stop(struct worker *w);
/** Hands over a command, which comes back through command_finish() on ctl. Thread: ctl. */
void worker_post(struct worker *w, struct command *c);
/** Takes the oldest notice; false when there is none. Thread: ctl. */
bool worker_take_notice(struct worker *w, struct notice *ret_notice);

/* ---- for peer_io.c, on the worker's thread ---- */

struct worker_socket *worker_socket_of(struct worker *w, const struct address *a);

#endif
