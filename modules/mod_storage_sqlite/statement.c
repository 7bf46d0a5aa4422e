/* SPDX-License-Identifier: Apache-2.0 */
/* Registered statements. Registration (ctl) prepares each once on a connection of its own, so that
 * a mistake shows at start; the threads prepare for themselves when a statement is first used. */
#include "storage.h"

#include <stdio.h>
#include <stdlib.h>

static int complain(struct stoa_mod *m, const struct stoa_sql_stmt *s, const char *why)
{
	stoa_log(m, STOA_LOG_ERROR, "statement %s: %s", s->name, why);
	return -EINVAL;
}

static bool are_letters(const char *s, size_t max)
{
	return strlen(s) <= max && strspn(s, "tifomjb") == strlen(s);
}

/* SQLite numbers $n in the order of appearance, so each is asked for by its name. */
static int find_slots(struct stoa_mod *m, struct entry *e, sqlite3_stmt *prepared)
{
	int n = sqlite3_bind_parameter_count(prepared);

	for (uint32_t i = 0; i < e->n_params; i++) {
		char name[16], why[64];
		int slot;

		snprintf(name, sizeof(name), "$%u", i + 1);
		slot = sqlite3_bind_parameter_index(prepared, name);
		if (!slot) {
			snprintf(why, sizeof(why), "parameter %s does not occur in the text", name);
			return complain(m, e->stmt, why);
		}
		e->slot[i] = (uint8_t)slot;
	}
	if (n != (int)e->n_params)
		return complain(m, e->stmt, "the text has parameters that `params` does not list");
	return 0;
}

static int check_entry(struct storage *st, struct stoa_mod *m, struct entry *e)
{
	sqlite3_stmt *prepared = NULL;
	const char *tail = "";
	int rc = sqlite3_prepare_v2(st->check.db, e->text, -1, &prepared, &tail);
	int err;

	if (rc != SQLITE_OK || !prepared)
		return complain(m, e->stmt, rc ? sqlite3_errmsg(st->check.db) : "no statement");
	if (tail[strspn(tail, " \t\n;")] != '\0')
		err = complain(m, e->stmt, "more than one statement");
	else if (sqlite3_column_count(prepared) != (int)e->n_columns)
		err = complain(m, e->stmt, "`columns` lists more or fewer than it returns");
	else
		err = find_slots(m, e, prepared);
	e->is_read_only = sqlite3_stmt_readonly(prepared) != 0;
	sqlite3_finalize(prepared);
	return err;
}

static struct stoa_str key_of(const struct stoa_sql_stmt *const *s)
{
	return stoa_strn(s, sizeof(*s));
}

struct entry *statement_find(const struct storage *st, const struct stoa_sql_stmt *s)
{
	return stoa_map_get(st->entries, key_of(&s));
}

int statement_register(struct storage *st, struct stoa_mod *m, const struct stoa_sql_stmt *s)
{
	struct entry *e;
	int err;

	if (statement_find(st, s))
		return 0;
	if (!are_letters(s->params, STORAGE_PARAMS_MAX) || !are_letters(s->columns, 64))
		return complain(m, s, "`params` or `columns` has a foreign letter, or too many");
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->stmt = s;
	e->text = s->text_sqlite ? s->text_sqlite : s->text;
	e->n_params = (uint32_t)strlen(s->params);
	e->n_columns = (uint32_t)strlen(s->columns);
	err = check_entry(st, m, e);
	if (!err)
		err = stoa_map_set(st->entries, key_of(&s), e, NULL);
	if (err)
		free(e);
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
}

int statement_get(struct connection *c, struct entry *e, sqlite3_stmt **ret_stmt)
{
	sqlite3_stmt **slot = &e->prepared[c->index];

	if (!*slot) {
		int rc = sqlite3_prepare_v3(c->db, e->text, -1, SQLITE_PREPARE_PERSISTENT, slot,
					    NULL);

		if (rc != SQLITE_OK)
			return error_from_sqlite(sqlite3_extended_errcode(c->db));
	}
	*ret_stmt = *slot;
	return 0;
}
