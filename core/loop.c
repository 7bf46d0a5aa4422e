/* SPDX-License-Identifier: Apache-2.0 */
/* Loops and the messages between them.
 *
 * The inbox of a loop is a lock-free stack: a poster pushes with one compare-and-swap, the owner
 * takes the whole stack with one exchange and reverses it, so each poster's order is kept. Only
 * the post that finds the inbox empty wakes the owner. A loop that has ended keeps its memory and
 * a mark in the inbox until the process ends, so that late posts fail instead of crashing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#include <stoa/log.h>
#include <stoa/util.h>

#include "loop.h"
#include "self.h"

static struct stoa_task closed_mark;
#define loop_closed (&closed_mark)

static struct stoa_loop *ctl_loop;
static bool ctl_is_ending;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct stoa_list all_loops = STOA_LIST_INIT(all_loops);

struct stoa_loop *stoa_ctl(void)
{
	return ctl_loop;
}

/* ---- posting ---- */

static void wake(struct stoa_loop *l)
{
	static const uint64_t one = 1;

	if (l->wake_fn)
		l->wake_fn(l->wake_user);
	else
		(void)!write(l->wake_fd, &one, sizeof(one)); /* full counter: is awake anyway */
}

int stoa_post_task(struct stoa_loop *l, struct stoa_task *t)
{
	struct stoa_task *head = atomic_load_explicit(&l->inbox, memory_order_relaxed);

	do {
		if (head == loop_closed)
			return -ESHUTDOWN;
		t->next = head;
	} while (!atomic_compare_exchange_weak_explicit(&l->inbox, &head, t, memory_order_release,
							memory_order_relaxed));
	if (!head)
		wake(l);
	return 0;
}

struct posted {
	struct stoa_task task;
	stoa_post_fn *fn;
	void *user;
};

static void run_posted(struct stoa_task *t)
{
	struct posted *p = STOA_CONTAINER(t, struct posted, task);
	stoa_post_fn *fn = p->fn;
	void *user = p->user;

	free(p);
	fn(user);
}

