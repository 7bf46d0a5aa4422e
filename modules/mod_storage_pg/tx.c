/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of statements: built, delivered and freed; conn.c runs them. A list that went wrong while it
 * was built keeps its first error and fails with it at commit. */
#include "storage.h"

#include <stdio.h>
#include <stdlib.h>

#define OPS_MAX    STOA_TX_MAX
#define EVENTS_MAX STOA_TX_MAX
#define KEY_MAX    255
#define NUMBER_LEN 32 /* of a number as text */

const struct stoa_sql_stmt storage_statements[OWN_N] = {
	[OWN_BEGIN] = { "begin", "BEGIN", "", "", NULL, NULL },
	[OWN_BEGIN_READING] = { "begin-reading", "BEGIN READ ONLY", "", "", NULL, NULL },
	[OWN_COMMIT] = { "commit", "COMMIT", "", "", NULL, NULL },
	[OWN_ROLLBACK] = { "rollback", "ROLLBACK", "", "", NULL, NULL },
	[OWN_ACT] = { "act", "SELECT set_config('stoa.user_id', $1, true)", "t", "t", NULL, NULL },
	/* NULL when nothing was written: then it does not matter whether it was committed */
	[OWN_XID] = { "xid", "SELECT CAST(pg_current_xact_id_if_assigned() AS text)", "", "t", NULL,
		      NULL },
	[OWN_OUTCOME] = { "outcome", "SELECT pg_xact_status(CAST($1 AS xid8))", "t", "t", NULL,
			  NULL },
	/* a key is taken while its answer is younger than a day; an older one is replaced */
	[OWN_REMEMBER] = { "idempotency-remember",
			   "INSERT INTO stoa_idempotency (actor, key, request_hash, status, body, "
			   "expires_at) VALUES ($1, $2, $3, $4, $5, $6) "
			   "ON CONFLICT (actor, key) DO UPDATE SET "
			   "request_hash = excluded.request_hash, status = excluded.status, "
			   "body = excluded.body, expires_at = excluded.expires_at "
			   "WHERE stoa_idempotency.expires_at <= $7",
			   "tttitmm", "", NULL, NULL },
	[OWN_RECALL] = { "idempotency-recall",
			 "SELECT request_hash, status, body FROM stoa_idempotency "
			 "WHERE actor = $1 AND key = $2 AND expires_at > $3",
			 "ttm", "tit", NULL, NULL },
	[OWN_SWEEP] = { "idempotency-sweep", "DELETE FROM stoa_idempotency WHERE expires_at <= $1",
			"m", "", NULL, NULL },
};

/* ---- values ---- */

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

static size_t bytes_of(const struct stoa_sql_value *v)
{
	return v->s.n + NUMBER_LEN;
}

/* Text, bytes and JSON go in binary form, whose length is given and not looked for. */
static void copy_bytes(struct param *to, struct stoa_str s, char *at)
{
	if (s.n)
		memcpy(at, s.p, s.n);
	*to = (struct param){ at, (int)s.n, 1 };
}

static void copy_value(struct param *to, const struct stoa_sql_value *from, char *at)
{
	*to = (struct param){ at, 0, 0 };
	switch (from->type) {
	case STOA_SQL_NULL:
		to->p = NULL;
		return;
	case STOA_SQL_INT:
		snprintf(at, NUMBER_LEN, "%lld", (long long)from->i);
		return;
	case STOA_SQL_BOOL:
		snprintf(at, NUMBER_LEN, "%s", from->i ? "t" : "f");
		return;
	case STOA_SQL_REAL:
		snprintf(at, NUMBER_LEN, "%.17g", from->f);
		return;
	case STOA_SQL_TIME:
		stoa_time_format(from->i, at);
		return;
	case STOA_SQL_JSON: /* jsonb's binary form: its version, then the text */
		copy_bytes(to, from->s, at + 1);
		at[0] = 1;
		to->p = at;
		to->n++;
		return;
	default:
		copy_bytes(to, from->s, at);
	}
}

static int make_op(struct storage *st, struct stoa_mod *m, const struct stoa_sql_stmt *s,
		   const struct stoa_sql_value *v, uint32_t n, struct op **ret_op)
{
	struct entry *e = statement_find(st, s);
	size_t size = sizeof(struct op) + n * sizeof(struct param);
	struct op *op;
	char *at;

	if (!e || n != e->n_params) {
		stoa_log(m, STOA_LOG_ERROR, "statement %s: %s", s->name,
			 e ? "wrong number of values" : "not registered");
		return -EINVAL;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!fits(s->params[i], &v[i])) {
			stoa_log(m, STOA_LOG_ERROR, "statement %s: value $%u is not '%c'", s->name,
				 i + 1, s->params[i]);
			return -EINVAL;
		}
		if (v[i].s.n > STORAGE_RESULT_MAX)
			return -E2BIG;
		size += bytes_of(&v[i]);
	}
	op = malloc(size);
	if (!op)
		return -ENOMEM;
	op->entry = e;
	op->expect = STOA_ROWS_ANY;
	at = (char *)&op->v[n];
	for (uint32_t i = 0; i < n; at += bytes_of(&v[i]), i++)
		copy_value(&op->v[i], &v[i], at);
	*ret_op = op;
	return 0;
}

