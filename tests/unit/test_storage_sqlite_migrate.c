/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations on files written here: order, checksums, gaps, mistakes told with file and line, and a
 * half-applied one rolled back. */
#include <errno.h>
#include <ftw.h>
#include <unistd.h>
#include "check.h"
#include "storage.h"

static char dir[] = "/tmp/stoa-migrate-XXXXXX";
static sqlite3 *db;
static struct stoa_buf why;

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	CHECK(f != NULL);
	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static void remove_file(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	CHECK_INT(unlink(path), 0);
}

static int migrate(uint32_t *ret_n)
{
	stoa_buf_free(&why);
	*ret_n = 99;
	return migrate_run(db, dir, ret_n, &why);
}

static int migrate_n(void)
{
	uint32_t n;
	int err = migrate(&n);

	return err ? err : (int)n;
}

/* Fails, and says this. */
static void expect(const char *words)
{
	uint32_t n;

	CHECK(migrate(&n) < 0);
	CHECK(why.n > 0);
	if (!why.n || !strstr(why.p, words))
		fprintf(stderr, "said: %s\nnot: %s\n", why.n ? why.p : "", words);
	CHECK(why.n && strstr(why.p, words));
	CHECK(sqlite3_get_autocommit(db));
}

static bool has_table(const char *name)
{
	char sql[128];
	sqlite3_stmt *s;
	bool has;

	snprintf(sql, sizeof(sql), "SELECT 1 FROM sqlite_schema WHERE name = '%s'", name);
	CHECK_INT(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	has = sqlite3_step(s) == SQLITE_ROW;
	sqlite3_finalize(s);
	return has;
}

static void test_order(void)
{
	expect("no migration in it");
	write_file("0002_second.sql", "CREATE TABLE two (a);\n");
	write_file("README.md", "not a migration\n");
	write_file("0003_x.sql~", "nonsense");
	expect("0001 is missing before it");
	CHECK(!has_table("two"));
	write_file("0001_first.sql",
		   "-- the first\nCREATE TABLE one (a); CREATE INDEX i ON one (a);\n"
		   "INSERT INTO one VALUES (1)");
	CHECK_INT(migrate_n(), 2);
	CHECK(has_table("one") && has_table("two") && has_table("i"));
	CHECK_INT(migrate_n(), 0); /* again: nothing to do */
	write_file("0003_third.sql", "ALTER TABLE one ADD COLUMN b;\n\n-- done\n");
	CHECK_INT(migrate_n(), 1);
	write_file("0003_other.sql", "SELECT 1;");
	expect("is there twice");
	remove_file("0003_other.sql");
}

static void test_changed(void)
{
	write_file("0002_second.sql", "CREATE TABLE two (a); -- harmless\n");
	expect("0002_second.sql: was changed after it was applied");
	write_file("0002_second.sql", "CREATE TABLE two (a);\n");
	CHECK_INT(migrate_n(), 0);
	remove_file("0003_third.sql");
	expect("the database is newer than this daemon: it has 0003_third.sql");
	write_file("0003_third.sql", "ALTER TABLE one ADD COLUMN b;\n\n-- done\n");
}

/* The second statement is wrong: nothing of the first is left, and the fixed file is applied whole. */
static void test_half(void)
{
	write_file("0004_half.sql",
		   "CREATE TABLE four (a);\n\n-- a comment\nCREATE TABLE five (a,,b);\n");
	expect("0004_half.sql:4: near \",\"");
	CHECK(!has_table("four"));
	write_file("0004_half.sql", "CREATE TABLE four (a);\nINSERT INTO nowhere VALUES (1);\n");
	expect("0004_half.sql:2: no such table: nowhere");
	CHECK(!has_table("four"));
	write_file("0004_half.sql",
		   "CREATE TABLE four (a NOT NULL);\nINSERT INTO four VALUES (NULL);\n");
	expect("0004_half.sql:2: NOT NULL constraint failed");
	CHECK(!has_table("four"));
	write_file("0004_half.sql", "CREATE TABLE four (a);\nCOMMIT;\n");
	expect("0004_half.sql:2: a migration may not end its transaction");
	write_file("0005_fifth.sql", "CREATE TABLE five (a);\n");
	write_file("0004_half.sql", "CREATE TABLE four_b (a);\n");
	CHECK_INT(migrate_n(), 2);
	CHECK(has_table("four_b") && has_table("five"));
}

/* One good, one bad: the good one stays, and its number is remembered. */
static void test_up_to_the_bad_one(void)
{
	write_file("0006_good.sql", "CREATE TABLE six (a);\n");
	write_file("0007_bad.sql", "CREATE TABEL seven (a);\n");
	expect("0007_bad.sql:1: near \"TABEL\"");
	CHECK(has_table("six"));
	write_file("0007_bad.sql", "CREATE TABLE seven (a);\n");
	CHECK_INT(migrate_n(), 1);
}

static void test_own(void)
{
	uint32_t n;

	stoa_buf_free(&why);
	sqlite3_close(db);
	CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK);
	CHECK_INT(migrate_run(db, MIGRATIONS_DIR, &n, &why), 0);
	CHECK(n >= 1);
	CHECK(has_table("nchat_calls") && has_table("nchat_call_participants") &&
	      has_table("nchat_webrtc_connections") && has_table("stoa_idempotency"));
	if (why.n)
		fprintf(stderr, "%s\n", why.p);
}

