/* SPDX-License-Identifier: Apache-2.0 */
/* Applies migrations, each in a transaction together with its line in stoa_migrations. The folder
 * is read by <migrations.h>. Runs once at start, on ctl. */
#include "storage.h"

#include <migrations.h>

struct run {
	sqlite3 *db;
	struct migrations all;
	struct stoa_buf *why;
};

static const char bookkeeping[] = "CREATE TABLE IF NOT EXISTS stoa_migrations ("
				  "number INTEGER NOT NULL PRIMARY KEY, "
				  "name TEXT NOT NULL, "
				  "checksum TEXT NOT NULL, "
				  "applied_at TEXT NOT NULL) STRICT";

static int complain(struct run *r, int rc)
{
	stoa_buf_addf(r->why, "%s", sqlite3_errmsg(r->db));
	return error_from_sqlite(rc);
}

static int exec(struct run *r, const char *sql)
{
	int rc = sqlite3_exec(r->db, sql, NULL, NULL, NULL);

	return rc ? complain(r, rc) : 0;
}

/* Are those that were applied the first of those in the directory, unchanged? */
static int compare(struct run *r, sqlite3_stmt *s, uint32_t *ret_applied)
{
	uint32_t n = 0;
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(s, 1);
		const char *sum = (const char *)sqlite3_column_text(s, 2);
		int err = migrations_compare(&r->all, n++, name, sum, r->why);

		if (err)
			return err;
	}
	*ret_applied = n;
	return rc == SQLITE_DONE ? 0 : complain(r, rc);
}

static int check_applied(struct run *r, uint32_t *ret_applied)
{
	sqlite3_stmt *s;
	int rc, err;

	rc = sqlite3_prepare_v2(
		r->db, "SELECT number, name, checksum FROM stoa_migrations ORDER BY number", -1, &s,
		NULL);
	if (rc)
		return complain(r, rc);
	err = compare(r, s, ret_applied);
	sqlite3_finalize(s);
	return err;
}

static int complain_at(struct run *r, const struct migration *f, const char *at, int rc,
		       const char *what)
{
	migrations_complain(&r->all, f, at, what, r->why);
	return rc ? error_from_sqlite(rc) : -EINVAL;
}

static const char *skip_blank(const char *at)
{
	for (;;) {
		at += strspn(at, " \t\r\n;");
		if (at[0] != '-' || at[1] != '-')
			return at;
		at += strcspn(at, "\n");
	}
}

static int run_statement(struct run *r, const struct migration *f, const char **at)
{
	sqlite3_stmt *s = NULL;
	const char *tail;
	int rc = sqlite3_prepare_v2(r->db, *at, -1, &s, &tail);

	if (rc) {
		int offset = sqlite3_error_offset(r->db);

		return complain_at(r, f, *at + (offset > 0 ? offset : 0), rc,
				   sqlite3_errmsg(r->db));
	}
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		;
	sqlite3_finalize(s);
	if (rc != SQLITE_DONE)
		return complain_at(r, f, *at, rc, sqlite3_errmsg(r->db));
	if (sqlite3_get_autocommit(r->db))
		return complain_at(r, f, *at, 0, "a migration may not end its transaction");
	*at = tail;
	return 0;
}

static int note_applied(struct run *r, const struct migration *f)
{
	char now[STOA_TIME_LEN];
	char *sql;
	int err;

	stoa_time_format(stoa_wall_ms(), now);
	sql = sqlite3_mprintf("INSERT INTO stoa_migrations VALUES (%u, %Q, %Q, %Q)", f->number,
			      f->name, f->checksum, now);
	if (!sql)
		return -ENOMEM;
	err = exec(r, sql);
	sqlite3_free(sql);
	return err;
}

static int apply(struct run *r, const struct migration *f)
{
	const char *at = skip_blank(f->text);
	int err = 0;

	while (!err && *at) {
		err = run_statement(r, f, &at);
		at = skip_blank(at);
	}
	return err ? err : note_applied(r, f);
}

/* One migration, or none if another process was faster: the write lock is taken before the look. */
static int apply_next(struct run *r, bool *ret_done)
{
	uint32_t applied = 0;
	int err = exec(r, "BEGIN IMMEDIATE");

	if (err)
		return err;
	err = exec(r, bookkeeping);
	if (!err)
		err = check_applied(r, &applied);
	*ret_done = !err && applied == r->all.n;
	if (!err && !*ret_done)
		err = apply(r, &r->all.files[applied]);
	if (!err)
		err = exec(r, "COMMIT");
	if (err && !sqlite3_get_autocommit(r->db))
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

int migrate_run(sqlite3 *db, const char *dir, uint32_t *ret_applied, struct stoa_buf *why)
{
	struct run r = { .db = db, .why = why };
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
