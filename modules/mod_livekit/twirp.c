/* SPDX-License-Identifier: Apache-2.0 */
/* Twirp's transport. Errors carry exactly `application/json`, whatever the request was: with a
 * parameter behind it LiveKit's SDK would not look into the body and lose the code. */
#include "twirp.h"

#include "access.h"
#include "pbjson.h"
#include "render.h"
#include "room_service.h"

#include <errno.h>
#include <stdlib.h>
#include <stoa/iface/http_json.h>

#define BODY_MAX (256u * 1024)
#define JSON     "application/json"
#define PROTOBUF "application/protobuf"

int twirp_status(const char *code)
{
	static const struct {
		const char *code;
		int status;
	} table[] = {
		{ "canceled", 408 },
		{ "unknown", 500 },
		{ "invalid_argument", 400 },
		{ "malformed", 400 },
		{ "deadline_exceeded", 408 },
		{ "not_found", 404 },
		{ "bad_route", 404 },
		{ "already_exists", 409 },
		{ "permission_denied", 403 },
		{ "unauthenticated", 401 },
		{ "resource_exhausted", 429 },
		{ "failed_precondition", 412 },
		{ "aborted", 409 },
		{ "out_of_range", 400 },
		{ "unimplemented", 501 },
		{ "internal", 500 },
		{ "unavailable", 503 },
		{ "dataloss", 500 },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(table); i++)
		if (strcmp(table[i].code, code) == 0)
			return table[i].status;
	return 500;
}

static void answer(struct stoa_http_req *req, int status, const char *type, const void *p, size_t n)
{
	static const struct stoa_header headers[] = { { "Cache-Control", "no-store" },
						      { NULL, NULL } };
	struct stoa_http_answer a = {
		.size = sizeof(a),
		.status = status,
		.content_type = type,
		.headers = headers,
		.body = p,
		.body_len = n,
	};

	stoa_http_answer(req, &a);
}

static void answer_error(struct stoa_http_req *req, const struct twirp_error *e)
{
	json_t *o = json_pack("{s:s, s:s}", "code", e->code, "msg", e->msg);
	char *text;

	if (o && e->argument)
		json_object_set_new(o, "meta", json_pack("{s:s}", "argument", e->argument));
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	answer(req, twirp_status(e->code), JSON, text ? text : "{}", text ? strlen(text) : 2);
	free(text);
	json_decref(o);
}

static void answer_message(struct stoa_http_req *req, const ProtobufCMessage *m, bool is_json)
{
	static const struct twirp_error no_memory = { "internal", "out of memory", NULL };
	struct stoa_buf b = { 0 };
	size_t n = is_json ? 0 : protobuf_c_message_get_packed_size(m);
	uint8_t *packed = is_json ? NULL : malloc(n + 1);

	if (is_json)
		pbjson_render(m, &b);
	if (b.failed || (!is_json && !packed)) {
		answer_error(req, &no_memory);
	} else if (is_json) {
		answer(req, 200, JSON, b.p, b.n);
	} else {
		protobuf_c_message_pack(m, packed);
		answer(req, 200, PROTOBUF, packed, n);
	}
	free(packed);
	stoa_buf_free(&b);
}

/* ---- from the request to the call ---- */

static const char *find_room_name(const ProtobufCMessage *in)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(in->descriptor, "room");

	return f ? *(const char *const *)(const void *)((const char *)in + f->offset) : NULL;
}

bool twirp_may(const struct twirp_method *m, const struct stoa_media_grant *g,
	       const ProtobufCMessage *in)
{
	const char *room = find_room_name(in);

	switch (m->grant) {
	case TWIRP_CREATE:
		return g->room_create;
	case TWIRP_LIST:
		return g->room_list;
	case TWIRP_ADMIN:
		return g->room_admin && room && room[0] && strcmp(room, g->room) == 0;
	}
	return false;
}

static const struct twirp_error *parse(struct twirp_call *c, const struct twirp_method *m,
				       const struct stoa_http_req *req, bool is_json)
{
	static const struct twirp_error not_protobuf = {
		"malformed", "the protobuf request could not be decoded", NULL
	};
	static const struct twirp_error no_memory = { "internal", "out of memory", NULL };
	struct stoa_str body = stoa_http_req_body(req);
	ProtobufCMessage *in = NULL;
	struct stoa_buf text = { 0 };
	struct twirp_error *e;
	const char *why;
	int err = is_json ? pbjson_parse(c->arena, m->request, body, &in, &why)
			  : wire_parse(c->arena, m->request, body.p, body.n, &in);

	c->in = in;
	if (!err)
		return NULL;
	if (!is_json)
		return &not_protobuf;
	stoa_buf_addf(&text, "the json request could not be decoded: %s", why);
	e = wire_alloc(c->arena, sizeof(*e));
	if (e)
		*e = (struct twirp_error){ "malformed", wire_dupn(c->arena, text.p, text.n), NULL };
	stoa_buf_free(&text);
	return e && e->msg ? e : &no_memory;
}

