/* SPDX-License-Identifier: Apache-2.0 */
/* The one thread that writes. All lists that wait are run in one SQLite transaction, each inside a
 * savepoint, and are told so after the commit is on disk: while one commit waits for the disk, the
 * lists of the next gather. A list that fails is rolled back to its savepoint; a storage that fails
 * takes the whole batch with it, and then nothing of it happened. */
#include "storage.h"

#define SWEEP_MS (600 * 1000)
#define PROBE_MS 1000 /* how often a storage that failed is tried again */

static void fail_all(struct stoa_list *lists, int err)
{
	struct stoa_tx *tx;

	stoa_list_for_each (tx, lists, struct stoa_tx, link) {
		tx->err = err;
		tx->failed = UINT32_MAX;
	}
}

/* Did the database itself end the transaction (full, I/O error, out of memory)? */
static bool is_aborted(const struct connection *c)
{
	return sqlite3_get_autocommit(c->db) != 0;
}

static int run_list(struct connection *c, struct stoa_tx *tx)
{
	int err = connection_exec(c, "SAVEPOINT list");

	if (err)
		return err;
	if (tx_execute(tx, c) == 0)
		return connection_exec(c, "RELEASE list");
	if (is_aborted(c) || error_fault(tx->err))
		return tx->err;
	err = connection_exec(c, "ROLLBACK TO list");
	return err ? err : connection_exec(c, "RELEASE list");
}

static int run_batch(struct storage *st, struct connection *c, struct stoa_list *lists)
{
	struct stoa_tx *tx;
	int err = connection_exec(c, "BEGIN IMMEDIATE");

	if (!err) {
		stoa_list_for_each (tx, lists, struct stoa_tx, link) {
			if ((err = run_list(c, tx)) != 0)
				break;
		}
	}
	if (!err)
		err = connection_exec(c, "COMMIT");
	if (err)
		stoa_log(st->m, STOA_LOG_WARN, "%s: a batch was rolled back: %s", st->path,
			 sqlite3_errmsg(c->db));
	if (err && !is_aborted(c))
		connection_exec(c, "ROLLBACK");
	return err;
}

static void count(struct storage *st, const struct stoa_list *lists)
{
	const struct stoa_tx *tx;
	int64_t n = 0, failed = 0;

	stoa_list_for_each (tx, lists, struct stoa_tx, link) {
		n++;
		failed += tx->err != 0;
	}
	stoa_metric_add(st->batches_total, 1);
	stoa_metric_add(st->lists_total, n);
	stoa_metric_add(st->failed_total, failed);
}

/* Writes to the header page without changing it: does the storage take writes again? */
static int probe(struct connection *c)
{
	int err = connection_exec(c, "BEGIN IMMEDIATE");

	if (!err)
		err = connection_exec(c, "PRAGMA user_version = 1");
	if (!err)
		err = connection_exec(c, "COMMIT");
	if (err && !is_aborted(c))
		connection_exec(c, "ROLLBACK");
	return err;
}

static void sweep(struct storage *st)
{
	struct entry *e = st->sweep;
	char now[STOA_TIME_LEN];
	sqlite3_stmt *s;

	if (statement_get(&st->writer, e, &s))
		return;
	stoa_time_format(stoa_wall_ms(), now);
	sqlite3_bind_text(s, e->slot[0], now, -1, SQLITE_STATIC);
	sqlite3_step(s);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

void *writer_main(void *storage)
{
	struct storage *st = storage;
	struct stoa_list lists;
	uint64_t swept_ms = 0;
	int fault = 0;

	while (queue_take(st, &st->writes, STORAGE_BATCH_MAX, fault ? PROBE_MS : SWEEP_MS,
			  &lists)) {
		int err = stoa_list_empty(&lists) ? (fault ? probe(&st->writer) : 0)
						  : run_batch(st, &st->writer, &lists);

		if (err)
			fail_all(&lists, err);
		if (!stoa_list_empty(&lists))
			count(st, &lists);
		fault = error_fault(err) ? err : 0;
		worker_fault(st, fault);
		worker_return(st, &lists);
		if (!fault && (!swept_ms || stoa_now_ms() - swept_ms >= SWEEP_MS)) {
			sweep(st);
			swept_ms = stoa_now_ms();
		}
	}
	return NULL;
}
