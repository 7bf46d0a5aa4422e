/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_SETTINGS_H
#define MOD_HTTP_SETTINGS_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stoa/base.h>
#include <stoa/conf.h>

/* The options in force, frozen: made on ctl at start and reload, counted, read on every edge. */

struct proxy_net { /* a network in IPv6 form (IPv4 mapped) */
	struct in6_addr net;
	unsigned bits;
};

struct settings {
	atomic_uint refs;
	size_t line_max, head_max, body_max;
	uint32_t idle_ms, head_ms, body_ms;
	unsigned connections_max, connections_per_address, requests_per_address;
	char **cors_origins; /* "*" among them: any */
	size_t n_cors_origins;
	char *public_url; /* NULL: from the request; without a last '/' */
	struct proxy_net *proxies;
	size_t n_proxies;
	bool access_log;
};

int settings_new(const struct stoa_conf *c, struct settings **ret);
struct settings *settings_ref(const struct settings *s);
void settings_unref(struct settings *s);

/* "192.0.2.1", "10.0.0.0/8", "2001:db8::/32" -> network; -EINVAL. Pure. */
int proxy_net_parse(const char *text, struct proxy_net *ret);
/* Is the textual address in one of the networks? Pure. */
bool settings_trusts(const struct settings *s, const char *address);

/* Copies an address, without a port or brackets; false when it is none. Pure. */
bool proxy_address_copy(struct stoa_str s, char out[48]);

#endif
