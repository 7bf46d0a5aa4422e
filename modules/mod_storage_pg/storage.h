/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of mod_storage_pg share. Everything is ctl's own, but for a connection that is
 * being opened: that is done on blk, with nothing but the struct dial of connect.c.
 *
 * A list (struct stoa_tx) is in exactly one place: waiting in its pool, waiting for another list of
 * its order, held by a connection that runs it, or in storage.unsure when the connection was lost
 * while its COMMIT was under way. */
#ifndef STORAGE_H
#define STORAGE_H

#include <libpq-fe.h>
#include <stoa/event.h>
#include <stoa/iface/sql.h>
#include <stoa/list.h>
#include <stoa/loop.h>
#include <stoa/metric.h>
#include <stoa/module.h>

#define STORAGE_POOL_MAX   64         /* connections of one pool              */
#define STORAGE_QUEUE_MAX  4096       /* lists and queries waiting, per pool  */
#define STORAGE_PARAMS_MAX 32         /* of one statement                     */
#define STORAGE_STMTS_MAX  4096       /* registered                           */
#define STORAGE_ROWS_MAX   100000     /* of one result                        */
#define STORAGE_RESULT_MAX (32 << 20) /* bytes of text in one result          */
#define STORAGE_KEEP_MS    (24 * 3600 * 1000)
#define STORAGE_BACKOFF_MS 2000 /* between attempts to connect, at most */

struct storage;

/* ---- error.c ---- */

/** Negative errno, as <stoa/iface/sql.h> describes it, for a SQLSTATE; NULL: no connection. */
int error_from_sqlstate(const char *state);

/* ---- connect.c ---- */

enum login { LOGIN_OWNER, LOGIN_APP, LOGIN_SERVICE, LOGIN_N };

#define SETTINGS_MAX 24

struct settings { /* what libpq is given, for one of the roles */
	const char *keys[SETTINGS_MAX];
	char *values[SETTINGS_MAX];
	size_t n;
};

int settings_read(const struct stoa_conf *c, enum login who, struct settings *s);
void settings_free(struct settings *s);
/** Opens and waits, at most some seconds. NULL: told in `why`. Thread: blk, or ctl in start(). */
PGconn *connect_now(const struct settings *s, struct stoa_buf *why);

/* ---- migrate.c ---- */

/** Brings the database to the newest number of `dir`. On failure `why` says what is wrong, with
 *  file and line, and the database is as it was before the migration that failed. */
int migrate_run(PGconn *pg, const char *dir, uint32_t *ret_applied, struct stoa_buf *why);

/* ---- statement.c ---- */

struct entry {
	const struct stoa_sql_stmt *stmt;
	const char *text;
	uint32_t n_params, n_columns, index;
	bool is_read_only;
	char name[16]; /* of the prepared statement */
	Oid types[STORAGE_PARAMS_MAX];
};

int statement_register(struct storage *st, struct stoa_mod *m, const struct stoa_sql_stmt *s);
struct entry *statement_find(const struct storage *st, const struct stoa_sql_stmt *s);
void statement_free_all(struct storage *st);

/* ---- result.c ---- */

/** Copies what a statement returned, read by its letters. -E2BIG, -EINVAL, -ENOMEM. */
int result_read(const struct entry *e, const PGresult *r, struct stoa_sql_result **ret_result);
void result_free(struct stoa_sql_result *r);
uint32_t result_rows(const struct stoa_sql_result *r);
bool result_is_null(const struct stoa_sql_result *r, uint32_t row, uint32_t col);
struct stoa_str result_text(const struct stoa_sql_result *r, uint32_t row, uint32_t col);
int64_t result_integer(const struct stoa_sql_result *r, uint32_t row, uint32_t col);
double result_real(const struct stoa_sql_result *r, uint32_t row, uint32_t col);

/* ---- tx.c: building and delivering ---- */

struct param {
	const char *p; /* NULL: NULL */
	int n, format;
};

struct op { /* one statement with its values, one allocation */
	struct entry *entry;
	enum stoa_sql_expect expect;
	struct param v[];
};

struct pending_event {
	char *name;
	json_t *data;
};

