/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_SOURCE_H
#define SFU_SOURCE_H

#include "codec.h"
#include "engine.h"
#include "rtcp.h"
#include <stoa/list.h>

/*
 * A published track on its worker: one to three layers (simulcast), each received as an RTP stream
 * of its own with statistics, a list of losses to ask for and a ring of packets that all
 * subscribers share.
 */

#define SOURCE_LAYERS_MAX   3
#define NACK_MAX            128 /* losses asked for at a time, per layer */
#define NACK_TRIES          10
#define NACK_RETRY_US       60000 /* when the round trip is not known   */
#define NACK_FIRST_US       5000  /* reordering is allowed this long    */
#define NACK_AGE_US         1500000
#define SEQ_JUMP            1024   /* a larger gap is a new start (RFC 3550 MAX_DROPOUT, sort of) */
#define PLI_INTERVAL_US     500000 /* at least between two to one layer; doubles while unanswered */
#define PLI_INTERVAL_MAX_US 4000000

struct nack {
	uint32_t seq; /* extended */
	uint32_t tries;
	uint64_t since_us, next_us;
};

struct layer {
	struct source *source;
	uint8_t index;
	bool is_started;
	uint32_t ssrc, rtx_ssrc;
	struct stoa_list in_nacking; /* struct engine.nacking while n_nacks > 0 */

	/* reception (RFC 3550 section 6.4.1 and appendix A) */
	uint32_t high, base; /* extended; `base` is the first of this start */
	uint16_t bad_next;   /* a jump backwards is believed when a second packet confirms it */
	bool has_bad_next;
	uint32_t received, expected_prior, received_prior;
	uint32_t transit, jitter16; /* timestamp units; jitter times 16 */
	uint64_t last_us;           /* newest packet's arrival */
	uint32_t last_timestamp;
	bool has_sps; /* H.264 with parameter sets in band: only they begin a key frame */
	uint32_t bytes_window, bitrate;
	uint64_t window_us;

	/* last sender report */
	uint64_t sr_ntp, sr_us;
	uint32_t sr_rtp;
	bool has_sr;

	/* losses */
	uint32_t n_nacks;
	struct nack nacks[NACK_MAX]; /* ascending */

	/* key frames */
	uint64_t pli_us; /* last sent; 0: never */
	uint32_t pli_interval_us;
	bool is_keyframe_wanted;
	uint8_t fir_seq;

	struct packet **ring; /* by extended sequence number; ring_mask + 1 slots */
	uint32_t ring_mask;
};

struct source_settings {
	uint64_t track, participant;
	enum codec codec;
	uint32_t clock; /* Hz */
	uint8_t n_layers;
	bool has_nack, has_pli, has_fir;
};

struct source {
	struct source_settings set;
	struct stage *stage;
	struct peer *peer; /* publisher's transport; NULL once closed */
	bool is_linked, is_live, is_muted;
	struct stoa_list in_engine, in_stage;
	struct stoa_list downtracks;
	struct layer layers[SOURCE_LAYERS_MAX];
	uint8_t top; /* highest live layer */
	uint64_t last_us;

	/* audio: power (16 bits) times milliseconds, and milliseconds, of the current window */
	uint64_t level_sum;
	uint32_t level_ms, level_timestamp;
	bool is_level_known; /* level_timestamp is that of a packet */
	float level_told;    /* last told to ctl; 0: silent */
	uint8_t quiet_windows;
};

/** A source to go out with COMMAND_SOURCE_ADD. Rings are allocated here. NULL when out of memory.
 *  Thread: ctl. */
struct source *source_new(const struct source_settings *s, struct stage *stage, struct peer *peer);
/** Thread: ctl, after COMMAND_SOURCE_REMOVE came back. */
void source_free(struct source *s);

static inline bool source_is_video(const struct source *s)
{
	return s->set.codec != CODEC_OPUS;
}

/* ---- receiver.c: one layer's stream ---- */

enum layer_verdict { LAYER_NEW, LAYER_DUPLICATE, LAYER_LATE };

/** Extends the sequence number, keeps the statistics and the list of losses. For LAYER_NEW the
 *  caller parses the packet and puts it into the ring. */
enum layer_verdict layer_receive(struct layer *l, struct packet *p, uint16_t seq, uint64_t now_us);
/** Gives a packet to the ring (a reference of its own). */
void layer_keep(struct layer *l, struct packet *p);
/** The packet with this extended sequence number, or NULL. Borrowed. */
struct packet *layer_find(const struct layer *l, uint32_t seq);
/** Starts over, as for a new SSRC: ring, losses and statistics are dropped. */
void layer_reset(struct layer *l);
void layer_sender_report(struct layer *l, const struct rtcp_sender_info *info, uint64_t now_us);
/** The report block for a receiver report; false before the first packet. */
bool layer_report(struct layer *l, uint64_t now_us, struct rtcp_report *ret_report);
/** Fills in the losses to ask for now; *ret_next_us is when to look again (UINT64_MAX: never). */
unsigned layer_due_nacks(struct layer *l, uint64_t now_us, uint32_t rtt_us, uint16_t *ret_seqs,
			 unsigned max, uint64_t *ret_next_us, uint64_t *lost);
/** Once per second or so: bitrate of the last window. */
void layer_measure(struct layer *l, uint64_t now_us);

#endif
