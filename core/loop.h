/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a loop: shared by loop.c, thread.c, timer.c, fd.c and work.c. */
#ifndef STOA_CORE_LOOP_H
#define STOA_CORE_LOOP_H

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>

#include <stoa/loop.h>

#include "mod.h"

#define SLOW_CALLBACK_MS 50

struct stoa_loop {
	struct owned owned;
	struct stoa_list link; /* of all loops, for the whole life of the process */
	enum stoa_thread_class cls;
	char name[16];
	struct event_base *base; /* NULL: a foreign event library */
	struct event *wake_event;
	int wake_fd;
	_Atomic(struct stoa_task *) inbox; /* newest first; loop_closed once the loop has ended */
	stoa_wake_fn *wake_fn;
	void *wake_user;
	pthread_t thread;
	atomic_bool is_ending;
	struct stoa_list timers, fds; /* those of this loop: the loop's thread only */
};

extern _Thread_local struct stoa_loop *loop_self;
extern _Thread_local uint32_t thread_class;

/** Makes the calling thread the control thread. */
int loop_init_ctl(void);
/** Runs the control loop until loop_end_ctl(); 0 or -EIO. */
int loop_run_ctl(void);
void loop_end_ctl(void);
/** One turn of the control loop that waits at most `wait_ms`. */
void loop_turn_ctl(uint64_t wait_ms);
/** Frees the control loop and the remains of all that have ended. No other thread may be left. */
void loop_free_all(void);

/** Around every callback: logs those on ctl that took too long. */
uint64_t loop_callback_begin(void);
void loop_callback_end(uint64_t began, const struct stoa_mod *m, const char *what);

/** Frees timers and descriptors that are left on a loop, on its own thread. */
void timers_free_all(struct stoa_loop *l);
void fds_free_all(struct stoa_loop *l);

/** Takes core.net-threads and its like for stoa_thread_count(). */
void thread_set_counts(const struct stoa_conf *core);

/** The pool: threads start when there is work. */
void work_set_threads(unsigned n);
void work_stop(void);

#endif
