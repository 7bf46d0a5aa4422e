/* SPDX-License-Identifier: Apache-2.0 */
/* Who may read /metrics. Numbers of rooms and people are nobody else's business, so the default is
 * this machine only; and a request that a proxy on this machine forwards is not from here. */
#include <arpa/inet.h>
#include <strings.h>

#include "module.h"

static bool is_loopback(const char *peer)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, peer, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	if (inet_pton(AF_INET6, peer, &v6) != 1)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

/* "Bearer <token>"; the scheme's case does not matter (RFC 9110 section 11.1). */
static bool has_token(struct stoa_str authorization, struct stoa_str token)
{
	static const char scheme[] = "bearer ";
	size_t n = sizeof(scheme) - 1;

	if (!token.n || authorization.n <= n || strncasecmp(authorization.p, scheme, n) != 0)
		return false;
	return stoa_ct_equal(stoa_strn(authorization.p + n, authorization.n - n), token);
}

bool access_check(enum access access, struct stoa_str token, const struct asker *a)
{
	switch (access) {
	case ACCESS_ALL:
		return true;
	case ACCESS_TOKEN:
		return has_token(a->authorization, token);
	case ACCESS_LOCAL:
		return is_loopback(a->peer) && !a->forwarded.n;
	}
	return false;
}