struct stoa_tx {
	struct stoa_list link;    /* in its pool, or in storage.unsure */
	struct stoa_list pending; /* in storage.pending                */
	struct storage *st;
	struct stoa_mod *owner;
	struct pool *pool;
	struct op *act;      /* says who acts; NULL: the daemon itself */
	struct op *remember; /* runs before the others                 */
	struct op **ops;
	uint32_t n_ops, ops_cap;
	struct pending_event *events;
	uint32_t n_events;
	char *order;           /* key of the lists that run one after the other */
	struct stoa_tx *after; /* the next of them */
	bool is_query;
	char xid[24]; /* of the transaction, once it wrote something */
	uint32_t tries;
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
int tx_order(struct stoa_tx *tx, struct stoa_str key);
int tx_commit(struct stoa_tx *tx, stoa_sql_done_fn *fn, void *user);
int tx_query(void *self, struct stoa_mod *m, const char *actor, const struct stoa_sql_stmt *s,
	     const struct stoa_sql_value *v, uint32_t n, stoa_sql_done_fn *fn, void *user);
int tx_recall(void *self, struct stoa_mod *m, const char *actor, struct stoa_str key,
	      stoa_sql_done_fn *fn, void *user);
void tx_free(struct stoa_tx *tx);
void tx_forget(void *self, struct stoa_mod *m);
/** Makes one more attempt possible: forgets what the last one brought. */
void tx_rewind(struct stoa_tx *tx);
/** Notes the first thing that went wrong. */
void tx_fail(struct stoa_tx *tx, int err, uint32_t failed);
/** Emits the events of a committed list, tells its owner, frees it. */
void tx_deliver(struct stoa_tx *tx);
/** A list of one statement that the driver itself runs; -ENOMEM. */
int tx_internal(struct storage *st, const struct stoa_sql_stmt *s, const struct stoa_sql_value *v,
		uint32_t n);

extern const struct stoa_sql_stmt storage_statements[];
enum own_statement {
	OWN_BEGIN,
	OWN_BEGIN_READING,
	OWN_COMMIT,
	OWN_ROLLBACK,
	OWN_ACT,
	OWN_XID,
	OWN_OUTCOME,
	OWN_REMEMBER,
	OWN_RECALL,
	OWN_SWEEP,
	OWN_N
};

/* ---- conn.c: one connection, one list at a time ---- */

enum conn_state { CONN_DOWN, CONN_DIALLING, CONN_IDLE, CONN_BUSY };
enum conn_phase { PHASE_RUN, PHASE_END, PHASE_ASK }; /* the list, COMMIT or ROLLBACK, its outcome */

struct step { /* one answer that will come */
	struct entry *entry;
	uint8_t kind;
	uint32_t op;
};

struct conn {
	struct storage *st;
	struct pool *pool;
	PGconn *pg;
	struct stoa_fd *watch;
	struct stoa_timer *timer; /* down: the next attempt; busy: patience */
	enum conn_state state;
	enum conn_phase phase;
	uint32_t backoff_ms;
	struct stoa_tx *tx;
	struct step *steps;
	uint32_t n_steps, steps_cap, at;
	bool is_committing, is_answered; /* COMMIT was sent; its answer came */
	const char *outcome;             /* of another list, PHASE_ASK */
	uint8_t prepared[STORAGE_STMTS_MAX / 8];
};

int conn_init(struct conn *c, struct pool *p);
/** Takes over an open connection. */
int conn_adopt(struct conn *c, PGconn *pg);
void conn_dial(struct conn *c);
void conn_close(struct conn *c);
/** Sends a list, or asks what became of one. The connection is idle. */
void conn_run(struct conn *c, struct stoa_tx *tx);
void conn_ask(struct conn *c, struct stoa_tx *tx);
/** Reads and writes what is possible. */
void conn_turn(struct conn *c);

/* ---- pool.c: which list runs where, and when ---- */

struct pool {
	struct storage *st;
	enum login who;
	struct conn conns[STORAGE_POOL_MAX];
	uint32_t n, n_up;
	struct stoa_list waiting;
	uint32_t n_waiting;
};

/** Takes a list; -EAGAIN when the database is away or too many wait, -ESHUTDOWN. */
int pool_add(struct stoa_tx *tx);
/** Nothing of it happened and nothing was wrong with it: it is run again, before the others. */
void pool_again(struct stoa_tx *tx);
/** The list came to its end: hands it to its owner and lets the next of its order run. */
void pool_end(struct stoa_tx *tx);
/** Nobody knows yet whether it was committed. */
void pool_unsure(struct stoa_tx *tx);
/** Gives work to idle connections. */
void pool_dispatch(struct storage *st);
/** A connection came up or went: readiness. */
void pool_changed(struct storage *st, const char *reason);
int pools_start(struct storage *st);
/** Runs what waits, for at most `ms`, and closes. */
void pools_stop(struct storage *st, uint64_t ms);

struct storage {
	struct stoa_mod *m;
	bool is_ending;
	struct settings settings[LOGIN_N];
	PGconn *owner; /* migrates and checks statements, in start() */
	struct stoa_map *entries;
	uint32_t n_entries;
	struct entry *own[OWN_N];
	struct pool pools[2]; /* service, app */
	struct stoa_list pending, unsure;
	struct stoa_map *orders; /* the last list of each order */
	struct stoa_timer *kick, *tick;
	uint64_t deadline_ms, away_since_ms, sweep_at_ms;
	bool is_away;
	stoa_metric lists_total, failed_total, queries_total, retried_total, reconnects_total,
		waiting;
};

#endif
