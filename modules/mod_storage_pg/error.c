/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's SQLSTATE in the words of <stoa/iface/sql.h>: the longest prefix in the table that
 * fits decides. Pure; any thread. */
#include "storage.h"

static const struct {
	char prefix[6];
	int err;
} states[] = {
	{ "08", -EAGAIN },    /* connection                          */
	{ "0A000", -EAGAIN }, /* a cached plan met a changed table   */
	{ "22", -EINVAL },    /* data: not JSON, out of range        */
	{ "23", -EINVAL },    /* CHECK, NOT NULL, foreign key        */
	{ "23505", -EEXIST }, /* unique                              */
	{ "23P01", -EEXIST }, /* exclusion                           */
	{ "25006", -EROFS },  /* read-only: a standby                */
	{ "25", -EAGAIN },    /* transaction state: timed out idling */
	{ "28", -EAGAIN },    /* login refused                       */
	{ "3D", -EAGAIN },    /* no such database                    */
	{ "40", -EAGAIN },    /* serialization, deadlock             */
	{ "42", -EINVAL },    /* syntax, names, types                */
	{ "42501", -EACCES }, /* row-level security, privileges      */
	{ "44", -EINVAL },    /* WITH CHECK OPTION                   */
	{ "53", -EAGAIN },    /* connections, resources              */
	{ "53100", -ENOSPC }, { "53200", -ENOMEM },
	{ "54", -E2BIG },     { "55", -EAGAIN }, /* locked                              */
	{ "57", -EAGAIN },                       /* cancelled, shutting down, starting  */
	{ "58", -EIO },       { "P0", -EINVAL }, /* raised by a function                */
};

int error_from_sqlstate(const char *state)
{
	size_t best = 0;
	int err = -EIO;

	if (!state)
		return -EAGAIN; /* libpq's own: the connection is gone */
	for (size_t i = 0; i < STOA_ARRAY_SIZE(states); i++) {
		size_t n = strlen(states[i].prefix);

		if (n > best && strncmp(state, states[i].prefix, n) == 0) {
			best = n;
			err = states[i].err;
		}
	}
	return err;
}
