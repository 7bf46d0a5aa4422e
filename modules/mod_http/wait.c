/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for a version of a published body: parked by serve.c, woken by whoever
 * publishes, on any thread, or when their time is over. */
#include <stdlib.h>

#include "edge.h"

struct waiter *waiter_new(struct edge *e, struct stoa_str path, const struct published_found *f)
{
	struct waiter *w = calloc(1, sizeof(*w) + path.n + 1);

	if (!w)
		return NULL;
	memcpy(w + 1, path.p, path.n);
	w->path = stoa_strn(w + 1, path.n);
	w->version = f->version;
	w->deadline_ms = e->now_ms + f->park_ms;
	stoa_list_append(&e->parked, &w->link);
	stoa_metric_add(e->h->metrics.parked, 1);
	return w;
}

void waiter_free(struct edge *e, struct waiter *w)
{
	if (!w)
		return;
	stoa_list_unlink(&w->link);
	stoa_metric_add(e->h->metrics.parked, -1);
	free(w);
}

void waiters_wake(struct edge *e, struct stoa_str path)
{
	struct stoa_list found;
	struct waiter *w, *tmp;

	stoa_list_init(&found); /* resuming may park again, behind the list's head */
	stoa_list_for_each_safe (w, tmp, &e->parked, struct waiter, link)
		if (stoa_str_eq(w->path, path)) {
			stoa_list_unlink(&w->link);
			stoa_list_append(&found, &w->link);
		}
	while (!stoa_list_empty(&found)) {
		w = STOA_CONTAINER(found.next, struct waiter, link);
		stoa_list_unlink(&w->link);
		stoa_list_append(&e->parked, &w->link);
		w->resume_fn(w, false);
	}
}

void waiters_tick(struct edge *e)
{
	struct waiter *w, *tmp;

	stoa_list_for_each_safe (w, tmp, &e->parked, struct waiter, link)
		if (e->now_ms >= w->deadline_ms)
			w->resume_fn(w, true);
}

/* ---- from the publishing thread ---- */

struct wakeup {
	struct stoa_task task;
	struct edge *e;
	size_t n;
	char path[];
};

static void run_wakeup(struct stoa_task *t)
{
	struct wakeup *w = STOA_CONTAINER(t, struct wakeup, task);

	waiters_wake(w->e, stoa_strn(w->path, w->n));
	free(w);
}

/* On the publishing thread. */
void waiters_wake_edge(void *user, unsigned edge, struct stoa_str path)
{
	struct http *h = user;
	struct wakeup *w = malloc(sizeof(*w) + path.n);

	if (!w)
		return; /* they find it when their time is over */
	w->task.fn = run_wakeup;
	w->e = h->edges[edge];
	w->n = path.n;
	memcpy(w->path, path.p, path.n);
	if (stoa_post_task(w->e->loop, &w->task) < 0)
		free(w);
}
