/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of the configuration tree: making, finding, merging, freeing. Maps are kept ordered by
 * key, so that every walk, dump and diff is reproducible. */
#include "conf_node.h"

#include <errno.h>
#include <stdlib.h>

struct conf_node *node_new(enum conf_kind kind, const struct conf_origin *at)
{
	struct conf_node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->kind = kind;
	if (at)
		n->at = n->key_at = *at;
	return n;
}

void node_free(struct conf_node *n)
{
	while (n) {
		struct conf_node *below = n->below;

		for (size_t i = 0; i < n->child_n; i++)
			node_free(n->child[i]);
		if (n->text)
			explicit_bzero(n->text, n->n); /* it may be a secret written by mistake */
		free(n->child);
		free(n->text);
		free(n->key);
		free(n);
		n = below;
	}
}

/* Where `key` is, or would have to be put. */
static size_t find_place(const struct conf_node *map, const char *key, bool *ret_found)
{
	size_t lo = 0, hi = map->child_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(map->child[mid]->key, key);

		if (cmp == 0) {
			*ret_found = true;
			return mid;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_found = false;
	return lo;
}

struct conf_node *node_find(const struct conf_node *map, const char *key)
{
	bool found;
	size_t i;

	if (!map || map->kind != CONF_MAP)
		return NULL;
	i = find_place(map, key, &found);
	return found ? map->child[i] : NULL;
}

struct conf_node *node_get(const struct conf_node *map, const char *key)
{
	struct conf_node *n = node_find(map, key);

	return n && n->kind != CONF_RESET ? n : NULL;
}

static int insert(struct conf_node *n, size_t at, struct conf_node *child)
{
	if (n->child_n >= CONF_ENTRIES_MAX)
		return -E2BIG;
	if (n->child_n == n->child_cap) {
		size_t cap = n->child_cap ? 2 * n->child_cap : 8;
		struct conf_node **p = reallocarray(n->child, cap, sizeof(*p));

		if (!p)
			return -ENOMEM;
		n->child = p;
		n->child_cap = cap;
	}
	memmove(n->child + at + 1, n->child + at, (n->child_n - at) * sizeof(struct conf_node *));
	n->child[at] = child;
	n->child_n++;
	return 0;
}

int node_add(struct conf_node *map, struct conf_node *child_take)
{
	bool found;
	size_t at = find_place(map, child_take->key, &found);

	return found ? -EEXIST : insert(map, at, child_take);
}

int node_append(struct conf_node *list, struct conf_node *child_take)
{
	return insert(list, list->child_n, child_take);
}

/* Puts one child of a later layer into `dst`. */
static int merge_child(struct conf_node *dst, struct conf_node *child)
{
	bool found;
	size_t at = find_place(dst, child->key, &found);
	struct conf_node *old;
	int r;

	if (!found) {
		r = insert(dst, at, child);
		if (r < 0)
			node_free(child);
		return r;
	}
	old = dst->child[at];
	if (old->kind == CONF_MAP && child->kind == CONF_MAP)
		return node_merge(old, child);
	if (old->kind == CONF_MAP && node_is_empty(child)) { /* `mod_x:` adds nothing */
		node_free(child);
		return 0;
	}
	child->below = old;
	dst->child[at] = child;
	return 0;
}

int node_merge(struct conf_node *dst, struct conf_node *src_take)
{
	int r = 0;

	if (!src_take->at.source || !src_take->at.source->is_argument || !dst->at.source) {
		dst->key_at = src_take->key_at; /* the last file to speak of it: where "must be */
		dst->at = src_take->at;         /* set" points                                  */
	}
	for (size_t i = 0; i < src_take->child_n; i++) {
		struct conf_node *child = src_take->child[i];

		if (r < 0)
			node_free(child);
		else
			r = merge_child(dst, child);
	}
	src_take->child_n = 0;
	node_free(src_take);
	return r;
}

/* ---- sources ---- */

struct conf_source *source_new(const char *name, const char *text, size_t n)
{
	struct conf_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->name = strdup(name);
	s->text = malloc(n + 1);
	if (!s->name || !s->text) {
		source_free(s);
		return NULL;
	}
	memcpy(s->text, text, n);
	s->text[n] = '\0';
	s->n = n;
	return s;
}

void source_free(struct conf_source *s)
{
	if (!s)
		return;
	free(s->name);
	free(s->text);
	free(s);
}
