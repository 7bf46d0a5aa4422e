/* SPDX-License-Identifier: Apache-2.0 */
/* Registration says at once what is wrong; the common subset of SQL works. */
#include "suite.h"

static int try_to_register(const char *text, const char *params, const char *columns)
{
	/* the interface borrows statements for good */
	static struct stoa_sql_stmt kept[16];
	static size_t n;
	struct stoa_sql_stmt *s = &kept[n++];

	*s = (struct stoa_sql_stmt){ "attempt", text, params, columns, NULL, NULL };
	return stoa_sql_statements(&sql, self, s, 1);
}

static void test_registration(void)
{
	CHECK_INT(try_to_register("SELECT id FROM items WHERE id = $1", "t", "t"), 0);
	CHECK_INT(try_to_register("SELECT id FROM nowhere", "", "t"), -EINVAL);
	CHECK_INT(try_to_register("SELEKT 1", "", "i"), -EINVAL);
	CHECK_INT(try_to_register("SELECT id FROM items WHERE id = $1", "tt", "t"), -EINVAL);
	CHECK_INT(try_to_register("SELECT id FROM items WHERE id = $1", "", "t"), -EINVAL);
	CHECK_INT(try_to_register("SELECT id FROM items WHERE id = $2", "t", "t"), -EINVAL);
	CHECK_INT(try_to_register("SELECT id, n FROM items", "", "t"), -EINVAL);
	CHECK_INT(try_to_register("SELECT id FROM items", "", "x"), -EINVAL);
	CHECK_INT(try_to_register("DELETE FROM items; DELETE FROM items", "", ""), -EINVAL);
	CHECK_INT(stoa_sql_statements(&sql, self, stmts, STMT_N), 0); /* again is fine */
}

static void test_misuse(void)
{
	static const struct stoa_sql_stmt stranger = { "stranger", "DELETE FROM items",
						       "",         "",
						       NULL,       NULL };
	struct stoa_sql_value one = STOA_V_INT(1), text = STOA_V_TEXT("x");
	struct stoa_tx *tx = begin();

	CHECK_INT(stoa_tx_run(&sql, tx, &stranger, NULL, 0, STOA_ROWS_ANY), -EINVAL);
	CHECK_INT(run(tx, -1)->err, -EINVAL);
	tx = begin();
	CHECK_INT(stoa_tx_run(&sql, tx, &stmts[ITEM_DELETE], NULL, 0, STOA_ROWS_ANY), -EINVAL);
	stoa_tx_cancel(&sql, tx);
	tx = begin();
	CHECK_INT(stoa_tx_run(&sql, tx, &stmts[ITEM_DELETE], &one, 1, STOA_ROWS_ANY), -EINVAL);
	stoa_tx_cancel(&sql, tx);
	CHECK_INT(ask(ITEM_DELETE, 1, &text)->err, -EINVAL); /* a query may not write */
	stoa_tx_cancel(&sql, NULL);
}

/* $n is the n-th value, wherever and however often it stands. */
static void test_parameters(void)
{
	const char *id = name("swapped");

	CHECK_INT(RUN_ONE(ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_TEXT("me"),
			  STOA_V_INT(7)),
		  0);
	CHECK_INT(
		json_array_size(ASK(ITEM_SWAPPED, STOA_V_TEXT(id), STOA_V_TEXT("me"), STOA_V_INT(7))
					->cells),
		1);
	CHECK_INT(
		json_array_size(ASK(ITEM_SWAPPED, STOA_V_TEXT("me"), STOA_V_TEXT(id), STOA_V_INT(7))
					->cells),
		0);
}

static void add_three(const char *owner)
{
	for (int i = 1; i <= 3; i++)
		CHECK_INT(RUN_ONE(ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(name("subset")),
				  STOA_V_TEXT(owner), STOA_V_INT(i)),
			  0);
}

static int64_t number_at(const struct outcome *o, size_t row, size_t col)
{
	return json_integer_value(json_array_get(json_array_get(o->cells, row), col));
}

static void test_subset(void)
{
	const char *a = name("from-a"), *b = name("from-b"), *up = name("upsert");
	const struct outcome *o;

	add_three("subset-owner");
	CHECK_INT(number_at(ASK(ITEM_FILTER, STOA_V_TEXT("subset-owner"), STOA_V_INT(1)), 0, 0), 2);
	CHECK_INT(number_at(ASK(ITEM_DISTINCT, STOA_V_TEXT("subset-owner"), STOA_V_INT(1)), 0, 0),
		  2);
	CHECK_INT(number_at(ASK(ITEM_DISTINCT, STOA_V_TEXT("subset-owner"), STOA_V_NULL), 0, 0), 3);
	o = ASK(ITEM_WINDOW, STOA_V_TEXT("subset-owner"));
	CHECK_INT(number_at(o, 0, 1), 3);
	CHECK_INT(number_at(o, 2, 1), 1);
	insert(a, 5);
	insert(b, 9);
	CHECK_INT(RUN_ONE(ITEM_FROM, STOA_ROWS_ONE, STOA_V_TEXT(a), STOA_V_TEXT(b)), 0);
	CHECK_INT(number_of(a), 9);
	for (int i = 0; i < 3; i++)
		CHECK_INT(RUN_ONE(ITEM_UPSERT, STOA_ROWS_ONE, STOA_V_TEXT(up), STOA_V_TEXT("me"),
				  STOA_V_INT(2)),
			  0);
	CHECK_INT(number_of(up), 6);
	CHECK_INT(RUN_ONE(ITEM_UPSERT, STOA_ROWS_NONE, STOA_V_TEXT(up), STOA_V_TEXT("you"),
			  STOA_V_INT(2)),
		  0);
	CHECK_INT(number_of(up), 6);
}

void case_statements(void)
{
	test_registration();
	test_misuse();
	test_parameters();
	test_subset();
}
