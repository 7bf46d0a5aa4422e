/* SPDX-License-Identifier: Apache-2.0 */
/* The pool for what blocks: disk, DNS. Threads start when a job finds none idle, up to the
 * configured number, and end after half a minute without work, so an idle daemon has none. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "loop.h"

#define QUEUE_MAX   1024
#define IDLE_SEC    30
#define THREADS_MAX 64

struct job {
	struct stoa_list link;
	struct stoa_task done;
	struct stoa_loop *asker;
	struct stoa_mod *mod;
	stoa_work_fn *work_fn, *done_fn;
	void *user;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct stoa_list queue = STOA_LIST_INIT(queue);
static unsigned n_queued, n_threads, n_idle, max_threads = 4;
static bool is_stopping;

void work_set_threads(unsigned n)
{
	pthread_mutex_lock(&lock);
	max_threads = n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : n;
	pthread_mutex_unlock(&lock);
}

static void run_done(struct stoa_task *t)
{
	struct job *j = STOA_CONTAINER(t, struct job, done);
	struct stoa_mod *m = j->mod;

	j->done_fn(j->user);
	free(j);
	if (m)
		atomic_fetch_sub(&m->jobs, 1);
}

/* Waits for a job with the lock held; NULL when this thread may go. */
static struct job *next_job(void)
{
	struct timespec until;
	struct job *j;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += IDLE_SEC;
	n_idle++;
	while (stoa_list_empty(&queue) && !is_stopping && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&changed, &lock, &until);
	n_idle--;
	if (stoa_list_empty(&queue))
		return NULL;
	j = STOA_CONTAINER(queue.next, struct job, link);
	stoa_list_unlink(&j->link);
	n_queued--;
	return j;
}

static void finish(struct job *j)
{
	if (stoa_post_task(j->asker, &j->done) == 0)
		return;
	if (j->mod) /* the asking loop has ended: nobody is left to be told */
		atomic_fetch_sub(&j->mod->jobs, 1);
	free(j);
}

static void *pool_main(void *arg)
{
	struct job *j;

	(void)arg;
	thread_class = STOA_THREAD_BLK;
	prctl(PR_SET_NAME, "stoa-blk");
	pthread_mutex_lock(&lock);
	while ((j = next_job())) {
		pthread_mutex_unlock(&lock);
		j->work_fn(j->user);
		finish(j);
		pthread_mutex_lock(&lock);
	}
	n_threads--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* With the lock held. */
static int start_thread(void)
{
	sigset_t all, old;
	pthread_t t;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&t, NULL, pool_main, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return -r;
	pthread_detach(t);
	n_threads++;
	return 0;
}

int stoa_work(struct stoa_mod *m, stoa_work_fn *work_fn, stoa_work_fn *done_fn, void *user)
{
	struct job *j;
	int r = 0;

	if (!loop_self)
		return -ENOTSUP;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	*j = (struct job){ .done.fn = run_done,
			   .asker = loop_self,
			   .mod = m,
			   .work_fn = work_fn,
			   .done_fn = done_fn,
			   .user = user };
	pthread_mutex_lock(&lock);
	if (n_queued >= QUEUE_MAX || is_stopping)
		r = -EAGAIN;
	else if (n_idle <= n_queued && n_threads < max_threads && start_thread() < 0 && !n_threads)
		r = -EAGAIN; /* else one of the old ones will come to it */
	if (r == 0) {
		if (m)
			atomic_fetch_add(&m->jobs, 1);
		stoa_list_append(&queue, &j->link);
		n_queued++;
		pthread_cond_signal(&changed);
	}
	pthread_mutex_unlock(&lock);
	if (r < 0)
		free(j);
	return r;
}

void work_stop(void)
{
	pthread_mutex_lock(&lock);
	is_stopping = true;
	pthread_cond_broadcast(&changed);
	while (n_threads)
		pthread_cond_wait(&changed, &lock);
	is_stopping = false;
	pthread_mutex_unlock(&lock);
}
