/* SPDX-License-Identifier: Apache-2.0 */
/* Media grants: LiveKit access tokens read and written (claims only; jws.c signs and checks). */
#ifndef MOD_AUTH_GRANT_H
#define MOD_AUTH_GRANT_H

#include <jansson.h>
#include <stoa/iface/auth.h>
#include "jws.h"

/** Reads checked claims. -EACCES with a reason, -ENOMEM. Thread: any. */
int grant_new(json_t *claims, const struct jws_times *times,
	      const struct stoa_media_grant **ret_grant, const char **ret_why);
void grant_free(const struct stoa_media_grant *g);

/** The claims of a token for `g`, signed by `api_key`; NULL when out of memory. */
json_t *grant_claims(const struct stoa_media_grant *g, const char *api_key, int64_t issued_s,
		     int64_t expires_s);

#endif
