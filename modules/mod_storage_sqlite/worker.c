/* SPDX-License-Identifier: Apache-2.0 */
/* The two queues, the threads behind them (one writer, a few readers) and the way back to ctl.
 * One lock guards the queues and the list of what has come back; it is held for list operations
 * only. ctl is woken once for all that came back since it last looked. */
#include "storage.h"

#include <stdlib.h>
#include <time.h>

static void ring(struct stoa_task *t)
{
	struct bell *bell = STOA_CONTAINER(t, struct bell, task);

	if (bell->st)
		worker_deliver(bell->st);
	else
		free(bell); /* the storage was closed meanwhile */
}

int queue_add(struct storage *st, struct queue *q, struct stoa_tx *tx)
{
	int err = 0;

	pthread_mutex_lock(&st->lock);
	if (st->is_ending)
		err = -ESHUTDOWN;
	else if (q->n >= STORAGE_QUEUE_MAX)
		err = -EAGAIN;
	if (!err) {
		stoa_list_append(&q->lists, &tx->link);
		q->n++;
		pthread_cond_signal(&q->wake);
	}
	pthread_mutex_unlock(&st->lock);
	return err;
}

static void deadline_after(uint64_t ms, struct timespec *ret_at)
{
	clock_gettime(CLOCK_MONOTONIC, ret_at);
	ret_at->tv_sec += (time_t)(ms / 1000);
	ret_at->tv_nsec += (long)(ms % 1000) * 1000000;
	if (ret_at->tv_nsec >= 1000000000) {
		ret_at->tv_sec++;
		ret_at->tv_nsec -= 1000000000;
	}
}

bool queue_take(struct storage *st, struct queue *q, uint32_t max, uint64_t wait_ms,
		struct stoa_list *ret_lists)
{
	struct timespec at;
	bool goes_on;

	deadline_after(wait_ms, &at);
	stoa_list_init(ret_lists);
	pthread_mutex_lock(&st->lock);
	while (!q->n && !st->is_ending)
		if (pthread_cond_timedwait(&q->wake, &st->lock, &at) == ETIMEDOUT)
			break;
	goes_on = q->n || !st->is_ending;
	for (; q->n && max; q->n--, max--) {
		struct stoa_list *first = q->lists.next;

		stoa_list_unlink(first);
		stoa_list_append(ret_lists, first);
	}
	pthread_mutex_unlock(&st->lock);
	return goes_on;
}

static void wake_ctl(struct storage *st)
{
	if (st->is_posted || st->is_ending)
		return;
	st->is_posted = stoa_post_task(stoa_ctl(), &st->bell->task) == 0;
}

void worker_return(struct storage *st, struct stoa_list *lists)
{
	pthread_mutex_lock(&st->lock);
	while (!stoa_list_empty(lists)) {
		struct stoa_list *first = lists->next;

		stoa_list_unlink(first);
		stoa_list_append(&st->returned, first);
	}
	wake_ctl(st);
	pthread_mutex_unlock(&st->lock);
}

void worker_fault(struct storage *st, int err)
{
	pthread_mutex_lock(&st->lock);
	if (st->fault != err) {
		st->fault = err;
		wake_ctl(st);
	}
	pthread_mutex_unlock(&st->lock);
}

static void tell_fault(struct storage *st, int fault)
{
	const char *reason = error_fault(fault);

	if (fault == st->told_fault)
		return;
	st->told_fault = fault;
	stoa_mod_set_ready(st->m, "database", reason); /* logs it, too */
}

void worker_deliver(struct storage *st)
{
	struct stoa_list lists;
	int fault;

	stoa_list_init(&lists);
	pthread_mutex_lock(&st->lock);
	st->is_posted = false;
	fault = st->fault;
	while (!stoa_list_empty(&st->returned)) {
		struct stoa_list *first = st->returned.next;

		stoa_list_unlink(first);
		stoa_list_append(&lists, first);
	}
	pthread_mutex_unlock(&st->lock);

	tell_fault(st, fault);
	while (!stoa_list_empty(&lists)) {
		struct stoa_tx *tx = STOA_CONTAINER(lists.next, struct stoa_tx, link);

		stoa_list_unlink(&tx->link);
		tx_deliver(tx);
	}
}

static void queue_init(struct queue *q)
{
	pthread_condattr_t attr;

	stoa_list_init(&q->lists);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->wake, &attr);
	pthread_condattr_destroy(&attr);
}

int worker_start(struct storage *st)
{
	int err;

	pthread_mutex_init(&st->lock, NULL);
	queue_init(&st->writes);
	queue_init(&st->reads);
	stoa_list_init(&st->returned);
	st->bell = calloc(1, sizeof(*st->bell));
	if (!st->bell)
		return -ENOMEM;
	*st->bell = (struct bell){ .task.fn = ring, .st = st };
	err = pthread_create(&st->writer_thread, NULL, writer_main, st);
	if (err)
		return -err;
	st->has_writer_thread = true;
	pthread_setname_np(st->writer_thread, "sqlite-write");
	for (uint32_t i = 0; i < st->n_readers; i++) {
		err = pthread_create(&st->readers[i].thread, NULL, reader_main, &st->readers[i]);
		if (err)
			return -err;
		st->n_reader_threads++;
		pthread_setname_np(st->readers[i].thread, "sqlite-read");
	}
	return 0;
}

void worker_join(struct storage *st)
{
	bool is_posted;

	if (!st->has_writer_thread) {
		free(st->bell);
		st->bell = NULL;
		return;
	}
	pthread_mutex_lock(&st->lock);
	st->is_ending = true;
	pthread_cond_broadcast(&st->writes.wake);
	pthread_cond_broadcast(&st->reads.wake);
	pthread_mutex_unlock(&st->lock);
	pthread_join(st->writer_thread, NULL);
	for (uint32_t i = 0; i < st->n_reader_threads; i++)
		pthread_join(st->readers[i].thread, NULL);
	is_posted = st->is_posted;
	worker_deliver(st);
	if (is_posted)
		st->bell->st = NULL; /* freed when it rings */
	else
		free(st->bell);
	st->bell = NULL;
	pthread_cond_destroy(&st->writes.wake);
	pthread_cond_destroy(&st->reads.wake);
	pthread_mutex_destroy(&st->lock);
}
