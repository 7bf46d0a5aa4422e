/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of migrations: files NNNN_name.sql, numbered without gaps from 1. What is the same for
 * every database: reading them, their checksums, and whether those that a database says it has are
 * the first of them, unchanged. Compiled into each storage driver. */
#ifndef STORAGE_COMMON_MIGRATIONS_H
#define STORAGE_COMMON_MIGRATIONS_H

#include <stoa/util.h>

struct migration {
	uint32_t number;
	char name[256];    /* of the file              */
	char checksum[65]; /* SHA-256, lower-case hex  */
	char *text;
};

struct migrations {
	const char *dir; /* borrowed */
	struct migration *files;
	uint32_t n;
};

/** Reads a folder. On failure `why` says what is wrong with which file; free in every case. */
int migrations_read(const char *dir, struct migrations *ret_all, struct stoa_buf *why);
void migrations_free(struct migrations *all);

/** Is what the database has as its i-th (from 0) migration the i-th file? -EINVAL, told in `why`:
 *  the database is newer, or the file was changed. */
int migrations_compare(const struct migrations *all, uint32_t i, const char *name,
		       const char *checksum, struct stoa_buf *why);

/** "dir/file:line: what", where `at` points into the file's text. */
void migrations_complain(const struct migrations *all, const struct migration *f, const char *at,
			 const char *what, struct stoa_buf *why);

#endif
