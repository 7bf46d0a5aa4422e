/* SPDX-License-Identifier: Apache-2.0 */
/* Whose earlier tokens no longer count: an immutable table, read on any thread through the gate,
 * and its file in the state directory. */
#ifndef MOD_AUTH_REVOKE_H
#define MOD_AUTH_REVOKE_H

#include <stoa/util.h>

#define REVOKE_MAX 65536 /* users */

struct revoked;

/** An empty table; NULL when out of memory. */
struct revoked *revoked_new(void);
void revoked_free(void *table);
STOA_DEFINE_AUTO(struct revoked, revoked_free)
size_t revoked_count(const struct revoked *t);

/** Tokens of `user` issued in this second (since 1970) or before do not count; 0: all count. */
int64_t revoked_before(const struct revoked *t, const char *user);

/** A copy in which all tokens of `user` issued until now are revoked, those of this second
 *  included: a token made later carries at least *ret_before + 1. -ENOSPC: REVOKE_MAX users. */
int revoked_add(const struct revoked *t, const char *user, int64_t now_s, struct revoked **ret_new,
		int64_t *ret_before);

/** Appends the text of the file. */
void revoked_write(const struct revoked *t, struct stoa_buf *out);
/** Reads the text of the file, whole or not at all. -EBADMSG with the line, -ENOMEM. */
int revoked_read(struct stoa_str text, struct revoked **ret_table, int *ret_line);

/** Loads the file; none is an empty table. Errors of reading, or of revoked_read(). */
int revoked_load(const char *path, struct revoked **ret_table, int *ret_line);

#endif
