/* SPDX-License-Identifier: Apache-2.0 */
/* mod_storage_pg: the `sql` interface on PostgreSQL 15 or newer. What a caller was told is on the
 * server's disk. start() waits for the server, migrates, and checks statements as they are
 * registered; from then on nothing blocks, and the server may go and come back. */
#include "storage.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define STOP_MS 10000 /* for what still waits when the daemon stops */

static const char *const ssl_modes[] = { "disable",   "allow",       "prefer", "require",
					 "verify-ca", "verify-full", NULL };

static const struct stoa_opt pg_options[] = {
	{ .key = "host",
	  .type = STOA_OPT_STRING,
	  .doc = "Name or address of the server, or the folder of its socket; unset: the local "
		 "socket where libpq looks for it." },
	{ .key = "port",
	  .type = STOA_OPT_INT,
	  .dflt = "5432",
	  .min = 1,
	  .max = 65535,
	  .doc = "Port of the server." },
	{ .key = "dbname", .type = STOA_OPT_STRING, .dflt = "stoa", .doc = "The database." },
	{ .key = "user",
	  .type = STOA_OPT_STRING,
	  .dflt = "stoa",
	  .doc = "Owner of the tables: applies migrations, and is a member of the roles `stoa_app` "
		 "and `stoa_service` that everything else is done as." },
	{ .key = "password",
	  .type = STOA_OPT_SECRET,
	  .doc = "Password of `user`; unset: looked for in the password file, or none." },
	{ .key = "app-user",
	  .type = STOA_OPT_STRING,
	  .doc = "Login for what is done for a user, a member of `stoa_app`; unset: `user`." },
	{ .key = "app-password", .type = STOA_OPT_SECRET, .doc = "Password of `app-user`." },
	{ .key = "service-user",
	  .type = STOA_OPT_STRING,
	  .doc = "Login for what the daemon does by itself, a member of `stoa_service`; unset: "
		 "`user`." },
	{ .key = "service-password",
	  .type = STOA_OPT_SECRET,
	  .doc = "Password of `service-user`." },
	{ .key = "passfile",
	  .type = STOA_OPT_PATH,
	  .doc = "Password file in libpq's format; unset: ~/.pgpass." },
	{ .key = "sslmode",
	  .type = STOA_OPT_ENUM,
	  .dflt = "prefer",
	  .choices = ssl_modes,
	  .doc = "TLS to the server, in libpq's words; over a network choose `verify-full`." },
	{ .key = "sslrootcert",
	  .type = STOA_OPT_PATH,
	  .doc = "Certificate of the authority that the server's certificate must come from." },
	{ .key = "app-connections",
	  .type = STOA_OPT_INT,
	  .dflt = "4",
	  .min = 1,
	  .max = STORAGE_POOL_MAX,
	  .doc = "Connections for what is done for users." },
	{ .key = "service-connections",
	  .type = STOA_OPT_INT,
	  .dflt = "4",
	  .min = 1,
	  .max = STORAGE_POOL_MAX,
	  .doc = "Connections for what the daemon does by itself." },
	{ .key = "deadline",
	  .type = STOA_OPT_DURATION,
	  .dflt = "5s",
	  .min = 100,
	  .max = 60000,
	  .doc = "How long one statement may take, and how long what waits is kept while the "
		 "database is away." },
	{ .key = "migrations",
	  .type = STOA_OPT_PATH,
	  .doc = "Folder with the numbered migrations; unset: the one that came with the module." },
	STOA_OPT_END
};

