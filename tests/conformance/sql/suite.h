/* SPDX-License-Identifier: Apache-2.0 */
/* The conformance suite of the `sql` interface: what every driver must do, seen only through
 * <stoa/iface/sql.h>. Cases are synchronous: run() and ask() wait for the answer in the test host.
 * Each case works on ids of its own (name()), so that cases do not meet. */
#ifndef CONFORMANCE_SQL_SUITE_H
#define CONFORMANCE_SQL_SUITE_H

#include <errno.h>
#include <jansson.h>
#include <stoa/event.h>
#include <stoa/iface/sql.h>
#include <stoa/loop.h>
#include <stoa/testing.h>
#include "check.h"

extern struct stoa_sql sql;
extern struct stoa_mod *self; /* the module the suite acts as */

struct outcome { /* how a list or a query ended */
	bool is_done;
	int err;
	uint32_t n, failed;
	uint32_t rows[16];   /* of each statement                             */
	json_t *cells;       /* of the last statement: rows of cells, by type */
	const char *columns; /* of the last statement                         */
	int turn;            /* the how-many-eth to end                       */
};

/* ---- statements of the suite ---- */
enum {
	ITEM_INSERT,
	ITEM_INSERT_ALL,
	ITEM_GET,
	ITEM_ADD,
	ITEM_STEP,
	ITEM_ADD_RETURNING,
	ITEM_TAKE,
	ITEM_DELETE,
	ITEM_COUNT,
	ITEM_PAGE,
	ITEM_PAGE_ROW_VALUE,
	ITEM_UPSERT,
	ITEM_PARENT,
	ITEM_SWAPPED,
	ITEM_FROM,
	ITEM_FILTER,
	ITEM_WINDOW,
	ITEM_DISTINCT,
	ITEM_JSON_MEMBER,
	ITEM_AFTER,
	KEY_AGE,
	STMT_N
};
extern const struct stoa_sql_stmt stmts[STMT_N];

/* ---- helpers ---- */

/** A fresh id for this case, static, rotating over 16. */
const char *name(const char *what);
struct stoa_tx *begin(void);
void add(struct stoa_tx *tx, int stmt, enum stoa_sql_expect expect, uint32_t n,
	 const struct stoa_sql_value *v);
#define ADD(tx, stmt, expect, ...)                                                                 \
	add(tx, stmt, expect,                                                                      \
	    sizeof((struct stoa_sql_value[]){ __VA_ARGS__ }) / sizeof(struct stoa_sql_value),      \
	    (struct stoa_sql_value[]){ __VA_ARGS__ })
/** Commits and waits; the outcome is the callee's, good until the next run() or ask(). `last`: the
 *  statement whose cells are wanted, or -1. */
const struct outcome *run(struct stoa_tx *tx, int last);
/** Commits without waiting. */
int start(struct stoa_tx *tx, struct outcome *o);
bool is_outcome(void *outcome);
const struct outcome *ask(int stmt, uint32_t n, const struct stoa_sql_value *v);
#define ASK(stmt, ...)                                                                             \
	ask(stmt,                                                                                  \
	    sizeof((struct stoa_sql_value[]){ __VA_ARGS__ }) / sizeof(struct stoa_sql_value),      \
	    (struct stoa_sql_value[]){ __VA_ARGS__ })
/** Runs the one statement; its error. */
int run_one(int stmt, enum stoa_sql_expect expect, uint32_t n, const struct stoa_sql_value *v);
#define RUN_ONE(stmt, expect, ...)                                                                 \
	run_one(stmt, expect,                                                                      \
		sizeof((struct stoa_sql_value[]){ __VA_ARGS__ }) / sizeof(struct stoa_sql_value),  \
		(struct stoa_sql_value[]){ __VA_ARGS__ })
/** Inserts an item with a number. */
void insert(const char *id, int64_t n);
/** The number of an item; -1 when there is no such item. */
int64_t number_of(const char *id);

/* events heard so far, in order: "name:tag" */
extern char heard[4096][48];
extern size_t n_heard;
void hear_all(void);

/** Stops and starts the host with the same database. */
void reopen(void);

/* ---- cases ---- */
void case_types(void);
void case_statements(void);
void case_transactions(void);
void case_events(void);
void case_concurrency(void);
void case_keys(void);
void case_paging(void);
void case_life(void);

#endif