/* What the tables refuse, whoever writes. */
static void test_checks(void)
{
	static const char *const good =
		"INSERT INTO nchat_calls (call_id, type, status, initiator_id, "
		"room_name, created_at, updated_at) VALUES ('a', 'audio', "
		"'ringing', 'u', 'r', '2026-01-02T03:04:05.678Z', "
		"'2026-01-02T03:04:05.678Z')";
	static const char *const bad[] = {
		"UPDATE nchat_calls SET status = 'gone'",
		"UPDATE nchat_calls SET status = 'active'", /* without started_at */
		"UPDATE nchat_calls SET status = 'ended'",  /* without ended_at   */
		"UPDATE nchat_calls SET ended_at = '2026-01-02T03:04:05.678Z'",
		"UPDATE nchat_calls SET created_at = 'yesterday'",
		"UPDATE nchat_calls SET initiator_id = ''",
		"UPDATE nchat_calls SET max_participants = 1",
		"UPDATE nchat_calls SET max_participants = 'many'",
		"UPDATE nchat_calls SET metadata = '{'",
		"UPDATE nchat_calls SET type = 'smoke'",
		"INSERT INTO nchat_call_participants (call_id, user_id, status) VALUES ('a', 'x', "
		"'here')",
		"INSERT INTO nchat_call_participants (call_id, user_id, status) VALUES ('a', 'x', "
		"'joined')",
		"INSERT INTO nchat_call_participants (call_id, user_id, status) VALUES ('b', 'x', "
		"'invited')",
		"INSERT INTO nchat_webrtc_connections (connection_id, call_id, user_id, status, "
		"created_at) "
		"VALUES ('c', 'a', 'x', 'disconnected', '2026-01-02T03:04:05.678Z')",
	};

	CHECK_INT(sqlite3_exec(db, "PRAGMA foreign_keys = on", NULL, NULL, NULL), SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, good, NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		int rc = sqlite3_exec(db, bad[i], NULL, NULL, NULL);

		CHECK_INT(rc & 0xff, SQLITE_CONSTRAINT);
		if ((rc & 0xff) != SQLITE_CONSTRAINT)
			fprintf(stderr, "%s: %s\n", bad[i], sqlite3_errmsg(db));
	}
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb, (void)flag, (void)ftw;
	return remove(path);
}

int main(void)
{
	CHECK(mkdtemp(dir) != NULL);
	CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK);
	test_order();
	test_changed();
	test_half();
	test_up_to_the_bad_one();
	test_own();
	test_checks();
	sqlite3_close(db);
	stoa_buf_free(&why);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return check_done();
}
