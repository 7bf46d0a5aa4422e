/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations of mod_storage_pg against a real server (postgres.sh): order, checksums, gaps, mistakes
 * told with file and line, a half-applied one rolled back, two daemons at once. */
#include <ftw.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#include "storage.h"

static char dir[] = "/tmp/stoa-migrate-XXXXXX";
static PGconn *pg;
static struct stoa_buf why;

static PGconn *open_it(void)
{
	const char *keys[] = { "host", "user", "dbname", "options", NULL };
	const char *values[] = { getenv("STOA_PG_DIR"), "stoa", "stoa",
				 "-c client_min_messages=warning", NULL };
	PGconn *c = PQconnectdbParams(keys, values, 0);

	CHECK(PQstatus(c) == CONNECTION_OK);
	return c;
}

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

static int migrate_n(void)
{
	uint32_t n;
	int err;

	stoa_buf_free(&why);
	err = migrate_run(pg, dir, &n, &why);
	CHECK(PQtransactionStatus(pg) == PQTRANS_IDLE);
	return err ? err : (int)n;
}

/* Fails, and says this. */
static void expect(const char *words)
{
	CHECK(migrate_n() < 0);
	if (!why.n || !strstr(why.p, words))
		fprintf(stderr, "said: %s\nnot: %s\n", why.n ? why.p : "", words);
	CHECK(why.n && strstr(why.p, words));
}

static bool has_table(const char *name)
{
	PGresult *r = PQexecParams(pg, "SELECT to_regclass($1) IS NOT NULL", 1, NULL, &name, NULL,
				   NULL, 0);
	bool has = PQntuples(r) == 1 && PQgetvalue(r, 0, 0)[0] == 't';

	PQclear(r);
	return has;
}

static void test_order(void)
{
	expect("no migration in it");
	write_file("0002_second.sql", "CREATE TABLE two (a text);\n");
	expect("0001 is missing before it");
	CHECK(!has_table("two"));
	write_file("0001_first.sql", "CREATE TABLE one (a text); CREATE INDEX i ON one (a);\n"
				     "INSERT INTO one VALUES ('1')");
	CHECK_INT(migrate_n(), 2);
	CHECK(has_table("one") && has_table("two") && has_table("i"));
	CHECK_INT(migrate_n(), 0); /* again: nothing to do */
}

static void test_changed(void)
{
	write_file("0002_second.sql", "CREATE TABLE two (a text); -- harmless\n");
	expect("0002_second.sql: was changed after it was applied");
	write_file("0002_second.sql", "CREATE TABLE two (a text);\n");
	CHECK_INT(migrate_n(), 0);
}

static void test_half(void)
{
	static const char *const bad[][2] = {
		{ "CREATE TABLE half (a text);\n\n-- Zoë\nCREATE TABLE x (a,,b);\n",
		  "0003_half.sql:4: syntax error" },
		{ "CREATE TABLE half (a text);\nINSERT INTO nowhere VALUES (1);\n",
		  "0003_half.sql:2: relation \"nowhere\" does not exist" },
		{ "CREATE TABLE half (a text NOT NULL);\nINSERT INTO half VALUES (NULL);\n",
		  "0003_half.sql:" },
		{ "CREATE TABLE half (a text);\nCOMMIT;\n", "0003_half.sql:" },
		{ "CREATE TABLE half (a text);\nROLLBACK;\nCREATE TABLE half (a text);\n",
		  "0003_half.sql:" },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		write_file("0003_half.sql", bad[i][0]);
		expect(bad[i][1]);
		CHECK(!has_table("half"));
	}
	write_file("0003_half.sql", "CREATE TABLE half (a text);\n");
	CHECK_INT(migrate_n(), 1);
	CHECK(has_table("half"));
}

/* Eight daemons start at once: each migration is applied by one of them. */
static void test_together(void)
{
	pid_t children[8];
	int sum = 0;

	for (int k = 4; k <= 9; k++) {
		char name[32], text[64];

		snprintf(name, sizeof(name), "%04d_x.sql", k);
		snprintf(text, sizeof(text), "CREATE TABLE t%d (a text)", k);
		write_file(name, text);
	}
	for (size_t i = 0; i < STOA_ARRAY_SIZE(children); i++) {
		children[i] = fork();
		if (!children[i]) {
			int n;

			pg = open_it(); /* the parent's stays the parent's */
			n = migrate_n();
			_exit(n < 0 ? 100 : n);
		}
	}
	for (size_t i = 0; i < STOA_ARRAY_SIZE(children); i++) {
		int status;

		CHECK_INT(waitpid(children[i], &status, 0), children[i]);
		CHECK(WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	CHECK_INT(sum, 6);
	CHECK(has_table("t4") && has_table("t9"));
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb, (void)flag, (void)ftw;
	return remove(path);
}

int main(void)
{
	CHECK(mkdtemp(dir) != NULL);
	pg = open_it();
	test_order();
	test_changed();
	test_half();
	test_together();
	PQfinish(pg);
	stoa_buf_free(&why);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return check_done();
}
