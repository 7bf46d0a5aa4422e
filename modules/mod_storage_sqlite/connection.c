/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the database file and the lock that keeps a second daemon away. A connection is
 * used by one thread at a time, so SQLite's own mutexes are off. */
#include "storage.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define BUSY_MS 2000 /* how long another program's lock is waited for */

static int set_up(struct connection *c, bool is_writer, bool sync_full)
{
	int err;

	sqlite3_extended_result_codes(c->db, 1);
	sqlite3_busy_timeout(c->db, BUSY_MS);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	if (!is_writer)
		return connection_exec(c, "PRAGMA query_only = on");
	if ((err = connection_exec(c, "PRAGMA journal_mode = wal")) ||
	    (err = connection_exec(c, sync_full ? "PRAGMA synchronous = full"
						: "PRAGMA synchronous = normal")) ||
	    (err = connection_exec(c, "PRAGMA foreign_keys = on")))
		return err;
	return connection_exec(c, "PRAGMA journal_size_limit = 67108864");
}

int connection_open(struct stoa_mod *m, const char *path, bool is_writer, bool sync_full,
		    uint32_t index, struct connection *ret_c)
{
	int flags = SQLITE_OPEN_NOMUTEX | (is_writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
						     : SQLITE_OPEN_READWRITE);
	struct connection c = { .index = index };
	int rc = sqlite3_open_v2(path, &c.db, flags, NULL);
	int err = rc ? error_from_sqlite(rc) : set_up(&c, is_writer, sync_full);

	if (err) {
		stoa_log(m, STOA_LOG_ERROR, "cannot open database %s: %s", path,
			 c.db ? sqlite3_errmsg(c.db) : "out of memory");
		sqlite3_close(c.db);
		return err;
	}
	*ret_c = c;
	return 0;
}

void connection_close(struct connection *c)
{
	sqlite3_stmt *s;

	if (!c->db)
		return;
	while ((s = sqlite3_next_stmt(c->db, NULL)) != NULL)
		sqlite3_finalize(s);
	sqlite3_close(c->db);
	c->db = NULL;
}

int connection_exec(struct connection *c, const char *sql)
{
	return error_from_sqlite(sqlite3_exec(c->db, sql, NULL, NULL, NULL));
}

int database_lock(const char *path, int *ret_fd)
{
	char name[4096 + 8];
	int fd;

	snprintf(name, sizeof(name), "%s.lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int err = errno == EWOULDBLOCK ? -EBUSY : -errno;

		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}
