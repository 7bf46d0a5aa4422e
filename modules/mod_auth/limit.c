/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets by address. A bucket that has filled up again says nothing and may be forgotten;
 * that is how the table stays small, at most one sweep a second. */
#include "limit.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define MINUTE_MS 60000
#define RETRY_S   5 /* when the table is full of addresses that are all over their limit */

struct bucket {
	uint64_t full_at_ms; /* when it has all its tokens again */
};

struct limit {
	struct stoa_map *by_address;
	uint64_t swept_ms;
};

struct limit *limit_new(void)
{
	struct limit *l = calloc(1, sizeof(*l));

	if (l && !(l->by_address = stoa_map_new())) {
		free(l);
		return NULL;
	}
	return l;
}

void limit_free(struct limit *l)
{
	struct stoa_str key;
	size_t pos = 0;
	void *b;

	if (!l)
		return;
	while (stoa_map_next(l->by_address, &pos, &key, &b))
		free(b);
	stoa_map_free(l->by_address);
	free(l);
}

/* The bytes that count as one address. */
static size_t read_address(const char *peer, uint8_t out[16])
{
	static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET, peer, out) == 1)
		return 4;
	if (inet_pton(AF_INET6, peer, out) != 1) {
		out[0] = 0;
		return 1; /* not an address (a Unix socket): all of them are one */
	}
	if (memcmp(out, v4_mapped, sizeof(v4_mapped)) == 0) {
		memmove(out, out + 12, 4);
		return 4;
	}
	return 8;
}

static void sweep(struct limit *l, uint64_t now_ms)
{
	struct stoa_str key;
	size_t pos = 0;
	void *v;

	l->swept_ms = now_ms;
	while (stoa_map_next(l->by_address, &pos, &key, &v)) {
		struct bucket *b = v;

		if (b->full_at_ms <= now_ms)
			free(stoa_map_remove(l->by_address, key));
	}
}

static struct bucket *add(struct limit *l, struct stoa_str key, uint64_t now_ms)
{
	struct bucket *b;

	if (stoa_map_len(l->by_address) >= LIMIT_ADDRESSES_MAX && now_ms - l->swept_ms >= 1000)
		sweep(l, now_ms);
	if (stoa_map_len(l->by_address) >= LIMIT_ADDRESSES_MAX || !(b = calloc(1, sizeof(*b))))
		return NULL;
	if (stoa_map_set(l->by_address, key, b, NULL) != 0) {
		free(b);
		return NULL;
	}
	return b;
}

uint32_t limit_take(struct limit *l, const char *peer, int64_t per_minute, uint64_t now_ms)
{
	uint64_t cost = MINUTE_MS / (uint64_t)per_minute, full_at;
	uint8_t bytes[16];
	struct stoa_str key = stoa_strn(bytes, read_address(peer, bytes));
	struct bucket *b = stoa_map_get(l->by_address, key);

	if (!b && !(b = add(l, key, now_ms)))
		return RETRY_S;
	full_at = (b->full_at_ms > now_ms ? b->full_at_ms : now_ms) + cost;
	if (full_at - now_ms > MINUTE_MS)
		return (uint32_t)((full_at - now_ms - MINUTE_MS + 999) / 1000);
	b->full_at_ms = full_at;
	return 0;
}
