/* SPDX-License-Identifier: Apache-2.0 */
/* Whole or not at all: expectations, constraints, what is told about a failure. */
#include "suite.h"

static void test_whole(void)
{
	const char *a = name("whole-a"), *b = name("whole-b");
	struct stoa_tx *tx = begin();
	const struct outcome *o;

	ADD(tx, ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(a), STOA_V_TEXT(""), STOA_V_INT(1));
	ADD(tx, ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(b), STOA_V_TEXT(""), STOA_V_INT(2));
	ADD(tx, ITEM_ADD_RETURNING, STOA_ROWS_ONE, STOA_V_TEXT(a), STOA_V_INT(10));
	o = run(tx, ITEM_ADD_RETURNING);
	CHECK_INT(o->err, 0);
	CHECK_INT(o->n, 3);
	CHECK_INT(o->rows[0], 1); /* affected */
	CHECK_INT(o->rows[2], 1); /* returned */
	CHECK_STR(json_string_value(json_array_get(json_array_get(o->cells, 0), 0)), a);
	CHECK_INT(json_integer_value(json_array_get(json_array_get(o->cells, 0), 1)), 11);
	CHECK_INT(number_of(a), 11);
	CHECK_INT(number_of(b), 2);
}

/* The last of three goes wrong: nothing of the first two is left. */
static void fail_third(int stmt, enum stoa_sql_expect expect, uint32_t n,
		       const struct stoa_sql_value *v, int want)
{
	const char *a = name("fail-a"), *b = name("fail-b");
	struct stoa_tx *tx = begin();
	const struct outcome *o;

	insert(a, 1);
	ADD(tx, ITEM_ADD, STOA_ROWS_ONE, STOA_V_TEXT(a), STOA_V_INT(5));
	ADD(tx, ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(b), STOA_V_TEXT(""), STOA_V_INT(2));
	add(tx, stmt, expect, n, v);
	o = run(tx, -1);
	CHECK_INT(o->err, want);
	CHECK_INT(o->failed, 2);
	CHECK_INT(number_of(a), 1);
	CHECK_INT(number_of(b), -1);
}

#define FAIL_THIRD(want, stmt, expect, ...)                                                        \
	fail_third(stmt, expect,                                                                   \
		   sizeof((struct stoa_sql_value[]){ __VA_ARGS__ }) /                              \
			   sizeof(struct stoa_sql_value),                                          \
		   (struct stoa_sql_value[]){ __VA_ARGS__ }, want)

static void test_expectations(void)
{
	const char *there = name("there"), *absent = name("absent");

	insert(there, 1);
	FAIL_THIRD(-ENOENT, ITEM_ADD, STOA_ROWS_ONE, STOA_V_TEXT(absent), STOA_V_INT(1));
	FAIL_THIRD(-ENOENT, ITEM_ADD, STOA_ROWS_SOME, STOA_V_TEXT(absent), STOA_V_INT(1));
	FAIL_THIRD(-EEXIST, ITEM_ADD, STOA_ROWS_NONE, STOA_V_TEXT(there), STOA_V_INT(1));
	FAIL_THIRD(-ENOENT, ITEM_ADD_RETURNING, STOA_ROWS_ONE, STOA_V_TEXT(absent), STOA_V_INT(1));
	FAIL_THIRD(-ENOENT, ITEM_GET, STOA_ROWS_ONE, STOA_V_TEXT(absent));
	CHECK_INT(number_of(there), 1);
	CHECK_INT(RUN_ONE(ITEM_ADD, STOA_ROWS_NONE, STOA_V_TEXT(absent), STOA_V_INT(1)), 0);
	CHECK_INT(RUN_ONE(ITEM_ADD, STOA_ROWS_ANY, STOA_V_TEXT(absent), STOA_V_INT(1)), 0);
	CHECK_INT(RUN_ONE(ITEM_ADD, STOA_ROWS_SOME, STOA_V_TEXT(there), STOA_V_INT(1)), 0);
}

static void test_constraints(void)
{
	const char *there = name("taken");
	struct stoa_sql_value null = STOA_V_NULL;

	insert(there, 1);
	FAIL_THIRD(-EEXIST, ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(there), STOA_V_TEXT(""),
		   STOA_V_INT(1));
	FAIL_THIRD(-EINVAL, ITEM_ADD, STOA_ROWS_ONE, STOA_V_TEXT(there), STOA_V_INT(-100));
	FAIL_THIRD(-EINVAL, ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(name("null")), null,
		   STOA_V_INT(1));
	FAIL_THIRD(-EINVAL, ITEM_PARENT, STOA_ROWS_ONE, STOA_V_TEXT(there),
		   STOA_V_TEXT("no-such-parent"));
	CHECK_INT(number_of(there), 1);
}

/* Reads in a list see what the list wrote before. */
static void test_reads_inside(void)
{
	const char *id = name("inside");
	struct stoa_tx *tx = begin();
	const struct outcome *o;

	ADD(tx, ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_TEXT(""), STOA_V_INT(3));
	ADD(tx, ITEM_GET, STOA_ROWS_ONE, STOA_V_TEXT(id));
	o = run(tx, ITEM_GET);
	CHECK_INT(o->err, 0);
	CHECK_INT(json_integer_value(json_array_get(json_array_get(o->cells, 0), 2)), 3);
}

static void test_limits(void)
{
	struct stoa_sql_value v[] = { STOA_V_TEXT("limit"), STOA_V_INT(0) };
	struct stoa_tx *tx = begin();

	for (int i = 0; i < STOA_TX_MAX; i++)
		CHECK_INT(stoa_tx_run(&sql, tx, &stmts[ITEM_ADD], v, 2, STOA_ROWS_ANY), 0);
	CHECK_INT(stoa_tx_run(&sql, tx, &stmts[ITEM_ADD], v, 2, STOA_ROWS_ANY), -E2BIG);
	CHECK_INT(run(tx, -1)->err, -E2BIG);
	tx = begin(); /* nothing to do is done, too */
	CHECK_INT(run(tx, -1)->err, 0);
}

void case_transactions(void)
{
	test_whole();
	test_expectations();
	test_constraints();
	test_reads_inside();
	test_limits();
}
