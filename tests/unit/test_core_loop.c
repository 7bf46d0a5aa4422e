/* SPDX-License-Identifier: Apache-2.0 */
/* Posting from many threads, order, ending, foreign loops, timers and descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <stoa/util.h>
#include <unistd.h>

#include "check.h"
#include "loop.h"

#define POSTERS    4
#define PER_POSTER 20000

struct message {
	struct stoa_task task;
	int poster, number;
};

static struct message messages[POSTERS][PER_POSTER];
static int next_of[POSTERS], out_of_order, received;
static uint32_t class_seen;
static struct stoa_loop *target;

static void on_message(struct stoa_task *t)
{
	struct message *m = STOA_CONTAINER(t, struct message, task);

	out_of_order += m->number != next_of[m->poster]++;
	class_seen |= thread_class;
	received++;
}

static void *post_all(void *arg)
{
	struct message *mine = arg;

	for (int i = 0; i < PER_POSTER; i++) {
		mine[i] = (struct message){ { NULL, on_message },
					    (int)((mine - messages[0]) / PER_POSTER),
					    i };
		if (stoa_post_task(target, &mine[i].task) < 0)
			abort();
	}
	return NULL;
}

static void check_many_posters(void)
{
	pthread_t t[POSTERS];

	CHECK_INT(stoa_loop_start(NULL, STOA_THREAD_IO, "test-io", &target), 0);
	for (int i = 0; i < POSTERS; i++)
		pthread_create(&t[i], NULL, post_all, messages[i]);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(t[i], NULL);
	stoa_loop_join(target); /* runs everything that was posted before */
	CHECK_INT(received, POSTERS * PER_POSTER);
	CHECK_INT(out_of_order, 0);
	CHECK_INT(class_seen, STOA_THREAD_IO);
	CHECK_INT(stoa_post_task(target, &messages[0][0].task), -ESHUTDOWN);
	CHECK_INT(stoa_post(target, (stoa_post_fn *)free, NULL), -ESHUTDOWN);
}

/* A task may post itself again from its own fn; each time is another turn. */
struct again {
	struct stoa_task task;
	int left;
};

static void run_again(struct stoa_task *t)
{
	struct again *a = STOA_CONTAINER(t, struct again, task);

	if (--a->left)
		stoa_post_task(stoa_ctl(), t);
}

static int woken;

static void on_wake(void *user)
{
	(void)user;
	woken++;
}

static void count(void *user)
{
	++*(int *)user;
}

static void *foreign_main(void *arg)
{
	struct stoa_loop *l, *second;
	int ran = 0;

	CHECK_INT(stoa_loop_adopt(NULL, STOA_THREAD_NET, "test-net", on_wake, NULL, &l), 0);
	CHECK_INT(stoa_loop_adopt(NULL, STOA_THREAD_NET, "again", on_wake, NULL, &second), -EBUSY);
	CHECK(stoa_loop_self() == l);
	CHECK(stoa_timer_new(NULL, count, NULL) == NULL);
	CHECK_INT(stoa_post(l, count, &ran), 0);
	CHECK_INT(stoa_post(l, count, &ran), 0);
	CHECK_INT(woken, 1); /* only the first of a batch wakes */
	CHECK_INT(ran, 0);
	stoa_loop_run_posted(l);
	CHECK_INT(ran, 2);
	CHECK_INT(stoa_post(l, count, &ran), 0);
	CHECK_INT(woken, 2);
	stoa_loop_release(l);
	CHECK_INT(ran, 3);
	CHECK_INT(stoa_post(l, count, &ran), -ESHUTDOWN);
	CHECK(stoa_loop_self() == NULL);
	(void)arg;
	return NULL;
}

/* ---- timers and descriptors ---- */

struct clocked {
	struct stoa_timer *timer;
	uint64_t due_us;
	int fired, early;
};

static void on_timer(void *user)
{
	struct clocked *c = user;

	c->fired++;
	c->early += stoa_now_us() < c->due_us;
	if (c->fired < 20) {
		c->due_us = stoa_now_us() + 3000;
		stoa_timer_set(c->timer, 3);
	}
}

static void free_own_timer(void *user)
{
	struct clocked *c = user;

	c->fired++;
	stoa_timer_free(c->timer);
	c->timer = NULL;
}

