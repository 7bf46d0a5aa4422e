/* SPDX-License-Identifier: Apache-2.0 */
/* Two pools, one for each role: which list runs where, and when. Lists with the same order key are a
 * chain of which only the first waits for a connection. */
#include "storage.h"

#include <poll.h>
#include <stdio.h>

#define TICK_MS  200
#define SWEEP_MS (600 * 1000)

static void kick(struct storage *st)
{
	if (!st->is_ending)
		stoa_timer_set(st->kick, 0);
}

/* ---- lists come and go ---- */

static void queue(struct stoa_tx *tx, bool is_first)
{
	if (is_first)
		stoa_list_push(&tx->pool->waiting, &tx->link);
	else
		stoa_list_append(&tx->pool->waiting, &tx->link);
}

static int chain(struct stoa_tx *tx)
{
	void *last = NULL;
	int err = stoa_map_set(tx->st->orders, stoa_str(tx->order), tx, &last);

	if (err)
		return err;
	if (last)
		((struct stoa_tx *)last)->after = tx;
	else
		queue(tx, false);
	return 0;
}

int pool_add(struct stoa_tx *tx)
{
	struct storage *st = tx->st;
	int err = 0;

	if (st->is_ending)
		return -ESHUTDOWN;
	if (tx->pool->n_waiting >= STORAGE_QUEUE_MAX || !tx->pool->n_up)
		return -EAGAIN;
	if (tx->order)
		err = chain(tx);
	else
		queue(tx, false);
	if (err)
		return err;
	tx->pool->n_waiting++;
	kick(st);
	return 0;
}

void pool_again(struct stoa_tx *tx)
{
	stoa_metric_add(tx->st->retried_total, 1);
	tx_rewind(tx);
	queue(tx, true);
	tx->pool->n_waiting++;
	kick(tx->st);
}

void pool_unsure(struct stoa_tx *tx)
{
	stoa_list_append(&tx->st->unsure, &tx->link);
}

void pool_end(struct stoa_tx *tx)
{
	if (tx->after)
		queue(tx->after, false);
	else if (tx->order)
		stoa_map_remove(tx->st->orders, stoa_str(tx->order));
	tx_deliver(tx);
}

static struct stoa_tx *take_first(struct stoa_list *l)
{
	struct stoa_tx *tx = STOA_CONTAINER(l->next, struct stoa_tx, link);

	stoa_list_unlink(&tx->link);
	return tx;
}

static struct stoa_tx *take_waiting(struct pool *p)
{
	p->n_waiting--;
	return take_first(&p->waiting);
}

/* ---- connections get work ---- */

static void ask_unsure(struct storage *st)
{
	for (size_t k = 0; k < STOA_ARRAY_SIZE(st->pools); k++) {
		struct pool *p = &st->pools[k];

		for (uint32_t i = 0; i < p->n && !stoa_list_empty(&st->unsure); i++)
			if (p->conns[i].state == CONN_IDLE)
				conn_ask(&p->conns[i], take_first(&st->unsure));
	}
}

static void dispatch(struct pool *p)
{
	for (uint32_t i = 0; i < p->n && !stoa_list_empty(&p->waiting); i++)
		if (p->conns[i].state == CONN_IDLE)
			conn_run(&p->conns[i], take_waiting(p));
}

void pool_dispatch(struct storage *st)
{
	for (size_t k = 0; k < STOA_ARRAY_SIZE(st->pools); k++)
		dispatch(&st->pools[k]);
}

static void on_kick(void *user)
{
	pool_dispatch(user);
}

/* ---- an outage ---- */

void pool_changed(struct storage *st, const char *reason)
{
	bool is_away = !st->pools[0].n_up || !st->pools[1].n_up;
	char text[256];

	if (st->is_ending || is_away == st->is_away)
		return;
	st->is_away = is_away;
	st->away_since_ms = stoa_now_ms();
	snprintf(text, sizeof(text), "the database is away: %s", reason ? reason : "");
	stoa_mod_set_ready(st->m, "database", is_away ? text : NULL);
	kick(st);
}

/* Who waits longer than a statement may take is told to come again. */
static void expire(struct pool *p)
{
	while (!stoa_list_empty(&p->waiting)) {
		struct stoa_tx *tx = take_waiting(p);

		tx_fail(tx, -EAGAIN, UINT32_MAX);
		pool_end(tx);
	}
}

static void sweep(struct storage *st)
{
	struct stoa_sql_value now = STOA_V_TIME(stoa_wall_ms());
	int err;

	if (stoa_now_ms() < st->sweep_at_ms)
		return;
	st->sweep_at_ms = stoa_now_ms() + SWEEP_MS;
	err = tx_internal(st, &storage_statements[OWN_SWEEP], &now, 1);
	if (err)
		stoa_log(st->m, STOA_LOG_INFO, "old keys stay for now: %s", strerror(-err));
}

