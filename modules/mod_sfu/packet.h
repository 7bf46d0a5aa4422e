/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_PACKET_H
#define SFU_PACKET_H

#include <stoa/base.h>

/*
 * One received RTP packet, shared by the ring of its layer and by every subscriber.
 *
 * The shell takes a packet from the worker's pool, receives the datagram into data[], decrypts it
 * in place, sets `len` and `arrived_us`, and hands it to engine_rtp(). The engine parses it once
 * into the descriptor below; from then on it is immutable. Counts are not atomic: a packet never
 * leaves its worker.
 */

#define PACKET_ROOM     1536 /* longest datagram; recvmmsg() truncation beyond it is a drop */
#define PACKET_EXTS_MAX 8

struct packet_pool;

enum packet_flag {
	PACKET_MARKER = 1,      /* last packet of a frame (video), start of a talk spurt (audio)  */
	PACKET_KEYFRAME = 2,    /* belongs to a key frame, as far as this packet tells            */
	PACKET_SWITCH = 4,      /* first packet of a key frame: a decoder may start here          */
	PACKET_FRAME_START = 8, /* first packet of a frame                                        */
	PACKET_VOICE = 16,      /* RFC 6464 V bit                                                 */
	PACKET_HAS_LEVEL = 32,
	PACKET_RECOVERED = 64, /* came as a retransmission                                       */
};

struct packet_ext {   /* one header extension element, by meaning, not by id */
	uint8_t kind; /* enum rtp_ext */
	uint8_t len;
	uint16_t off; /* into data[] */
};

struct packet_vp8 {       /* RFC 7741 section 4.2, for rewriting */
	uint8_t desc_len; /* bytes of descriptor before the payload header; 0: not VP8 */
	uint8_t flags;    /* VP8_HAS_… */
	uint16_t picture_id;
	uint8_t tl0picidx;
	uint8_t tid_y_key; /* TID (2), Y (1), KEYIDX (5) as on the wire */
	uint8_t first;     /* first octet of the descriptor */
};

struct packet {
	struct packet_pool *pool;
	struct packet *next; /* free list, and the shell's own queues */
	uint32_t refs;
	uint16_t len; /* of the RTP packet in data[]: header to the last byte after decryption */

	/* written by the engine, once */
	uint16_t payload_off, payload_len; /* without padding and without RTX's sequence number */
	uint8_t pt, layer, flags, level;
	uint8_t n_exts;
	uint32_t seq; /* extended (16 bits of cycles above); of the original packet, if RTX */
	uint32_t timestamp;
	uint64_t arrived_us;
	struct packet_vp8 vp8;
	struct packet_ext exts[PACKET_EXTS_MAX];

	uint8_t data[PACKET_ROOM] __attribute__((aligned(16)));
};

/** A pool of at most `max` packets. Address space is reserved at once, memory is used as packets
 *  are: an idle pool costs nothing. -ENOMEM. Thread: any, then one. */
int packet_pool_new(uint32_t max, struct packet_pool **ret_pool);
/** All packets must have come back (asserted). NULL is fine. */
void packet_pool_free(struct packet_pool *pool);
uint32_t packet_pool_used(const struct packet_pool *pool);

/** A packet with one reference and no content; NULL when `max` are in use. No system call. */
struct packet *packet_new(struct packet_pool *pool);

static inline struct packet *packet_ref(struct packet *p)
{
	p->refs++;
	return p;
}

void packet_release(struct packet *p); /* refs came to 0 */

static inline void packet_unref(struct packet *p)
{
	if (p && --p->refs == 0)
		packet_release(p);
}

#endif