int stoa_post(struct stoa_loop *l, stoa_post_fn *fn, void *user)
{
	struct posted *p = malloc(sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	*p = (struct posted){ .task.fn = run_posted, .fn = fn, .user = user };
	r = stoa_post_task(l, &p->task);
	if (r < 0)
		free(p);
	return r;
}

static struct stoa_task *reverse(struct stoa_task *newest)
{
	struct stoa_task *oldest = NULL;

	while (newest) {
		struct stoa_task *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

/* Runs what is in the inbox now; what these tasks post in turn waits for the next turn. */
void stoa_loop_run_posted(struct stoa_loop *l)
{
	struct stoa_task *t;

	/* a wake-up that was under way when the loop was released; only its own thread closes it */
	if (atomic_load_explicit(&l->inbox, memory_order_relaxed) == loop_closed)
		return;
	t = reverse(atomic_exchange_explicit(&l->inbox, NULL, memory_order_acquire));
	while (t) {
		struct stoa_task *next = t->next;
		uint64_t began = loop_callback_begin();

		t->next = NULL; /* idle again: its fn may free it or post it anew */
		t->fn(t);
		loop_callback_end(began, NULL, "a posted message");
		t = next;
	}
}

/* Runs until nothing is left, then lets nobody post any more. */
static void drain_and_close(struct stoa_loop *l)
{
	struct stoa_task *empty = NULL;

	while (!atomic_compare_exchange_strong(&l->inbox, &empty, loop_closed)) {
		stoa_loop_run_posted(l);
		empty = NULL;
	}
}

uint64_t loop_callback_begin(void)
{
	return thread_class == STOA_THREAD_CTL ? stoa_now_us() : 0;
}

void loop_callback_end(uint64_t began, const struct stoa_mod *m, const char *what)
{
	uint64_t took_ms;

	if (!began)
		return;
	took_ms = (stoa_now_us() - began) / 1000;
	if (took_ms <= SLOW_CALLBACK_MS)
		return;
	stoa_metric_add(self_metrics.slow_callbacks, 1);
	stoa_log(m, STOA_LOG_WARN, "%s held the control thread for %llu ms", what,
		 (unsigned long long)took_ms);
}

/* ---- making and ending loops ---- */

static void on_wake(evutil_socket_t fd, short what, void *user)
{
	struct stoa_loop *l = user;
	uint64_t count;

	(void)what;
	(void)!read((int)fd, &count, sizeof(count));
	stoa_loop_run_posted(l);
	if (atomic_load(&l->is_ending))
		event_base_loopbreak(l->base);
}

static void loop_free(struct stoa_loop *l)
{
	if (!l)
		return;
	if (l->wake_event)
		event_free(l->wake_event);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	if (l->base)
		event_base_free(l->base);
	free(l);
}
STOA_DEFINE_AUTO(struct stoa_loop, loop_free)

static struct stoa_loop *loop_alloc(enum stoa_thread_class cls, const char *name)
{
	struct stoa_loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->cls = cls;
	l->wake_fd = -1;
	snprintf(l->name, sizeof(l->name), "%s", name);
	stoa_list_init(&l->owned.link);
	stoa_list_init(&l->link);
	stoa_list_init(&l->timers);
	stoa_list_init(&l->fds);
	return l;
}

/* Each base is used by its own thread only and is woken through an eventfd of ours, so libevent
 * needs no locks. */
static int loop_new(enum stoa_thread_class cls, const char *name, struct stoa_loop **ret_loop)
{
	stoa_auto(loop_free) struct stoa_loop *l = loop_alloc(cls, name);
	struct event_config *cfg;

	if (!l)
		return -ENOMEM;
	cfg = event_config_new();
	if (!cfg)
		return -ENOMEM;
	event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(cfg, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	l->base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!l->base || l->wake_fd < 0)
		return -ENOMEM;
	l->wake_event = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l);
	if (!l->wake_event || event_add(l->wake_event, NULL) < 0)
		return -ENOMEM;
	*ret_loop = stoa_take(l);
	return 0;
}

static void remember(struct stoa_loop *l)
{
	pthread_mutex_lock(&all_lock);
	stoa_list_append(&all_loops, &l->link);
	pthread_mutex_unlock(&all_lock);
}

static void become(struct stoa_loop *l)
{
	loop_self = l;
	thread_class = l->cls;
}

static void *loop_main(void *arg)
{
	struct stoa_loop *l = arg;

	become(l);
	prctl(PR_SET_NAME, l->name);
	while (!atomic_load(&l->is_ending))
		event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
	drain_and_close(l);
	timers_free_all(l);
	fds_free_all(l);
	return NULL;
}

/* Signals are the control thread's: every other thread is started with all of them blocked. */
static int start_thread(struct stoa_loop *l)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&l->thread, NULL, loop_main, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int stoa_loop_start(struct stoa_mod *m, enum stoa_thread_class cls, const char *name,
		    struct stoa_loop **ret_loop)
{
	stoa_auto(loop_free) struct stoa_loop *l = NULL;
	int r;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (cls != STOA_THREAD_IO && cls != STOA_THREAD_MED && cls != STOA_THREAD_BLK)
		return -EINVAL;
	r = loop_new(cls, name, &l);
	if (r < 0)
		return r;
	r = start_thread(l);
	if (r < 0)
		return r;
	owned_add(&l->owned, m, OWNED_LOOP);
	remember(l);
	*ret_loop = stoa_take(l);
	return 0;
}

void stoa_loop_join(struct stoa_loop *l)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	if (!l)
		return;
	owned_remove(&l->owned);
	atomic_store(&l->is_ending, true);
	wake(l);
	pthread_join(l->thread, NULL);
	event_free(l->wake_event);
	event_base_free(l->base);
	l->wake_event = NULL;
	l->base = NULL; /* wake_fd stays open: a poster may be between its push and its wake */
}

int stoa_loop_adopt(struct stoa_mod *m, enum stoa_thread_class cls, const char *name,
		    stoa_wake_fn *wake_fn, void *user, struct stoa_loop **ret_loop)
{
	struct stoa_loop *l;

	if (loop_self)
		return -EBUSY;
	l = loop_alloc(cls, name);
	if (!l)
		return -ENOMEM;
	l->wake_fn = wake_fn;
	l->wake_user = user;
	become(l);
	prctl(PR_SET_NAME, l->name);
	owned_add(&l->owned, m, OWNED_LOOP);
	remember(l);
	*ret_loop = l;
	return 0;
}

void stoa_loop_release(struct stoa_loop *l)
{
	if (!l)
		return;
	drain_and_close(l);
	owned_remove(&l->owned);
	loop_self = NULL;
	thread_class = 0;
}

/* ---- the control loop ---- */

int loop_init_ctl(void)
{
	int r = loop_new(STOA_THREAD_CTL, "stoad", &ctl_loop);

	if (r < 0)
		return r;
	ctl_is_ending = false;
	become(ctl_loop);
	return 0;
}

int loop_run_ctl(void)
{
	while (!ctl_is_ending) {
		if (event_base_loop(ctl_loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY) < 0)
			return -EIO;
	}
	return 0;
}

void loop_end_ctl(void)
{
	ctl_is_ending = true;
	event_base_loopbreak(ctl_loop->base);
}

static void on_turn_over(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	(void)user;
}

void loop_turn_ctl(uint64_t wait_ms)
{
	struct timeval tv = { (time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000 * 1000) };

	event_base_once(ctl_loop->base, -1, EV_TIMEOUT, on_turn_over, NULL, &tv);
	event_base_loop(ctl_loop->base, EVLOOP_ONCE);
}

void loop_free_all(void)
{
	struct stoa_loop *l, *tmp;

	if (ctl_loop) {
		drain_and_close(ctl_loop);
		timers_free_all(ctl_loop);
		fds_free_all(ctl_loop);
	}
	pthread_mutex_lock(&all_lock);
	stoa_list_for_each_safe (l, tmp, &all_loops, struct stoa_loop, link) {
		stoa_list_unlink(&l->link);
		loop_free(l);
	}
	pthread_mutex_unlock(&all_lock);
	loop_free(ctl_loop);
	ctl_loop = NULL;
	loop_self = NULL;
	thread_class = 0;
}
