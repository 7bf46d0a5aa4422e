/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of mod_storage_sqlite share.
 *
 * Lists (struct stoa_tx) are built on ctl, run by one thread (the writer, or a reader for queries)
 * and come back to ctl. Whoever holds a list may touch it; nothing in it is shared. Entries
 * (registered statements) are made on ctl and live until stop; prepared[i] belongs to the thread
 * of connection i alone. */
#ifndef STORAGE_H
#define STORAGE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stoa/event.h>
#include <stoa/iface/sql.h>
#include <stoa/list.h>
#include <stoa/loop.h>
#include <stoa/metric.h>
#include <stoa/module.h>

#define STORAGE_READERS_MAX 4
#define STORAGE_QUEUE_MAX   4096       /* lists waiting for the writer, queries for the readers */
#define STORAGE_BATCH_MAX   512        /* lists in one commit                                   */
#define STORAGE_PARAMS_MAX  32         /* of one statement                                      */
#define STORAGE_ROWS_MAX    100000     /* of one result                                         */
#define STORAGE_RESULT_MAX  (32 << 20) /* bytes of text in one result                           */
#define STORAGE_KEEP_MS     (24 * 3600 * 1000)

/* ---- error.c ---- */

/** Negative errno, as <stoa/iface/sql.h> describes it, for an extended SQLite result code. */
int error_from_sqlite(int rc);
/** Does this error say that the storage itself is unwell (and what, for /readyz)? NULL: no. */
const char *error_fault(int err);

/* ---- connection.c ---- */

struct connection {
	sqlite3 *db;
	uint32_t index; /* into entry.prepared */
};

/** Opens with the settings every connection has. On failure the reason is logged. */
int connection_open(struct stoa_mod *m, const char *path, bool is_writer, bool sync_full,
		    uint32_t index, struct connection *ret_c);
void connection_close(struct connection *c);
int connection_exec(struct connection *c, const char *sql);

/** Holds the only daemon of a database by a lock on `<path>.lock`. -EBUSY: somebody has it. */
int database_lock(const char *path, int *ret_fd);

/* ---- migrate.c ---- */

/** Brings the database to the newest number of `dir`. On failure `why` says what is wrong, with
 *  file and line, and the database is as it was before the migration that failed. */
int migrate_run(sqlite3 *db, const char *dir, uint32_t *ret_applied, struct stoa_buf *why);

/* ---- statement.c ---- */

struct entry {
	const struct stoa_sql_stmt *stmt;
	const char *text;
	uint32_t n_params, n_columns;
	bool is_read_only;
	uint8_t slot[STORAGE_PARAMS_MAX]; /* of $1, $2, …: SQLite's own number */
	sqlite3_stmt *prepared[1 + STORAGE_READERS_MAX];
};

struct storage;
int statement_register(struct storage *st, struct stoa_mod *m, const struct stoa_sql_stmt *s);
struct entry *statement_find(const struct storage *st, const struct stoa_sql_stmt *s);
void statement_free_all(struct storage *st);
/** Prepares on first use. Thread: the connection's. */
int statement_get(struct connection *c, struct entry *e, sqlite3_stmt **ret_stmt);

/* ---- result.c ---- */

struct cell {
	int64_t i;
	double f;
	uint32_t at, n; /* in text */
	bool is_null;
};

struct stoa_sql_result {
	uint32_t rows, cols;
	struct cell *cells;
	uint32_t cells_cap;
	struct stoa_buf text;
};

/** Steps a bound statement to its end. */
int result_read(struct connection *c, const struct entry *e, sqlite3_stmt *s,
		struct stoa_sql_result **ret_result);
void result_free(struct stoa_sql_result *r);
uint32_t result_rows(const struct stoa_sql_result *r);
bool result_is_null(const struct stoa_sql_result *r, uint32_t row, uint32_t col);
struct stoa_str result_text(const struct stoa_sql_result *r, uint32_t row, uint32_t col);
int64_t result_integer(const struct stoa_sql_result *r, uint32_t row, uint32_t col);
double result_real(const struct stoa_sql_result *r, uint32_t row, uint32_t col);

/* ---- tx.c ---- */

struct op { /* one statement with its values, one allocation */
	struct entry *entry;
	enum stoa_sql_expect expect;
	struct stoa_sql_value v[];
};

