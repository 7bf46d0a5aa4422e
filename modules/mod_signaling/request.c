/* SPDX-License-Identifier: Apache-2.0 */
/* From an HTTP request to who asks for what, and the ways to answer. A request lives until it was
 * answered; while it waits for the storage it is listed, so that stop() can answer it. */
#include "signaling.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <stoa/iface/auth_http.h>

#define KEY_MAX    255
#define KEY_REUSED "This Idempotency-Key was used for another request."

/* ---- who ---- */

/* Who asks; false: the request has been refused. */
static bool check_user(struct request *rq)
{
	struct stoa_str token = stoa_auth_http_bearer(rq->http);
	const char *why = NULL, *detail;

	if (token.n && stoa_auth_user_check(&rq->sg->auth, token, &rq->user, &why) == 0)
		return true;
	if (why)
		stoa_log(rq->sg->m, STOA_LOG_DEBUG, "peer=%s token refused: %s",
			 stoa_http_req_peer(rq->http), why);
	why = stoa_auth_http_code(why, &detail);
	request_problem(rq, 401, why, detail);
	return false;
}

bool request_is_staff(const struct request *rq)
{
	return (rq->user->flags & (STOA_USER_ADMIN | STOA_USER_MODERATOR)) != 0;
}

/* What the token or mod_auth alone says (staff, channels) a database with access rules of its own cannot judge:
 * then the statement's predicate decides. */
const char *request_reader(const struct request *rq)
{
	bool has_channels = rq->user->channels && rq->user->channels[0];

	if (rq->is_let_in || request_is_staff(rq) || rq->user->all_channels || has_channels)
		return NULL;
	return rq->user->id;
}

char *request_channels(const struct request *rq)
{
	json_t *list = json_array();
	char *text;

	for (size_t i = 0; rq->user->channels && rq->user->channels[i]; i++)
		json_array_append_new(list, json_string(rq->user->channels[i]));
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

/* ---- what ---- */

/* A body without a type is taken for what it looks like; another type is refused. */
static bool is_other_type(struct stoa_http_req *http)
{
	struct stoa_str type = stoa_http_req_header(http, "content-type");
	static const char json[] = "application/json";

	return type.n &&
	       (type.n < sizeof(json) - 1 || strncasecmp(type.p, json, sizeof(json) - 1) != 0);
}

static bool read_body(struct request *rq)
{
	struct stoa_str body = stoa_http_req_body(rq->http);
	json_error_t at;

	if (!body.n) {
		rq->body = json_object();
		return rq->body != NULL;
	}
	if (is_other_type(rq->http)) {
		request_problem(rq, 415, "unsupported_media_type",
				"The body must be application/json.");
		return false;
	}
	rq->body = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &at);
	if (json_is_object(rq->body))
		return true;
	request_problem(rq, 400, "bad_json",
			rq->body ? "The body must be a JSON object." : "The body is not JSON.");
	return false;
}

static void hash_part(EVP_MD_CTX *md, struct stoa_str s)
{
	EVP_DigestUpdate(md, s.n ? s.p : "", s.n);
	EVP_DigestUpdate(md, "\n", 1);
}

static bool hash_request(struct request *rq)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!md)
		return false;
	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	hash_part(md, stoa_http_req_path(rq->http));
	hash_part(md, stoa_http_req_body(rq->http));
	EVP_DigestFinal_ex(md, sum, &n);
	EVP_MD_CTX_free(md);
	stoa_hex_encode(sum, n, rq->hash);
	return true;
}

static bool read_key(struct request *rq)
{
	struct stoa_str key = stoa_http_req_header(rq->http, "idempotency-key");
	static const struct stoa_http_field wrong = { "Idempotency-Key",
						      "must be UTF-8 of at most 255 bytes" };

	if (!key.n)
		return true;
	if (key.n > KEY_MAX || !stoa_utf8_valid(key)) {
		struct stoa_http_req *http = stoa_take(rq->http);

		stoa_http_problem_fields(http, &wrong, 1);
		return false;
	}
	rq->key = strndup(key.p, key.n);
	if (rq->key && hash_request(rq))
		return true;
	request_storage_problem(rq, -ENOMEM);
	return false;
}

/* ---- life ---- */

static void free_op(struct op *op)
{
	request_free((struct request *)op);
}

struct request *request_new(struct signaling *sg, struct stoa_http_req *http, uint32_t flags)
{
	struct request *rq = calloc(1, sizeof(*rq));

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!rq) {
		stoa_http_problem(http, 503, "out_of_memory", NULL);
		return NULL;
	}
	stoa_list_init(&rq->op.link);
	rq->op.free_fn = free_op;
	rq->sg = sg;
	rq->http = http;
	stoa_list_append(&sg->requests, &rq->waiting);
	if (check_user(rq) && (!(flags & REQUEST_BODY) || (read_body(rq) && read_key(rq))))
		return rq;
	request_free(rq);
	return NULL;
}

