/* SPDX-License-Identifier: Apache-2.0 */
/* Who may open a signal socket, and how a refusal is explained. Browsers hide the status of a
 * failed WebSocket, so clients ask the validate routes afterwards and decide by status and text:
 * a 404 without the words below would make livekit-client try the older dialect. */
#include "access.h"

#include <errno.h>

#include "join.h"

#define NO_ROOM "requested room does not exist"
#define BEARER  "Bearer "

struct stoa_str access_bearer(const struct stoa_http_req *req)
{
	struct stoa_str header = stoa_http_req_header(req, "authorization");

	if (header.n <= strlen(BEARER) || strncasecmp(header.p, BEARER, strlen(BEARER)) != 0)
		return stoa_str("");
	return stoa_strn(header.p + strlen(BEARER), header.n - strlen(BEARER));
}

static struct stoa_str find_token(const struct stoa_http_req *req)
{
	struct stoa_str token = stoa_http_req_query(req, "access_token", NULL);

	return token.n ? token : access_bearer(req);
}

bool access_check(struct livekit *lk, const struct stoa_http_req *req,
		  const struct stoa_media_grant **ret_grant, struct refusal *ret_refusal)
{
	struct stoa_str token = find_token(req);
	const struct stoa_media_grant *grant;
	const char *why = "";

	if (!token.n) {
		*ret_refusal = (struct refusal){ 401, "no permissions to access the room" };
		return false;
	}
	if (stoa_auth_media_check(&lk->auth, token, &grant, &why) != 0) {
		stoa_log(lk->mod, STOA_LOG_INFO, "peer=%s token refused: %s",
			 stoa_http_req_peer(req), why);
		*ret_refusal = (struct refusal){ 401, "invalid token" };
		return false;
	}
	if (!grant->room_join)
		*ret_refusal = (struct refusal){ 401, "the token does not allow joining a room" };
	else if (!grant->identity || !grant->identity[0])
		*ret_refusal = (struct refusal){ 400, "identity cannot be empty" };
	else if (!grant->room || !grant->room[0])
		*ret_refusal = (struct refusal){ 400, "room name cannot be empty" };
	else {
		*ret_grant = grant;
		return true;
	}
	stoa_auth_media_unref(&lk->auth, grant);
	return false;
}

void access_answer(struct stoa_http_req *req, int status, const char *text)
{
	static const struct stoa_header headers[] = {
		{ "Access-Control-Allow-Origin", "*" },
		{ "Cache-Control", "no-store" },
		{ NULL, NULL },
	};
	struct stoa_http_answer a = {
		.size = sizeof(a),
		.status = status,
		.content_type = "text/plain; charset=utf-8",
		.headers = headers,
		.body = text,
		.body_len = strlen(text),
	};

	stoa_http_answer(req, &a);
}

static bool is_join_wrong(const struct stoa_http_req *req, bool is_needed)
{
	bool found;
	struct stoa_str text = stoa_http_req_query(req, "join_request", &found);
	stoa_auto(join_free) struct join *j = NULL;

	return found ? join_parse(text, &j) != 0 : is_needed;
}

int access_of_call(struct livekit *lk, const struct stoa_media_grant *grant)
{
	int err =
		lk->calls.ops ? stoa_calls_may_enter(&lk->calls, grant->room, grant->identity) : 0;

	return err == -ESTALE || err == -EACCES ? err : 0;
}

void access_validate(struct stoa_http_req *req, void *user)
{
	struct livekit *lk = user;
	bool is_v1 = stoa_str_is(stoa_http_req_path(req), "/rtc/v1/validate");
	const struct stoa_media_grant *grant;
	struct refusal refusal;
	stoa_room_id room;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!access_check(lk, req, &grant, &refusal)) {
		access_answer(req, refusal.status, refusal.text);
		return;
	}
	if (is_join_wrong(req, is_v1))
		access_answer(req, 400, "join_request is missing or malformed");
	else if (atomic_load(&lk->is_draining))
		access_answer(req, 503, "the server is shutting down");
	else if (!lk->set.auto_create && stoa_sfu_room_find(&lk->sfu, grant->room, &room) != 0)
		access_answer(req, 404, NO_ROOM);
	else if (access_of_call(lk, grant) == -ESTALE)
		access_answer(req, 404, NO_ROOM);
	else if (access_of_call(lk, grant) == -EACCES)
		access_answer(req, 401, "removed from the call");
	else
		access_answer(req, 200, "success");
	stoa_auth_media_unref(&lk->auth, grant);
}