static void on_tick(void *user)
{
	struct storage *st = user;

	ask_unsure(st);
	if (st->is_away && stoa_now_ms() - st->away_since_ms > st->deadline_ms)
		for (size_t k = 0; k < STOA_ARRAY_SIZE(st->pools); k++)
			if (!st->pools[k].n_up)
				expire(&st->pools[k]);
	if (!st->is_away)
		sweep(st);
	stoa_timer_set(st->tick, TICK_MS);
}

/* ---- life ---- */

/* The first connection of each pool is waited for, so that whoever starts after us can ask. */
static int open_pool(struct pool *p)
{
	struct stoa_buf why = { 0 };
	PGconn *pg = connect_now(&p->st->settings[p->who], &why);
	int err = 0;

	if (!pg) {
		stoa_log(p->st->m, STOA_LOG_ERROR, "%s", why.n ? why.p : "out of memory");
		err = -EAGAIN;
	}
	stoa_buf_free(&why);
	for (uint32_t i = 0; !err && i < p->n; i++) {
		err = conn_init(&p->conns[i], p);
		if (!err && i)
			conn_dial(&p->conns[i]);
	}
	if (!pg)
		return err;
	if (err)
		PQfinish(pg);
	else
		err = conn_adopt(&p->conns[0], pg);
	return err;
}

int pools_start(struct storage *st)
{
	int err = 0;

	st->orders = stoa_map_new();
	st->kick = stoa_timer_new(st->m, on_kick, st);
	st->tick = stoa_timer_new(st->m, on_tick, st);
	if (!st->orders || !st->kick || !st->tick)
		return -ENOMEM;
	st->is_away = true;
	st->sweep_at_ms = stoa_now_ms() + SWEEP_MS;
	for (size_t k = 0; k < STOA_ARRAY_SIZE(st->pools) && !err; k++)
		err = open_pool(&st->pools[k]);
	if (!err)
		stoa_timer_set(st->tick, TICK_MS);
	return err;
}

static size_t gather(struct storage *st, struct pollfd *fds, struct conn **conns)
{
	size_t n = 0;

	for (size_t k = 0; k < STOA_ARRAY_SIZE(st->pools); k++)
		for (uint32_t i = 0; i < st->pools[k].n; i++) {
			struct conn *c = &st->pools[k].conns[i];

			if (c->state != CONN_BUSY)
				continue;
			conns[n] = c;
			fds[n] = (struct pollfd){ PQsocket(c->pg), POLLIN, 0 };
			fds[n++].events |= PQflush(c->pg) > 0 ? POLLOUT : 0;
		}
	return n;
}

static void run_out(struct storage *st, uint64_t ms)
{
	struct pollfd fds[2 * STORAGE_POOL_MAX];
	struct conn *conns[2 * STORAGE_POOL_MAX];
	uint64_t end = stoa_now_ms() + ms;

	for (;;) {
		size_t n;

		ask_unsure(st);
		pool_dispatch(st);
		n = gather(st, fds, conns);
		if (!n || stoa_now_ms() >= end)
			return;
		if (poll(fds, n, 100) > 0)
			for (size_t i = 0; i < n; i++)
				if (fds[i].revents)
					conn_turn(conns[i]);
	}
}

static void give_up(struct storage *st)
{
	uint32_t n = 0;

	for (size_t k = 0; k < STOA_ARRAY_SIZE(st->pools); k++) {
		struct pool *p = &st->pools[k];

		for (uint32_t i = 0; i < p->n; i++) {
			struct stoa_tx *tx = p->conns[i].tx;

			p->conns[i].tx = NULL;
			conn_close(&p->conns[i]);
			if (tx)
				pool_unsure(tx);
		}
		n += p->n_waiting;
	}
	for (; !stoa_list_empty(&st->unsure); n++) {
		struct stoa_tx *tx = take_first(&st->unsure);

		tx_fail(tx, -EIO, UINT32_MAX);
		pool_end(tx);
	}
	for (int pass = 0; pass < 2; pass++) /* the next of an order may be the other pool's */
		for (size_t k = 0; k < STOA_ARRAY_SIZE(st->pools); k++)
			expire(&st->pools[k]);
	if (n)
		stoa_log(st->m, STOA_LOG_ERROR,
			 "%u transactions were not run: the database did "
			 "not answer",
			 n);
}

void pools_stop(struct storage *st, uint64_t ms)
{
	st->is_ending = true;
	run_out(st, ms);
	give_up(st);
	stoa_timer_free(st->kick);
	stoa_timer_free(st->tick);
	st->kick = st->tick = NULL;
	stoa_map_free(st->orders);
	st->orders = NULL;
}
