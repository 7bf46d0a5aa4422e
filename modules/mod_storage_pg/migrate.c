/* SPDX-License-Identifier: Apache-2.0 */
/* Applies migrations, each in a transaction together with its line in stoa_migrations, under an
 * advisory lock that other daemons wait for. Runs once at start, on ctl, and blocks. */
#include "storage.h"

#include <migrations.h>
#include <stdio.h>
#include <stdlib.h>

#define LOCK "SELECT pg_advisory_xact_lock(6056498113170531937)" /* a number nobody else has */

struct run {
	PGconn *pg;
	struct migrations all;
	struct stoa_buf *why;
};

static const char bookkeeping[] = "CREATE TABLE IF NOT EXISTS stoa_migrations ("
				  "number integer NOT NULL PRIMARY KEY, "
				  "name text NOT NULL, "
				  "checksum text NOT NULL, "
				  "applied_at timestamptz NOT NULL)";

static int check(struct run *r, PGresult *res, ExecStatusType want)
{
	const char *said = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	int err = 0;

	if (PQresultStatus(res) != want) {
		err = error_from_sqlstate(PQresultErrorField(res, PG_DIAG_SQLSTATE));
		stoa_buf_adds(r->why, said ? said : PQerrorMessage(r->pg));
	}
	return err;
}

static int exec(struct run *r, const char *sql, ExecStatusType want)
{
	PGresult *res = PQexec(r->pg, sql);
	int err = check(r, res, want);

	PQclear(res);
	return err;
}

/* Are those that were applied the first of those in the directory, unchanged? */
static int check_applied(struct run *r, uint32_t *ret_applied)
{
	PGresult *res = PQexec(r->pg, "SELECT name, checksum FROM stoa_migrations ORDER BY number");
	int err = check(r, res, PGRES_TUPLES_OK), n = err ? 0 : PQntuples(res);

	for (int i = 0; i < n && !err; i++)
		err = migrations_compare(&r->all, (uint32_t)i, PQgetvalue(res, i, 0),
					 PQgetvalue(res, i, 1), r->why);
	PQclear(res);
	if (!err)
		*ret_applied = (uint32_t)n;
	return err;
}

/* Where the text has the place the database names, in characters and from 1. */
static const char *place(const char *text, const char *position)
{
	unsigned long n = position ? strtoul(position, NULL, 10) : 1;

	while (*text && n > 1) {
		text++;
		if ((*text & 0xc0) != 0x80)
			n--;
	}
	return text;
}

static int complain_at(struct run *r, const struct migration *f, const PGresult *res)
{
	const char *said = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *at = PQresultErrorField(res, PG_DIAG_INTERNAL_POSITION);

	migrations_complain(&r->all, f, place(f->text, at), said ? said : PQerrorMessage(r->pg),
			    r->why);
	return error_from_sqlstate(PQresultErrorField(res, PG_DIAG_SQLSTATE));
}

static int note_applied(struct run *r, const struct migration *f)
{
	char number[16];
	const char *v[] = { number, f->name, f->checksum };
	PGresult *res;
	int err;

	snprintf(number, sizeof(number), "%u", f->number);
	res = PQexecParams(r->pg, "INSERT INTO stoa_migrations VALUES ($1, $2, $3, now())", 3, NULL,
			   v, NULL, NULL, 0);
	err = check(r, res, PGRES_COMMAND_OK);
	PQclear(res);
	return err;
}

/* The text is run by EXECUTE, which takes many statements but none that ends the transaction. */
static int apply(struct run *r, const struct migration *f)
{
	const char *text = f->text;
	PGresult *res = PQexecParams(r->pg, "SELECT set_config('stoa.migration', $1, true)", 1,
				     NULL, &text, NULL, NULL, 0);
	int err = check(r, res, PGRES_TUPLES_OK);

	PQclear(res);
	if (err)
		return err;
	res = PQexec(r->pg, "DO $$ BEGIN EXECUTE current_setting('stoa.migration'); END $$");
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		err = complain_at(r, f, res);
	PQclear(res);
	return err ? err : note_applied(r, f);
}

/* One migration, or none if another daemon was faster: the lock is taken before the look. */
static int apply_next(struct run *r, bool *ret_done)
{
	uint32_t applied = 0;
	int err = exec(r, "BEGIN", PGRES_COMMAND_OK);

	if (!err)
		err = exec(r, LOCK, PGRES_TUPLES_OK);
	if (!err)
		err = exec(r, bookkeeping, PGRES_COMMAND_OK);
	if (!err)
		err = check_applied(r, &applied);
	*ret_done = !err && applied == r->all.n;
	if (!err && !*ret_done)
		err = apply(r, &r->all.files[applied]);
	if (!err)
		err = exec(r, "COMMIT", PGRES_COMMAND_OK);
	if (PQtransactionStatus(r->pg) != PQTRANS_IDLE)
		PQclear(PQexec(r->pg, "ROLLBACK"));
	return err;
}

int migrate_run(PGconn *pg, const char *dir, uint32_t *ret_applied, struct stoa_buf *why)
{
	struct run r = { .pg = pg, .why = why };
	int err = migrations_read(dir, &r.all, why);
	bool is_done = false;
	uint32_t n = 0;

	while (!err && !is_done) {
		err = apply_next(&r, &is_done);
		n += !err && !is_done;
	}
	migrations_free(&r.all);
	*ret_applied = n;
	return err;
}
