/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_DOWNTRACK_H
#define SFU_DOWNTRACK_H

#include "codec.h"
#include "engine.h"
#include "rtcp.h"
#include "rtp.h"
#include "sections.h"
#include <stoa/list.h>

/*
 * One track on its way to one subscriber: a stream with its own SSRC and numbering, made of
 * whatever layer is current. Numbers never jump: sequence numbers, timestamps and VP8 picture ids
 * go on when the layer changes, and a packet that is left out leaves no gap.
 */

#define DOWNTRACK_RING_VIDEO 512 /* sent packets that can be asked for again; powers of two */
#define DOWNTRACK_RING_AUDIO 64
#define RESEND_MAX           6     /* per packet                    */
#define RESEND_PAUSE_US      20000 /* between two of the same packet */

struct sent {               /* by outgoing sequence number: 16 bytes per packet */
	uint32_t seq;       /* extended, of the layer */
	uint32_t ts_offset; /* outgoing minus incoming */
	uint16_t pid_offset;
	uint16_t resent_ms; /* clock modulo 2^16 */
	uint8_t tl0_offset, keyidx_offset;
	uint8_t layer;
	uint8_t state; /* SENT_… and the number of resends in the low bits */
};

enum { SENT_HOLE = 0x80, SENT_PADDING = 0x40, SENT_MID = 0x20, SENT_RESENDS = 0x0f };

struct downtrack_settings {      /* negotiated, fixed for its life */
	uint32_t ssrc, rtx_ssrc; /* rtx_ssrc 0: plain retransmission */
	enum codec codec;
	uint32_t clock;
	uint8_t pt, rtx_pt, mid_len;
	bool has_nack;
	uint8_t ext_ids[RTP_EXTS]; /* 0: not negotiated in the subscriber's section */
	char mid[MID_MAX + 1];
	uint16_t first_seq; /* below 2^15, so that the rollover counter starts at 0 */
	uint16_t first_rtx_seq;
	uint64_t track;
	char cname[32];
};

#define LAYER_NONE 0xff

/* Ordered by how often it is needed: a packet sent touches the first three cache lines, the tail of
 * the ring, and nothing else of a subscriber. */
struct downtrack {
	struct stoa_list in_source;
	struct source *source; /* NULL once removed */
	struct peer *peer;     /* NULL once closed  */
	bool is_paused, is_started;
	uint8_t max_layer, current, target, last_layer;
	bool is_mid_known; /* a report about this SSRC came: MID need not be sent any more */
	uint8_t fraction_lost;

	/* mapping in force */
	uint32_t in_high; /* highest extended sequence number taken from the current layer */
	uint32_t ts_offset;
	uint64_t out_high; /* outgoing, with rollover counter */
	uint64_t out_first;
	struct sent *ring;
	uint32_t ring_mask;
	uint16_t pid_offset, last_pid;
	uint8_t tl0_offset, keyidx_offset, last_tl0, last_keyidx;
	uint32_t last_ts;
	uint64_t last_us;
	uint32_t packets, octets; /* of sender reports */

	struct downtrack_settings set;

	/* now and then */
	struct stoa_list in_peer;
	uint64_t rtx_high;
	uint32_t sr_ntp_mid; /* middle bits of the last sender report sent */
	uint64_t sr_us;
};

/** A downtrack to go out with COMMAND_DOWNTRACK_ADD. NULL when out of memory. Thread: ctl. */
struct downtrack *downtrack_new(const struct downtrack_settings *s, struct source *source,
				struct peer *peer);
/** Thread: ctl, after COMMAND_DOWNTRACK_REMOVE came back. */
void downtrack_free(struct downtrack *d);

struct engine;
struct layer;

/** Forwards a packet of `l` if it is this downtrack's turn. The packet path. */
void downtrack_forward(struct engine *e, struct downtrack *d, const struct layer *l,
		       struct packet *p, uint64_t now_us);
/** The subscriber misses a packet: sends it again, if it is still known. */
void downtrack_resend(struct engine *e, struct downtrack *d, uint16_t seq, uint64_t now_us);
/** Chooses the layer to aim at out of those live. True: a key frame of `target` is needed. */
bool downtrack_aim(struct downtrack *d);
/** What is sent from now on starts at a key frame again (after mute, pause, loss of transport). */
void downtrack_restart(struct downtrack *d);
/** The sender report of now; false before anything was sent or heard from the publisher. */
bool downtrack_report(struct downtrack *d, uint64_t now_us, struct rtcp_sender_info *ret_info);

#endif
