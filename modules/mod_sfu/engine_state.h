/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_ENGINE_STATE_H
#define SFU_ENGINE_STATE_H

#include "downtrack.h"
#include "engine.h"
#include "peer.h"
#include "source.h"

/* What the files of the engine share: the engine itself and the steps it is made of. */

#define TWCC_INTERVAL_US    50000
#define REPORT_INTERVAL_US  1000000
#define CHOOSE_INTERVAL_US  100000 /* layer choice, pending key frame requests */
#define SPEAK_INTERVAL_US   400000
#define QUALITY_INTERVAL_US 5000000
#define LAYER_SILENT_US     1000000 /* a layer this far behind the others is not live */

struct stage { /* the media half of a room */
	uint64_t room;
	bool is_linked;
	struct stoa_list in_engine;
	struct stoa_list sources; /* audio and video */
};

#define STAGED_MAX 64

struct staged {
	struct layer *layer; /* NULL: done */
	struct packet *packet;
};

struct engine {
	const struct engine_out *out;
	void *io;
	struct packet_pool *pool;
	struct stoa_list peers, stages, sources, nacking, twcc_peers;
	uint32_t n_peers;
	uint64_t nack_us, twcc_us, choose_us, speak_us; /* next time of each */
	uint32_t n_staged;
	struct staged staged[STAGED_MAX]; /* taken in, to be forwarded with the batch */
	struct engine_stats stats;
};

struct stage *stage_new(uint64_t room); /* ctl */
void stage_free(struct stage *s);

/* ---- engine_rtcp.c ---- */
void engine_send_rtcp(struct engine *e, struct peer *p, const struct stoa_wcursor *c);
/** Asks the publisher for a key frame of this layer, now or as soon as it may be asked again. */
void engine_want_keyframe(struct engine *e, struct layer *l, uint64_t now_us);

/* ---- engine_report.c ---- */
void engine_send_reports(struct engine *e, struct peer *p, uint64_t now_us);

/* ---- engine_choose.c ---- */
/** Looks which layers are live, aims every downtrack, asks for key frames still missing. */
void engine_choose_layers(struct engine *e, uint64_t now_us);
/** Aims the downtracks of one source, without asking for anything. */
void engine_aim(struct source *s);
void engine_choose_for(struct engine *e, struct source *s, uint64_t now_us);

/* ---- speakers.c ---- */
void speakers_hear(struct source *s, uint8_t level, uint32_t timestamp);
/** Its source goes: whoever was speaking is silent. */
void speakers_forget(struct engine *e, struct source *s);
void engine_tell_speakers(struct engine *e);

static inline void push_engine_list(struct stoa_list *head, struct stoa_list *member)
{
	stoa_list_unlink(member);
	stoa_list_append(head, member);
}

#endif
