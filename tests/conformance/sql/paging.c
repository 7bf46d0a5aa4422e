/* SPDX-License-Identifier: Apache-2.0 */
/* Pages: every row once, in order, while others write. */
#include "suite.h"

#define ROWS 250

static void fill(const char *owner)
{
	struct stoa_tx *tx = begin();

	for (int i = 0; i < ROWS; i++) {
		char id[96];

		snprintf(id, sizeof(id), "%s-%04d", owner, i);
		ADD(tx, ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_TEXT(owner),
		    STOA_V_INT(i / 10));
	}
	CHECK_INT(run(tx, -1)->err, 0);
}

static void test_by_id(const char *owner)
{
	char after[96] = "";
	int n = 0;

	for (;;) {
		const struct outcome *o =
			ASK(ITEM_PAGE, STOA_V_TEXT(owner), STOA_V_TEXT(after), STOA_V_INT(40));
		size_t rows = json_array_size(o->cells);

		for (size_t i = 0; i < rows; i++, n++) {
			char want[96];

			snprintf(want, sizeof(want), "%s-%04d", owner, n);
			snprintf(after, sizeof(after), "%s",
				 json_string_value(json_array_get(json_array_get(o->cells, i), 0)));
			CHECK_STR(after, want);
		}
		if (rows < 40)
			break;
	}
	CHECK_INT(n, ROWS);
}

/* Ten rows share each number: the id decides between them. */
static void test_by_row_value(const char *owner)
{
	int64_t n = INT64_MAX;
	char id[96] = "";
	int seen = 0;

	for (;;) {
		const struct outcome *o = ASK(ITEM_PAGE_ROW_VALUE, STOA_V_TEXT(owner),
					      STOA_V_INT(n), STOA_V_TEXT(id), STOA_V_INT(7));
		size_t rows = json_array_size(o->cells);

		for (size_t i = 0; i < rows; i++, seen++) {
			const json_t *row = json_array_get(o->cells, i);
			char want[96];

			snprintf(want, sizeof(want), "%s-%04d", owner, ROWS - 1 - seen);
			n = json_integer_value(json_array_get(row, 0));
			snprintf(id, sizeof(id), "%s", json_string_value(json_array_get(row, 1)));
			CHECK_STR(id, want);
		}
		if (rows < 7)
			break;
	}
	CHECK_INT(seen, ROWS);
}

void case_paging(void)
{
	char owner[64];

	snprintf(owner, sizeof(owner), "%s", name("paged"));
	fill(owner);
	test_by_id(owner);
	test_by_row_value(owner);
}