static const struct twirp_error *check_token(struct twirp_call *c, const struct stoa_http_req *req)
{
	static const struct twirp_error no_token = { "unauthenticated",
						     "no token: Authorization: Bearer is missing",
						     NULL };
	static const struct twirp_error bad_token = { "unauthenticated", "invalid token", NULL };
	struct stoa_str token = access_bearer(req);
	const char *why = "";

	if (!token.n)
		return &no_token;
	if (stoa_auth_media_check(&c->lk->auth, token, &c->grant, &why) == 0)
		return NULL;
	stoa_log(c->lk->mod, STOA_LOG_INFO, "peer=%s token of a server call refused: %s",
		 stoa_http_req_peer(req), why ? why : "");
	return &bad_token;
}

static const struct twirp_error *run(struct twirp_call *c, const struct twirp_method *m)
{
	static const struct twirp_error denied = { "unauthenticated", "permissions denied", NULL };
	static const struct twirp_error no_memory = { "internal", "out of memory", NULL };
	const struct twirp_error *e;

	if (!twirp_may(m, c->grant, c->in))
		return &denied;
	e = m->fn(c);
	if (!e && (!c->out || wire_failed(c->arena)))
		e = &no_memory;
	return e;
}

static void tell_log(const struct twirp_call *c, const struct twirp_method *m,
		     const struct twirp_error *e)
{
	const char *room = c->in ? find_room_name(c->in) : NULL;

	stoa_metric_add(e ? c->lk->metrics.calls_refused : c->lk->metrics.calls, 1);
	if (c->grant)
		stoa_log(c->lk->mod, m->is_change ? STOA_LOG_INFO : STOA_LOG_DEBUG,
			 "room=%s key=%s server call %s: %s", room ? room : "", c->grant->api_key,
			 m->name, e ? e->msg : "done");
}

static void handle(struct stoa_http_req *req, struct livekit *lk, const struct twirp_method *m,
		   bool is_json)
{
	struct twirp_call c = { .lk = lk, .arena = wire_arena_new(RENDER_ARENA_MAX) };
	const struct twirp_error *e;

	if (!c.arena) {
		answer_error(req, &(struct twirp_error){ "internal", "out of memory", NULL });
		return;
	}
	e = check_token(&c, req);
	if (!e)
		e = parse(&c, m, req, is_json);
	if (!e)
		e = run(&c, m);
	tell_log(&c, m, e);
	if (e)
		answer_error(req, e);
	else
		answer_message(req, c.out, is_json);
	stoa_auth_media_unref(&lk->auth, c.grant);
	wire_arena_free(c.arena);
}

/* ---- routes ---- */

static void answer_no_route(struct stoa_http_req *req, void *lk)
{
	static const struct twirp_error no_route = { "bad_route", "no handler for this path",
						     NULL };

	(void)lk;
	answer_error(req, &no_route);
}

static void answer_call(struct stoa_http_req *req, void *lk)
{
	static const struct twirp_error no_post = { "bad_route",
						    "unsupported method: only POST is allowed",
						    NULL };
	static const struct twirp_error no_type = {
		"bad_route",
		"unexpected Content-Type: application/json or application/protobuf is wanted", NULL
	};
	const struct twirp_method *m = room_service_find(stoa_http_req_param(req, "method"));
	bool is_json = stoa_http_content_is(req, JSON);

	stoa_assert_thread(STOA_THREAD_CTL);
	if (stoa_http_req_method(req) != STOA_HTTP_POST)
		answer_error(req, &no_post);
	else if (!m)
		answer_no_route(req, lk);
	else if (!is_json && !stoa_http_content_is(req, PROTOBUF))
		answer_error(req, &no_type);
	else
		handle(req, lk, m, is_json);
}

int twirp_add_routes(struct livekit *lk)
{
	struct stoa_http_route route = {
		.size = sizeof(route),
		.methods = STOA_HTTP_GET | STOA_HTTP_POST | STOA_HTTP_PUT | STOA_HTTP_PATCH |
			   STOA_HTTP_DELETE | STOA_HTTP_OPTIONS,
		.path = "/twirp/livekit.RoomService/{method}",
		.flags = STOA_HTTP_CTL,
		.body_max = BODY_MAX,
		.fn = answer_call,
		.user = lk,
	};
	int err = stoa_http_route_add(&lk->http, lk->mod, &route);

	route.path = "/twirp/{rest...}";
	route.fn = answer_no_route;
	return err ? err : stoa_http_route_add(&lk->http, lk->mod, &route);
}
