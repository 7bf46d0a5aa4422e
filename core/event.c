/* SPDX-License-Identifier: Apache-2.0 */
/* The event queue. Emitting appends; one task posted to ctl delivers what was there when it began,
 * then posts itself again if more came, so that events cannot starve the loop. */
#include <errno.h>
#include <stdlib.h>

#include <stoa/util.h>

#include "event.h"
#include "loop.h"
#include "self.h"

#define QUEUE_MAX 65536
#define BATCH_MAX 1024

struct queued {
	struct stoa_list link;
	struct stoa_event ev;
	json_t *data;
	char name[];
};

struct listener {
	struct stoa_list link;
	struct stoa_mod *mod; /* NULL: removed while events were delivered */
	stoa_event_fn *fn;
	void *user;
	size_t n; /* bytes of the name to compare */
	bool is_prefix;
	char name[];
};

static struct stoa_list queue = STOA_LIST_INIT(queue);
static struct stoa_list listeners = STOA_LIST_INIT(listeners);
static size_t n_queued;
static uint64_t n_dropped;
static bool is_posted, is_delivering;

static void queued_free(struct queued *q)
{
	stoa_list_unlink(&q->link);
	json_decref(q->data);
	free(q);
	n_queued--;
}

static bool hears(const struct listener *l, const char *name)
{
	return l->is_prefix ? strncmp(l->name, name, l->n) == 0 : strcmp(l->name, name) == 0;
}

static void deliver(struct queued *q)
{
	struct listener *l;

	stoa_list_for_each (l, &listeners, struct listener, link) {
		uint64_t began;

		if (!l->mod || !hears(l, q->name))
			continue;
		began = loop_callback_begin();
		l->fn(&q->ev, l->user);
		loop_callback_end(began, l->mod, "an event listener");
	}
}

static void sweep(void)
{
	struct listener *l, *tmp;

	stoa_list_for_each_safe (l, tmp, &listeners, struct listener, link) {
		if (l->mod)
			continue;
		stoa_list_unlink(&l->link);
		free(l);
	}
}

static void deliver_some(size_t most)
{
	is_delivering = true;
	while (most-- && !stoa_list_empty(&queue)) {
		struct queued *q = STOA_CONTAINER(queue.next, struct queued, link);

		deliver(q);
		queued_free(q);
	}
	is_delivering = false;
	sweep();
}

static void on_turn(struct stoa_task *t)
{
	is_posted = false;
	deliver_some(n_queued < BATCH_MAX ? n_queued : BATCH_MAX);
	if (!stoa_list_empty(&queue) && !is_posted)
		is_posted = stoa_post_task(stoa_ctl(), t) == 0;
}

int stoa_event_listen(struct stoa_mod *m, const char *name, stoa_event_fn *fn, void *user)
{
	size_t n = strlen(name);
	struct listener *l;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!m)
		return -EINVAL;
	l = calloc(1, sizeof(*l) + n + 1);
	if (!l)
		return -ENOMEM;
	memcpy(l->name, name, n);
	l->mod = m;
	l->fn = fn;
	l->user = user;
	l->is_prefix = n && name[n - 1] == '*';
	l->n = l->is_prefix ? n - 1 : n;
	stoa_list_append(&listeners, &l->link);
	return 0;
}

int stoa_event_emit(struct stoa_mod *m, const char *name, json_t *data_take)
{
	static struct stoa_task turn = { NULL, on_turn };
	size_t n = strlen(name);
	struct queued *q;
	int r = -ENOBUFS;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (n_queued >= QUEUE_MAX) {
		n_dropped++;
		stoa_metric_add(self_metrics.events_dropped, 1);
		stoa_log(m, STOA_LOG_ERROR, "event %s dropped: %d are waiting", name, QUEUE_MAX);
		goto fail;
	}
	r = -EINVAL;
	if (!json_is_object(data_take))
		goto fail;
	r = -ENOMEM;
	q = calloc(1, sizeof(*q) + n + 1);
	if (!q)
		goto fail;
	memcpy(q->name, name, n);
	q->data = data_take;
	q->ev = (struct stoa_event){ sizeof(q->ev), q->name, stoa_wall_ms(), data_take };
	stoa_list_append(&queue, &q->link);
	n_queued++;
	stoa_metric_add(self_metrics.events, 1);
	if (!is_posted)
		is_posted = stoa_post_task(stoa_ctl(), &turn) == 0;
	return 0;
fail:
	json_decref(data_take);
	return r;
}

void event_remove_of(const struct stoa_mod *m)
{
	struct listener *l;

	stoa_list_for_each (l, &listeners, struct listener, link) {
		if (l->mod == m)
			l->mod = NULL;
	}
	if (!is_delivering)
		sweep();
}

void event_flush(void)
{
	deliver_some(QUEUE_MAX);
}

void event_reset(void)
{
	struct listener *l;

	while (!stoa_list_empty(&queue))
		queued_free(STOA_CONTAINER(queue.next, struct queued, link));
	stoa_list_for_each (l, &listeners, struct listener, link)
		l->mod = NULL;
	sweep();
}

uint64_t event_dropped(void)
{
	return n_dropped;
}
