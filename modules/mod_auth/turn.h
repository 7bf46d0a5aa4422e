/* SPDX-License-Identifier: Apache-2.0 */
/* ICE servers for one client, with time-limited credentials. */
#ifndef MOD_AUTH_TURN_H
#define MOD_AUTH_TURN_H

#include <stoa/iface/auth.h>
#include "keyset.h"

/** One entry for each server of the set. User name "expiry:user", password base64 of its HMAC-SHA1
 *  under the server's secret. -ENOMEM. Thread: any. */
int turn_servers(const struct keyset *set, const char *user, int64_t now_ms,
		 const struct stoa_ice_server **ret_servers, uint32_t *ret_n,
		 int64_t *ret_expires_ms);
void turn_servers_free(const struct stoa_ice_server *servers, uint32_t n);

#endif