static const struct stoa_sql_ops pg_ops;

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

	if (dladdr(&pg_ops, &info) && realpath(info.dli_fname, self)) {
		snprintf(out, cap, "%s/../migrations/pg", dirname(self));
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

static int open_owner(struct storage *st)
{
	struct stoa_buf why = { 0 };
	int version;

	st->owner = connect_now(&st->settings[LOGIN_OWNER], &why);
	if (!st->owner)
		stoa_log(st->m, STOA_LOG_ERROR, "%s", why.n ? why.p : "out of memory");
	stoa_buf_free(&why);
	if (!st->owner)
		return -EAGAIN;
	version = PQserverVersion(st->owner);
	if (version >= 150000)
		return 0;
	stoa_log(st->m, STOA_LOG_ERROR, "the server is PostgreSQL %d; 15 or newer is needed",
		 version / 10000);
	return -ENOTSUP;
}

static int migrate(struct storage *st, const struct stoa_conf *c)
{
	char dir[PATH_MAX];
	struct stoa_buf why = { 0 };
	uint32_t n = 0;
	int err;

	migrations_of(c, dir, sizeof(dir));
	err = migrate_run(st->owner, dir, &n, &why);
	if (n)
		stoa_log(st->m, STOA_LOG_NOTICE, "%s: %u migrations applied", PQdb(st->owner), n);
	if (err)
		stoa_log(st->m, STOA_LOG_ERROR, "%s: %s", PQdb(st->owner),
			 why.n ? why.p : strerror(-err));
	stoa_buf_free(&why);
	return err;
}

static int register_own(struct storage *st)
{
	for (int i = 0; i < OWN_N; i++) {
		int err = statement_register(st, st->m, &storage_statements[i]);

		if (err)
			return err;
		st->own[i] = statement_find(st, &storage_statements[i]);
	}
	return 0;
}

static void close_all(struct storage *st)
{
	pools_stop(st, STOP_MS);
	PQfinish(st->owner);
	st->owner = NULL;
	if (st->entries)
		statement_free_all(st);
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

static const struct stoa_sql_ops pg_ops = {
	.size = sizeof(pg_ops),
	.dialect = "pg",
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
	.order = tx_order,
};

/* ---- life ---- */

static void declare_metrics(struct storage *st)
{
	struct stoa_mod *m = st->m;

	st->lists_total = stoa_metric_counter(m, "transactions_total", NULL,
					      "Transactions that were run, whatever came of them.");
	st->failed_total = stoa_metric_counter(m, "transactions_failed_total", NULL,
					       "Transactions that were rolled back.");
	st->queries_total = stoa_metric_counter(m, "queries_total", NULL, "Queries answered.");
	st->retried_total = stoa_metric_counter(m, "retried_total", NULL,
						"Transactions and queries run once more after a "
						"lost connection or a deadlock.");
	st->reconnects_total =
		stoa_metric_counter(m, "connections_lost_total", NULL, "Connections lost.");
	st->waiting =
		stoa_metric_gauge(m, "waiting", NULL, "Transactions and queries not yet answered.");
}

static int pg_load(struct stoa_mod *m)
{
	struct storage *st = stoa_mod_ctx(m);

	st->m = m;
	declare_metrics(st);
	return stoa_iface_publish(m, STOA_SQL, &pg_ops, st);
}

static int pg_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	char dir[PATH_MAX];

	(void)m;
	migrations_of(c, dir, sizeof(dir));
	if (!is_folder(dir))
		stoa_errors_add(e, c, "migrations",
				"%s is not a folder with migrations: leave it unset for those that "
				"came with the module",
				dir);
	if (stoa_conf_is_set(c, "app-password") && !stoa_conf_is_set(c, "app-user"))
		stoa_errors_add(e, c, "app-password", "whose? set app-user as well");
	if (stoa_conf_is_set(c, "service-password") && !stoa_conf_is_set(c, "service-user"))
		stoa_errors_add(e, c, "service-password", "whose? set service-user as well");
	return 0;
}

static void prepare(struct storage *st, const struct stoa_conf *c)
{
	st->is_ending = false;
	st->deadline_ms = (uint64_t)stoa_conf_duration_ms(c, "deadline");
	stoa_list_init(&st->pending);
	stoa_list_init(&st->unsure);
	for (size_t k = 0; k < STOA_ARRAY_SIZE(st->pools); k++) {
		st->pools[k].st = st;
		st->pools[k].who = k ? LOGIN_APP : LOGIN_SERVICE;
		st->pools[k].n =
			(uint32_t)stoa_conf_int(c, k ? "app-connections" : "service-connections");
		stoa_list_init(&st->pools[k].waiting);
	}
}

static int pg_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct storage *st = stoa_mod_ctx(m);
	int err = 0;

	prepare(st, c);
	for (int i = 0; i < LOGIN_N && !err; i++)
		err = settings_read(c, (enum login)i, &st->settings[i]);
	st->entries = stoa_map_new();
	if (!st->entries)
		err = -ENOMEM;
	if (!err)
		err = open_owner(st);
	if (!err)
		err = migrate(st, c);
	if (!err)
		err = register_own(st);
	if (!err)
		err = pools_start(st);
	if (err)
		close_all(st);
	return err;
}

static void pg_stop(struct stoa_mod *m)
{
	close_all(stoa_mod_ctx(m));
}

/* A connection may have been on its way at stop(); it is not any more. */
static void pg_unload(struct stoa_mod *m)
{
	struct storage *st = stoa_mod_ctx(m);

	for (int i = 0; i < LOGIN_N; i++)
		settings_free(&st->settings[i]);
}

static const struct stoa_mod_ops pg_mod_ops = {
	.size = sizeof(pg_mod_ops),
	.load = pg_load,
	.check = pg_check,
	.start = pg_start,
	.stop = pg_stop,
	.unload = pg_unload,
};

STOA_MODULE(mod_storage_pg, .version = "0.1.0",
	    .summary = "Stores calls and what belongs to them in PostgreSQL.",
	    .ctx_size = sizeof(struct storage), .provides = STOA_NAMES(STOA_SQL),
	    .options = pg_options, .ops = &pg_mod_ops);
