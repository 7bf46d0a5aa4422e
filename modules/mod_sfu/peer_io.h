/* SPDX-License-Identifier: Apache-2.0 */
/* The shell's half of a peer: which addresses it may use (ICE), its DTLS connection, its SRTP
 * contexts. Worker's thread only. */
#ifndef SFU_PEER_IO_H
#define SFU_PEER_IO_H

#include "worker.h"

#define PATHS_MAX 8 /* addresses of one peer; the one unchecked for longest gives way */

struct path {
	struct address address;
	uint64_t checked_us;
};

struct credentials {
	char ufrag[16], pwd[33];
	char remote_ufrag[ICE_UFRAG_MAX + 1];
};

struct peer_io {
	/* what sending a packet reads, side by side */
	struct worker *worker;
	struct srtp *out;
	struct address remote; /* where packets go; family 0: nowhere yet */
	bool is_lost;
	bool is_shaking; /* counts in worker->handshakes */
	struct srtp *in;

	struct peer *peer;
	struct stoa_list in_worker;

	struct credentials now, next; /* `next` set during an ICE restart */
	struct path paths[PATHS_MAX];
	uint32_t n_paths;
	struct wheel_timer consent;
	uint64_t checked_us;

	struct peer_dtls want;
	struct dtls *dtls;
	struct wheel_timer dtls_timer;
	struct address dtls_from; /* answers go where the question came from */
	uint64_t dtls_deadline_us;
};

/** Makes the shell's half of `c->peer`. -ENOMEM. */
int peer_io_open(struct worker *w, struct command *c);
void peer_io_close(struct peer_io *t);
/** New local credentials; the old ones serve until a check comes with the new. */
void peer_io_restart_ice(struct peer_io *t, const struct peer_ice *ice);

/** What came from `from`. STUN finds its session by the user name in it. */
void peer_io_stun(struct worker *w, const uint8_t *p, size_t n, const struct address *from);
void peer_io_dtls(struct peer_io *t, const uint8_t *p, size_t n, const struct address *from);
void peer_io_rtp(struct peer_io *t, const uint8_t *p, size_t n, uint64_t arrived_us);
void peer_io_rtcp(struct peer_io *t, uint8_t *p, size_t n);

/** The transport that a checked address belongs to; NULL: none. */
struct peer_io *peer_io_find(struct worker *w, const struct address *from);

/** Encrypts into the outbox of the peer's socket; it leaves at the end of the turn. fanout.c */
void peer_io_send_rtp(struct peer_io *t, const struct send_rtp *s);
void peer_io_send_rtcp(struct peer_io *t, const uint8_t *p, size_t n);

#endif
