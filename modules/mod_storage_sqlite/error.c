/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite's result codes in the words of <stoa/iface/sql.h>. Pure; any thread. */
#include "storage.h"

static int from_constraint(int rc)
{
	switch (rc) {
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_ROWID:
		return -EEXIST;
	default: /* CHECK, NOT NULL, foreign key, STRICT's types */
		return -EINVAL;
	}
}

int error_from_sqlite(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CONSTRAINT:
		return from_constraint(rc);
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_ERROR:
		return -EINVAL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
	case SQLITE_INTERRUPT:
	case SQLITE_SCHEMA:
		return -EAGAIN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EROFS;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_TOOBIG:
		return -E2BIG;
	default: /* IOERR, CORRUPT, CANTOPEN, NOTADB, … */
		return -EIO;
	}
}

const char *error_fault(int err)
{
	switch (err) {
	case -ENOSPC:
		return "the disk with the database is full";
	case -EROFS:
		return "the database is read-only";
	case -EIO:
		return "the database cannot be read or written";
	case -EAGAIN:
		return "the database is locked by another program";
	default:
		return NULL;
	}
}