static void turn_until(const int *value, int want)
{
	for (int i = 0; i < 2000 && *value < want; i++)
		loop_turn_ctl(2);
	CHECK_INT(*value, want);
}

static void check_timers(void)
{
	struct clocked a = { 0 }, b = { 0 }, c = { 0 };

	a.timer = stoa_timer_new(NULL, on_timer, &a);
	b.timer = stoa_timer_new(NULL, free_own_timer, &b);
	c.timer = stoa_timer_new(NULL, on_timer, &c);
	a.due_us = stoa_now_us() + 3000;
	stoa_timer_set(a.timer, 3);
	stoa_timer_set(b.timer, 0);
	CHECK_INT(b.fired, 0); /* never inside the call */
	stoa_timer_set(c.timer, 1);
	stoa_timer_cancel(c.timer);
	turn_until(&a.fired, 20);
	CHECK_INT(a.early, 0);
	CHECK_INT(b.fired, 1);
	CHECK_INT(c.fired, 0);
	stoa_timer_free(a.timer);
	stoa_timer_free(c.timer);
	stoa_timer_free(NULL);
}

struct watched {
	struct stoa_fd *watch;
	int calls;
	uint32_t events;
};

static void on_fd(int fd, uint32_t events, void *user)
{
	struct watched *w = user;
	char c;

	w->calls++;
	w->events |= events;
	if ((events & STOA_FD_READ) && w->calls >= 2)
		CHECK_INT(read(fd, &c, 1), 1);
	if (events & STOA_FD_WRITE)
		stoa_fd_set(w->watch, 0);
}

static void check_fds(void)
{
	struct watched r = { 0 }, w = { 0 };
	int p[2];

	CHECK_INT(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
	r.watch = stoa_fd_new(NULL, p[0], STOA_FD_READ, on_fd, &r);
	w.watch = stoa_fd_new(NULL, p[1], STOA_FD_WRITE, on_fd, &w);
	CHECK(stoa_fd_new(NULL, -1, STOA_FD_READ, on_fd, &r) == NULL);
	turn_until(&w.calls, 1);
	CHECK_INT(w.events, STOA_FD_WRITE);
	CHECK_INT(write(p[1], "x", 1), 1);
	turn_until(&r.calls, 2); /* level triggered: called again until it is read */
	loop_turn_ctl(5);
	CHECK_INT(r.calls, 2);
	CHECK_INT(w.calls, 1);
	stoa_fd_free(r.watch);
	stoa_fd_free(w.watch);
	close(p[0]);
	close(p[1]);
}

/* ---- work ---- */

static atomic_int worked;
static atomic_int on_wrong_thread;
static int finished;

static void do_work(void *user)
{
	(void)user;
	on_wrong_thread += thread_class != STOA_THREAD_BLK && thread_class != 0;
	atomic_fetch_add(&worked, 1);
}

static void work_done(void *user)
{
	(void)user;
	finished++;
	on_wrong_thread += thread_class != STOA_THREAD_CTL;
}

static void check_work(void)
{
	int accepted = 0, refused = 0;

	for (int i = 0; i < 5000; i++) {
		int r = stoa_work(NULL, do_work, work_done, NULL);

		accepted += r == 0;
		refused += r == -EAGAIN;
	}
	CHECK_INT(accepted + refused, 5000);
	CHECK(accepted >= 1024);
	turn_until(&finished, accepted);
	CHECK_INT(atomic_load(&worked), accepted);
	CHECK_INT(atomic_load(&on_wrong_thread), 0);
}

int main(void)
{
	struct again a = { { NULL, run_again }, 1000 };
	pthread_t t;

	CHECK_INT(loop_init_ctl(), 0);
	CHECK(stoa_ctl() == stoa_loop_self());
	check_many_posters();
	CHECK_INT(stoa_post_task(stoa_ctl(), &a.task), 0);
	for (int i = 0; i < 3000 && a.left; i++)
		loop_turn_ctl(1);
	CHECK_INT(a.left, 0);
	pthread_create(&t, NULL, foreign_main, NULL);
	pthread_join(t, NULL);
	check_timers();
	check_fds();
	check_work();
	work_stop();
	loop_free_all();
	return check_done();
}