struct pending_event {
	char *name;
	json_t *data;
};

struct stoa_tx {
	struct stoa_list link;    /* in a queue: the lock's; else its holder's */
	struct stoa_list pending; /* in storage.pending: ctl's                 */
	struct storage *st;
	struct stoa_mod *owner;
	struct op *remember; /* runs first */
	struct op **ops;
	uint32_t n_ops, ops_cap;
	struct pending_event *events;
	uint32_t n_events;
	int err;
	uint32_t failed;
	struct stoa_sql_result **results;
	stoa_sql_done_fn *fn;
	void *user;
};

struct stoa_tx *tx_begin(void *self, struct stoa_mod *m, const char *actor);
int tx_run(struct stoa_tx *tx, const struct stoa_sql_stmt *s, const struct stoa_sql_value *v,
	   uint32_t n, enum stoa_sql_expect expect);
int tx_emit(struct stoa_tx *tx, const char *event, json_t *data_take);
int tx_remember(struct stoa_tx *tx, const char *actor, struct stoa_str key,
		struct stoa_str request_hash, int status, struct stoa_str body);
int tx_commit(struct stoa_tx *tx, stoa_sql_done_fn *fn, void *user);
int tx_query(void *self, struct stoa_mod *m, const char *actor, const struct stoa_sql_stmt *s,
	     const struct stoa_sql_value *v, uint32_t n, stoa_sql_done_fn *fn, void *user);
void tx_free(struct stoa_tx *tx);
void tx_forget(void *self, struct stoa_mod *m);
/** Emits the events of a committed list, tells its owner, frees it. Thread: ctl. */
void tx_deliver(struct stoa_tx *tx);
/** Runs every statement of a list on a connection; tx->err and tx->failed say how it went. */
int tx_execute(struct stoa_tx *tx, struct connection *c);

int tx_recall(void *self, struct stoa_mod *m, const char *actor, struct stoa_str key,
	      stoa_sql_done_fn *fn, void *user);

extern const struct stoa_sql_stmt storage_remember, storage_recall, storage_sweep;

/* ---- worker.c: a queue, a thread behind it, and the way back to ctl ---- */

struct queue { /* all under storage.lock */
	struct stoa_list lists;
	uint32_t n;
	pthread_cond_t wake;
};

/** Adds a list; -EAGAIN when STORAGE_QUEUE_MAX wait, -ESHUTDOWN. Thread: ctl. */
int queue_add(struct storage *st, struct queue *q, struct stoa_tx *tx);
/** Waits for lists, at most `wait_ms`, and takes up to `max`. False: the queue is empty and the
 *  threads are to end. Thread: blk. */
bool queue_take(struct storage *st, struct queue *q, uint32_t max, uint64_t wait_ms,
		struct stoa_list *ret_lists);
/** Hands lists back to ctl, in order. Thread: blk. */
void worker_return(struct storage *st, struct stoa_list *lists);
/** Tells ctl that the storage is unwell (negative errno) or well again (0). Thread: blk. */
void worker_fault(struct storage *st, int err);
/** Delivers what has come back. Thread: ctl. */
void worker_deliver(struct storage *st);
int worker_start(struct storage *st);
void worker_join(struct storage *st);

/* ---- writer.c, reader.c: bodies of the threads ---- */
void *writer_main(void *storage);
void *reader_main(void *reader);

struct reader {
	struct storage *st;
	struct connection c;
	pthread_t thread;
};

struct bell { /* wakes ctl; outlives the storage while it is posted */
	struct stoa_task task;
	struct storage *st;
};

struct storage {
	struct stoa_mod *m;
	char path[4096];
	bool sync_full;
	int lock_fd;

	/* ctl's own */
	struct connection check; /* prepares what is registered, once */
	struct stoa_map *entries;
	struct stoa_list pending;
	int told_fault;

	/* shared, under lock */
	pthread_mutex_t lock;
	struct queue writes, reads;
	struct stoa_list returned;
	struct bell *bell;
	bool is_posted, is_ending;
	int fault;

	/* the writer's */
	struct connection writer;
	struct entry *sweep;
	pthread_t writer_thread;
	bool has_writer_thread;

	struct reader readers[STORAGE_READERS_MAX];
	uint32_t n_readers, n_reader_threads;

	stoa_metric lists_total, failed_total, batches_total, queries_total, waiting;
};

#endif
