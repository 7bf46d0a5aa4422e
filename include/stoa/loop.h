/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_LOOP_H
#define STOA_LOOP_H

#include <stoa/base.h>

/*
 * Threads, loops, messages between them, timers and descriptors.
 *
 * Thread classes: ctl (one; control), net (HTTP edge), io (streams), med (media workers) and blk
 * (a pool for what blocks). Data that crosses threads is copied, immutable and counted, or handed
 * over. A callback never runs inside the call that registers it. No lock is held while calling
 * another module.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

struct stoa_mod;
struct stoa_loop;
struct sockaddr;

enum stoa_thread_class {
	STOA_THREAD_CTL = 1,
	STOA_THREAD_NET = 2,
	STOA_THREAD_IO = 4,
	STOA_THREAD_MED = 8,
	STOA_THREAD_BLK = 16,
};

/** Aborts in debug builds when the calling thread is not of the given class(es). Thread: any. */
#ifdef NDEBUG
#define stoa_assert_thread(classes) ((void)0)
#else
#define stoa_assert_thread(classes) stoa_thread_check((classes), __func__)
#endif
STOA_EXPORT void stoa_thread_check(uint32_t classes, const char *func);

/** The control thread's loop. Thread: any. */
STOA_EXPORT struct stoa_loop *stoa_ctl(void);
/** The loop of the calling thread; NULL on blk and on foreign threads. Thread: any. */
STOA_EXPORT struct stoa_loop *stoa_loop_self(void);

/** How many threads of a class (net, io, med, blk) the configuration asks for, at least 1:
 *  core.net-threads and its like. Thread: any, after load(). */
STOA_EXPORT unsigned stoa_thread_count(enum stoa_thread_class cls);

/** Starts a thread with a libevent loop of its own (class io, med, or blk for one that blocks),
 *  named for `ps` and `top`.
 *  The loop is freed by stoa_loop_join(). Thread: ctl. */
STOA_EXPORT int stoa_loop_start(struct stoa_mod *m, enum stoa_thread_class cls, const char *name,
				struct stoa_loop **ret_loop);
/** Asks the loop to end after the messages already posted, waits for the thread, frees. NULL is
 * fine. Thread: ctl. */
STOA_EXPORT void stoa_loop_join(struct stoa_loop *l);

/** Makes a loop of the calling thread for a foreign event library (class net): messages posted to
 * it make `wake_fn` run on the posting thread; the owner then calls stoa_loop_run_posted() on its
 * own. No timers or descriptors. `wake_fn` must stay callable until nobody posts any more. -EBUSY:
 * the thread has a loop. Thread: the one that becomes `cls`. */
typedef void stoa_wake_fn(void *user);
STOA_EXPORT int stoa_loop_adopt(struct stoa_mod *m, enum stoa_thread_class cls, const char *name,
				stoa_wake_fn *wake_fn, void *user, struct stoa_loop **ret_loop);
STOA_EXPORT void stoa_loop_run_posted(struct stoa_loop *l);
/** Undoes stoa_loop_adopt() on its own thread; messages not yet run are run first. */
STOA_EXPORT void stoa_loop_release(struct stoa_loop *l);

/** Runs fn(user) on the loop's thread, in the order posted by each thread. Allocates.
 *  Returns 0, -ENOMEM, or -ESHUTDOWN when the loop has ended (fn will not run). Thread: any. */
typedef void stoa_post_fn(void *user);
STOA_EXPORT int stoa_post(struct stoa_loop *l, stoa_post_fn *fn, void *user);

/** The same without allocation: `t` belongs to the caller, must be idle, and is idle again when its
 *  fn is called. Lock-free. Thread: any. */
struct stoa_task {
	struct stoa_task *next; /* the loop's */
	void (*fn)(struct stoa_task *t);
};
STOA_EXPORT int stoa_post_task(struct stoa_loop *l, struct stoa_task *t);

/** Runs work_fn(user) on the blk pool, then done_fn(user) on the calling thread's loop (both
 * exactly once; work still under way when stop() returns is waited for, and its done_fn runs before
 * unload()). Returns 0, or -EAGAIN when the pool's queue (1024) is full. Thread: ctl, net, io,
 * med. */
typedef void stoa_work_fn(void *user);
STOA_EXPORT int stoa_work(struct stoa_mod *m, stoa_work_fn *work_fn, stoa_work_fn *done_fn,
			  void *user);

/* ---- timers: on loops with libevent only; created, used and freed on the loop's own thread ----
 */
struct stoa_timer;
typedef void stoa_timer_fn(void *user);
STOA_EXPORT struct stoa_timer *stoa_timer_new(struct stoa_mod *m, stoa_timer_fn *fn, void *user);
/** Fires once after `ms` (0: next turn of the loop); setting again moves it. */
STOA_EXPORT void stoa_timer_set(struct stoa_timer *t, uint64_t ms);
STOA_EXPORT void stoa_timer_cancel(struct stoa_timer *t);
STOA_EXPORT void stoa_timer_free(struct stoa_timer *t);

/* ---- descriptors: same rules; level triggered and persistent ---- */
#define STOA_FD_READ  1u
#define STOA_FD_WRITE 2u
struct stoa_fd;
typedef void stoa_fd_fn(int fd, uint32_t events, void *user);
STOA_EXPORT struct stoa_fd *stoa_fd_new(struct stoa_mod *m, int fd, uint32_t events, stoa_fd_fn *fn,
					void *user);
STOA_EXPORT void stoa_fd_set(struct stoa_fd *w, uint32_t events);
/** Stops watching; closes nothing. */
STOA_EXPORT void stoa_fd_free(struct stoa_fd *w);

/* ---- listeners: the core owns listening sockets, keeps them over reloads, and hands over what it
 *      accepts; fn runs on ctl and owns `fd` (non-blocking, close-on-exec). ---- */
struct stoa_listener;
typedef void stoa_accept_fn(int fd, const struct sockaddr *peer, unsigned peer_len, void *user);
/** `address` as STOA_OPT_ADDRESS. Errors: -EADDRINUSE, -EACCES, -EINVAL, … Thread: ctl. */
STOA_EXPORT int stoa_listen(struct stoa_mod *m, const char *address, stoa_accept_fn *fn, void *user,
			    struct stoa_listener **ret_listener);
/** Stops and starts accepting (for a connection limit). */
STOA_EXPORT void stoa_listener_pause(struct stoa_listener *l, bool paused);
STOA_EXPORT void stoa_listener_free(struct stoa_listener *l);

STOA_END_DECLS

#endif
