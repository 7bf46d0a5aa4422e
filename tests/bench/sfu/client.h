/* SPDX-License-Identifier: Apache-2.0 */
/* A synthetic WebRTC client for tests and benchmarks: connectivity checks, DTLS as client, SRTP of
 * either profile, RTP out and in. One socket each; the caller polls client_fd() and calls
 * client_step(). It shares the module's crypto, which has a reference test of its own, and writes
 * its STUN itself, so that the module's is tested against something else. */
#ifndef SFU_CLIENT_H
#define SFU_CLIENT_H

#include "address.h"
#include "dtls.h"
#include "outbox.h"

struct client;

enum client_state { CLIENT_CHECKING, CLIENT_SHAKING, CLIENT_CONNECTED, CLIENT_FAILED };

typedef void client_rtp_fn(void *user, const uint8_t *pkt, size_t n);

struct client_settings {
	struct address server;   /* port set */
	struct dtls_ctx *dtls;   /* ours: its fingerprint is for the offer */
	const char *ufrag, *pwd; /* the server's */
	const char *own_ufrag;
	const char *fingerprint; /* the server's, "sha-256 AB:…" */
	client_rtp_fn *on_rtp;   /* decrypted packets; may be NULL */
	client_rtp_fn *on_rtcp;
	void *user;
	int buffer; /* of the socket; 0: 256 KB */
};

int client_new(const struct client_settings *s, struct client **ret_client);
void client_free(struct client *c);
int client_fd(const struct client *c);
enum client_state client_state(const struct client *c);
/** The SRTP profile in use; 0 before CONNECTED. */
unsigned client_profile(const struct client *c);

/** Reads what came, sends what is due (checks, handshake, keep-alive). */
void client_step(struct client *c, uint64_t now_us);
/** Encrypts and queues an RTP packet with this 48-bit index; client_flush() sends. */
int client_send(struct client *c, const uint8_t *pkt, size_t n, uint64_t index);
int client_send_rtcp(struct client *c, const uint8_t *pkt, size_t n);
void client_flush(struct client *c);
/** Packets that did not decrypt. */
uint64_t client_undecrypted(const struct client *c);

/** A binding request; yields its length, 0 when `cap` is too small. For tests of bad input too. */
size_t client_make_check(uint8_t *out, size_t cap, const char *username, const char *pwd,
			 bool use_candidate, const uint8_t id[12]);
/** "sha-256 AB:…" to bytes. -EINVAL. */
int client_parse_fingerprint(const char *text, struct peer_dtls *ret_want);

#endif
