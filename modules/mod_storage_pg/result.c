/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, copied out of libpq's result and read by the letters of the statement. */
#include "storage.h"

#include <stdlib.h>

struct cell {
	int64_t i;
	double f;
	uint32_t at, n; /* in text */
	bool is_null;
};

struct stoa_sql_result {
	uint32_t rows, cols;
	struct cell *cells;
	struct stoa_buf text;
};

STOA_DEFINE_AUTO(struct stoa_sql_result, result_free)

static int add_text(struct stoa_sql_result *r, struct cell *cell, const char *p, size_t n)
{
	if (r->text.n + n > STORAGE_RESULT_MAX)
		return -E2BIG;
	cell->at = (uint32_t)r->text.n;
	cell->n = (uint32_t)n;
	stoa_buf_add(&r->text, p, n);
	return r->text.failed ? -ENOMEM : 0;
}

/* "2026-01-02 03:04:05.678+00", the session's zone being UTC. */
static int read_time(struct stoa_sql_result *r, struct cell *cell, const char *p, size_t n)
{
	char text[40];

	if (n < 22 || n >= sizeof(text) || strcmp(p + n - 3, "+00") != 0)
		return -EINVAL;
	memcpy(text, p, n);
	text[10] = 'T';
	text[n - 3] = 'Z';
	if (stoa_time_parse(stoa_strn(text, n - 2), &cell->i))
		return -EINVAL;
	stoa_time_format(cell->i, text);
	return add_text(r, cell, text, STOA_TIME_LEN - 1);
}

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* "\x00ff", bytea_output being hex. */
static int read_bytes(struct stoa_sql_result *r, struct cell *cell, const char *p, size_t n)
{
	int err;

	if (n < 2 || p[0] != '\\' || p[1] != 'x' || n % 2)
		return -EINVAL;
	err = add_text(r, cell, p + 2, (n - 2) / 2);
	if (err || n == 2)
		return err;
	for (size_t i = 0; i < cell->n; i++)
		r->text.p[cell->at + i] = (char)(digit(p[2 + 2 * i]) << 4 | digit(p[3 + 2 * i]));
	return 0;
}

static int read_cell(struct stoa_sql_result *r, struct cell *cell, char letter, const char *p,
		     size_t n)
{
	switch (letter) {
	case 'i':
		cell->i = strtoll(p, NULL, 10);
		return 0;
	case 'o':
		cell->i = p[0] == 't';
		return 0;
	case 'f':
		cell->f = strtod(p, NULL);
		return 0;
	case 'm':
		return read_time(r, cell, p, n);
	case 'b':
		return read_bytes(r, cell, p, n);
	default:
		return add_text(r, cell, p, n);
	}
}

static int read_rows(struct stoa_sql_result *r, const struct entry *e, const PGresult *from)
{
	r->rows = (uint32_t)PQntuples(from);
	if (r->rows > STORAGE_ROWS_MAX)
		return -E2BIG;
	if ((uint32_t)PQnfields(from) != r->cols)
		return -EINVAL;
	r->cells = calloc((size_t)r->rows * r->cols + 1, sizeof(*r->cells));
	if (!r->cells)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->rows * r->cols; i++) {
		int row = (int)(i / r->cols), col = (int)(i % r->cols), err;

		r->cells[i].is_null = PQgetisnull(from, row, col) != 0;
		if (r->cells[i].is_null)
			continue;
		err = read_cell(r, &r->cells[i], e->stmt->columns[col], PQgetvalue(from, row, col),
				(size_t)PQgetlength(from, row, col));
		if (err)
			return err;
	}
	return 0;
}

int result_read(const struct entry *e, const PGresult *from, struct stoa_sql_result **ret_result)
{
	stoa_auto(result_free) struct stoa_sql_result *r = calloc(1, sizeof(*r));
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->cols = e->n_columns;
	if (r->cols)
		err = read_rows(r, e, from);
	else /* PQcmdTuples() is not const, though it changes nothing */
		r->rows = (uint32_t)strtoul(PQcmdTuples((PGresult *)from), NULL, 10);
	if (!err)
		*ret_result = stoa_take(r);
	return err;
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
