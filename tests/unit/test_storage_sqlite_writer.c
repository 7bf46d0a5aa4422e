/* SPDX-License-Identifier: Apache-2.0 */
/* The storage when the disk or a neighbour is against it: locked, unwritable, in use. Nothing of a
 * refused list happened, /readyz says why, and it is well again by itself. */
#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stoa/status.h>
#include <stoa/testing.h>
#include <sys/resource.h>
#include <unistd.h>
#include "check.h"
#include "storage.h"

extern const struct stoa_mod_desc stoa_module;

static char dir[] = "/tmp/stoa-writer-XXXXXX", yaml[512];
static struct stoa_sql sql;
static struct stoa_mod *self;

static const struct stoa_sql_stmt add = {
	"add",
	"INSERT INTO stoa_idempotency (actor, key, request_hash, status, body, expires_at) "
	"VALUES ('a', $1, '', 200, $2, '2999-01-01T00:00:00.000Z')",
	"tt",
	"",
	NULL,
	NULL,
};
static const struct stoa_sql_stmt count = { "count", "SELECT COUNT(*) FROM stoa_idempotency",
					    "",      "i",
					    NULL,    NULL };

static int user_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	int err = stoa_sql_bind(m, &sql);

	(void)c;
	self = m;
	if (!err)
		err = stoa_sql_statements(&sql, m, &add, 1);
	return err ? err : stoa_sql_statements(&sql, m, &count, 1);
}

static const struct stoa_mod_ops user_ops = { .size = sizeof(user_ops), .start = user_start };
static const struct stoa_mod_desc user = {
	.abi_major = STOA_ABI_MAJOR,
	.abi_minor = STOA_ABI_MINOR,
	.size = sizeof(user),
	.opt_size = sizeof(struct stoa_opt),
	.name = "mod_user",
	.version = "1.0.0",
	.summary = "For this test.",
	.license = "Apache-2.0",
	.needs = (const char *const[]){ STOA_SQL, NULL },
	.ops = &user_ops,
};

static int open_host(void)
{
	stoa_test_begin();
	CHECK(stoa_test_add(&stoa_module) != NULL);
	CHECK(stoa_test_add(&user) != NULL);
	return stoa_test_start(yaml);
}

struct answer {
	bool is_done;
	int err;
	int64_t n;
};

static void on_done(int err, const struct stoa_sql_result *const *r, uint32_t n, uint32_t failed,
		    void *u)
{
	struct answer *a = u;

	(void)failed;
	a->is_done = true;
	a->err = err;
	a->n = n ? stoa_sql_int(&sql, r[0], 0, 0) : 0;
}

static bool is_done(void *u)
{
	return ((struct answer *)u)->is_done;
}

static int insert(const char *key, const char *body)
{
	struct stoa_sql_value v[] = { STOA_V_TEXT(key), STOA_V_TEXT(body) };
	struct stoa_tx *tx = stoa_sql_begin(&sql, self, NULL);
	struct answer a = { 0 };

	CHECK_INT(stoa_tx_run(&sql, tx, &add, v, 2, STOA_ROWS_ONE), 0);
	CHECK_INT(stoa_tx_commit(&sql, tx, on_done, &a), 0);
	CHECK(stoa_test_run_until(is_done, &a, 15000));
	return a.err;
}

static int64_t rows(void)
{
	struct answer a = { 0 };

	CHECK_INT(stoa_sql_query(&sql, self, NULL, &count, NULL, 0, on_done, &a), 0);
	CHECK(stoa_test_run_until(is_done, &a, 15000));
	CHECK_INT(a.err, 0);
	return a.n;
}

static bool is_well(void *u)
{
	(void)u;
	return stoa_status_ready(NULL, NULL);
}

/* ---- a neighbour holds the write lock for longer than is waited ---- */

