/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and their table, see address.h. */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAP 64u

_Static_assert(sizeof(struct address) == 20, "no padding");

int address_from(const union sockaddr_any *sa, uint8_t socket, struct address *ret_a)
{
	struct address a = { .socket = socket };

	switch (sa->sa.sa_family) {
	case AF_INET:
		a.family = 4;
		a.port = ntohs(sa->in.sin_port);
		memcpy(a.ip, &sa->in.sin_addr, 4);
		break;
	case AF_INET6:
		a.family = 6;
		a.port = ntohs(sa->in6.sin6_port);
		memcpy(a.ip, &sa->in6.sin6_addr, 16);
		break;
	default:
		return -EAFNOSUPPORT;
	}
	*ret_a = a;
	return 0;
}

socklen_t address_to(const struct address *a, union sockaddr_any *ret_sa)
{
	memset(ret_sa, 0, sizeof(*ret_sa));
	if (a->family == 4) {
		ret_sa->in.sin_family = AF_INET;
		ret_sa->in.sin_port = htons(a->port);
		memcpy(&ret_sa->in.sin_addr, a->ip, 4);
		return sizeof(ret_sa->in);
	}
	ret_sa->in6.sin6_family = AF_INET6;
	ret_sa->in6.sin6_port = htons(a->port);
	memcpy(&ret_sa->in6.sin6_addr, a->ip, 16);
	return sizeof(ret_sa->in6);
}

void address_format(const struct address *a, char out[ADDRESS_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "?";

	inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, ip, sizeof(ip));
	snprintf(out, ADDRESS_TEXT, a->family == 4 ? "%s:%u" : "[%s]:%u", ip, a->port);
}

void address_map_init(struct address_map *m, uint64_t seed)
{
	*m = (struct address_map){ .seed = seed };
}

void address_map_reset(struct address_map *m)
{
	free(m->entries);
	address_map_init(m, m->seed);
}

static uint32_t first_place(const struct address_map *m, const struct address *key)
{
	uint64_t a, b;
	uint32_t c;

	memcpy(&a, key->ip, 8);
	memcpy(&b, key->ip + 8, 8);
	memcpy(&c, &key->port, 4);
	a = (a ^ m->seed) * UINT64_C(0x9E3779B97F4A7C15);
	a = (a ^ a >> 29 ^ b) * UINT64_C(0xBF58476D1CE4E5B9);
	a = (a ^ a >> 32 ^ c) * UINT64_C(0x94D049BB133111EB);
	return (uint32_t)(a >> 32) & (m->cap - 1);
}

/* The place of `key`, or the free one where it would go. */
static uint32_t find_place(const struct address_map *m, const struct address *key)
{
	uint32_t at = first_place(m, key);

	while (m->entries[at].value && !address_eq(&m->entries[at].key, key))
		at = (at + 1) & (m->cap - 1);
	return at;
}

void *address_map_get(const struct address_map *m, const struct address *key)
{
	return m->n ? m->entries[find_place(m, key)].value : NULL;
}

static int grow(struct address_map *m)
{
	uint32_t old_cap = m->cap, cap = m->cap ? 2 * m->cap : FIRST_CAP;
	struct address_entry *old = m->entries, *entries = calloc(cap, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	m->entries = entries;
	m->cap = cap;
	for (uint32_t i = 0; i < old_cap; i++)
		if (old[i].value)
			entries[find_place(m, &old[i].key)] = old[i];
	free(old);
	return 0;
}

int address_map_set(struct address_map *m, const struct address *key, void *value)
{
	uint32_t at;

	if (2 * (m->n + 1) > m->cap && grow(m))
		return -ENOMEM;
	at = find_place(m, key);
	m->n += !m->entries[at].value;
	m->entries[at] = (struct address_entry){ *key, value };
	return 0;
}

/* Closes the gap, so that no run of used places is cut: what follows moves up unless it stands
 * between its first place and the gap. */
void address_map_remove(struct address_map *m, const struct address *key)
{
	uint32_t mask = m->cap - 1, gap;

	if (!m->n || !m->entries[gap = find_place(m, key)].value)
		return;
	m->n--;
	for (uint32_t at = (gap + 1) & mask; m->entries[at].value; at = (at + 1) & mask) {
		uint32_t home = first_place(m, &m->entries[at].key);

		if (((at - home) & mask) >= ((at - gap) & mask)) {
			m->entries[gap] = m->entries[at];
			gap = at;
		}
	}
	m->entries[gap].value = NULL;
}
