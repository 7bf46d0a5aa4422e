/* SPDX-License-Identifier: Apache-2.0 */
/* Forward-only migrations: files NNNN_name.sql, numbered without gaps from 1, each applied in a
 * transaction together with its line in stoa_migrations. A file that was changed after it was
 * applied is an error: history is added to, never edited. Runs once at start, on ctl. */
#include "storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1000
#define FILE_MAX  (1 << 20)

struct migration {
	uint32_t number;
	char name[256]; /* of the file */
	char checksum[65];
	char *text;
};

struct run {
	sqlite3 *db;
	const char *dir;
	struct migration *files;
	uint32_t n_files;
	struct stoa_buf *why;
};

static const char bookkeeping[] = "CREATE TABLE IF NOT EXISTS stoa_migrations ("
				  "number INTEGER NOT NULL PRIMARY KEY, "
				  "name TEXT NOT NULL, "
				  "checksum TEXT NOT NULL, "
				  "applied_at TEXT NOT NULL) STRICT";

/* ---- the directory ---- */

/* NNNN_words-and_words.sql; false: not one of ours (README.md, an editor's leavings). */
static bool parse_name(const char *name, uint32_t *ret_number)
{
	size_t n = strlen(name);

	if (n < 10 || n >= sizeof(((struct migration *)0)->name) ||
	    strcmp(name + n - 4, ".sql") != 0 || strspn(name, "0123456789") != 4 || name[4] != '_')
		return false;
	*ret_number = (uint32_t)strtoul(name, NULL, 10);
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct migration *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int read_file(const char *dir, struct migration *f)
{
	char path[4096];
	struct stat sb;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, f->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &sb) == 0 && sb.st_size <= FILE_MAX &&
	    (f->text = malloc((size_t)sb.st_size + 1)) != NULL)
		n = read(fd, f->text, (size_t)sb.st_size);
	close(fd);
	if (n < 0 || n != sb.st_size)
		return -EIO;
	f->text[n] = '\0';
	return 0;
}

static int sum_file(struct migration *f)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!EVP_Digest(f->text, strlen(f->text), sum, &n, EVP_sha256(), NULL))
		return -ENOMEM;
	stoa_hex_encode(sum, n, f->checksum);
	return 0;
}

static int add_file(struct run *r, const char *name, uint32_t number)
{
	struct migration *f = &r->files[r->n_files];
	int err;

	if (r->n_files == FILES_MAX)
		return -E2BIG;
	r->n_files++;
	f->number = number;
	snprintf(f->name, sizeof(f->name), "%s", name);
	if ((err = read_file(r->dir, f)) || (err = sum_file(f)))
		stoa_buf_addf(r->why, "%s/%s: cannot be read: %s", r->dir, name, strerror(-err));
	return err;
}

static int read_directory(struct run *r)
{
	DIR *d = opendir(r->dir);
	struct dirent *de;
	int err = 0;

	if (!d) {
		err = -errno;
		stoa_buf_addf(r->why, "%s: %s; set the option `migrations`", r->dir,
			      strerror(-err));
		return err;
	}
	while (!err && (de = readdir(d)) != NULL) {
		uint32_t number;

		if (parse_name(de->d_name, &number))
			err = add_file(r, de->d_name, number);
	}
	closedir(d);
	if (err)
		return err;
	qsort(r->files, r->n_files, sizeof(*r->files), by_number);
	for (uint32_t i = 0; i < r->n_files; i++) {
		if (r->files[i].number == i + 1)
			continue;
		stoa_buf_addf(r->why, "%s/%s: %04u is %s", r->dir, r->files[i].name, i + 1,
			      r->files[i].number <= i ? "there twice" : "missing before it");
		return -EINVAL;
	}
	if (!r->n_files) {
		stoa_buf_addf(r->why, "%s: no migration in it", r->dir);
		return -ENOENT;
	}
	return 0;
}

/* ---- the database ---- */

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
		const struct migration *f = &r->files[n];

		if (n >= r->n_files) {
			stoa_buf_addf(r->why,
				      "the database is newer than this daemon: it has %s, %s ends "
				      "with %s",
				      name, r->dir, r->files[r->n_files - 1].name);
			return -EINVAL;
		}
		if (strcmp(name, f->name) != 0 || strcmp(sum, f->checksum) != 0) {
			stoa_buf_addf(r->why,
				      "%s/%s: was changed after it was applied (as %s); put the "
				      "file back and add a new migration",
				      r->dir, f->name, name);
			return -EINVAL;
		}
		n++;
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

static int line_of(const char *text, const char *at)
{
	int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

static int complain_at(struct run *r, const struct migration *f, const char *at, int rc,
		       const char *what)
{
	stoa_buf_addf(r->why, "%s/%s:%d: %s", r->dir, f->name, line_of(f->text, at), what);
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
	*ret_done = !err && applied == r->n_files;
	if (!err && !*ret_done)
		err = apply(r, &r->files[applied]);
	if (!err)
		err = exec(r, "COMMIT");
	if (err && !sqlite3_get_autocommit(r->db))
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

int migrate_run(sqlite3 *db, const char *dir, uint32_t *ret_applied, struct stoa_buf *why)
{
	struct run r = { .db = db, .dir = dir, .why = why };
	uint32_t n = 0;
	bool is_done = false;
	int err;

	r.files = calloc(FILES_MAX + 1, sizeof(*r.files));
	if (!r.files)
		return -ENOMEM;
	err = read_directory(&r);
	while (!err && !is_done) {
		err = apply_next(&r, &is_done);
		n += !err && !is_done;
	}
	for (uint32_t i = 0; i < r.n_files; i++)
		free(r.files[i].text);
	free(r.files);
	*ret_applied = n;
	return err;
}
