/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_SECTIONS_H
#define SFU_SECTIONS_H

#include "codec.h"
#include "rtp.h"

/*
 * What a worker must know of a negotiated description to find the layer an incoming packet belongs
 * to: one entry per m-section, in the description's order. Made on ctl, then owned by the engine.
 * Payload types and extension ids are scoped to their section.
 */

#define SECTION_PTS_MAX   4
#define SECTION_RIDS_MAX  3
#define SECTION_SSRCS_MAX 8
#define MID_MAX           16
#define RID_MAX           16

struct source;

struct section_pt {
	uint8_t pt;
	uint8_t codec;  /* enum codec */
	bool is_rtx;    /* RFC 4588; `codec` is that of the repaired stream */
	uint8_t repair; /* RTX: payload type of the repaired stream */
};

struct section_ssrc { /* "a=ssrc", "a=ssrc-group:FID" and ":SIM" lines */
	uint32_t ssrc;
	uint8_t layer;
	bool is_rtx;
};

struct section {
	char mid[MID_MAX + 1];
	uint8_t mid_len;
	struct source *source; /* NULL: nothing is received in this section */
	uint8_t n_pts, n_rids, n_ssrcs;
	struct section_pt pts[SECTION_PTS_MAX];
	char rids[SECTION_RIDS_MAX][RID_MAX + 1]; /* index: layer, lowest first */
	struct section_ssrc ssrcs[SECTION_SSRCS_MAX];
	uint8_t ext_kinds[RTP_EXT_ID_MAX + 1]; /* enum rtp_ext by id */
};

struct sections {
	bool reduced_size; /* a=rtcp-rsize: feedback need not start with a report */
	uint32_t n;
	struct section s[];
};

/** `n` empty sections; NULL when out of memory. free() frees them. */
struct sections *sections_new(uint32_t n);

static inline const struct section_pt *section_find_pt(const struct section *s, uint8_t pt)
{
	for (const struct section_pt *p = s->pts; p < s->pts + s->n_pts; p++)
		if (p->pt == pt)
			return p;
	return NULL;
}

/** The id an extension has in a section; 0: not negotiated. */
static inline uint8_t section_ext_id(const struct section *s, enum rtp_ext kind)
{
	for (uint8_t id = 1; id <= RTP_EXT_ID_MAX; id++)
		if (s->ext_kinds[id] == kind)
			return id;
	return 0;
}

#endif
