/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_IFACE_SQL_H
#define STOA_IFACE_SQL_H

#include <errno.h>
#include <jansson.h>
#include <stoa/iface.h>
#include <stoa/util.h>

/*
 * `sql`: statements, transactions that carry their events, migrations, idempotency keys.
 *
 * A transaction is a list of statements with expectations, run as one: it is committed whole, or
 * nothing of it happened. There is no conversation inside a transaction, so a driver can commit
 * many together (SQLite's group commit) or send one in a single round trip (PostgreSQL's pipeline).
 * What done_fn was told is on disk.
 *
 * Statements are static tables in the module that owns them. Their text is the subset of SQL that
 * both PostgreSQL 15 and SQLite 3.40 take; parameters are $1 to $n. Every statement carries its own
 * access predicate for the acting user where there is one. Ids and times are made in C.
 *
 * Everything is asynchronous and on ctl; callbacks never run inside the call that asks.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

#define STOA_SQL "sql/0"

enum stoa_sql_type {
	STOA_SQL_NULL = 0,
	STOA_SQL_TEXT = 1,
	STOA_SQL_INT = 2, /* 64 bits                                                    */
	STOA_SQL_REAL = 3,
	STOA_SQL_BOOL = 4,
	STOA_SQL_TIME = 5, /* milliseconds UTC; timestamptz, or RFC 3339 text in SQLite  */
	STOA_SQL_JSON = 6, /* text of a JSON value; jsonb, or text in SQLite             */
	STOA_SQL_BYTES = 7,
};

struct stoa_sql_value {
	enum stoa_sql_type type;
	int64_t i;         /* INT, BOOL, TIME        */
	double f;          /* REAL                   */
	struct stoa_str s; /* TEXT, JSON, BYTES      */
};

#define STOA_V_NULL    ((struct stoa_sql_value){ STOA_SQL_NULL, 0, 0, { NULL, 0 } })
#define STOA_V_TEXT(v) ((struct stoa_sql_value){ STOA_SQL_TEXT, 0, 0, stoa_str(v) })
#define STOA_V_STR(v)  ((struct stoa_sql_value){ STOA_SQL_TEXT, 0, 0, (v) })
#define STOA_V_INT(v)  ((struct stoa_sql_value){ STOA_SQL_INT, (v), 0, { NULL, 0 } })
#define STOA_V_BOOL(v) ((struct stoa_sql_value){ STOA_SQL_BOOL, (v), 0, { NULL, 0 } })
#define STOA_V_TIME(v) ((struct stoa_sql_value){ STOA_SQL_TIME, (v), 0, { NULL, 0 } })
#define STOA_V_JSON(v) ((struct stoa_sql_value){ STOA_SQL_JSON, 0, 0, (v) })

struct stoa_sql_stmt {
	const char *name;    /* "call-insert": for logs, metrics and EXPLAIN */
	const char *text;    /* both dialects                                */
	const char *params;  /* one letter each: t text, i int, f real, o bool, m time, j json, b
				bytes */
	const char *columns; /* the same letters for what it returns, "" for nothing */
	const char *text_sqlite; /* only where the dialects differ: listed and counted   */
	const char *text_pg;
};

enum stoa_sql_expect { /* rows affected, or returned where the statement returns rows */
		       STOA_ROWS_ANY = 0,
		       STOA_ROWS_ONE =
			       1, /* otherwise the transaction is rolled back with -ENOENT  */
		       STOA_ROWS_SOME = 2, /* at least one, otherwise -ENOENT */
		       STOA_ROWS_NONE = 3, /* none, otherwise -EEXIST */
};

#define STOA_TX_MAX 2048 /* statements, and events, of one transaction */

struct stoa_sql_result; /* the rows of one statement */
struct stoa_tx;

/** How it ended. `err`: 0 committed; -ENOENT or -EEXIST an expectation failed or a key is taken
 *  (`failed` says which statement, counted from 0); -EINVAL a CHECK, NOT NULL or foreign key was
 *  violated; -EACCES row-level security; -EAGAIN the database is away or busy: nothing happened and
 * it may be tried again; -ENOSPC, -EROFS, -EIO the storage cannot write: nothing happened.
 *  `results`: one per statement, borrowed for the call. */
typedef void stoa_sql_done_fn(int err, const struct stoa_sql_result *const *results, uint32_t n,
			      uint32_t failed, void *user);

