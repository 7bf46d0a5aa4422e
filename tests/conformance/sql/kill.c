/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_sql_kill DRIVER.so NAME OPTIONS [ROUNDS]: a child writes under load and tells every
 * acknowledged list through a pipe, until it is killed with SIGKILL in the middle. Then the database
 * is opened again: whatever was acknowledged is there, once, and whole. */
#include <dlfcn.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stoa/iface/sql.h>
#include <stoa/loop.h>
#include <stoa/testing.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

#define AT_ONCE 64

static const struct stoa_mod_desc *driver;
static char yaml[4096], dir[] = "/tmp/stoa-kill-XXXXXX";
static struct stoa_sql sql;
static struct stoa_mod *self;
static int ack_fd, round_nr, next_nr;

enum { INSERT, CHILDREN, GET, ALL };
static const struct stoa_sql_stmt stmts[] = {
	[INSERT] = { "insert", "INSERT INTO items (id, owner, n, parent) VALUES ($1, $2, $3, $4)",
		     "ttit", "", NULL, NULL },
	[CHILDREN] = { "children", "SELECT COUNT(*) FROM items WHERE parent = $1", "t", "i", NULL,
		       NULL },
	[GET] = { "get", "SELECT n FROM items WHERE id = $1", "t", "i", NULL, NULL },
	/* every whole list is a parent with two children */
	[ALL] = { "all",
		  "SELECT COUNT(*) FILTER (WHERE parent IS NULL), "
		  "COUNT(*) FILTER (WHERE parent IS NOT NULL) FROM items",
		  "", "ii", NULL, NULL },
};

static int user_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	int err = stoa_sql_bind(m, &sql);

	(void)c;
	self = m;
	return err ? err : stoa_sql_statements(&sql, m, stmts, STOA_ARRAY_SIZE(stmts));
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

static void open_host(void)
{
	stoa_test_begin();
	CHECK(stoa_test_add(driver) != NULL);
	CHECK(stoa_test_add(&user) != NULL);
	CHECK_INT(stoa_test_start(yaml), 0);
}

/* ---- the child ---- */

static void name_of(int round, int nr, char out[32])
{
	snprintf(out, 32, "%d-%d", round, nr);
}

static void write_one(void);

static void on_written(int err, const struct stoa_sql_result *const *r, uint32_t n, uint32_t failed,
		       void *nr)
{
	int v = (int)(intptr_t)nr;

	(void)r, (void)n, (void)failed;
	if (err || write(ack_fd, &v, sizeof(v)) != (ssize_t)sizeof(v))
		_exit(3);
	write_one();
}

static void add_row(struct stoa_tx *tx, const char *id, int nr, const char *parent)
{
	struct stoa_sql_value v[] = { STOA_V_TEXT(id), STOA_V_TEXT("load"), STOA_V_INT(nr),
				      STOA_V_TEXT(parent) };

	if (!parent)
		v[3] = STOA_V_NULL;
	if (stoa_tx_run(&sql, tx, &stmts[INSERT], v, 4, STOA_ROWS_ONE))
		_exit(4);
}

static void write_one(void)
{
	struct stoa_tx *tx = stoa_sql_begin(&sql, self, NULL);
	char id[32], child[64];
	int nr = next_nr++;

	name_of(round_nr, nr, id);
	add_row(tx, id, nr, NULL);
	snprintf(child, sizeof(child), "%s-a", id);
	add_row(tx, child, nr, id);
	snprintf(child, sizeof(child), "%s-b", id);
	add_row(tx, child, nr, id);
	if (stoa_tx_commit(&sql, tx, on_written, (void *)(intptr_t)nr))
		_exit(5);
}

static bool never(void *u)
{
	(void)u;
	return false;
}

static _Noreturn void be_killed(void)
{
	open_host();
	for (int i = 0; i < AT_ONCE; i++)
		write_one();
	stoa_test_run_until(never, NULL, 30000);
	_exit(6);
}

/* ---- the parent ---- */

struct answer {
	bool is_done;
	int64_t a, b;
	uint32_t rows;
};

static void on_answer(int err, const struct stoa_sql_result *const *r, uint32_t n, uint32_t failed,
		      void *u)
{
	struct answer *a = u;

	(void)failed;
	CHECK_INT(err, 0);
	a->is_done = true;
	a->rows = n ? stoa_sql_rows(&sql, r[0]) : 0;
	a->a = n ? stoa_sql_int(&sql, r[0], 0, 0) : -1;
	a->b = n ? stoa_sql_int(&sql, r[0], 0, 1) : -1;
}

static bool is_answered(void *u)
{
	return ((struct answer *)u)->is_done;
}

static struct answer ask(int stmt, const char *id)
{
	struct answer a = { 0 };
	struct stoa_sql_value v = STOA_V_TEXT(id);

	CHECK_INT(stoa_sql_query(&sql, self, NULL, &stmts[stmt], &v, id ? 1 : 0, on_answer, &a), 0);
	CHECK(stoa_test_run_until(is_answered, &a, 10000));
	return a;
}

static void verify(const int *acked, int n)
{
	struct answer all;

	open_host();
	for (int i = 0; i < n; i++) {
		char id[32];

		name_of(round_nr, acked[i], id);
		CHECK_INT(ask(GET, id).a, acked[i]);
		CHECK_INT(ask(CHILDREN, id).a, 2);
	}
	all = ask(ALL, NULL);
	CHECK_INT(all.b, 2 * all.a);
	fprintf(stderr, "round %d: %d acknowledged, all there; %lld lists on disk\n", round_nr, n,
		(long long)all.a);
	stoa_test_end();
}

static void play_round(void)
{
	static int acked[200000];
	int fds[2], n = 0, status, want = 200 + 150 * round_nr;
	pid_t child;

	CHECK_INT(pipe(fds), 0);
	child = fork();
	if (!child) {
		close(fds[0]);
		ack_fd = fds[1];
		be_killed();
	}
	close(fds[1]);
	while (n < want && read(fds[0], &acked[n], sizeof(int)) == (ssize_t)sizeof(int))
		n++;
	CHECK_INT(n, want);
	kill(child, SIGKILL);
	/* what it said before it was dead counts as well */
	while (n < (int)STOA_ARRAY_SIZE(acked) &&
	       read(fds[0], &acked[n], sizeof(int)) == (ssize_t)sizeof(int))
		n++;
	close(fds[0]);
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	verify(acked, n);
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb, (void)flag, (void)ftw;
	return remove(path);
}

int main(int argc, char **argv)
{
	void *so = argc >= 4 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	int rounds = argc > 4 ? atoi(argv[4]) : 5;

	if (!so) {
		fprintf(stderr, "%s\n", argc >= 4 ? dlerror() : "DRIVER.so NAME OPTIONS [ROUNDS]");
		return EXIT_FAILURE;
	}
	driver = dlsym(so, "stoa_module");
	if (!driver || !mkdtemp(dir))
		return EXIT_FAILURE;
	snprintf(yaml, sizeof(yaml),
		 "core: { state-dir: %s }\nmodules:\n  mod_user: { load: yes }\n"
		 "  %s: %s\n",
		 dir, argv[2], argv[3]);
	for (round_nr = 1; round_nr <= rounds; round_nr++, next_nr = 0)
		play_round();
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return check_done();
}
