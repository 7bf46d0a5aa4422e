/* SPDX-License-Identifier: Apache-2.0 */
/* Watched descriptors on loops with libevent: level triggered and persistent. */
#include <event2/event_struct.h>
#include <stdlib.h>

#include "loop.h"

struct stoa_fd {
	struct owned owned;
	struct stoa_list of_loop;
	struct event ev;
	int fd;
	uint32_t events;
	stoa_fd_fn *fn;
	void *user;
};

static void on_ready(evutil_socket_t fd, short what, void *user)
{
	struct stoa_fd *w = user;
	const struct stoa_mod *m = w->owned.mod; /* fn may free the watcher */
	uint32_t events =
		(what & EV_READ ? STOA_FD_READ : 0) | (what & EV_WRITE ? STOA_FD_WRITE : 0);
	uint64_t began = loop_callback_begin();

	w->fn((int)fd, events, w->user);
	loop_callback_end(began, m, "a descriptor's callback");
}

static void watch(struct stoa_fd *w, struct event_base *base, uint32_t events)
{
	short what = (short)((events & STOA_FD_READ ? EV_READ : 0) |
			     (events & STOA_FD_WRITE ? EV_WRITE : 0) | EV_PERSIST);

	w->events = events;
	event_assign(&w->ev, base, w->fd, what, on_ready, w);
	if (events)
		event_add(&w->ev, NULL);
}

struct stoa_fd *stoa_fd_new(struct stoa_mod *m, int fd, uint32_t events, stoa_fd_fn *fn, void *user)
{
	struct stoa_fd *w;

	if (!loop_self || !loop_self->base || fd < 0)
		return NULL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->fd = fd;
	w->fn = fn;
	w->user = user;
	watch(w, loop_self->base, events);
	stoa_list_append(&loop_self->fds, &w->of_loop);
	owned_add(&w->owned, m, OWNED_FD);
	return w;
}

void stoa_fd_set(struct stoa_fd *w, uint32_t events)
{
	struct event_base *base = event_get_base(&w->ev);

	if (events == w->events)
		return;
	event_del(&w->ev);
	watch(w, base, events);
}

void stoa_fd_free(struct stoa_fd *w)
{
	if (!w)
		return;
	event_del(&w->ev);
	stoa_list_unlink(&w->of_loop);
	owned_remove(&w->owned);
	free(w);
}

void fds_free_all(struct stoa_loop *l)
{
	while (!stoa_list_empty(&l->fds))
		stoa_fd_free(STOA_CONTAINER(l->fds.next, struct stoa_fd, of_loop));
}
