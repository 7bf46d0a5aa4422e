/* SPDX-License-Identifier: Apache-2.0 */
/* Registered statements. Registration asks the database once, in start(), so that a mistake shows
 * there: what the text needs, what it returns and of which types. Each connection prepares for
 * itself when it first runs a statement. */
#include "storage.h"

#include <stdio.h>
#include <stdlib.h>

/* Numbers of pg_type, fixed for good. */
enum {
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_NAME = 19,
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_TEXT = 25,
	TYPE_JSON = 114,
	TYPE_FLOAT4 = 700,
	TYPE_FLOAT8 = 701,
	TYPE_BPCHAR = 1042,
	TYPE_VARCHAR = 1043,
	TYPE_TIMESTAMPTZ = 1184,
	TYPE_JSONB = 3802,
};

/* A parameter is declared as the first; a column may be any of them. */
static const struct {
	char letter;
	Oid types[4];
} letters[] = {
	{ 't', { TYPE_TEXT, TYPE_VARCHAR, TYPE_BPCHAR, TYPE_NAME } },
	{ 'i', { TYPE_INT8, TYPE_INT4, TYPE_INT2 } },
	{ 'f', { TYPE_FLOAT8, TYPE_FLOAT4 } },
	{ 'o', { TYPE_BOOL } },
	{ 'm', { TYPE_TIMESTAMPTZ } },
	{ 'j', { TYPE_JSONB, TYPE_JSON } },
	{ 'b', { TYPE_BYTEA } },
};

static const Oid *types_of(char letter)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(letters); i++)
		if (letters[i].letter == letter)
			return letters[i].types;
	return NULL;
}

static int complain(struct stoa_mod *m, const struct stoa_sql_stmt *s, const char *why)
{
	stoa_log(m, STOA_LOG_ERROR, "statement %s: %.*s", s->name, (int)strcspn(why, "\n"), why);
	return -EINVAL;
}

static bool are_letters(const char *s, size_t max)
{
	return strlen(s) <= max && strspn(s, "tifomjb") == strlen(s);
}

/* PostgreSQL takes a parameter that does not occur; that is a mistake all the same. */
static int check_parameters(struct stoa_mod *m, const struct entry *e)
{
	uint64_t seen = 0, want = ((uint64_t)1 << e->n_params) - 1;
	bool is_quoted = false;

	for (const char *p = e->text; *p; p++) {
		unsigned long n;

		is_quoted ^= *p == '\'';
		if (is_quoted || *p != '$')
			continue;
		n = strtoul(p + 1, NULL, 10);
		if (n < 1 || n > e->n_params)
			return complain(m, e->stmt, "a parameter that `params` does not list");
		seen |= (uint64_t)1 << (n - 1);
	}
	if (seen != want)
		return complain(m, e->stmt, "`params` lists one that does not occur in the text");
	return 0;
}

static bool is_one_of(Oid type, const Oid types[4])
{
	for (int i = 0; i < 4; i++)
		if (types[i] && types[i] == type)
			return true;
	return false;
}

static int check_columns(struct stoa_mod *m, const struct entry *e, const PGresult *r)
{
	char why[128];

	if ((uint32_t)PQnfields(r) != e->n_columns)
		return complain(m, e->stmt, "`columns` lists more or fewer than it returns");
	for (int i = 0; i < (int)e->n_columns; i++) {
		if (is_one_of(PQftype(r, i), types_of(e->stmt->columns[i])))
			continue;
		snprintf(why, sizeof(why), "column %d (%s) is not '%c': it has the type number %u",
			 i + 1, PQfname(r, i), e->stmt->columns[i], PQftype(r, i));
		return complain(m, e->stmt, why);
	}
	return 0;
}

static int check_entry(struct storage *st, struct stoa_mod *m, struct entry *e)
{
	PGresult *r = PQprepare(st->owner, "", e->text, (int)e->n_params, e->types);
	int err;

	if (PQresultStatus(r) != PGRES_COMMAND_OK) {
		err = complain(m, e->stmt, PQresultErrorMessage(r));
		PQclear(r);
		return err;
	}
	PQclear(r);
	r = PQdescribePrepared(st->owner, "");
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		err = complain(m, e->stmt, PQresultErrorMessage(r));
	else if ((err = check_parameters(m, e)) == 0)
		err = check_columns(m, e, r);
	PQclear(r);
	return err;
}

/* What is registered long after the start meets a connection that may have been lost meanwhile. */
static int check(struct storage *st, struct stoa_mod *m, struct entry *e)
{
	struct stoa_buf why = { 0 };

	if (PQstatus(st->owner) != CONNECTION_OK) {
		PQfinish(st->owner);
		st->owner = connect_now(&st->settings[LOGIN_OWNER], &why);
	}
	if (!st->owner) {
		stoa_log(m, STOA_LOG_ERROR, "statement %s: cannot be checked: %s", e->stmt->name,
			 why.n ? why.p : "out of memory");
		stoa_buf_free(&why);
		return -EAGAIN;
	}
	return check_entry(st, m, e);
}

static struct stoa_str key_of(const struct stoa_sql_stmt *const *s)
{
	return stoa_strn(s, sizeof(*s));
}

struct entry *statement_find(const struct storage *st, const struct stoa_sql_stmt *s)
{
	return stoa_map_get(st->entries, key_of(&s));
}

static struct entry *make_entry(struct storage *st, const struct stoa_sql_stmt *s)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->stmt = s;
	e->text = s->text_pg ? s->text_pg : s->text;
	e->n_params = (uint32_t)strlen(s->params);
	e->n_columns = (uint32_t)strlen(s->columns);
	e->index = st->n_entries;
	e->is_read_only = strncmp(e->text, "SELECT", 6) == 0 || strncmp(e->text, "WITH", 4) == 0;
	snprintf(e->name, sizeof(e->name), "s%u", e->index);
	for (uint32_t i = 0; i < e->n_params; i++)
		e->types[i] = types_of(s->params[i])[0];
	return e;
}

int statement_register(struct storage *st, struct stoa_mod *m, const struct stoa_sql_stmt *s)
{
	struct entry *e;
	int err;

	if (statement_find(st, s))
		return 0;
	if (!are_letters(s->params, STORAGE_PARAMS_MAX) || !are_letters(s->columns, 64))
		return complain(m, s, "`params` or `columns` has a foreign letter, or too many");
	if (st->n_entries == STORAGE_STMTS_MAX)
		return complain(m, s, "too many statements");
	e = make_entry(st, s);
	if (!e)
		return -ENOMEM;
	err = check(st, m, e);
	if (!err)
		err = stoa_map_set(st->entries, key_of(&s), e, NULL);
	if (err)
		free(e);
	else
		st->n_entries++;
	return err;
}

void statement_free_all(struct storage *st)
{
	struct stoa_str key;
	size_t pos = 0;
	void *e;

	while (stoa_map_next(st->entries, &pos, &key, &e))
		free(e);
	stoa_map_free(st->entries);
	st->entries = NULL;
	st->n_entries = 0;
}
