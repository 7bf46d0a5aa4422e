/* SPDX-License-Identifier: Apache-2.0 */
/* mod_storage_sqlite: the `sql` interface on one SQLite file, without a server. What a caller was
 * told is on disk. The database is opened and migrated in start(), before anybody registers a
 * statement; from then on ctl never touches it again except to check new statements. */
#include "storage.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const sync_choices[] = { "full", "normal", NULL };

static const struct stoa_opt sqlite_options[] = {
	{ .key = "path",
	  .type = STOA_OPT_PATH,
	  .dflt = "stoa.db",
	  .doc = "The database file; its folder must exist." },
	{ .key = "migrations",
	  .type = STOA_OPT_PATH,
	  .doc = "Folder with the numbered migrations; unset: the one that came with the module." },
	{ .key = "sync",
	  .type = STOA_OPT_ENUM,
	  .dflt = "full",
	  .choices = sync_choices,
	  .doc = "When a commit counts as done: `full` after it is on disk, `normal` when it would "
		 "survive a crash of the daemon but not a loss of power." },
	{ .key = "readers",
	  .type = STOA_OPT_INT,
	  .dflt = "2",
	  .min = 1,
	  .max = STORAGE_READERS_MAX,
	  .doc = "Threads that answer queries beside the one that writes." },
	STOA_OPT_END
};

static const struct stoa_sql_ops sqlite_ops;

/* ---- migrations that came with the module ---- */

static bool is_folder(const char *path)
{
	struct stat sb;

	return stat(path, &sb) == 0 && S_ISDIR(sb.st_mode);
}

/* Beside the module in a build tree, else where the package installs them. */
static void find_migrations(char *out, size_t cap)
{
	char self[PATH_MAX];
	Dl_info info;

	if (dladdr(&sqlite_ops, &info) && realpath(info.dli_fname, self)) {
		snprintf(out, cap, "%s/../migrations/sqlite", dirname(self));
		if (is_folder(out))
			return;
	}
	snprintf(out, cap, "%s", STORAGE_MIGRATIONS_DIR);
}

static void migrations_of(const struct stoa_conf *c, char *out, size_t cap)
{
	if (stoa_conf_is_set(c, "migrations"))
		snprintf(out, cap, "%s", stoa_conf_string(c, "migrations"));
	else
		find_migrations(out, cap);
}

/* ---- opening ---- */

static int migrate(struct storage *st, const struct stoa_conf *c)
{
	char dir[PATH_MAX];
	struct stoa_buf why = { 0 };
	uint32_t n = 0;
	int err;

	migrations_of(c, dir, sizeof(dir));
	err = migrate_run(st->writer.db, dir, &n, &why);
	if (n)
		stoa_log(st->m, STOA_LOG_NOTICE, "%s: %u migrations applied", st->path, n);
	if (err)
		stoa_log(st->m, STOA_LOG_ERROR, "%s: %s", st->path, why.n ? why.p : strerror(-err));
	stoa_buf_free(&why);
	return err;
}

static int lock_database(struct storage *st)
{
	int err = database_lock(st->path, &st->lock_fd);

	if (err)
		stoa_log(st->m, STOA_LOG_ERROR, "%s: %s", st->path,
			 err == -EBUSY ? "in use by another daemon" : strerror(-err));
	return err;
}

static int open_all(struct storage *st, const struct stoa_conf *c)
{
	int err;

	if ((err = lock_database(st)) ||
	    (err = connection_open(st->m, st->path, true, st->sync_full, 0, &st->writer)) ||
	    (err = migrate(st, c)) ||
	    (err = connection_open(st->m, st->path, false, false, 0, &st->check)))
		return err;
	for (uint32_t i = 0; i < st->n_readers; i++) {
		st->readers[i].st = st;
		err = connection_open(st->m, st->path, false, false, i + 1, &st->readers[i].c);
		if (err)
			return err;
	}
	if ((err = statement_register(st, st->m, &storage_remember)) ||
	    (err = statement_register(st, st->m, &storage_recall)) ||
	    (err = statement_register(st, st->m, &storage_sweep)))
		return err;
	st->sweep = statement_find(st, &storage_sweep);
	return worker_start(st);
}

