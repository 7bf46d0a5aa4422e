/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected how often. Slots are found by a hash of the address and live as long as one of
 * its connections or its request budget is in use; a full neighbourhood refuses newcomers rather
 * than forget a limit. Connections are counted on ctl, requests on the edges. */
#include "limit.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <stoa/util.h>

#define SLOTS     65536u /* more addresses at once than connections we could hold */
#define PROBE     32u
#define BUDGET_MS 60000u

struct limit_slot {
	uint8_t key[16];
	bool used;
	unsigned connections; /* under the lock */
	/* A leaky bucket as one number (GCRA): the time in µs at which the budget is full again, so
	 * that a request is one compare-and-swap. */
	atomic_uint_fast64_t full_at;
};

struct limit_table {
	pthread_mutex_t lock;
	unsigned connections;
	struct limit_slot slots[SLOTS];
};

struct limit_table *limit_table_new(void)
{
	struct limit_table *t = calloc(1, sizeof(*t)); /* pages come when they are touched */

	if (t)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

void limit_table_free(struct limit_table *t)
{
	if (t)
		pthread_mutex_destroy(&t->lock);
	free(t);
}

static void key_of(const struct sockaddr *sa, uint8_t key[16])
{
	memset(key, 0, 16);
	if (sa->sa_family == AF_INET6) {
		const struct in6_addr *a =
			&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;

		memcpy(key, a, IN6_IS_ADDR_V4MAPPED(a) ? 16 : 8);
	} else if (sa->sa_family == AF_INET) {
		key[10] = key[11] = 0xff;
		memcpy(key + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	}
}

static bool is_idle(const struct limit_slot *s, uint64_t now_ms)
{
	return !s->used || (s->connections == 0 && atomic_load(&s->full_at) <= now_ms * 1000);
}

static struct limit_slot *slot_get(struct limit_table *t, const uint8_t key[16])
{
	uint64_t h = stoa_hash(key, 16), now = stoa_now_ms();
	struct limit_slot *spare = NULL;

	for (unsigned i = 0; i < PROBE; i++) {
		struct limit_slot *s = &t->slots[(h + i) % SLOTS];

		if (s->used && memcmp(s->key, key, 16) == 0)
			return s;
		if (!spare && is_idle(s, now))
			spare = s;
	}
	if (spare) {
		memcpy(spare->key, key, 16);
		spare->used = true;
		spare->connections = 0;
		atomic_store(&spare->full_at, 0);
	}
	return spare;
}

struct limit_slot *limit_connect(struct limit_table *t, const struct sockaddr *peer,
				 unsigned connections_max, unsigned per_address)
{
	struct limit_slot *s = NULL;
	uint8_t key[16];

	key_of(peer, key);
	pthread_mutex_lock(&t->lock);
	if (!connections_max || t->connections < connections_max)
		s = slot_get(t, key);
	if (s && per_address && s->connections >= per_address)
		s = NULL;
	if (s) {
		s->connections++;
		t->connections++;
	}
	pthread_mutex_unlock(&t->lock);
	return s;
}

void limit_disconnect(struct limit_table *t, struct limit_slot *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&t->lock);
	s->connections--;
	t->connections--;
	pthread_mutex_unlock(&t->lock);
}

unsigned limit_request(struct limit_slot *s, unsigned per_minute, uint64_t now_ms)
{
	const uint64_t burst = (uint64_t)BUDGET_MS * 1000 / 6;
	uint64_t cost, at, next;

	if (!s || !per_minute)
		return 0;
	cost = (uint64_t)BUDGET_MS * 1000 / per_minute;
	at = atomic_load_explicit(&s->full_at, memory_order_relaxed);
	do {
		uint64_t now_us = now_ms * 1000, from = at > now_us ? at : now_us;

		if (from > now_us + burst)
			return (unsigned)((from - now_us - burst + 999999) / 1000000);
		next = from + cost;
	} while (!atomic_compare_exchange_weak_explicit(
		&s->full_at, &at, next, memory_order_relaxed, memory_order_relaxed));
	return 0;
}

unsigned limit_connections(const struct limit_table *t)
{
	return t->connections;
}
