/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's packet pool: one reserved mapping, carved from the front, recycled last in first
 * out so that hot packets stay hot. A page that was never needed is never touched. */
#include "packet.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

struct packet_pool {
	struct packet *slots, *free;
	uint32_t max, carved, used;
};

int packet_pool_new(uint32_t max, struct packet_pool **ret_pool)
{
	struct packet_pool *pool = calloc(1, sizeof(*pool));
	void *map;

	if (!pool)
		return -ENOMEM;
	map = mmap(NULL, (size_t)max * sizeof(struct packet), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED) {
		free(pool);
		return -ENOMEM;
	}
	pool->slots = map;
	pool->max = max;
	*ret_pool = pool;
	return 0;
}

void packet_pool_free(struct packet_pool *pool)
{
	if (!pool)
		return;
	assert(pool->used == 0);
	munmap(pool->slots, (size_t)pool->max * sizeof(struct packet));
	free(pool);
}

uint32_t packet_pool_used(const struct packet_pool *pool)
{
	return pool->used;
}

struct packet *packet_new(struct packet_pool *pool)
{
	struct packet *p = pool->free;

	if (p) {
		pool->free = p->next;
	} else {
		if (pool->carved == pool->max)
			return NULL;
		p = &pool->slots[pool->carved++];
		p->pool = pool;
	}
	pool->used++;
	p->next = NULL;
	p->refs = 1;
	p->len = 0;
	p->flags = 0;
	p->n_exts = 0;
	p->vp8.desc_len = 0;
	return p;
}

void packet_release(struct packet *p)
{
	struct packet_pool *pool = p->pool;

	p->next = pool->free;
	pool->free = p;
	pool->used--;
}
