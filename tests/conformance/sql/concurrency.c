/* SPDX-License-Identifier: Apache-2.0 */
/* Many lists at once: each counts, one failure stays alone, one of many wins, the queue is bounded. */
#include "suite.h"

#include <stdlib.h>

#define MANY 500

static struct outcome outcomes[MANY];

static bool are_all_done(void *user)
{
	int *n = user;

	while (*n < MANY && outcomes[*n].is_done)
		(*n)++;
	return *n == MANY;
}

static void wait_all(void)
{
	int n = 0;

	CHECK(stoa_test_run_until(are_all_done, &n, 20000));
}

static void test_counting(void)
{
	char id[64];

	snprintf(id, sizeof(id), "%s", name("counter"));
	insert(id, 0);
	memset(outcomes, 0, sizeof(outcomes));
	for (int i = 0; i < MANY; i++) {
		struct stoa_tx *tx = begin();

		ADD(tx, ITEM_ADD, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_INT(1));
		CHECK_INT(start(tx, &outcomes[i]), 0);
	}
	wait_all();
	for (int i = 0; i < MANY; i++)
		CHECK_INT(outcomes[i].err, 0);
	CHECK_INT(number_of(id), MANY);
}

static void test_one_wins(void)
{
	char id[64];
	int won = 0;

	snprintf(id, sizeof(id), "%s", name("prize"));
	insert(id, 0);
	memset(outcomes, 0, sizeof(outcomes));
	for (int i = 0; i < MANY; i++) {
		struct stoa_tx *tx = begin();
		char who[16];

		snprintf(who, sizeof(who), "user-%d", i);
		ADD(tx, ITEM_TAKE, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_TEXT(who));
		CHECK_INT(start(tx, &outcomes[i]), 0);
	}
	wait_all();
	for (int i = 0; i < MANY; i++) {
		won += outcomes[i].err == 0;
		CHECK(outcomes[i].err == 0 || outcomes[i].err == -ENOENT);
	}
	CHECK_INT(won, 1);
}

/* Lists with one key are run in the order of their commits: each finds what the one before it left,
 * though every third of them acts for nobody. */
static void test_ordered(void)
{
	char id[64];

	snprintf(id, sizeof(id), "%s", name("in-order"));
	insert(id, 0);
	memset(outcomes, 0, sizeof(outcomes));
	for (int i = 0; i < MANY; i++) {
		struct stoa_tx *tx = i % 3 ? begin() : stoa_sql_begin(&sql, self, NULL);

		CHECK_INT(stoa_tx_order(&sql, tx, stoa_str(id)), 0);
		ADD(tx, ITEM_STEP, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_INT(i));
		CHECK_INT(start(tx, &outcomes[i]), 0);
	}
	wait_all();
	for (int i = 0; i < MANY; i++)
		CHECK_INT(outcomes[i].err, 0);
	CHECK_INT(number_of(id), MANY);
}

/* Constraint failures of some lists leave what the lists beside them did. */
static void test_failures_alone(void)
{
	char id[64];

	snprintf(id, sizeof(id), "%s", name("beside"));
	insert(id, 0);
	memset(outcomes, 0, sizeof(outcomes));
	for (int i = 0; i < MANY; i++) {
		struct stoa_tx *tx = begin();

		ADD(tx, ITEM_ADD, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_INT(1));
		if (i % 5 == 0)
			ADD(tx, ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_TEXT(""),
			    STOA_V_INT(1));
		CHECK_INT(start(tx, &outcomes[i]), 0);
	}
	wait_all();
	for (int i = 0; i < MANY; i++)
		CHECK_INT(outcomes[i].err, i % 5 == 0 ? -EEXIST : 0);
	CHECK_INT(number_of(id), MANY - MANY / 5);
}

/* A driver takes 4096 lists and no endless number more; what it took is run. */
static void test_bounded(void)
{
	enum { LISTS = 20000 };
	struct outcome *o = calloc(LISTS, sizeof(*o));
	struct stoa_sql_value v[] = { STOA_V_TEXT("absent"), STOA_V_INT(1) };
	int taken = 0, refused = 0;

	for (int i = 0; i < LISTS; i++) {
		struct stoa_tx *tx = begin();
		int err;

		CHECK_INT(stoa_tx_run(&sql, tx, &stmts[ITEM_ADD], v, 2, STOA_ROWS_ANY), 0);
		err = start(tx, &o[taken]);
		CHECK(err == 0 || err == -EAGAIN);
		taken += err == 0;
		refused += err == -EAGAIN;
	}
	CHECK(taken >= 4096);
	CHECK_INT(taken + refused, LISTS);
	for (int i = 0; i < taken; i++) { /* lists may overtake each other */
		CHECK(o[i].is_done || stoa_test_run_until(is_outcome, &o[i], 30000));
		CHECK_INT(o[i].err, 0);
	}
	free(o);
	CHECK_INT(RUN_ONE(ITEM_ADD, STOA_ROWS_ANY, v[0], v[1]), 0); /* and goes on */
}

void case_concurrency(void)
{
	test_counting();
	test_one_wins();
	test_ordered();
	test_failures_alone();
	test_bounded();
}
