/* SPDX-License-Identifier: Apache-2.0 */
/* Statements and helpers of the suite. */
#include "suite.h"

struct stoa_sql sql;
struct stoa_mod *self;
char heard[4096][48];
size_t n_heard;
static int turns;

const struct stoa_sql_stmt stmts[STMT_N] = {
	[ITEM_INSERT] = { "item-insert", "INSERT INTO items (id, owner, n) VALUES ($1, $2, $3)",
			  "tti", "", NULL, NULL },
	[ITEM_INSERT_ALL] = { "item-insert-all",
			      "INSERT INTO items (id, owner, n, f, flag, at, data, raw) "
			      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			      "ttifomjb", "", NULL, NULL },
	[ITEM_GET] = { "item-get",
		       "SELECT id, owner, n, f, flag, at, data, raw FROM items WHERE id = $1", "t",
		       "ttifomjb", NULL, NULL },
	[ITEM_ADD] = { "item-add", "UPDATE items SET n = n + $2 WHERE id = $1", "ti", "", NULL,
		       NULL },
	[ITEM_STEP] = { "item-step", "UPDATE items SET n = n + 1 WHERE id = $1 AND n = $2", "ti",
			"", NULL, NULL },
	[ITEM_ADD_RETURNING] = { "item-add-returning",
				 "UPDATE items SET n = n + $2 WHERE id = $1 RETURNING id, n", "ti",
				 "ti", NULL, NULL },
	[ITEM_TAKE] = { "item-take", "UPDATE items SET owner = $2 WHERE id = $1 AND owner = ''",
			"tt", "", NULL, NULL },
	[ITEM_DELETE] = { "item-delete", "DELETE FROM items WHERE id = $1", "t", "", NULL, NULL },
	[ITEM_COUNT] = { "item-count", "SELECT COUNT(*) FROM items WHERE owner = $1", "t", "i",
			 NULL, NULL },
	[ITEM_PAGE] = { "item-page",
			"SELECT id, n FROM items WHERE owner = $1 AND id > $2 ORDER BY id LIMIT $3",
			"tti", "ti", NULL, NULL },
	[ITEM_PAGE_ROW_VALUE] = { "item-page-row-value",
				  "SELECT n, id FROM items WHERE owner = $1 AND (n, id) < ($2, $3) "
				  "ORDER BY n DESC, id DESC LIMIT $4",
				  "titi", "it", NULL, NULL },
	[ITEM_UPSERT] = { "item-upsert",
			  "INSERT INTO items (id, owner, n) VALUES ($1, $2, $3) ON CONFLICT (id) "
			  "DO UPDATE SET n = items.n + excluded.n WHERE items.owner = $2",
			  "tti", "", NULL, NULL },
	[ITEM_PARENT] = { "item-parent", "UPDATE items SET parent = $2 WHERE id = $1", "tt", "",
			  NULL, NULL },
	[ITEM_SWAPPED] = { "item-swapped",
			   "SELECT id FROM items WHERE n = $3 AND owner = $2 AND id = $1 AND "
			   "owner = $2",
			   "tti", "t", NULL, NULL },
	[ITEM_FROM] = { "item-from",
			"UPDATE items SET n = b.n FROM items b WHERE items.id = $1 AND b.id = $2",
			"tt", "", NULL, NULL },
	[ITEM_FILTER] = { "item-filter",
			  "SELECT COUNT(*) FILTER (WHERE n > $2) FROM items WHERE owner = $1", "ti",
			  "i", NULL, NULL },
	[ITEM_WINDOW] = { "item-window",
			  "SELECT id, ROW_NUMBER() OVER (ORDER BY n DESC) FROM items "
			  "WHERE owner = $1 ORDER BY n",
			  "t", "ti", NULL, NULL },
	[ITEM_DISTINCT] = { "item-distinct",
			    "SELECT COUNT(*) FROM items WHERE owner = $1 AND n IS DISTINCT FROM $2",
			    "ti", "i", NULL, NULL },
	[ITEM_JSON_MEMBER] = { "item-json-member", "SELECT data ->> 'a' FROM items WHERE id = $1",
			       "t", "t", NULL, NULL },
	[ITEM_AFTER] = { "item-after",
			 "SELECT id FROM items WHERE owner = $1 AND at > $2 ORDER BY at", "tm", "t",
			 NULL, NULL },
	[KEY_AGE] = { "key-age",
		      "UPDATE stoa_idempotency SET expires_at = $3 WHERE actor = $1 AND key = $2",
		      "ttm", "", NULL, NULL },
};

