/* SPDX-License-Identifier: Apache-2.0 */
/* Remote addresses, and the table that finds what belongs to one: open addressing, one cache line
 * or two per look-up. Only addresses that passed an authenticated check get in, so nobody can fill
 * it from outside. One thread. */
#ifndef SFU_ADDRESS_H
#define SFU_ADDRESS_H

#include <netinet/in.h>
#include <stoa/base.h>

struct address {        /* no padding: compared and hashed as bytes */
	uint8_t ip[16]; /* IPv4 in the first four, the rest zero    */
	uint16_t port;  /* host order                               */
	uint8_t family; /* 4 or 6                                   */
	uint8_t socket; /* index of our socket it talks to          */
};

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/** -EAFNOSUPPORT for what is neither IPv4 nor IPv6. */
int address_from(const union sockaddr_any *sa, uint8_t socket, struct address *ret_a);
/** Yields the length of the socket address. */
socklen_t address_to(const struct address *a, union sockaddr_any *ret_sa);
static inline bool address_eq(const struct address *a, const struct address *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}
/** "192.0.2.1:7882" or "[2001:db8::1]:7882". */
#define ADDRESS_TEXT 64
void address_format(const struct address *a, char out[ADDRESS_TEXT]);

struct address_entry {
	struct address key;
	void *value; /* NULL: free */
};

struct address_map {
	struct address_entry *entries; /* 2^k; at most half are used */
	uint32_t n, cap;
	uint64_t seed;
};

void address_map_init(struct address_map *m, uint64_t seed);
void address_map_reset(struct address_map *m);
void *address_map_get(const struct address_map *m, const struct address *key);
/** Sets, also over an old value. -ENOMEM. */
int address_map_set(struct address_map *m, const struct address *key, void *value);
void address_map_remove(struct address_map *m, const struct address *key);

#endif
