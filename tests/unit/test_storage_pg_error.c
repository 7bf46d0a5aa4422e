/* SPDX-License-Identifier: Apache-2.0 */
/* SQLSTATE to errno: classes, and the codes that differ from their class. */
#include "check.h"
#include "storage.h"

int main(void)
{
	static const struct {
		const char *state;
		int err;
	} want[] = {
		{ NULL, -EAGAIN },    /* libpq lost the connection   */
		{ "23505", -EEXIST }, /* unique                      */
		{ "23514", -EINVAL }, /* CHECK                       */
		{ "23502", -EINVAL }, /* NOT NULL                    */
		{ "23503", -EINVAL }, /* foreign key                 */
		{ "23P01", -EEXIST }, /* exclusion                   */
		{ "22P02", -EINVAL }, /* not JSON                    */
		{ "42501", -EACCES }, /* row-level security          */
		{ "42P01", -EINVAL }, /* no such table               */
		{ "40001", -EAGAIN }, /* serialization               */
		{ "40P01", -EAGAIN }, /* deadlock                    */
		{ "57014", -EAGAIN }, /* deadline                    */
		{ "57P01", -EAGAIN }, /* shutting down               */
		{ "53300", -EAGAIN }, /* too many connections        */
		{ "53100", -ENOSPC }, /* disk full                   */
		{ "53200", -ENOMEM }, /* out of memory               */
		{ "25006", -EROFS },  /* read-only: a standby        */
		{ "54001", -E2BIG },  /* too complex                 */
		{ "58030", -EIO },    /* I/O                         */
		{ "XX001", -EIO },    /* corrupted                   */
		{ "ZZ999", -EIO },    /* nobody knows                */
		{ "", -EIO },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(want); i++)
		CHECK_INT(error_from_sqlstate(want[i].state), want[i].err);
	return check_done();
}
