/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's side of the gate; never waits: module.c polls on a timer while something is left. */
#include "gate.h"

#include <stdlib.h>

struct gate_item {
	struct gate_item *next;
	void *p;
	gate_free_fn *fn;
};

static void free_items(struct gate_item *i)
{
	while (i) {
		struct gate_item *next = i->next;

		i->fn(i->p);
		free(i);
		i = next;
	}
}

void gate_retire(struct gate *g, void *p, gate_free_fn *fn)
{
	struct gate_item *i;

	if (!p)
		return;
	i = malloc(sizeof(*i));
	if (!i)
		return; /* lost, not freed under a reader */
	*i = (struct gate_item){ .next = g->fresh, .p = p, .fn = fn };
	g->fresh = i;
}

static void begin_waiting(struct gate *g)
{
	g->waiting = g->fresh;
	g->fresh = NULL;
	g->seen_empty = 0;
}

bool gate_poll(struct gate *g)
{
	if (!g->waiting)
		begin_waiting(g);
	if (!g->waiting)
		return false;
	for (uint32_t side = 0; side < 2; side++)
		if (atomic_load(&g->readers[side]) == 0)
			g->seen_empty |= 1u << side;
	if (g->seen_empty == 3) {
		free_items(g->waiting);
		g->waiting = NULL;
		return g->fresh != NULL;
	}
	/* newcomers to the side that was seen empty; the other one drains */
	atomic_store(&g->side, g->seen_empty & 1 ? 0 : 1);
	return true;
}

void gate_finish(struct gate *g)
{
	free_items(g->waiting);
	free_items(g->fresh);
	g->waiting = g->fresh = NULL;
}
