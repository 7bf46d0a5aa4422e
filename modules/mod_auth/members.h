/* SPDX-License-Identifier: Apache-2.0 */
/* Roles that the operator's backend has set: an immutable table, read on any thread through the
 * gate, and the text of its file in the state directory. */
#ifndef MOD_AUTH_MEMBERS_H
#define MOD_AUTH_MEMBERS_H

#include <stoa/iface/auth.h>
#include <stoa/util.h>

#define MEMBERS_MAX       65536 /* roles, over all channels */
#define MEMBERS_ID_MAX    255   /* bytes of a channel's or user's id */
#define MEMBERS_FILE_MAX  ((size_t)48 << 20)
#define MEMBERS_SINCE_MAX INT64_C(253402300799999) /* the last millisecond of 9999 */

struct member {
	const char *channel, *user;
	enum stoa_role role;
	int64_t since_ms; /* since 1970; 0 to MEMBERS_SINCE_MAX */
};

struct members; /* tables share their entries, so only one thread may make and free them (ctl) */

/** An empty table; NULL when out of memory. */
struct members *members_new(void);
void members_free(void *table);
STOA_DEFINE_AUTO(struct members, members_free)
size_t members_count(const struct members *t);

/** What was set for `user` in `channel`, or NULL. It stays as long as the table. Thread: any. */
const struct member *members_find(const struct members *t, const char *channel, const char *user);

/** A copy with this entry added or replaced; strings are copied. -ENOSPC: MEMBERS_MAX, -ENOMEM. */
int members_set(const struct members *t, const struct member *m, struct members **ret_new);
/** A copy without the entry. -ENOENT, -ENOMEM. */
int members_remove(const struct members *t, const char *channel, const char *user,
		   struct members **ret_new);

/** Appends the text of the file. Thread: any. */
void members_write(const struct members *t, struct stoa_buf *out);
/** Reads the text of the file, whole or not at all. -EBADMSG with the line, -ENOMEM. */
int members_read(struct stoa_str text, struct members **ret_table, int *ret_line);

#endif
