/* SPDX-License-Identifier: Apache-2.0 */
/* Hash table from bytes to pointers: open addressing, linear probing, a power of two of slots,
 * at most 3/4 used or dead. Keys live in one allocation each. Removing leaves a dead slot, never
 * moves others, so that a walk may remove the entry it stands on. */
#include <errno.h>
#include <stdlib.h>

#include <stoa/util.h>

#define MIN_SLOTS 16

struct key {
	size_t n;
	char p[];
};

struct slot {
	struct key *key; /* NULL: empty or dead */
	void *value;
	uint32_t hash;
	bool is_dead;
};

struct stoa_map {
	struct slot *slots;
	size_t n_slots, n_used, n_dead;
};

struct stoa_map *stoa_map_new(void)
{
	return calloc(1, sizeof(struct stoa_map));
}

void stoa_map_free(struct stoa_map *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_slots; i++)
		free(t->slots[i].key);
	free(t->slots);
	free(t);
}

static struct slot *find(const struct stoa_map *t, struct stoa_str key, uint32_t hash)
{
	size_t mask = t->n_slots - 1;

	if (!t->n_slots)
		return NULL;
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct slot *s = &t->slots[i];

		if (!s->key && !s->is_dead)
			return NULL;
		if (s->key && s->hash == hash && stoa_str_eq(key, stoa_strn(s->key->p, s->key->n)))
			return s;
	}
}

static struct slot *free_slot(struct slot *slots, size_t n_slots, uint32_t hash)
{
	size_t mask = n_slots - 1, i = hash & mask;

	while (slots[i].key)
		i = (i + 1) & mask;
	return &slots[i];
}

/* A table with room for one more, without dead slots. */
static int rehash(struct stoa_map *t)
{
	size_t n = MIN_SLOTS;
	struct slot *slots;

	while (n / 2 < t->n_used + 1)
		n *= 2;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_slots; i++) {
		if (t->slots[i].key)
			*free_slot(slots, n, t->slots[i].hash) = t->slots[i];
	}
	free(t->slots);
	t->slots = slots;
	t->n_slots = n;
	t->n_dead = 0;
	return 0;
}

static struct key *key_dup(struct stoa_str s)
{
	struct key *k = malloc(sizeof(*k) + s.n + 1);

	if (!k)
		return NULL;
	k->n = s.n;
	if (s.n)
		memcpy(k->p, s.p, s.n);
	k->p[s.n] = '\0';
	return k;
}

void *stoa_map_get(const struct stoa_map *t, struct stoa_str key)
{
	struct slot *s = find(t, key, (uint32_t)stoa_hash(key.p, key.n));

	return s ? s->value : NULL;
}

int stoa_map_set(struct stoa_map *t, struct stoa_str key, void *value, void **ret_old)
{
	uint32_t hash = (uint32_t)stoa_hash(key.p, key.n);
	struct slot *s = find(t, key, hash);
	struct key *k;

	if (ret_old)
		*ret_old = s ? s->value : NULL;
	if (s) {
		s->value = value;
		return 0;
	}
	if ((t->n_used + t->n_dead + 1) * 4 > t->n_slots * 3 && rehash(t) < 0)
		return -ENOMEM;
	k = key_dup(key);
	if (!k)
		return -ENOMEM;
	s = free_slot(t->slots, t->n_slots, hash);
	t->n_dead -= s->is_dead;
	*s = (struct slot){ .key = k, .value = value, .hash = hash };
	t->n_used++;
	return 0;
}

void *stoa_map_remove(struct stoa_map *t, struct stoa_str key)
{
	struct slot *s = find(t, key, (uint32_t)stoa_hash(key.p, key.n));
	void *value;

	if (!s)
		return NULL;
	value = s->value;
	free(s->key);
	*s = (struct slot){ .is_dead = true };
	t->n_used--;
	t->n_dead++;
	return value;
}

size_t stoa_map_len(const struct stoa_map *t)
{
	return t->n_used;
}

bool stoa_map_next(const struct stoa_map *t, size_t *pos, struct stoa_str *ret_key,
		   void **ret_value)
{
	for (; *pos < t->n_slots; ++*pos) {
		const struct slot *s = &t->slots[*pos];

		if (!s->key)
			continue;
		if (ret_key)
			*ret_key = stoa_strn(s->key->p, s->key->n);
		if (ret_value)
			*ret_value = s->value;
		++*pos;
		return true;
	}
	return false;
}
