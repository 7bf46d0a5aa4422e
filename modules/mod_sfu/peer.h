/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_PEER_H
#define SFU_PEER_H

#include "engine.h"
#include "sections.h"
#include "twcc.h"
#include <stoa/list.h>

/* One transport as the engine sees it: what comes in over it (an SSRC table that learns) and what
 * goes out (its downtracks). Allocated on ctl, lives on its worker. */

#define PEER_SSRCS_MAX 64 /* slots of the table; three quarters of them are used at most */

struct layer;
struct downtrack;

struct ssrc_route {
	uint32_t ssrc;
	uint16_t section;
	bool is_rtx;
	struct layer *layer; /* NULL: free slot */
};

struct peer {
	struct peer_io *io;
	uint64_t id;
	uint32_t ssrc;       /* of our reports and feedback */
	uint32_t media_ssrc; /* some stream received: feedback about the transport names one */
	bool is_linked, is_connected;
	struct stoa_list in_engine; /* struct engine.peers, ordered by report_due_us */
	struct stoa_list in_twcc;   /* struct engine.twcc_peers when feedback is due */
	uint64_t report_due_us;
	struct stoa_list downtracks;
	uint32_t n_downtracks;
	struct sections *sections; /* NULL before the first description */
	struct ssrc_route routes[PEER_SSRCS_MAX];
	unsigned n_routes;
	uint32_t rtt_us; /* smoothed, from reports; 0: not known yet */
	uint64_t remb_bps;
	uint8_t worst_lost; /* fraction lost, of 256, either way, since quality was last judged */
	uint64_t quality_us;
	uint8_t score; /* last told: 1 to 5; 0: none yet */
	struct twcc twcc;
};

/** A peer to go out with COMMAND_PEER_OPEN. NULL when out of memory. Thread: ctl. */
struct peer *peer_new(uint64_t id, uint32_t ssrc);
/** Thread: ctl, after COMMAND_PEER_CLOSE came back. */
void peer_free(struct peer *p);

struct ssrc_route *peer_find_route(struct peer *p, uint32_t ssrc);
/** Adds or replaces. NULL when the table is full. */
struct ssrc_route *peer_add_route(struct peer *p, uint32_t ssrc, struct layer *layer,
				  uint16_t section, bool is_rtx);
/** Forgets the routes to layers of `source`, or all when it is NULL. */
void peer_drop_routes(struct peer *p, const struct source *source);
/** A new set of sections: routes into sections that now mean something else are forgotten.
 *  Returns the former set. */
struct sections *peer_set_sections(struct peer *p, struct sections *sections);

struct downtrack *peer_find_downtrack(struct peer *p, uint32_t ssrc);

/** Finds the layer a packet belongs to: by its SSRC if that is known, else by MID and RID, by the
 *  SSRC lines of the description, or by a payload type that only one live section has; then the
 *  SSRC is locked to it. NULL: nobody's. */
struct ssrc_route *peer_demux(struct peer *p, const uint8_t *data, const struct rtp_header *h);

#endif
