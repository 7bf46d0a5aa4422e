/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of statements: built and delivered on ctl, executed by a thread of worker.c. A list that
 * went wrong while it was built keeps its first error and fails with it at commit. */
#include "storage.h"

#include <stdlib.h>

#define OPS_MAX    STOA_TX_MAX
#define EVENTS_MAX STOA_TX_MAX
#define KEY_MAX    255

/* The key is taken while its answer is younger than a day; an older one is replaced. */
const struct stoa_sql_stmt storage_remember = {
	.name = "idempotency-remember",
	.text = "INSERT INTO stoa_idempotency (actor, key, request_hash, status, body, expires_at) "
		"VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (actor, key) DO UPDATE SET "
		"request_hash = excluded.request_hash, status = excluded.status, "
		"body = excluded.body, expires_at = excluded.expires_at "
		"WHERE stoa_idempotency.expires_at <= $7",
	.params = "tttitmm",
	.columns = "",
};

const struct stoa_sql_stmt storage_recall = {
	.name = "idempotency-recall",
	.text = "SELECT request_hash, status, body FROM stoa_idempotency "
		"WHERE actor = $1 AND key = $2 AND expires_at > $3",
	.params = "ttm",
	.columns = "tit",
};

const struct stoa_sql_stmt storage_sweep = {
	.name = "idempotency-sweep",
	.text = "DELETE FROM stoa_idempotency WHERE expires_at <= $1",
	.params = "m",
	.columns = "",
};

/* ---- building ---- */

struct stoa_tx *tx_begin(void *self, struct stoa_mod *m, const char *actor)
{
	struct stoa_tx *tx = calloc(1, sizeof(*tx));

	stoa_assert_thread(STOA_THREAD_CTL);
	(void)actor; /* the statements' own predicates are all that SQLite has */
	if (!tx)
		return NULL;
	stoa_list_init(&tx->link);
	stoa_list_init(&tx->pending);
	tx->st = self;
	tx->owner = m;
	tx->failed = UINT32_MAX;
	return tx;
}

static int fail(struct stoa_tx *tx, int err)
{
	if (!tx->err)
		tx->err = err;
	return err;
}

static bool fits(char letter, const struct stoa_sql_value *v)
{
	static const char letters[] = {
		[STOA_SQL_TEXT] = 't', [STOA_SQL_INT] = 'i',  [STOA_SQL_REAL] = 'f',
		[STOA_SQL_BOOL] = 'o', [STOA_SQL_TIME] = 'm', [STOA_SQL_JSON] = 'j',
		[STOA_SQL_BYTES] = 'b'
	};

	return v->type == STOA_SQL_NULL ||
	       ((size_t)v->type < sizeof(letters) && letters[v->type] == letter);
}

/* Times become text here, so that the threads only bind. */
static size_t bytes_of(const struct stoa_sql_value *v)
{
	return v->type == STOA_SQL_TIME ? STOA_TIME_LEN : v->s.n;
}

static void copy_value(struct stoa_sql_value *to, const struct stoa_sql_value *from, char **bytes)
{
	*to = *from;
	if (from->type == STOA_SQL_TIME) {
		stoa_time_format(from->i, *bytes);
		to->s = stoa_str(*bytes);
	} else if (from->s.n) {
		memcpy(*bytes, from->s.p, from->s.n);
		to->s.p = *bytes;
	}
	*bytes += bytes_of(from);
}

static int make_op(struct stoa_tx *tx, const struct stoa_sql_stmt *s,
		   const struct stoa_sql_value *v, uint32_t n, struct op **ret_op)
{
	struct entry *e = statement_find(tx->st, s);
	size_t size = sizeof(struct op) + n * sizeof(*v);
	struct op *op;
	char *bytes;

	if (!e || n != e->n_params) {
		stoa_log(tx->owner, STOA_LOG_ERROR, "statement %s: %s", s->name,
			 e ? "wrong number of values" : "not registered");
		return -EINVAL;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!fits(s->params[i], &v[i])) {
			stoa_log(tx->owner, STOA_LOG_ERROR, "statement %s: value $%u is not '%c'",
				 s->name, i + 1, s->params[i]);
			return -EINVAL;
		}
		size += bytes_of(&v[i]);
	}
	op = malloc(size);
	if (!op)
		return -ENOMEM;
	op->entry = e;
	op->expect = STOA_ROWS_ANY;
	bytes = (char *)&op->v[n];
	for (uint32_t i = 0; i < n; i++)
		copy_value(&op->v[i], &v[i], &bytes);
	*ret_op = op;
	return 0;
}