/* ---- building ---- */

void tx_fail(struct stoa_tx *tx, int err, uint32_t failed)
{
	if (tx->err)
		return;
	tx->err = err;
	tx->failed = failed;
}

static int fail(struct stoa_tx *tx, int err)
{
	tx_fail(tx, err, UINT32_MAX);
	return err;
}

struct stoa_tx *tx_begin(void *self, struct stoa_mod *m, const char *actor)
{
	struct storage *st = self;
	struct stoa_sql_value v = STOA_V_TEXT(actor);
	struct stoa_tx *tx = calloc(1, sizeof(*tx));

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!tx)
		return NULL;
	stoa_list_init(&tx->link);
	stoa_list_init(&tx->pending);
	tx->st = st;
	tx->owner = m;
	tx->pool = &st->pools[actor != NULL];
	tx->failed = UINT32_MAX;
	if (actor && make_op(st, m, &storage_statements[OWN_ACT], &v, 1, &tx->act)) {
		free(tx);
		return NULL;
	}
	return tx;
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
	if ((err = grow_ops(tx)) || (err = make_op(tx->st, tx->owner, s, v, n, &op)))
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
	err = make_op(tx->st, tx->owner, &storage_statements[OWN_REMEMBER], v, STOA_ARRAY_SIZE(v),
		      &tx->remember);
	if (err)
		return fail(tx, err);
	tx->remember->expect = STOA_ROWS_ONE;
	return 0;
}

int tx_order(struct stoa_tx *tx, struct stoa_str key)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	free(tx->order);
	if (asprintf(&tx->order, "%s %.*s", stoa_mod_name(tx->owner), STOA_FMT(key)) >= 0)
		return 0;
	tx->order = NULL;
	return fail(tx, -ENOMEM);
}

static int submit(struct stoa_tx *tx, stoa_sql_done_fn *fn, void *user)
{
	struct storage *st = tx->st;
	int err = tx->err;

	tx->fn = fn;
	tx->user = user;
	if (!err)
		tx->results = calloc(tx->n_ops + 1, sizeof(struct stoa_sql_result *));
	if (!err && !tx->results)
		err = -ENOMEM;
	if (!err)
		err = pool_add(tx);
	if (err) {
		tx_free(tx);
		return err;
	}
	stoa_list_append(&st->pending, &tx->pending);
	stoa_metric_add(st->waiting, 1);
	return 0;
}

int tx_commit(struct stoa_tx *tx, stoa_sql_done_fn *fn, void *user)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	return submit(tx, fn, user);
}

int tx_query(void *self, struct stoa_mod *m, const char *actor, const struct stoa_sql_stmt *s,
	     const struct stoa_sql_value *v, uint32_t n, stoa_sql_done_fn *fn, void *user)
{
	struct stoa_tx *tx = tx_begin(self, m, actor);

	if (!tx)
		return -ENOMEM;
	tx->is_query = true;
	if (tx_run(tx, s, v, n, STOA_ROWS_ANY) == 0 && !tx->ops[0]->entry->is_read_only) {
		stoa_log(m, STOA_LOG_ERROR, "statement %s: a query may not write", s->name);
		fail(tx, -EINVAL);
	}
	return submit(tx, fn, user);
}

int tx_recall(void *self, struct stoa_mod *m, const char *actor, struct stoa_str key,
	      stoa_sql_done_fn *fn, void *user)
{
	struct stoa_sql_value v[] = { STOA_V_TEXT(actor), STOA_V_STR(key),
				      STOA_V_TIME(stoa_wall_ms()) };

	return tx_query(self, m, actor, &storage_statements[OWN_RECALL], v, STOA_ARRAY_SIZE(v), fn,
			user);
}

int tx_internal(struct storage *st, const struct stoa_sql_stmt *s, const struct stoa_sql_value *v,
		uint32_t n)
{
	struct stoa_tx *tx = tx_begin(st, st->m, NULL);

	if (!tx)
		return -ENOMEM;
	tx_run(tx, s, v, n, STOA_ROWS_ANY);
	return submit(tx, NULL, NULL);
}

static void free_results(struct stoa_tx *tx)
{
	for (uint32_t i = 0; tx->results && i < tx->n_ops; i++) {
		result_free(tx->results[i]);
		tx->results[i] = NULL;
	}
}

void tx_rewind(struct stoa_tx *tx)
{
	free_results(tx);
	tx->xid[0] = '\0';
	tx->err = 0;
	tx->failed = UINT32_MAX;
}

void tx_free(struct stoa_tx *tx)
{
	if (!tx)
		return;
	stoa_list_unlink(&tx->pending);
	free_results(tx);
	for (uint32_t i = 0; i < tx->n_ops; i++)
		free(tx->ops[i]);
	for (uint32_t i = 0; i < tx->n_events; i++) {
		free(tx->events[i].name);
		json_decref(tx->events[i].data);
	}
	free(tx->results);
	free(tx->ops);
	free(tx->events);
	free(tx->remember);
	free(tx->act);
	free(tx->order);
	free(tx);
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
	stoa_metric_add(tx->is_query ? tx->st->queries_total : tx->st->lists_total, 1);
	if (tx->err && !tx->is_query)
		stoa_metric_add(tx->st->failed_total, 1);
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
