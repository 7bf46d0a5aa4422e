/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/calls/{id} and GET /api/calls: from the database, whose statements know who may see. */
#include "signaling.h"

#include <stdlib.h>

#define LIMIT_MAX     200
#define LIMIT_DEFAULT 50
#define PAST_ALL_IDS  "g" /* greater than any UUID */

/* ---- one ---- */

void verb_get(struct stoa_http_req *http, void *sg)
{
	struct request *rq = request_new(sg, http, 0);
	struct stoa_str id;

	if (!rq)
		return;
	id = stoa_http_req_param(http, "id");
	if (stoa_uuid_valid(id)) {
		memcpy(rq->target, id.p, id.n);
		verb_load(rq, rq->target, verb_answer_call);
		return;
	}
	request_problem(rq, 404, "call_not_found", "There is no such call.");
	request_free(rq);
}

/* ---- many ---- */

static void answer_page(struct request *rq)
{
	bool has_more = rq->n_page > rq->limit;
	uint32_t n = has_more ? rq->limit : rq->n_page;
	json_t *items = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(items, render_call(rq->page[i]));
	request_answer(rq, 200,
		       json_pack("{s:o, s:s?}", "items", items, "nextCursor",
				 has_more ? rq->page[n - 1]->id : NULL));
	op_done(&rq->op);
}

static void fail(struct request *rq, int err)
{
	request_storage_problem(rq, err == -ENOENT ? -EIO : err);
	op_done(&rq->op);
}

static struct call *find_in_page(const struct request *rq, struct stoa_str id)
{
	for (uint32_t i = 0; i < rq->n_page; i++)
		if (stoa_str_is(id, rq->page[i]->id))
			return rq->page[i];
	return NULL;
}

/* Rows come in the order of calls, so the one of the row before is the likely one. */
static int add_participants(struct request *rq, const struct stoa_sql_result *r)
{
	const struct stoa_sql *sql = &rq->sg->sql;
	struct call *c = NULL;
	int err = 0;

	for (uint32_t i = 0; !err && i < stoa_sql_rows(sql, r); i++) {
		struct stoa_str id = stoa_sql_text(sql, r, i, 0);

		if (!c || !stoa_str_is(id, c->id))
			c = find_in_page(rq, id);
		if (c)
			err = store_read_participant(rq->sg, r, i, c);
	}
	return err;
}

static void on_participants(int err, const struct stoa_sql_result *const *results, uint32_t n,
			    uint32_t failed, void *user)
{
	struct request *rq = user;

	(void)n;
	(void)failed;
	if (!err)
		err = add_participants(rq, results[0]);
	if (err)
		fail(rq, err);
	else
		answer_page(rq);
}

static int ask_participants(struct request *rq)
{
	json_t *ids = json_array();
	char *text;
	int err;

	for (uint32_t i = 0; i < rq->n_page; i++)
		json_array_append_new(ids, json_string(rq->page[i]->id));
	text = json_dumps(ids, JSON_COMPACT);
	json_decref(ids);
	if (!text)
		return -ENOMEM;
	err = store_query(rq->sg, request_reader(rq), STORE_PARTS_OF_MANY,
			  (struct stoa_sql_value[]){ STOA_V_JSON(stoa_str(text)) }, 1,
			  on_participants, rq);
	free(text);
	return err;
}

static void on_calls(int err, const struct stoa_sql_result *const *results, uint32_t n,
		     uint32_t failed, void *user)
{
	struct request *rq = user;
	uint32_t rows = err ? 0 : stoa_sql_rows(&rq->sg->sql, results[0]);

	(void)n;
	(void)failed;
	if (!err)
		rq->page = calloc(rows + 1, sizeof(struct call *));
	if (!err && !rq->page)
		err = -ENOMEM;
	for (; !err && rq->n_page < rows; rq->n_page++) {
		err = store_read_call(rq->sg, results[0], rq->n_page, &rq->page[rq->n_page]);
		if (err)
			break;
	}
	if (!err)
		err = ask_participants(rq);
	if (err)
		fail(rq, err);
}

static int ask_calls(struct request *rq, struct stoa_str before, struct stoa_str status,
		     struct stoa_str channel)
{
	char *channels = request_channels(rq);
	struct stoa_sql_value v[] = {
		STOA_V_TEXT(rq->user->id), STOA_V_STR(before),
		STOA_V_STR(status),        STOA_V_STR(channel),
		STOA_V_INT(rq->limit + 1), STOA_V_JSON(stoa_str(channels)),
	};
	bool is_all = rq->user->all_channels;
	int err = -ENOMEM;

	if (channels)
		err = store_query(rq->sg, request_reader(rq),
				  is_all ? STORE_CALL_LIST_ALL : STORE_CALL_LIST, v, is_all ? 5 : 6,
				  on_calls, rq);
	free(channels);
	return err;
}

static bool read_limit(struct stoa_str s, uint32_t *ret_limit)
{
	uint32_t n = 0;

	if (s.n < 1 || s.n > 3)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(s.p[i] - '0');
	}
	*ret_limit = n;
	return n >= 1 && n <= LIMIT_MAX;
}

void verb_list(struct stoa_http_req *http, void *sg)
{
	struct request *rq = request_new(sg, http, 0);
	struct stoa_str limit, before, status, channel;
	struct stoa_http_field wrong[3];
	bool has_limit, has_cursor;
	size_t n = 0;
	int err;

	if (!rq)
		return;
	limit = stoa_http_req_query(http, "limit", &has_limit);
	before = stoa_http_req_query(http, "cursor", &has_cursor);
	status = stoa_http_req_query(http, "status", NULL);
	channel = stoa_http_req_query(http, "channelId", NULL);
	rq->limit = LIMIT_DEFAULT;
	if (has_limit && !read_limit(limit, &rq->limit))
		wrong[n++] = (struct stoa_http_field){ "limit", "must be from 1 to 200" };
	if (has_cursor && !stoa_uuid_valid(before))
		wrong[n++] = (struct stoa_http_field){ "cursor", "is not one that was given out" };
	if (status.n && call_status_parse(status) == CALL_NONE)
		wrong[n++] = (struct stoa_http_field){ "status", "is no status of a call" };
	if (n) {
		stoa_http_problem_fields(stoa_take(rq->http), wrong, n);
		request_free(rq);
		return;
	}
	err = ask_calls(rq, has_cursor ? before : stoa_str(PAST_ALL_IDS), status, channel);
	if (err)
		fail(rq, err);
}
