/* SPDX-License-Identifier: Apache-2.0 */
/* Timers on loops with libevent. libevent's clock is the coarse one and cached over a turn, so a
 * timer may come up to 4 ms early; a timer of ours never does: it waits for the rest. */
#include <event2/event_struct.h>
#include <stdlib.h>

#include <stoa/util.h>

#include "loop.h"

struct stoa_timer {
	struct owned owned;
	struct stoa_list of_loop;
	struct event ev;
	uint64_t due_us;
	stoa_timer_fn *fn;
	void *user;
};

static void arm(struct stoa_timer *t, uint64_t us)
{
	struct timeval tv = { (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };

	event_add(&t->ev, &tv);
}

static void on_timeout(evutil_socket_t fd, short what, void *user)
{
	struct stoa_timer *t = user;
	const struct stoa_mod *m = t->owned.mod; /* fn may free the timer */
	uint64_t now = stoa_now_us(), began;

	(void)fd;
	(void)what;
	if (now < t->due_us) {
		arm(t, t->due_us - now);
		return;
	}
	began = loop_callback_begin();
	t->fn(t->user);
	loop_callback_end(began, m, "a timer");
}

struct stoa_timer *stoa_timer_new(struct stoa_mod *m, stoa_timer_fn *fn, void *user)
{
	struct stoa_timer *t;

	if (!loop_self || !loop_self->base)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->fn = fn;
	t->user = user;
	event_assign(&t->ev, loop_self->base, -1, 0, on_timeout, t);
	stoa_list_append(&loop_self->timers, &t->of_loop);
	owned_add(&t->owned, m, OWNED_TIMER);
	return t;
}

void stoa_timer_set(struct stoa_timer *t, uint64_t ms)
{
	t->due_us = ms ? stoa_now_us() + ms * 1000 : 0;
	arm(t, ms * 1000);
}

void stoa_timer_cancel(struct stoa_timer *t)
{
	if (t)
		event_del(&t->ev);
}

void stoa_timer_free(struct stoa_timer *t)
{
	if (!t)
		return;
	event_del(&t->ev);
	stoa_list_unlink(&t->of_loop);
	owned_remove(&t->owned);
	free(t);
}

void timers_free_all(struct stoa_loop *l)
{
	while (!stoa_list_empty(&l->timers))
		stoa_timer_free(STOA_CONTAINER(l->timers.next, struct stoa_timer, of_loop));
}
