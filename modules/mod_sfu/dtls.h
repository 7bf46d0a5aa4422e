/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS 1.2 for SRTP keys (RFC 5763, RFC 5764) on OpenSSL, without sockets: datagrams go in through
 * dtls_input() and come out through a callback. DTLSv1_listen() is never used: it refuses the
 * ClientHello that browsers split over two datagrams, and ICE has already proved the address.
 *
 * One struct dtls_ctx for the process; each struct dtls belongs to one worker. */
#ifndef SFU_DTLS_H
#define SFU_DTLS_H

#include "command.h"
#include "srtp.h"

#define DTLS_MTU 1200 /* longest datagram sent */

struct dtls_ctx;
struct dtls;

/** Makes the key and certificate of this run (ECDSA, P-256). -EIO, -ENOMEM. Thread: ctl. */
int dtls_ctx_new(struct dtls_ctx **ret_ctx);
void dtls_ctx_free(struct dtls_ctx *ctx);
/** "sha-256 AB:CD:…", as the answer announces it. */
const char *dtls_ctx_fingerprint(const struct dtls_ctx *ctx);

enum dtls_state {
	DTLS_HANDSHAKE,
	DTLS_READY,  /* the peer's certificate is the announced one; keys may be taken */
	DTLS_CLOSED, /* the peer said goodbye                                          */
	DTLS_FAILED,
};

struct dtls_keys { /* halves for each direction; wipe after use */
	unsigned profile;
	uint8_t in_key[16], in_salt[14], out_key[16], out_salt[14];
};

struct dtls_counts {           /* of one connection */
	uint32_t data_dropped; /* application data (SCTP) that nobody wants yet */
};

/** Sends one datagram of at most DTLS_MTU bytes (borrowed). */
typedef void dtls_send_fn(void *user, const uint8_t *p, size_t n);

/** Starts a connection; `want` (borrowed for life) says which certificate the peer must show and
 *  who begins. A client's first flight leaves at once. -EPROTO: no fingerprint; -ENOMEM. */
int dtls_new(struct dtls_ctx *ctx, const struct peer_dtls *want, dtls_send_fn *send, void *user,
	     struct dtls **ret_dtls);
void dtls_free(struct dtls *d);

/** One datagram from the peer. */
enum dtls_state dtls_input(struct dtls *d, const uint8_t *p, size_t n);
enum dtls_state dtls_state(const struct dtls *d);
/** Microseconds until dtls_timeout() must run; UINT64_MAX: no retransmission is pending. */
uint64_t dtls_wait_us(struct dtls *d);
/** Retransmits the flight whose time is up. */
enum dtls_state dtls_timeout(struct dtls *d);
/** Why it failed: a constant. */
const char *dtls_failure(const struct dtls *d);

/** The SRTP keys, once READY. -EAGAIN before; -EPROTONOSUPPORT, -EIO. */
int dtls_export(struct dtls *d, struct dtls_keys *ret_keys);
/** Says goodbye (close_notify). */
void dtls_close(struct dtls *d);
struct dtls_counts dtls_counts(const struct dtls *d);

#endif
