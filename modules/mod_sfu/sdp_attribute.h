/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_SDP_ATTRIBUTE_H
#define SFU_SDP_ATTRIBUTE_H

#include "sdp.h"

/* An offer half read: shared by sdp.c, which reads lines, and sdp_attribute.c. */

struct sdp_parsing {
	struct stoa_sdp *sdp;
	struct sdp_section session; /* what sections start from */
	struct sdp_section *s;      /* where attributes go now  */
	uint32_t cap;
	bool has_version;
	struct stoa_str bundle; /* mids of the BUNDLE group */
	int err;
};

/** "name:value", or "name" alone, of an a-line, for the section (or the session) that is read. */
void sdp_attribute_apply(struct sdp_parsing *p, struct stoa_str v);

#endif
