/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, in pipeline mode, that runs one list at a time. A list takes two trips: everything
 * up to its last statement, then COMMIT or ROLLBACK when all answers and expectations were seen.
 * With the last statement comes the transaction's number: should the connection be lost while the
 * COMMIT is under way, the database is asked later what became of that number (PHASE_ASK), so that a
 * list is neither run twice nor told wrongly. A query takes one trip. */
#include "storage.h"

#include <stdlib.h>

enum { /* what a step's answer is for */
       STEP_SYNC,
       STEP_PREPARE,
       STEP_QUIET, /* nothing but its failure matters */
       STEP_REMEMBER,
       STEP_OP,
       STEP_XID,
       STEP_COMMIT,
       STEP_OUTCOME,
};

#define PATIENCE_MS 2000 /* beyond the deadline of statements, which the database keeps itself */

/* ---- up and down ---- */

static void on_fd(int fd, uint32_t events, void *user)
{
	struct conn *c = user;
	struct storage *st = c->st;

	(void)fd, (void)events;
	conn_turn(c);
	pool_dispatch(st);
}

static void lose(struct conn *c, const char *reason);

static void on_timer(void *user)
{
	struct conn *c = user;

	if (c->state == CONN_DOWN) {
		conn_dial(c);
	} else if (c->state == CONN_BUSY) {
		lose(c, "no answer within the deadline");
		pool_dispatch(c->st);
	}
}

int conn_init(struct conn *c, struct pool *p)
{
	memset(c, 0, sizeof(*c));
	c->st = p->st;
	c->pool = p;
	c->timer = stoa_timer_new(p->st->m, on_timer, c);
	return c->timer ? 0 : -ENOMEM;
}

int conn_adopt(struct conn *c, PGconn *pg)
{
	c->pg = pg;
	if (PQsetnonblocking(pg, 1) == 0 && PQenterPipelineMode(pg) == 1)
		c->watch = stoa_fd_new(c->st->m, PQsocket(pg), STOA_FD_READ, on_fd, c);
	if (!c->watch) {
		PQfinish(pg);
		c->pg = NULL;
		return -ENOMEM;
	}
	c->state = CONN_IDLE;
	c->backoff_ms = 0;
	c->pool->n_up++;
	pool_changed(c->st, NULL);
	return 0;
}

static void drop(struct conn *c)
{
	if (c->state != CONN_IDLE && c->state != CONN_BUSY)
		return;
	stoa_fd_free(c->watch);
	c->watch = NULL;
	PQfinish(c->pg);
	c->pg = NULL;
	memset(c->prepared, 0, sizeof(c->prepared));
	c->n_steps = c->at = 0;
	c->state = CONN_DOWN;
	c->pool->n_up--;
}

void conn_close(struct conn *c)
{
	drop(c);
	stoa_timer_free(c->timer);
	c->timer = NULL;
	free(c->steps);
	c->steps = NULL;
	c->steps_cap = 0;
}

/* It was committed, whatever the connection said when it broke. */
static void settle(struct stoa_tx *tx)
{
	tx->err = 0;
	tx->failed = UINT32_MAX;
	pool_end(tx);
}

/* What becomes of a list whose connection is gone. */
static void rescue(struct conn *c, struct stoa_tx *tx)
{
	if (c->phase == PHASE_ASK || (c->is_committing && !c->is_answered && tx->xid[0])) {
		pool_unsure(tx);
	} else if (c->is_answered) {
		settle(tx);
	} else if (c->is_committing || (tx->err && tx->err != -EAGAIN)) {
		pool_end(tx);
	} else if (tx->tries < 3 && !c->st->is_ending) {
		pool_again(tx);
	} else {
		tx_fail(tx, -EAGAIN, UINT32_MAX);
		pool_end(tx);
	}
}

static void lose(struct conn *c, const char *reason)
{
	struct stoa_tx *tx = c->tx;
	struct stoa_buf why = { 0 };

	stoa_buf_add(&why, reason, strcspn(reason, "\n"));
	c->tx = NULL;
	drop(c);
	stoa_metric_add(c->st->reconnects_total, 1);
	if (!c->st->is_ending)
		stoa_timer_set(c->timer, 0);
	pool_changed(c->st, why.failed || !why.n ? "connection lost" : why.p);
	stoa_buf_free(&why);
	if (tx)
		rescue(c, tx);
}

/* ---- sending ---- */