void request_free(struct request *rq)
{
	if (!rq)
		return;
	if (rq->http)
		request_problem(rq, 503, "shutting_down", "The server is stopping.");
	stoa_list_unlink(&rq->op.link);
	stoa_list_unlink(&rq->waiting);
	for (uint32_t i = 0; i < rq->n_page; i++)
		call_free(rq->page[i]);
	call_free(rq->draft);
	stoa_user_unref(&rq->sg->auth, rq->user);
	json_decref(rq->body);
	free(rq->page);
	free(rq->reason);
	free(rq->key);
	free(rq);
}

/* ---- answers ---- */

void request_problem(struct request *rq, int status, const char *error, const char *detail)
{
	struct stoa_http_req *http = stoa_take(rq->http);

	stoa_metric_add(rq->sg->refused, 1);
	stoa_http_problem(http, status, error, detail);
}

void request_storage_problem(struct request *rq, int err)
{
	if (err == -ENOENT)
		request_problem(rq, 409, "call_changed", "The call changed meanwhile.");
	else if (err == -EEXIST) /* by a request to another call, in this very moment */
		request_problem(rq, 409, "idempotency_key_reused", KEY_REUSED);
	else
		request_problem(rq, 503, "database_unavailable",
				"The change could not be stored; nothing was changed.");
}

void request_answer(struct request *rq, int status, json_t *body_take)
{
	struct stoa_http_req *http = stoa_take(rq->http);
	char *text = body_take ? json_dumps(body_take, JSON_COMPACT) : NULL;
	static const struct stoa_header headers[] = { { "Cache-Control", "no-store" },
						      { NULL, NULL } };
	struct stoa_http_answer a = { .size = sizeof(a),
				      .status = status,
				      .content_type = "application/json",
				      .headers = headers,
				      .body = text,
				      .body_len = text ? strlen(text) : 0 };

	if (text)
		stoa_http_answer(http, &a);
	else
		stoa_http_problem(http, 503, "out_of_memory", NULL);
	json_decref(body_take);
	free(text);
}

/* ---- Idempotency-Key ---- */

static void on_key(int err, const struct stoa_sql_result *const *results, uint32_t n,
		   uint32_t failed, void *user)
{
	struct request *rq = user;
	const struct stoa_sql *sql = &rq->sg->sql;
	struct stoa_str id;

	(void)n;
	(void)failed;
	if (err) {
		request_storage_problem(rq, err);
		op_done(&rq->op);
		return;
	}
	if (stoa_sql_rows(sql, results[0])) {
		id = stoa_sql_text(sql, results[0], 0, 2);
		if (!stoa_str_is(stoa_sql_text(sql, results[0], 0, 0), rq->hash) ||
		    id.n >= sizeof(rq->call_id)) {
			request_problem(rq, 409, "idempotency_key_reused", KEY_REUSED);
			op_done(&rq->op);
			return;
		}
		memcpy(rq->call_id, id.p, id.n);
		rq->call_id[id.n] = '\0';
		rq->is_repeated = true;
	}
	rq->then_fn(&rq->op);
}

void request_look_up_key(struct request *rq, op_fn *then_fn)
{
	int err;

	rq->then_fn = then_fn;
	if (!rq->key) {
		then_fn(&rq->op);
		return;
	}
	err = stoa_sql_recall(&rq->sg->sql, rq->sg->m, rq->user->id, stoa_str(rq->key), on_key, rq);
	if (err) {
		request_storage_problem(rq, err);
		op_done(&rq->op);
	}
}

void request_remember(struct request *rq, struct stoa_tx *tx, const char *call_id, int status)
{
	int err = 0;

	if (rq->key)
		err = stoa_tx_remember(&rq->sg->sql, tx, rq->user->id, stoa_str(rq->key),
				       stoa_str(rq->hash), status, stoa_str(call_id));
	(void)err; /* the list keeps it and fails at its commit */
}

bool request_read_reason(struct request *rq)
{
	const json_t *reason = json_object_get(rq->body, "reason");
	static const struct stoa_http_field wrong = { "reason", "must be text of 1 to 255 bytes" };

	if (!reason || json_is_null(reason))
		return true;
	if (!json_is_string(reason) || !json_string_length(reason) ||
	    json_string_length(reason) > REASON_MAX) {
		struct stoa_http_req *http = stoa_take(rq->http);

		stoa_http_problem_fields(http, &wrong, 1);
		return false;
	}
	rq->reason = strdup(json_string_value(reason));
	if (!rq->reason)
		request_storage_problem(rq, -ENOMEM);
	return rq->reason != NULL;
}
