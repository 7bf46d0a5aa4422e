/* SPDX-License-Identifier: Apache-2.0 */
/* Start and stop: what was told stays, what was taken is run, nobody is called after forget(). */
#include "suite.h"

static void test_reopen(void)
{
	char id[64];

	snprintf(id, sizeof(id), "%s", name("kept"));
	insert(id, 77);
	reopen();
	CHECK_INT(number_of(id), 77);
}

/* Lists that still wait when the module stops are run; nobody is told any more. */
static void test_forget(void)
{
	static struct outcome o[100];
	char id[64];

	memset(o, 0, sizeof(o));
	snprintf(id, sizeof(id), "%s", name("forgotten"));
	insert(id, 0);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(o); i++) {
		struct stoa_tx *tx = begin();

		ADD(tx, ITEM_ADD, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_INT(1));
		CHECK_INT(start(tx, &o[i]), 0);
	}
	stoa_sql_forget(&sql, self);
	reopen();
	for (size_t i = 0; i < STOA_ARRAY_SIZE(o); i++)
		CHECK(!o[i].is_done);
	CHECK_INT(number_of(id), STOA_ARRAY_SIZE(o));
}

void case_life(void)
{
	test_reopen();
	test_forget();
}