static bool add_step(struct conn *c, int kind, struct entry *e, uint32_t op)
{
	if (c->n_steps == c->steps_cap) {
		uint32_t cap = c->steps_cap ? c->steps_cap * 2 : 32;
		struct step *steps = reallocarray(c->steps, cap, sizeof(*steps));

		if (!steps)
			return false;
		c->steps = steps;
		c->steps_cap = cap;
	}
	c->steps[c->n_steps++] = (struct step){ e, (uint8_t)kind, op };
	return true;
}

static bool prepare(struct conn *c, struct entry *e)
{
	uint8_t bit = (uint8_t)(1u << (e->index % 8));

	if (c->prepared[e->index / 8] & bit)
		return true;
	c->prepared[e->index / 8] |= bit;
	return PQsendPrepare(c->pg, e->name, e->text, (int)e->n_params, e->types) &&
	       add_step(c, STEP_PREPARE, e, 0);
}

static bool send_entry(struct conn *c, int kind, struct entry *e, const struct param *v,
		       uint32_t nr)
{
	const char *values[STORAGE_PARAMS_MAX];
	int lengths[STORAGE_PARAMS_MAX], formats[STORAGE_PARAMS_MAX];

	for (uint32_t i = 0; v && i < e->n_params; i++) {
		values[i] = v[i].p;
		lengths[i] = v[i].n;
		formats[i] = v[i].format;
	}
	return prepare(c, e) &&
	       PQsendQueryPrepared(c->pg, e->name, (int)e->n_params, values, lengths, formats, 0) &&
	       add_step(c, kind, e, nr);
}

static bool send_op(struct conn *c, int kind, const struct op *op, uint32_t nr)
{
	return send_entry(c, kind, op->entry, op->v, nr);
}

static bool send_own(struct conn *c, int kind, enum own_statement own)
{
	return send_entry(c, kind, c->st->own[own], NULL, UINT32_MAX);
}

static void flush(struct conn *c)
{
	int left = PQflush(c->pg);

	if (left < 0)
		lose(c, PQerrorMessage(c->pg));
	else
		stoa_fd_set(c->watch, left ? STOA_FD_READ | STOA_FD_WRITE : STOA_FD_READ);
}

static void send_end(struct conn *c, bool is_sent)
{
	if (!is_sent || !PQpipelineSync(c->pg) || !add_step(c, STEP_SYNC, NULL, 0)) {
		lose(c, PQerrorMessage(c->pg));
		return;
	}
	stoa_timer_set(c->timer, c->st->deadline_ms + PATIENCE_MS);
	flush(c);
}

static void start(struct conn *c, struct stoa_tx *tx, enum conn_phase phase)
{
	c->tx = tx;
	c->state = CONN_BUSY;
	c->phase = phase;
	c->n_steps = c->at = 0;
	c->is_committing = c->is_answered = false;
	c->outcome = NULL;
}

void conn_run(struct conn *c, struct stoa_tx *tx)
{
	bool ok;

	start(c, tx, PHASE_RUN);
	tx->tries++;
	ok = send_own(c, STEP_QUIET, tx->is_query ? OWN_BEGIN_READING : OWN_BEGIN);
	if (ok && tx->act)
		ok = send_op(c, STEP_QUIET, tx->act, UINT32_MAX);
	if (ok && tx->remember)
		ok = send_op(c, STEP_REMEMBER, tx->remember, UINT32_MAX);
	for (uint32_t i = 0; ok && i < tx->n_ops; i++)
		ok = send_op(c, STEP_OP, tx->ops[i], i);
	if (ok)
		ok = tx->is_query ? send_own(c, STEP_QUIET, OWN_COMMIT)
				  : send_own(c, STEP_XID, OWN_XID);
	send_end(c, ok);
}

void conn_ask(struct conn *c, struct stoa_tx *tx)
{
	struct param v[STORAGE_PARAMS_MAX] = { { tx->xid, 0, 0 } };

	start(c, tx, PHASE_ASK);
	send_end(c, send_entry(c, STEP_OUTCOME, c->st->own[OWN_OUTCOME], v, 0));
}

/* ---- receiving ---- */

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

/* What the database refused. Taken keys are in the ordinary course. */
static void refuse(struct conn *c, const struct step *s, const PGresult *r)
{
	struct stoa_tx *tx = c->tx;
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *said = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	int err = error_from_sqlstate(state);

	if (s->kind == STEP_PREPARE)
		c->prepared[s->entry->index / 8] &= (uint8_t) ~(1u << (s->entry->index % 8));
	if (PQresultStatus(r) == PGRES_PIPELINE_ABORTED || tx->err)
		return; /* told by what failed before it */
	tx_fail(tx, err, s->kind == STEP_OP ? s->op : UINT32_MAX);
	if (err != -EEXIST)
		stoa_log(c->st->m, STOA_LOG_WARN, "statement %s failed: %s (%s)",
			 s->entry ? s->entry->stmt->name : "sync", said ? said : "connection lost",
			 state ? state : "-");
}