const char *name(const char *what)
{
	static char ring[16][64];
	static unsigned i;
	char *to = ring[i++ % 16];

	snprintf(to, sizeof(ring[0]), "%s-%u", what, i);
	return to;
}

struct stoa_tx *begin(void)
{
	struct stoa_tx *tx = stoa_sql_begin(&sql, self, "tester");

	CHECK(tx != NULL);
	return tx;
}

void add(struct stoa_tx *tx, int stmt, enum stoa_sql_expect expect, uint32_t n,
	 const struct stoa_sql_value *v)
{
	CHECK_INT(stoa_tx_run(&sql, tx, &stmts[stmt], v, n, expect), 0);
}

static json_t *cell(const struct stoa_sql_result *r, uint32_t row, uint32_t col, char letter)
{
	struct stoa_str s = stoa_sql_text(&sql, r, row, col);

	if (stoa_sql_is_null(&sql, r, row, col))
		return json_null();
	switch (letter) {
	case 'i':
	case 'm':
		return json_integer(stoa_sql_int(&sql, r, row, col));
	case 'o':
		return json_boolean(stoa_sql_int(&sql, r, row, col));
	case 'f':
		return json_real(stoa_sql_real(&sql, r, row, col));
	case 'j':
		return json_loadb(s.p, s.n, JSON_DECODE_ANY, NULL);
	case 'b': {
		char hex[128];

		stoa_hex_encode(s.p, s.n < 60 ? s.n : 60, hex);
		return json_string(hex);
	}
	default:
		return json_stringn(s.p, s.n);
	}
}

static json_t *read_cells(const struct stoa_sql_result *r, const char *columns)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < stoa_sql_rows(&sql, r) && columns[0]; i++) {
		json_t *row = json_array();

		for (uint32_t k = 0; columns[k]; k++)
			json_array_append_new(row, cell(r, i, k, columns[k]));
		json_array_append_new(rows, row);
	}
	return rows;
}

static void on_done(int err, const struct stoa_sql_result *const *results, uint32_t n,
		    uint32_t failed, void *user)
{
	struct outcome *o = user;

	CHECK(!o->is_done); /* exactly once */
	o->is_done = true;
	o->err = err;
	o->n = n;
	o->failed = failed;
	o->turn = ++turns;
	CHECK(!err || n == 0);
	for (uint32_t i = 0; i < n && i < STOA_ARRAY_SIZE(o->rows); i++)
		o->rows[i] = stoa_sql_rows(&sql, results[i]);
	if (n && o->columns)
		o->cells = read_cells(results[n - 1], o->columns);
}

bool is_outcome(void *outcome)
{
	return ((struct outcome *)outcome)->is_done;
}

static struct outcome last_outcome;

static struct outcome *fresh(int stmt)
{
	json_decref(last_outcome.cells);
	memset(&last_outcome, 0, sizeof(last_outcome));
	last_outcome.columns = stmt < 0 ? NULL : stmts[stmt].columns;
	return &last_outcome;
}

int start(struct stoa_tx *tx, struct outcome *o)
{
	return stoa_tx_commit(&sql, tx, on_done, o);
}

const struct outcome *run(struct stoa_tx *tx, int last)
{
	struct outcome *o = fresh(last);
	int err = start(tx, o);

	CHECK(!o->is_done); /* never inside the call */
	if (err)
		o->err = err;
	else
		CHECK(stoa_test_run_until(is_outcome, o, 10000));
	return o;
}

const struct outcome *ask(int stmt, uint32_t n, const struct stoa_sql_value *v)
{
	struct outcome *o = fresh(stmt);
	int err = stoa_sql_query(&sql, self, "tester", &stmts[stmt], v, n, on_done, o);

	CHECK(!o->is_done);
	if (err)
		o->err = err;
	else
		CHECK(stoa_test_run_until(is_outcome, o, 10000));
	return o;
}

int run_one(int stmt, enum stoa_sql_expect expect, uint32_t n, const struct stoa_sql_value *v)
{
	struct stoa_tx *tx = begin();

	add(tx, stmt, expect, n, v);
	return run(tx, -1)->err;
}

void insert(const char *id, int64_t n)
{
	CHECK_INT(RUN_ONE(ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_TEXT(""),
			  STOA_V_INT(n)),
		  0);
}

int64_t number_of(const char *id)
{
	const struct outcome *o = ASK(ITEM_GET, STOA_V_TEXT(id));

	CHECK_INT(o->err, 0);
	if (!json_array_size(o->cells))
		return -1;
	return json_integer_value(json_array_get(json_array_get(o->cells, 0), 2));
}

void hear_all(void)
{
	stoa_test_run_until(NULL, NULL, 1000);
}