struct stoa_sql_ops {
	uint32_t size;
	const char *dialect; /* "sqlite" or "pg" */
	int (*statements)(void *self, struct stoa_mod *m, const struct stoa_sql_stmt *stmts,
			  size_t n);
	struct stoa_tx *(*begin)(void *self, struct stoa_mod *m, const char *actor);
	int (*run)(struct stoa_tx *tx, const struct stoa_sql_stmt *s,
		   const struct stoa_sql_value *v, uint32_t n, enum stoa_sql_expect expect);
	int (*emit)(struct stoa_tx *tx, const char *event, json_t *data_take);
	int (*remember)(struct stoa_tx *tx, const char *actor, struct stoa_str key,
			struct stoa_str request_hash, int status, struct stoa_str body);
	int (*commit)(struct stoa_tx *tx, stoa_sql_done_fn *fn, void *user);
	void (*cancel)(struct stoa_tx *tx);
	int (*query)(void *self, struct stoa_mod *m, const char *actor,
		     const struct stoa_sql_stmt *s, const struct stoa_sql_value *v, uint32_t n,
		     stoa_sql_done_fn *fn, void *user);

	uint32_t (*rows)(const struct stoa_sql_result *r);
	bool (*is_null)(const struct stoa_sql_result *r, uint32_t row, uint32_t col);
	struct stoa_str (*text)(const struct stoa_sql_result *r, uint32_t row, uint32_t col);
	int64_t (*integer)(const struct stoa_sql_result *r, uint32_t row,
			   uint32_t col); /* int, bool, time in ms */
	double (*real)(const struct stoa_sql_result *r, uint32_t row, uint32_t col);
	void (*forget)(void *self, struct stoa_mod *m);
	int (*recall)(void *self, struct stoa_mod *m, const char *actor, struct stoa_str key,
		      stoa_sql_done_fn *fn, void *user);
	int (*order)(struct stoa_tx *tx, struct stoa_str key);
};

/** What consumers hold. Bind in start(). */
struct stoa_sql {
	const struct stoa_sql_ops *ops;
	void *self;
};

/** Binds the provider. Errors of stoa_iface_bind(). Thread: ctl. */
static inline int stoa_sql_bind(struct stoa_mod *m, struct stoa_sql *ret_sql)
{
	struct stoa_iface i;
	int err = stoa_iface_bind(m, STOA_SQL, &i);

	if (err)
		return err;
	ret_sql->ops = (const struct stoa_sql_ops *)i.ops;
	ret_sql->self = i.self;
	return 0;
}

/** Registers the module's statements: prepared and checked at once. In start(). Errors: -EINVAL
 * with a log line that names the statement and the database's complaint. */
static inline int stoa_sql_statements(const struct stoa_sql *s, struct stoa_mod *m,
				      const struct stoa_sql_stmt *stmts, size_t n)
{
	return STOA_HAS(s->ops, statements) ? s->ops->statements(s->self, m, stmts, n) : -ENOTSUP;
}

/** Starts a list for the acting user (`actor`; NULL: the daemon itself). NULL when out of memory.
 *  Ends with stoa_tx_commit() or stoa_tx_cancel(). */
static inline struct stoa_tx *stoa_sql_begin(const struct stoa_sql *s, struct stoa_mod *m,
					     const char *actor)
{
	return STOA_HAS(s->ops, begin) ? s->ops->begin(s->self, m, actor) : NULL;
}

/** Adds a statement; values are copied. A failure (-ENOMEM, -EINVAL, -E2BIG past STOA_TX_MAX
 * statements) is remembered too: commit then fails with it. */
static inline int stoa_tx_run(const struct stoa_sql *s, struct stoa_tx *tx,
			      const struct stoa_sql_stmt *stmt, const struct stoa_sql_value *v,
			      uint32_t n, enum stoa_sql_expect expect)
{
	return STOA_HAS(s->ops, run) ? s->ops->run(tx, stmt, v, n, expect) : -ENOTSUP;
}

/** Lists of the module with the same key (the id of a call, …) are run one after the other, in the
 *  order of their commits. Lists without a key, or with different ones, may overtake each other. A
 *  driver without the function runs all lists in order. -ENOMEM. */
static inline int stoa_tx_order(const struct stoa_sql *s, struct stoa_tx *tx, struct stoa_str key)
{
	return STOA_HAS(s->ops, order) ? s->ops->order(tx, key) : 0;
}

/** Adds an event that listeners get after the commit, never without it. Takes the reference. */
static inline int stoa_tx_emit(const struct stoa_sql *s, struct stoa_tx *tx, const char *event,
			       json_t *data_take)
{
	if (STOA_HAS(s->ops, emit))
		return s->ops->emit(tx, event, data_take);
	json_decref(data_take);
	return -ENOTSUP;
}

