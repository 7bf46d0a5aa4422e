/* SPDX-License-Identifier: Apache-2.0 */
/* Read without locks, replace at leisure: readers mark that they are inside, the one writer swaps
 * an atomic pointer and frees the old thing once it saw every reader that was inside leave.
 *
 * Why it holds: a reader counts itself in before it loads a pointer (both sequentially consistent).
 * Whoever still holds the old one was counted before the swap, and stays counted. Each of the two
 * counters seen at zero after the swap, in any order, means that all of them left. There are two
 * only so that newcomers can be sent to one while the other drains. */
#ifndef MOD_AUTH_GATE_H
#define MOD_AUTH_GATE_H

#include <stdatomic.h>
#include <stoa/base.h>

struct gate_item;

struct gate { /* zero-initialised is ready */
	_Atomic uint32_t readers[2];
	_Atomic uint32_t side;             /* where newcomers count themselves */
	struct gate_item *fresh, *waiting; /* the writer's                     */
	uint32_t seen_empty;               /* bits: sides seen at zero since `waiting` was filled */
};

typedef void gate_free_fn(void *p);

/** Enters; what is loaded until gate_leave() stays. Wait-free. Thread: any. */
static inline uint32_t gate_enter(struct gate *g)
{
	uint32_t side = atomic_load(&g->side) & 1;

	atomic_fetch_add(&g->readers[side], 1);
	return side;
}

/** `side` is what gate_enter() gave. Thread: the one that entered. */
static inline void gate_leave(struct gate *g, uint32_t side)
{
	atomic_fetch_sub(&g->readers[side], 1);
}

/** Frees `p`, which no pointer leads to any more, once nobody can be reading it. NULL is fine.
 *  Thread: the writer. */
void gate_retire(struct gate *g, void *p, gate_free_fn *fn);

/** Frees what has become free; true while something waits (call again later). Thread: writer. */
bool gate_poll(struct gate *g);

/** Frees everything; no reader may be inside. Thread: the writer. */
void gate_finish(struct gate *g);

#endif
