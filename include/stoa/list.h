/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_LIST_H
#define STOA_LIST_H

#include <stoa/base.h>

/*
 * Intrusive doubly linked list. A list head and a list member are the same type; an unlinked
 * member points at itself, so unlinking twice is harmless. Inline; not thread safe.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

struct stoa_list {
	struct stoa_list *next, *prev;
};

#define STOA_LIST_INIT(l)                                                                          \
	{                                                                                          \
		&(l), &(l)                                                                         \
	}

static inline void stoa_list_init(struct stoa_list *l)
{
	l->next = l->prev = l;
}

static inline bool stoa_list_empty(const struct stoa_list *l)
{
	return l->next == l;
}

static inline void stoa_list_insert_after(struct stoa_list *at, struct stoa_list *e)
{
	e->prev = at;
	e->next = at->next;
	at->next->prev = e;
	at->next = e;
}

/** Adds at the front of `head`. */
static inline void stoa_list_push(struct stoa_list *head, struct stoa_list *e)
{
	stoa_list_insert_after(head, e);
}

/** Adds at the end of `head`. */
static inline void stoa_list_append(struct stoa_list *head, struct stoa_list *e)
{
	stoa_list_insert_after(head->prev, e);
}

static inline void stoa_list_unlink(struct stoa_list *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
	e->next = e->prev = e;
}

#define STOA_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/** Walks `head`; `pos` is a `type *`. The current member may not be unlinked. */
#define stoa_list_for_each(pos, head, type, member)                                                \
	for ((pos) = STOA_CONTAINER((head)->next, type, member); &(pos)->member != (head);         \
	     (pos) = STOA_CONTAINER((pos)->member.next, type, member))

/** Walks `head`; the current member may be unlinked and freed. `tmp` is a `type *` as well. */
#define stoa_list_for_each_safe(pos, tmp, head, type, member)                                      \
	for ((pos) = STOA_CONTAINER((head)->next, type, member),                                   \
	    (tmp) = STOA_CONTAINER((pos)->member.next, type, member);                              \
	     &(pos)->member != (head);                                                             \
	     (pos) = (tmp), (tmp) = STOA_CONTAINER((tmp)->member.next, type, member))

STOA_END_DECLS

#endif
