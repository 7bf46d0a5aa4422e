/* SPDX-License-Identifier: Apache-2.0 */
/* After a start: calls that the database still has as open are of a daemon that is gone. They are
 * ended, as of the moment it was last known to live, before the first request is let in. */
#include "signaling.h"

#include <stdlib.h>

#define PAGE     100
#define RETRY_MS 1000

struct page {
	struct stoa_list link; /* signaling.pages: what stop() frees */
	struct signaling *sg;
	struct call *calls[PAGE];
	uint32_t n, waiting;
	int err;
};

static void ask_next(struct signaling *sg, const char *after);

static void page_free(struct page *pg)
{
	stoa_list_unlink(&pg->link);
	for (uint32_t i = 0; i < pg->n; i++)
		call_free(pg->calls[i]);
	free(pg);
}

static void try_again(struct signaling *sg, int err)
{
	stoa_log(sg->m, STOA_LOG_WARN, "calls of before the restart not closed yet: %s",
		 strerror(-err));
	stoa_mod_set_ready(sg->m, "calls", "calls of before the restart are being closed");
	sg->is_told = true;
	stoa_timer_set(sg->retry, RETRY_MS);
}

static void finish(struct signaling *sg)
{
	if (sg->is_told)
		stoa_mod_set_ready(sg->m, "calls", NULL);
	sg->is_told = false;
	stoa_timer_set(sg->pulse, sg->pulse_ms);
	gate_open(sg);
}

static void end_page(struct page *pg)
{
	struct signaling *sg = pg->sg;
	char last[STOA_UUID_LEN] = "";
	int err = pg->err;

	if (pg->n)
		memcpy(last, pg->calls[pg->n - 1]->id, sizeof(last));
	if (pg->n)
		stoa_log(sg->m, STOA_LOG_NOTICE, "%u calls of before the restart closed", pg->n);
	page_free(pg);
	if (err)
		try_again(sg, err);
	else
		ask_next(sg, last);
}

static void on_closed(int err, void *user)
{
	struct page *pg = user;

	if (err && !pg->err)
		pg->err = err;
	if (--pg->waiting == 0)
		end_page(pg);
}

/* The last sign of life: the pulse, or a participant who came after it. */
static int64_t last_sign(const struct call *c)
{
	int64_t at = c->updated_ms;
	const struct participant *p;

	stoa_list_for_each (p, &c->participants, struct participant, link) {
		at = p->present_ms > at ? p->present_ms : at;
		at = p->left_ms > at ? p->left_ms : at;
	}
	return at;
}

static int close_call(struct page *pg, struct call *c)
{
	struct change *ch = change_new(c);
	int err = ch ? 0 : -ENOMEM;

	if (!err) {
		change_set_time(ch, last_sign(c));
		err = change_call(ch, CALL_EV_RESTART, NULL);
	}
	if (!err)
		err = change_commit(stoa_take(ch), on_closed, pg);
	change_free(ch);
	return err;
}

static int read_participants(struct page *pg, const struct stoa_sql_result *r)
{
	const struct stoa_sql *sql = &pg->sg->sql;
	uint32_t at = 0;
	int err = 0;

	/* both in the order of calls */
	for (uint32_t i = 0; !err && i < stoa_sql_rows(sql, r); i++) {
		struct stoa_str id = stoa_sql_text(sql, r, i, 0);

		while (at < pg->n && !stoa_str_is(id, pg->calls[at]->id))
			at++;
		if (at < pg->n)
			err = store_read_participant(pg->sg, r, i, pg->calls[at]);
	}
	return err;
}

static void on_participants(int err, const struct stoa_sql_result *const *results, uint32_t n,
			    uint32_t failed, void *user)
{
	struct page *pg = user;

	(void)n;
	(void)failed;
	pg->err = err ? err : read_participants(pg, results[0]);
	pg->waiting = 1;
	for (uint32_t i = 0; !pg->err && i < pg->n; i++) {
		pg->err = close_call(pg, pg->calls[i]);
		pg->waiting += !pg->err;
	}
	on_closed(0, pg);
}

static int ask_participants(struct page *pg)
{
	json_t *ids = json_array();
	char *text;
	int err;

	for (uint32_t i = 0; i < pg->n; i++)
		json_array_append_new(ids, json_string(pg->calls[i]->id));
	text = json_dumps(ids, JSON_COMPACT);
	json_decref(ids);
	if (!text)
		return -ENOMEM;
	err = store_query(pg->sg, NULL, STORE_PARTS_OF_MANY,
			  (struct stoa_sql_value[]){ STOA_V_JSON(stoa_str(text)) }, 1,
			  on_participants, pg);
	free(text);
	return err;
}

static void on_calls(int err, const struct stoa_sql_result *const *results, uint32_t n,
		     uint32_t failed, void *user)
{
	struct signaling *sg = user;
	uint32_t rows = err ? 0 : stoa_sql_rows(&sg->sql, results[0]);
	struct page *pg;

	(void)n;
	(void)failed;
	if (!err && !rows) {
		finish(sg);
		return;
	}
	pg = err ? NULL : calloc(1, sizeof(*pg));
	if (!pg) {
		try_again(sg, err ? err : -ENOMEM);
		return;
	}
	pg->sg = sg;
	stoa_list_append(&sg->pages, &pg->link);
	for (; !err && pg->n < rows; pg->n += !err)
		err = store_read_call(sg, results[0], pg->n, &pg->calls[pg->n]);
	if (!err)
		err = ask_participants(pg);
	if (err) {
		page_free(pg);
		try_again(sg, err);
	}
}

static void ask_next(struct signaling *sg, const char *after)
{
	const struct stoa_sql_value v[] = { STOA_V_TEXT(after), STOA_V_INT(PAGE) };
	int err = store_query(sg, NULL, STORE_CALLS_OPEN, v, STOA_ARRAY_SIZE(v), on_calls, sg);

	if (err)
		try_again(sg, err);
}

void reconcile_start(void *user)
{
	ask_next(user, "");
}

void reconcile_free(struct signaling *sg)
{
	while (!stoa_list_empty(&sg->pages))
		page_free(STOA_CONTAINER(sg->pages.next, struct page, link));
}

/* ---- signs of life ---- */

void reconcile_pulse(void *user)
{
	struct signaling *sg = user;
	const struct stoa_sql_value now = STOA_V_TIME(stoa_wall_ms());
	struct stoa_tx *tx;
	int err;

	stoa_timer_set(sg->pulse, sg->pulse_ms);
	if (!stoa_map_len(sg->calls))
		return;
	tx = stoa_sql_begin(&sg->sql, sg->m, NULL);
	if (!tx)
		return;
	store_run(sg, tx, STORE_CALLS_PULSE, &now, 1, STOA_ROWS_ANY);
	err = stoa_tx_commit(&sg->sql, tx, NULL, NULL);
	if (err)
		stoa_log(sg->m, STOA_LOG_WARN, "no sign of life written: %s", strerror(-err));
}