static void close_all(struct storage *st)
{
	worker_join(st);
	for (uint32_t i = 0; i < STORAGE_READERS_MAX; i++)
		connection_close(&st->readers[i].c);
	connection_close(&st->check);
	connection_close(&st->writer); /* the last one: checkpoints, removes the WAL */
	if (st->entries)
		statement_free_all(st);
	if (st->lock_fd >= 0)
		close(st->lock_fd);
	st->lock_fd = -1;
}

/* ---- the interface ---- */

static int register_all(void *self, struct stoa_mod *m, const struct stoa_sql_stmt *stmts, size_t n)
{
	int err = 0;

	stoa_assert_thread(STOA_THREAD_CTL);
	for (size_t i = 0; i < n; i++) {
		int e = statement_register(self, m, &stmts[i]);

		err = err ? err : e;
	}
	return err;
}

static const struct stoa_sql_ops sqlite_ops = {
	.size = sizeof(sqlite_ops),
	.dialect = "sqlite",
	.statements = register_all,
	.begin = tx_begin,
	.run = tx_run,
	.emit = tx_emit,
	.remember = tx_remember,
	.commit = tx_commit,
	.cancel = tx_free,
	.query = tx_query,
	.rows = result_rows,
	.is_null = result_is_null,
	.text = result_text,
	.integer = result_integer,
	.real = result_real,
	.forget = tx_forget,
	.recall = tx_recall,
};

/* ---- life ---- */

static void declare_metrics(struct storage *st)
{
	struct stoa_mod *m = st->m;

	st->lists_total = stoa_metric_counter(m, "transactions_total", NULL,
					      "Transactions that were run, whatever came of them.");
	st->failed_total = stoa_metric_counter(m, "transactions_failed_total", NULL,
					       "Transactions that were rolled back.");
	st->batches_total = stoa_metric_counter(m, "commits_total", NULL,
						"Commits to disk; each carries the transactions "
						"that had gathered.");
	st->queries_total = stoa_metric_counter(m, "queries_total", NULL, "Queries answered.");
	st->waiting =
		stoa_metric_gauge(m, "waiting", NULL, "Transactions and queries not yet answered.");
}

static int sqlite_load(struct stoa_mod *m)
{
	struct storage *st = stoa_mod_ctx(m);

	if (!sqlite3_threadsafe())
		return -ENOTSUP;
	st->m = m;
	st->lock_fd = -1;
	stoa_list_init(&st->pending);
	declare_metrics(st);
	return stoa_iface_publish(m, STOA_SQL, &sqlite_ops, st);
}

static int sqlite_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	char dir[PATH_MAX], path[PATH_MAX];

	(void)m;
	migrations_of(c, dir, sizeof(dir));
	if (!is_folder(dir))
		stoa_errors_add(e, c, "migrations",
				"%s is not a folder with migrations: leave it unset for those that "
				"came with the module",
				dir);
	if (stoa_conf_is_set(c, "path")) {
		snprintf(path, sizeof(path), "%s", stoa_conf_string(c, "path"));
		if (is_folder(path))
			stoa_errors_add(e, c, "path", "%s is a folder; name a file", path);
		else if (!is_folder(dirname(path)))
			stoa_errors_add(e, c, "path", "the folder %s does not exist: make it",
					path);
	}
	return 0;
}

static int sqlite_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct storage *st = stoa_mod_ctx(m);
	int err;

	snprintf(st->path, sizeof(st->path), "%s", stoa_conf_string(c, "path"));
	st->sync_full = stoa_conf_enum(c, "sync") == 0;
	st->n_readers = (uint32_t)stoa_conf_int(c, "readers");
	st->is_ending = false;
	st->entries = stoa_map_new();
	if (!st->entries)
		return -ENOMEM;
	err = open_all(st, c);
	if (err)
		close_all(st);
	return err;
}

static void sqlite_stop(struct stoa_mod *m)
{
	close_all(stoa_mod_ctx(m));
}

static const struct stoa_mod_ops sqlite_mod_ops = {
	.size = sizeof(sqlite_mod_ops),
	.load = sqlite_load,
	.check = sqlite_check,
	.start = sqlite_start,
	.stop = sqlite_stop,
};

STOA_MODULE(mod_storage_sqlite, .version = "0.1.0",
	    .summary = "Stores calls and what belongs to them in one SQLite file.",
	    .ctx_size = sizeof(struct storage), .provides = STOA_NAMES(STOA_SQL),
	    .options = sqlite_options, .ops = &sqlite_mod_ops);