static void test_locked(void)
{
	char path[128];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/stoa.db", dir);
	CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_INT(insert("before", ""), 0);
	CHECK_INT(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	CHECK_INT(insert("locked", ""), -EAGAIN);
	CHECK(!stoa_status_ready(NULL, NULL));
	CHECK_INT(rows(), 1); /* readers do not mind */
	CHECK_INT(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	CHECK(stoa_test_run_until(is_well, NULL, 15000)); /* without being asked to write */
	CHECK_INT(insert("after", ""), 0);
	CHECK_INT(rows(), 2);
	sqlite3_close(db);
}

/* ---- the file may not grow (as on a full or failing disk) ---- */

static void test_no_room(void)
{
	static char body[1 << 20];
	struct rlimit before, small;

	memset(body, 'x', sizeof(body) - 1);
	signal(SIGXFSZ, SIG_IGN);
	CHECK_INT(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 300 * 1024;
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
	CHECK_INT(insert("large", body), -EIO);
	CHECK(!stoa_status_ready(NULL, NULL));
	CHECK_INT(rows(), 2);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &before), 0);
	CHECK(stoa_test_run_until(is_well, NULL, 15000));
	CHECK_INT(insert("large", body), 0);
	CHECK_INT(rows(), 3);
}

/* ---- codes ---- */

static void test_codes(void)
{
	CHECK_INT(error_from_sqlite(SQLITE_OK), 0);
	CHECK_INT(error_from_sqlite(SQLITE_CONSTRAINT_UNIQUE), -EEXIST);
	CHECK_INT(error_from_sqlite(SQLITE_CONSTRAINT_PRIMARYKEY), -EEXIST);
	CHECK_INT(error_from_sqlite(SQLITE_CONSTRAINT_CHECK), -EINVAL);
	CHECK_INT(error_from_sqlite(SQLITE_CONSTRAINT_FOREIGNKEY), -EINVAL);
	CHECK_INT(error_from_sqlite(SQLITE_BUSY_SNAPSHOT), -EAGAIN);
	CHECK_INT(error_from_sqlite(SQLITE_FULL), -ENOSPC);
	CHECK_INT(error_from_sqlite(SQLITE_READONLY_DBMOVED), -EROFS);
	CHECK_INT(error_from_sqlite(SQLITE_IOERR_FSYNC), -EIO);
	CHECK_INT(error_from_sqlite(SQLITE_CORRUPT), -EIO);
	CHECK(error_fault(-ENOSPC) && error_fault(-EROFS) && error_fault(-EIO));
	CHECK(!error_fault(0) && !error_fault(-EINVAL) && !error_fault(-EEXIST));
}

/* ---- start ---- */

/* A second daemon on the same file does not start. */
static void test_in_use(void)
{
	char path[128];
	int fd = -1, second = -1;

	snprintf(path, sizeof(path), "%s/stoa.db", dir);
	CHECK_INT(database_lock(path, &fd), 0);
	CHECK_INT(database_lock(path, &second), -EBUSY);
	CHECK_INT(open_host(), -ECANCELED);
	stoa_test_end();
	close(fd);
	CHECK_INT(open_host(), 0);
	CHECK_INT(rows(), 3);
	stoa_test_end();
}

/* A file that is no database is refused, and left as it is. */
static void test_no_database(void)
{
	static const char text[] =
		"These are my notes, and they are longer than a header of a page.\n"
		"Nobody may write a database over them.......................\n";
	char path[128], back[sizeof(text)] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/notes.txt", dir);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	snprintf(yaml, sizeof(yaml),
		 "core: { state-dir: %s }\nmodules: { mod_user: { load: yes }, mod_storage_sqlite: "
		 "{ "
		 "load: yes, path: notes.txt } }\n",
		 dir);
	CHECK_INT(open_host(), -ECANCELED);
	stoa_test_end();
	f = fopen(path, "r");
	CHECK_INT(fread(back, 1, sizeof(back), f), sizeof(text) - 1);
	CHECK_STR(back, text);
	fclose(f);
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb, (void)flag, (void)ftw;
	return remove(path);
}

int main(void)
{
	CHECK(mkdtemp(dir) != NULL);
	snprintf(yaml, sizeof(yaml),
		 "core: { state-dir: %s }\nmodules: { mod_user: { load: yes }, mod_storage_sqlite: "
		 "{ "
		 "load: yes, migrations: %s } }\n",
		 dir, MIGRATIONS_DIR);
	test_codes();
	CHECK_INT(open_host(), 0);
	test_locked();
	test_no_room();
	stoa_test_end();
	test_in_use();
	test_no_database();
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return check_done();
}
