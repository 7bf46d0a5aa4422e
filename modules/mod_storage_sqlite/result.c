/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, copied out of SQLite by the thread that ran the statement and read on ctl. */
#include "storage.h"

#include <stdlib.h>

STOA_DEFINE_AUTO(struct stoa_sql_result, result_free)

static int add_text(struct stoa_sql_result *r, struct cell *cell, const void *p, int n)
{
	if (r->text.n + (size_t)n > STORAGE_RESULT_MAX)
		return -E2BIG;
	cell->at = (uint32_t)r->text.n;
	cell->n = (uint32_t)n;
	stoa_buf_add(&r->text, p, (size_t)n);
	return r->text.failed ? -ENOMEM : 0;
}

static int read_cell(struct stoa_sql_result *r, struct cell *cell, char letter, sqlite3_stmt *s,
		     int col)
{
	const void *p;

	if (sqlite3_column_type(s, col) == SQLITE_NULL) {
		cell->is_null = true;
		return 0;
	}
	switch (letter) {
	case 'i':
	case 'o':
		cell->i = sqlite3_column_int64(s, col);
		return 0;
	case 'f':
		cell->f = sqlite3_column_double(s, col);
		return 0;
	case 'b':
		p = sqlite3_column_blob(s, col);
		return add_text(r, cell, p, sqlite3_column_bytes(s, col));
	default:
		p = sqlite3_column_text(s, col);
		if (letter == 'm' &&
		    stoa_time_parse(stoa_strn(p, (size_t)sqlite3_column_bytes(s, col)), &cell->i))
			return -EINVAL;
		return add_text(r, cell, p, sqlite3_column_bytes(s, col));
	}
}

static int add_row(struct stoa_sql_result *r, const struct entry *e, sqlite3_stmt *s)
{
	uint32_t used = r->rows * r->cols;

	if (!r->cols)
		return -EINVAL;
	if (r->rows == STORAGE_ROWS_MAX)
		return -E2BIG;
	if (used + r->cols > r->cells_cap) {
		uint32_t cap = r->cells_cap ? r->cells_cap * 2 : r->cols * 8;
		struct cell *cells = reallocarray(r->cells, cap, sizeof(*cells));

		if (!cells)
			return -ENOMEM;
		r->cells = cells;
		r->cells_cap = cap;
	}
	memset(&r->cells[used], 0, r->cols * sizeof(*r->cells));
	for (uint32_t i = 0; i < r->cols; i++) {
		int err = read_cell(r, &r->cells[used + i], e->stmt->columns[i], s, (int)i);

		if (err)
			return err;
	}
	r->rows++;
	return 0;
}

int result_read(struct connection *c, const struct entry *e, sqlite3_stmt *s,
		struct stoa_sql_result **ret_result)
{
	stoa_auto(result_free) struct stoa_sql_result *r = calloc(1, sizeof(*r));
	int rc, err;

	if (!r)
		return -ENOMEM;
	r->cols = e->n_columns;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		if ((err = add_row(r, e, s)) != 0)
			return err;
	if (rc != SQLITE_DONE)
		return error_from_sqlite(sqlite3_extended_errcode(c->db));
	if (!r->cols)
		r->rows = (uint32_t)sqlite3_changes(c->db);
	*ret_result = stoa_take(r);
	return 0;
}

void result_free(struct stoa_sql_result *r)
{
	if (!r)
		return;
	stoa_buf_free(&r->text);
	free(r->cells);
	free(r);
}

static const struct cell *cell_at(const struct stoa_sql_result *r, uint32_t row, uint32_t col)
{
	static const struct cell none = { .is_null = true };

	return r && col < r->cols && row < r->rows ? &r->cells[row * r->cols + col] : &none;
}

uint32_t result_rows(const struct stoa_sql_result *r)
{
	return r ? r->rows : 0;
}

bool result_is_null(const struct stoa_sql_result *r, uint32_t row, uint32_t col)
{
	return cell_at(r, row, col)->is_null;
}

struct stoa_str result_text(const struct stoa_sql_result *r, uint32_t row, uint32_t col)
{
	const struct cell *cell = cell_at(r, row, col);

	return cell->n ? stoa_strn(r->text.p + cell->at, cell->n) : stoa_str("");
}

int64_t result_integer(const struct stoa_sql_result *r, uint32_t row, uint32_t col)
{
	return cell_at(r, row, col)->i;
}

double result_real(const struct stoa_sql_result *r, uint32_t row, uint32_t col)
{
	return cell_at(r, row, col)->f;
}