static int grow_ops(struct stoa_tx *tx)
{
	uint32_t cap = tx->ops_cap ? tx->ops_cap * 2 : 4;
	struct op **ops;

	if (tx->n_ops < tx->ops_cap)
		return 0;
	if (tx->n_ops >= OPS_MAX)
		return -E2BIG;
	ops = reallocarray(tx->ops, cap, sizeof(struct op *));
	if (!ops)
		return -ENOMEM;
	tx->ops = ops;
	tx->ops_cap = cap;
	return 0;
}

int tx_run(struct stoa_tx *tx, const struct stoa_sql_stmt *s, const struct stoa_sql_value *v,
	   uint32_t n, enum stoa_sql_expect expect)
{
	struct op *op;
	int err;

	stoa_assert_thread(STOA_THREAD_CTL);
	if ((err = grow_ops(tx)) || (err = make_op(tx, s, v, n, &op)))
		return fail(tx, err);
	op->expect = expect;
	tx->ops[tx->n_ops++] = op;
	return 0;
}

int tx_emit(struct stoa_tx *tx, const char *event, json_t *data_take)
{
	struct pending_event *events = NULL;
	char *name = NULL;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (tx->n_events < EVENTS_MAX)
		events = reallocarray(tx->events, tx->n_events + 1, sizeof(*events));
	if (events) {
		tx->events = events;
		name = strdup(event);
	}
	if (!name || !data_take) {
		free(name);
		json_decref(data_take);
		return fail(tx, tx->n_events < EVENTS_MAX ? -ENOMEM : -E2BIG);
	}
	tx->events[tx->n_events++] = (struct pending_event){ name, data_take };
	return 0;
}

int tx_remember(struct stoa_tx *tx, const char *actor, struct stoa_str key,
		struct stoa_str request_hash, int status, struct stoa_str body)
{
	int64_t now = stoa_wall_ms();
	struct stoa_sql_value v[] = {
		STOA_V_TEXT(actor), STOA_V_STR(key),  STOA_V_STR(request_hash),
		STOA_V_INT(status), STOA_V_STR(body), STOA_V_TIME(now + STORAGE_KEEP_MS),
		STOA_V_TIME(now),
	};
	int err;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (tx->remember || key.n == 0 || key.n > KEY_MAX)
		return fail(tx, -EINVAL);
	if ((err = make_op(tx, &storage_remember, v, STOA_ARRAY_SIZE(v), &tx->remember)) != 0)
		return fail(tx, err);
	tx->remember->expect = STOA_ROWS_ONE;
	return 0;
}

static int submit(struct stoa_tx *tx, struct queue *q, stoa_sql_done_fn *fn, void *user)
{
	struct storage *st = tx->st;
	int err = tx->err;

	tx->fn = fn;
	tx->user = user;
	if (!err)
		tx->results = calloc(tx->n_ops + 1, sizeof(struct stoa_sql_result *));
	if (!err && !tx->results)
		err = -ENOMEM;
	if (!err) {
		stoa_list_append(&st->pending, &tx->pending);
		err = queue_add(st, q, tx);
	}
	if (err)
		tx_free(tx);
	else
		stoa_metric_add(st->waiting, 1);
	return err;
}

int tx_commit(struct stoa_tx *tx, stoa_sql_done_fn *fn, void *user)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	return submit(tx, &tx->st->writes, fn, user);
}

int tx_query(void *self, struct stoa_mod *m, const char *actor, const struct stoa_sql_stmt *s,
	     const struct stoa_sql_value *v, uint32_t n, stoa_sql_done_fn *fn, void *user)
{
	struct stoa_tx *tx = tx_begin(self, m, actor);

	if (!tx)
		return -ENOMEM;
	if (tx_run(tx, s, v, n, STOA_ROWS_ANY) == 0 && !tx->ops[0]->entry->is_read_only) {
		stoa_log(m, STOA_LOG_ERROR, "statement %s: a query may not write", s->name);
		fail(tx, -EINVAL);
	}
	return submit(tx, &tx->st->reads, fn, user);
}

int tx_recall(void *self, struct stoa_mod *m, const char *actor, struct stoa_str key,
	      stoa_sql_done_fn *fn, void *user)
{
	struct stoa_sql_value v[] = { STOA_V_TEXT(actor), STOA_V_STR(key),
				      STOA_V_TIME(stoa_wall_ms()) };

	return tx_query(self, m, actor, &storage_recall, v, STOA_ARRAY_SIZE(v), fn, user);
}

void tx_free(struct stoa_tx *tx)
{
	if (!tx)
		return;
	stoa_list_unlink(&tx->pending);
	for (uint32_t i = 0; i < tx->n_ops; i++) {
		if (tx->results)
			result_free(tx->results[i]);
		free(tx->ops[i]);
	}
	for (uint32_t i = 0; i < tx->n_events; i++) {
		free(tx->events[i].name);
		json_decref(tx->events[i].data);
	}
	free(tx->results);
	free(tx->ops);
	free(tx->events);
	free(tx->remember);
	free(tx);
}

