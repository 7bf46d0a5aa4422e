/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_ACCESS_H
#define LIVEKIT_ACCESS_H

#include "livekit.h"

struct refusal { /* why a client is not let in, as livekit-server words it */
	int status;
	const char *text; /* constant */
};

/** The token of an Authorization header of the scheme Bearer; empty when there is none. */
struct stoa_str access_bearer(const struct stoa_http_req *req);

/** Checks the token of a request for the signal socket (query `access_token`, or a Bearer header).
 *  True with a grant, or false with a refusal. Thread: any that owns the request. */
bool access_check(struct livekit *lk, const struct stoa_http_req *req,
		  const struct stoa_media_grant **ret_grant, struct refusal *ret_refusal);

/** Do calls agree that the holder of a token for this room comes in? 0 (also without calls), or
 *  -ESTALE: the call of this room is over; -EACCES: removed from it. On ctl. */
int access_of_call(struct livekit *lk, const struct stoa_media_grant *grant);

/** Answers with a short text that any web page may read. */
void access_answer(struct stoa_http_req *req, int status, const char *text);

/** GET /rtc/validate and /rtc/v1/validate: why the socket was refused. On ctl. */
void access_validate(struct stoa_http_req *req, void *lk);

#endif