/** Stores the answer under an Idempotency-Key (1 to 255 bytes) of this user, for 24 hours, in the
 * same transaction. A key that is taken rolls back with -EEXIST and `failed` UINT32_MAX: read the
 * stored answer with stoa_sql_recall() and compare its request hash. */
static inline int stoa_tx_remember(const struct stoa_sql *s, struct stoa_tx *tx, const char *actor,
				   struct stoa_str key, struct stoa_str request_hash, int status,
				   struct stoa_str body)
{
	return STOA_HAS(s->ops, remember)
		       ? s->ops->remember(tx, actor, key, request_hash, status, body)
		       : -ENOTSUP;
}

/** Runs the list; consumes tx in every case. fn runs once, later; NULL: nobody is told. An error
 *  here (-EAGAIN: 4096 lists are waiting; -ESHUTDOWN; or what went wrong while it was built) means
 *  nothing happened and fn will not run. */
static inline int stoa_tx_commit(const struct stoa_sql *s, struct stoa_tx *tx, stoa_sql_done_fn *fn,
				 void *user)
{
	return STOA_HAS(s->ops, commit) ? s->ops->commit(tx, fn, user) : -ENOTSUP;
}

/** Drops a list that was not committed. NULL is fine. */
static inline void stoa_tx_cancel(const struct stoa_sql *s, struct stoa_tx *tx)
{
	if (tx && STOA_HAS(s->ops, cancel))
		s->ops->cancel(tx);
}

/** One reading statement outside a transaction. Same callbacks and errors as commit. */
static inline int stoa_sql_query(const struct stoa_sql *s, struct stoa_mod *m, const char *actor,
				 const struct stoa_sql_stmt *stmt, const struct stoa_sql_value *v,
				 uint32_t n, stoa_sql_done_fn *fn, void *user)
{
	return STOA_HAS(s->ops, query) ? s->ops->query(s->self, m, actor, stmt, v, n, fn, user)
				       : -ENOTSUP;
}

/** Looks for what stoa_tx_remember() stored under this user's key: one row of request hash (text),
 *  status (int) and body (text), or none when there is no such key or it is older than 24 hours.
 *  Errors as stoa_sql_query(). */
static inline int stoa_sql_recall(const struct stoa_sql *s, struct stoa_mod *m, const char *actor,
				  struct stoa_str key, stoa_sql_done_fn *fn, void *user)
{
	return STOA_HAS(s->ops, recall) ? s->ops->recall(s->self, m, actor, key, fn, user)
					: -ENOTSUP;
}

/** The module hears of nothing any more: lists that wait are still run, but their done_fn is not
 * called. For stop(), where `user` is about to be freed; who calls it frees what `user` pointed to.
 */
static inline void stoa_sql_forget(const struct stoa_sql *s, struct stoa_mod *m)
{
	if (STOA_HAS(s->ops, forget))
		s->ops->forget(s->self, m);
}

/** Rows returned, or affected where the statement returns none. A result is borrowed for the
 *  done_fn it was given to. Cells by row and column, both from 0; NULL cells, and those outside,
 *  read as "", 0. Thread: ctl, as everything here. */
static inline uint32_t stoa_sql_rows(const struct stoa_sql *s, const struct stoa_sql_result *r)
{
	return s->ops->rows(r);
}

/** Is the cell NULL, or outside? */
static inline bool stoa_sql_is_null(const struct stoa_sql *s, const struct stoa_sql_result *r,
				    uint32_t row, uint32_t col)
{
	return s->ops->is_null(r, row, col);
}

/** Of TEXT, JSON (the value may be written differently than it came), BYTES and TIME (RFC 3339);
 *  "" for the others. */
static inline struct stoa_str stoa_sql_text(const struct stoa_sql *s,
					    const struct stoa_sql_result *r, uint32_t row,
					    uint32_t col)
{
	return s->ops->text(r, row, col);
}

/** Of INT, BOOL (0 or 1) and TIME (milliseconds UTC). */
static inline int64_t stoa_sql_int(const struct stoa_sql *s, const struct stoa_sql_result *r,
				   uint32_t row, uint32_t col)
{
	return s->ops->integer(r, row, col);
}

/** Of REAL. */
static inline double stoa_sql_real(const struct stoa_sql *s, const struct stoa_sql_result *r,
				   uint32_t row, uint32_t col)
{
	return s->ops->real(r, row, col);
}

STOA_END_DECLS

#endif