/* ---- executing: on the writer's or a reader's thread ---- */

static int bind_value(sqlite3_stmt *s, int slot, const struct stoa_sql_value *v)
{
	switch (v->type) {
	case STOA_SQL_NULL:
		return sqlite3_bind_null(s, slot);
	case STOA_SQL_INT:
		return sqlite3_bind_int64(s, slot, v->i);
	case STOA_SQL_BOOL:
		return sqlite3_bind_int64(s, slot, v->i != 0);
	case STOA_SQL_REAL:
		return sqlite3_bind_double(s, slot, v->f);
	case STOA_SQL_BYTES:
		return sqlite3_bind_blob64(s, slot, v->s.n ? v->s.p : "", v->s.n, SQLITE_STATIC);
	default: /* TEXT, TIME, JSON */
		return sqlite3_bind_text64(s, slot, v->s.n ? v->s.p : "", v->s.n, SQLITE_STATIC,
					   SQLITE_UTF8);
	}
}

static int check_expectation(enum stoa_sql_expect expect, uint32_t rows)
{
	switch (expect) {
	case STOA_ROWS_ANY:
		return 0;
	case STOA_ROWS_ONE:
		return rows == 1 ? 0 : -ENOENT;
	case STOA_ROWS_SOME:
		return rows ? 0 : -ENOENT;
	case STOA_ROWS_NONE:
		return rows ? -EEXIST : 0;
	}
	return -EINVAL;
}

static int execute_op(const struct op *op, struct connection *c, struct stoa_sql_result **ret_r)
{
	struct entry *e = op->entry;
	sqlite3_stmt *s;
	int err = statement_get(c, e, &s);

	for (uint32_t i = 0; !err && i < e->n_params; i++)
		err = error_from_sqlite(bind_value(s, e->slot[i], &op->v[i]));
	if (err)
		return err;
	err = result_read(c, e, s, ret_r);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return err ? err : check_expectation(op->expect, (*ret_r)->rows);
}

static int execute_remember(struct stoa_tx *tx, struct connection *c)
{
	struct stoa_sql_result *r = NULL;
	int err = execute_op(tx->remember, c, &r);

	result_free(r);
	return err == -ENOENT ? -EEXIST : err;
}

/* Expectations fail in the ordinary course; anything else is somebody's mistake or a sick disk. */
static void log_failure(const struct stoa_tx *tx, struct connection *c, const struct op *op)
{
	if (tx->err != -ENOENT && tx->err != -EEXIST)
		stoa_log(tx->st->m, STOA_LOG_WARN, "statement %s failed: %s (%s)",
			 op->entry->stmt->name, sqlite3_errmsg(c->db), strerror(-tx->err));
}

int tx_execute(struct stoa_tx *tx, struct connection *c)
{
	if (tx->remember && (tx->err = execute_remember(tx, c)) != 0) {
		tx->failed = UINT32_MAX;
		log_failure(tx, c, tx->remember);
		return tx->err;
	}
	for (uint32_t i = 0; i < tx->n_ops; i++) {
		tx->err = execute_op(tx->ops[i], c, &tx->results[i]);
		if (tx->err) {
			tx->failed = i;
			log_failure(tx, c, tx->ops[i]);
			return tx->err;
		}
	}
	return 0;
}

/* ---- delivering ---- */

static void emit_events(struct stoa_tx *tx)
{
	for (uint32_t i = 0; i < tx->n_events; i++) {
		struct pending_event *ev = &tx->events[i];
		int err = stoa_event_emit(tx->owner, ev->name, ev->data);

		ev->data = NULL;
		if (err)
			stoa_log(tx->st->m, STOA_LOG_ERROR, "event %s lost: %s", ev->name,
				 strerror(-err));
	}
}

void tx_deliver(struct stoa_tx *tx)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	stoa_metric_add(tx->st->waiting, -1);
	stoa_list_unlink(&tx->pending);
	if (!tx->err)
		emit_events(tx);
	if (tx->fn)
		tx->fn(tx->err, (const struct stoa_sql_result *const *)tx->results,
		       tx->err ? 0 : tx->n_ops, tx->failed, tx->user);
	tx_free(tx);
}

void tx_forget(void *self, struct stoa_mod *m)
{
	struct storage *st = self;
	struct stoa_tx *tx;

	stoa_assert_thread(STOA_THREAD_CTL);
	stoa_list_for_each (tx, &st->pending, struct stoa_tx, pending) {
		if (tx->owner == m)
			tx->fn = NULL;
	}
}
