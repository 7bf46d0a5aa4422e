/* SPDX-License-Identifier: Apache-2.0 */
/* What the body of an initiate asks for, checked. */
#ifndef SIGNALING_WISH_H
#define SIGNALING_WISH_H

#include "signaling.h"

#define WISH_FIELDS_MAX 8

struct wish { /* what the body asks for; strings borrowed from it */
	const char *type, *channel_id;
	const char **callees;
	uint32_t n_callees, max_participants;
	bool is_direct;
	json_t *metadata;
	struct stoa_http_field wrong[WISH_FIELDS_MAX];
	uint32_t n_wrong;
};

/** Reads the body; `w->callees` has room for CALL_SIZE_MAX. False: the request was answered with 400
 *  and the fields at fault. */
bool wish_read(struct wish *w, struct request *rq);

#endif