static void take_rows(struct conn *c, const struct step *s, const PGresult *r)
{
	struct stoa_tx *tx = c->tx;
	const struct op *op = tx->ops[s->op];
	int err = result_read(op->entry, r, &tx->results[s->op]);

	if (!err)
		err = check_expectation(op->expect, result_rows(tx->results[s->op]));
	if (err)
		tx_fail(tx, err, s->op);
}

static const char *outcome_of(const PGresult *r)
{
	static const char *const known[] = { "committed", "aborted", "in progress" };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(known); i++)
		if (PQntuples(r) == 1 && strcmp(PQgetvalue(r, 0, 0), known[i]) == 0)
			return known[i];
	return NULL;
}

static void take(struct conn *c, const struct step *s, PGresult *r)
{
	struct stoa_tx *tx = c->tx;

	switch (s->kind) {
	case STEP_OP:
		take_rows(c, s, r);
		break;
	case STEP_REMEMBER:
		if (strcmp(PQcmdTuples(r), "1") != 0)
			tx_fail(tx, -EEXIST, UINT32_MAX);
		break;
	case STEP_XID:
		if (PQntuples(r) == 1 && (size_t)PQgetlength(r, 0, 0) < sizeof(tx->xid))
			strcpy(tx->xid, PQgetvalue(r, 0, 0));
		break;
	case STEP_COMMIT:
		/* a transaction that had failed answers ROLLBACK, without an error */
		if (strcmp(PQcmdStatus(r), "COMMIT") == 0)
			c->is_answered = true;
		else
			tx_fail(tx, -EIO, UINT32_MAX);
		break;
	case STEP_OUTCOME:
		c->outcome = outcome_of(r);
		break;
	default:
		break;
	}
}

/* ---- one trip after the other ---- */

static void finish(struct conn *c)
{
	struct stoa_tx *tx = c->tx;

	c->tx = NULL;
	c->state = CONN_IDLE;
	stoa_timer_cancel(c->timer);
	if (c->phase != PHASE_ASK) {
		/* a deadlock, a plan that grew old: others were in the way, nothing is wrong with it */
		if (tx->err == -EAGAIN && tx->tries < 3)
			pool_again(tx);
		else
			pool_end(tx);
	} else if (!c->outcome) {
		stoa_log(c->st->m, STOA_LOG_ERROR,
			 "nobody knows whether transaction %s was "
			 "committed: the database has forgotten it",
			 tx->xid);
		tx_fail(tx, -EIO, UINT32_MAX);
		pool_end(tx);
	} else if (c->outcome[0] == 'c') {
		settle(tx);
	} else if (c->outcome[0] == 'a') {
		pool_again(tx);
	} else {
		pool_unsure(tx);
	}
}

static void finish_trip(struct conn *c)
{
	PGTransactionStatusType status = PQtransactionStatus(c->pg);
	bool is_good = !c->tx->err && !c->tx->is_query;

	c->n_steps = c->at = 0;
	if (c->phase != PHASE_RUN || status == PQTRANS_IDLE) {
		finish(c);
		return;
	}
	c->phase = PHASE_END;
	c->is_committing = is_good;
	send_end(c, is_good ? send_own(c, STEP_COMMIT, OWN_COMMIT)
			    : send_own(c, STEP_QUIET, OWN_ROLLBACK));
}

static void take_result(struct conn *c, PGresult *r)
{
	struct step s = c->steps[c->at];
	ExecStatusType status = PQresultStatus(r);

	if (!r) { /* between two statements */
		c->at++;
	} else if (status == PGRES_PIPELINE_SYNC) {
		PQclear(r);
		c->at++;
		finish_trip(c);
	} else {
		if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
			take(c, &s, r);
		else
			refuse(c, &s, r);
		PQclear(r);
	}
}

void conn_turn(struct conn *c)
{
	if (c->state != CONN_IDLE && c->state != CONN_BUSY)
		return;
	if (!PQconsumeInput(c->pg)) {
		lose(c, PQerrorMessage(c->pg));
		return;
	}
	while (c->state == CONN_BUSY && c->at < c->n_steps && !PQisBusy(c->pg))
		take_result(c, PQgetResult(c->pg));
	if (c->pg && PQstatus(c->pg) == CONNECTION_BAD)
		lose(c, PQerrorMessage(c->pg));
	else if (c->pg)
		flush(c);
}
