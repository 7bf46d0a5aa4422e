/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_NEGOTIATE_H
#define SFU_NEGOTIATE_H

#include "model_state.h"

/* An offer on its way to an answer: what the files that negotiate share. The order is negotiate.c's:
 * everything is checked first, then the transport, then section by section. */

#define UPLINK_FEEDBACK (SDP_FB_NACK | SDP_FB_PLI | SDP_FB_FIR | SDP_FB_TRANSPORT_CC)

struct negotiation {
	struct connection *t;
	const struct stoa_sdp *offer;
	struct stoa_answer *answer;
	struct sections *sections;
	struct peer_dtls dtls;
	const struct sdp_section *tagged; /* the section whose transport all share */
};

/** Makes the peer of a new transport, or gives an old one new ICE credentials when the client
 *  restarted. -ENOMEM. */
int negotiate_peer(struct negotiation *n);
/** Binds section `i`, which the client would send in, to the track that was announced for it. 0
 *  also when there is none; -ENOMEM, or the errors of track_bind(). */
int negotiate_uplink(struct negotiation *n, uint32_t i);
/** The first offered codec of those we carry; NULL: none. */
const struct sdp_codec *negotiate_any_codec(const struct sdp_section *s);

#endif
