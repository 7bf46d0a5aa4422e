/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_ENGINE_H
#define SFU_ENGINE_H

#include "command.h"
#include "packet.h"
#include <stoa/base.h>

/*
 * The forwarding core of one worker: packets, time and commands in; packets and notices out.
 *
 * No socket, no clock, no lock, no log, no allocation: the same input always gives the same output.
 * The shell (worker.c) feeds it and carries out what it asks for through `struct engine_out`, all
 * on the worker's own thread, all within the call. Times are monotonic microseconds and never go
 * back.
 */

struct engine;
struct peer; /* peer.h: one transport; the shell uses peer_io(), peer_set_io() and peer_id() */

#define SEND_HEAD_MAX 128 /* longest `head` the engine builds */

/* One RTP packet to encrypt and send. Encryption reads `head` and the payload and writes into the
 * send slab, which is the only copy made of the payload. */
struct send_rtp {
	const uint8_t
		*head; /* borrowed for the call: RTP header with extensions (P bit clear), then */
	/* the prefix                                                           */
	uint16_t head_len;     /* header: authenticated, not encrypted     */
	uint16_t prefix_len;   /* bytes after it, encrypted before the payload (RTX OSN, VP8
				  descriptor) */
	struct packet *packet; /* NULL: padding only. Take a reference to keep it past the call */
	uint16_t payload_off, payload_len; /* of packet->data */
	uint8_t pad_len; /* RTP padding the engine wants; the shell may add more (and sets the P
			    bit) */
	bool is_retransmission;
	uint64_t
		index; /* SRTP index (RFC 3711 section 3.3.1): 48 bits, rollover counter included */
	uint32_t ssrc;
};

struct engine_out {
	void (*rtp)(void *io, struct peer *peer, const struct send_rtp *s);
	/* A compound of at most 1200 bytes, not encrypted; the shell appends the SRTCP trailer. */
	void (*rtcp)(void *io, struct peer *peer, const uint8_t *bytes, size_t n);
	/* Something ctl should know; the shell copies it and sees to model_notice(). */
	void (*notify)(void *io, const struct notice *n);
};

struct engine_stats { /* counted by the engine; the shell adds the differences to its metrics */
	uint64_t packets_in, packets_out, bytes_in, bytes_out;
	uint64_t drop_malformed; /* not RTP, or a length that leaves the packet        */
	uint64_t drop_unknown;   /* no section wants this SSRC or payload type         */
	uint64_t drop_duplicate, drop_late, drop_muted;
	uint64_t nacks_in, nacks_out, retransmitted, retransmit_missed, recovered, lost;
	uint64_t plis_in, plis_out, keyframes, layer_switches;
	uint64_t rtcp_in, rtcp_malformed, twcc_out;
};

/** `io` is passed to every function of `out`. -ENOMEM. */
int engine_new(const struct engine_out *out, void *io, struct packet_pool *pool, uint64_t now_us,
	       struct engine **ret_engine);
/** All peers must be closed before (asserted in debug builds). NULL is fine. */
void engine_free(struct engine *e);
const struct engine_stats *engine_stats(const struct engine *e);

/** A decrypted RTP packet with `len` and `arrived_us` set. Takes the caller's reference, always.
 *  What is to be forwarded goes out with engine_flush(). */
void engine_rtp(struct engine *e, struct peer *peer, struct packet *packet_take, uint64_t now_us);
/** Forwards what engine_rtp() took in: after every batch. engine_tick() and engine_apply() begin
 *  with it. */
void engine_flush(struct engine *e, uint64_t now_us);
/** A decrypted RTCP compound. */
void engine_rtcp(struct engine *e, struct peer *peer, const uint8_t *bytes, size_t n,
		 uint64_t now_us);
/** Time passed: losses to ask for, reports, feedback, layer choice. Returns when to call again at
 *  the latest (UINT64_MAX: not before the next packet or command). Calling early is fine. */
uint64_t engine_tick(struct engine *e, uint64_t now_us);

/** DTLS is done and keys are in place: what is subscribed may flow. Tells ctl. */
void engine_peer_connected(struct engine *e, struct peer *peer, uint64_t now_us);
/** The shell gave up on it (no checks for too long, DTLS failed or closed): nothing flows until
 *  it is connected again or closed by ctl. Tells ctl with `why`, a constant. */
void engine_peer_lost(struct engine *e, struct peer *peer, enum peer_loss why, uint64_t now_us);

/** Carries out one command from ctl; afterwards the shell sends it back: see command.h. */
void engine_apply(struct engine *e, struct command *c, uint64_t now_us);

struct peer_io; /* the shell's half of a transport */
struct peer_io *peer_io(const struct peer *p);
void peer_set_io(struct peer *p, struct peer_io *io);
uint64_t peer_id(const struct peer *p); /* stoa_transport_id */

#endif
