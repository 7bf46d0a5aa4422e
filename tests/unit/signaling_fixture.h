/* SPDX-License-Identifier: Apache-2.0 */
/* mod_signaling in the test host: a stand-in for http whose requests are made by api(), one for
 * auth whose tokens are names, one for sfu that does what the test says, and the real SQLite
 * storage. What happened is seen in answers, in events and in the database file. */
#ifndef TEST_SIGNALING_FIXTURE_H
#define TEST_SIGNALING_FIXTURE_H

#include <dlfcn.h>
#include <errno.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stoa/event.h>
#include <stoa/hook/call_initiate.h>
#include <stoa/hook/call_join.h>
#include <stoa/iface/auth.h>
#include <stoa/iface/calls.h>
#include <stoa/iface/http.h>
#include <stoa/iface/sfu.h>
#include <stoa/loop.h>
#include <stoa/testing.h>
#include <unistd.h>
#include "check.h"

static char fx_dir[64];

/* ---- http ---- */

#define FX_ROUTES 16
static struct stoa_http_route fx_routes[FX_ROUTES];
static size_t fx_n_routes;

struct fx_req {
	struct stoa_http_req base;
	const char *path, *query, *token, *body, *key, *type;
	char param[256], values[4][256];
	int n_values;
	int status;
	json_t *json;
	char error[64];
	bool is_answered;
};

static int fx_route_add(void *self, struct stoa_mod *m, const struct stoa_http_route *r)
{
	(void)self, (void)m;
	if (fx_n_routes == FX_ROUTES)
		return -ENOSPC;
	fx_routes[fx_n_routes++] = *r;
	return 0;
}

static void fx_remove(void *self, struct stoa_mod *m)
{
	(void)self, (void)m;
	fx_n_routes = 0;
}

static struct fx_req *fx_req_of(const struct stoa_http_req *r)
{
	return (struct fx_req *)(void *)(uintptr_t)r;
}

static struct stoa_str fx_req_path(const struct stoa_http_req *r)
{
	return stoa_str(fx_req_of(r)->path);
}

static struct stoa_str fx_req_param(const struct stoa_http_req *r, const char *name)
{
	return stoa_str(strcmp(name, "id") == 0 ? fx_req_of(r)->param : "");
}

static struct stoa_str fx_req_query(const struct stoa_http_req *r, const char *name,
				    bool *ret_found)
{
	struct fx_req *f = fx_req_of(r);
	bool found = false;
	struct stoa_str v = stoa_http_query_get(stoa_str(f->query), name, &found);
	char *copy = f->values[f->n_values++ % 4];

	snprintf(copy, sizeof(f->values[0]), "%.*s", STOA_FMT(v));
	if (ret_found)
		*ret_found = found;
	return stoa_str(copy);
}

static struct stoa_str fx_req_header(const struct stoa_http_req *r, const char *name)
{
	static char bearer[512];
	const struct fx_req *f = fx_req_of(r);

	if (strcmp(name, "authorization") == 0 && f->token) {
		snprintf(bearer, sizeof(bearer), "Bearer %s", f->token);
		return stoa_str(bearer);
	}
	if (strcmp(name, "content-type") == 0)
		return stoa_str(f->type);
	return stoa_str(strcmp(name, "idempotency-key") == 0 ? f->key : NULL);
}

static struct stoa_str fx_req_body(const struct stoa_http_req *r)
{
	return stoa_str(fx_req_of(r)->body);
}

static const char *fx_req_peer(const struct stoa_http_req *r)
{
	(void)r;
	return "127.0.0.1";
}

static const char *fx_req_base_url(const struct stoa_http_req *r)
{
	(void)r;
	return "https://calls.example";
}

static void fx_answer(struct stoa_http_req *r, const struct stoa_http_answer *a)
{
	struct fx_req *f = fx_req_of(r);

	CHECK(!f->is_answered);
	f->is_answered = true;
	f->status = a->status;
	f->json = json_loadb(a->body, a->body_len, 0, NULL);
	CHECK(f->json != NULL);
}

static void fx_problem(struct stoa_http_req *r, const struct stoa_http_problem *p)
{
	struct fx_req *f = fx_req_of(r);

	CHECK(!f->is_answered);
	f->is_answered = true;
	f->status = p->status;
	snprintf(f->error, sizeof(f->error), "%s", p->error);
	f->json = p->n_fields ? json_pack("{s:s}", "field", p->fields[0].field) : json_object();
}

static const struct stoa_http_ops fx_http_ops = {
	.size = sizeof(fx_http_ops),
	.route_add = fx_route_add,
	.remove = fx_remove,
	.req_path = fx_req_path,
	.req_param = fx_req_param,
	.req_query = fx_req_query,
	.req_header = fx_req_header,
	.req_body = fx_req_body,
	.req_peer = fx_req_peer,
	.req_base_url = fx_req_base_url,
	.answer = fx_answer,
	.problem = fx_problem,
};

/* ---- auth: the token is the user's id; the last letter of a channel's name is the role ---- */

static const char *const fx_channels[] = { "general", NULL };
static const char *const fx_no_channels[] = { NULL };
static const struct stoa_user fx_users[] = {
	{ .size = sizeof(struct stoa_user),
	  .id = "alice",
	  .name = "Alice",
	  .channels = fx_channels },
	{ .size = sizeof(struct stoa_user),
	  .id = "bob",
	  .name = "Bob",
	  .channels = fx_no_channels },
	{ .size = sizeof(struct stoa_user),
	  .id = "carol",
	  .name = "Carol",
	  .channels = fx_channels },
	{ .size = sizeof(struct stoa_user), .id = "dave", .name = "", .channels = fx_no_channels },
	{ .size = sizeof(struct stoa_user), .id = "mia", .name = "Mia", .channels = fx_channels },
	{ .size = sizeof(struct stoa_user),
	  .id = "root",
	  .name = "Root",
	  .channels = fx_no_channels,
	  .flags = STOA_USER_ADMIN },
	{ .size = sizeof(struct stoa_user),
	  .id = "omni",
	  .name = "Omni",
	  .channels = fx_no_channels,
	  .all_channels = true },
};

static int fx_user_check(void *self, struct stoa_str token, const struct stoa_user **ret_user,
			 const char **ret_why)
{
	(void)self;
	for (size_t i = 0; i < STOA_ARRAY_SIZE(fx_users); i++)
		if (stoa_str_is(token, fx_users[i].id)) {
			*ret_user = &fx_users[i];
			return 0;
		}
	*ret_why = "unknown";
	return -EACCES;
}

static const struct stoa_user *fx_user_ref(const struct stoa_user *u)
{
	return u;
}

static void fx_user_unref(const struct stoa_user *u)
{
	(void)u;
}

static enum stoa_role fx_user_role(const struct stoa_user *u, const char *channel)
{
	if (strcmp(channel, "general") == 0 && strcmp(u->id, "mia") == 0)
		return STOA_ROLE_MODERATOR;
	for (size_t i = 0; u->channels[i]; i++)
		if (strcmp(u->channels[i], channel) == 0)
			return STOA_ROLE_MEMBER;
	return u->all_channels ? STOA_ROLE_MEMBER : STOA_ROLE_NONE;
}

static int fx_media_sign(void *self, const struct stoa_media_grant *g, int64_t ttl_ms,
			 struct stoa_buf *out)
{
	(void)self;
	CHECK(g->room_join && g->permission.can_publish && ttl_ms > 0);
	stoa_buf_addf(out, "media:%s:%s", g->identity, g->room);
	return 0;
}

static const struct stoa_auth_ops fx_auth_ops = {
	.size = sizeof(fx_auth_ops),
	.user_check = fx_user_check,
	.user_ref = fx_user_ref,
	.user_unref = fx_user_unref,
	.user_role = fx_user_role,
	.media_sign = fx_media_sign,
};

/* ---- sfu ---- */

#define FX_ROOMS 64
static struct {
	struct stoa_room_info info;
	char name[300];
	bool is_open;
} fx_rooms[FX_ROOMS];
static size_t fx_n_rooms;
static const struct stoa_sfu_events *fx_sfu_events;
static void *fx_sfu_user;
static int fx_room_error;
static uint64_t fx_last_id = 1000;
static stoa_participant_id fx_left[8]; /* told to leave by the module */
static size_t fx_n_left;

static int fx_sfu_listen(void *self, struct stoa_mod *m, const struct stoa_sfu_events *ev,
			 void *user)
{
	(void)self, (void)m;
	fx_sfu_events = ev;
	fx_sfu_user = user;
	return 0;
}

static int fx_room_open(void *self, const struct stoa_room_info *want, stoa_room_id *ret_room)
{
	(void)self;
	if (fx_room_error || fx_n_rooms == FX_ROOMS)
		return fx_room_error ? fx_room_error : -EMFILE;
	snprintf(fx_rooms[fx_n_rooms].name, sizeof(fx_rooms[0].name), "%s", want->name);
	fx_rooms[fx_n_rooms].info = *want;
	fx_rooms[fx_n_rooms].info.name = fx_rooms[fx_n_rooms].name;
	fx_rooms[fx_n_rooms].info.id = fx_n_rooms + 1;
	fx_rooms[fx_n_rooms].is_open = true;
	*ret_room = ++fx_n_rooms;
	return 0;
}

static int fx_room_get(void *self, stoa_room_id room, const struct stoa_room_info **ret_info)
{
	(void)self;
	if (!room || room > fx_n_rooms || !fx_rooms[room - 1].is_open)
		return -ENOENT;
	*ret_info = &fx_rooms[room - 1].info;
	return 0;
}

static int fx_room_close(void *self, stoa_room_id room, enum stoa_leave_reason why)
{
	const struct stoa_room_info *info;

	(void)why;
	if (fx_room_get(self, room, &info))
		return -ENOENT;
	fx_rooms[room - 1].is_open = false;
	return 0;
}

static int fx_sfu_leave(void *self, stoa_participant_id p, enum stoa_leave_reason why)
{
	(void)self, (void)why;
	fx_left[fx_n_left++ % STOA_ARRAY_SIZE(fx_left)] = p;
	return 0;
}

static const struct stoa_sfu_ops fx_sfu_ops = {
	.size = sizeof(fx_sfu_ops),
	.listen = fx_sfu_listen,
	.room_open = fx_room_open,
	.room_get = fx_room_get,
	.room_close = fx_room_close,
	.leave = fx_sfu_leave,
};

static stoa_room_id fx_room_of(const char *call_id)
{
	char name[64];

	snprintf(name, sizeof(name), "call-%s", call_id);
	for (size_t i = fx_n_rooms; i-- > 0;)
		if (strcmp(fx_rooms[i].name, name) == 0)
			return i + 1;
	return 0;
}

static bool fx_room_is_open(const char *call_id)
{
	stoa_room_id id = fx_room_of(call_id);

	return id && fx_rooms[id - 1].is_open;
}

/** Somebody's media came into the call's room. */
static STOA_UNUSED stoa_participant_id fx_media_in(const char *call_id, const char *user)
{
	struct stoa_participant_info p = { .size = sizeof(p),
					   .id = ++fx_last_id,
					   .room = fx_room_of(call_id),
					   .sid = "PA_test",
					   .identity = user,
					   .name = user };

	fx_sfu_events->participant_joined(&p, fx_sfu_user);
	return p.id;
}

static STOA_UNUSED void fx_media_out(const char *call_id, stoa_participant_id id, const char *user,
				     enum stoa_leave_reason why)
{
	struct stoa_participant_info p = { .size = sizeof(p),
					   .id = id,
					   .room = fx_room_of(call_id),
					   .sid = "PA_test",
					   .identity = user,
					   .name = user,
					   .leave_reason = why };

	fx_sfu_events->participant_left(&p, fx_sfu_user);
}

/* ---- a module that listens, and may refuse ---- */

#define FX_EVENTS 256
static struct {
	char name[64], user[64], call[40];
} fx_events[FX_EVENTS];
static size_t fx_n_events;
static const char *fx_refuse_type, *fx_refuse_user;
static struct stoa_calls fx_calls;

static void fx_on_event(const struct stoa_event *ev, void *user)
{
	const char *id = json_string_value(json_object_get(ev->data, "userId"));
	const char *call = json_string_value(json_object_get(ev->data, "callId"));
	size_t i = fx_n_events++ % FX_EVENTS;

	(void)user;
	snprintf(fx_events[i].name, sizeof(fx_events[i].name), "%s", ev->name);
	snprintf(fx_events[i].user, sizeof(fx_events[i].user), "%s", id ? id : "");
	snprintf(fx_events[i].call, sizeof(fx_events[i].call), "%s", call ? call : "");
}

static STOA_UNUSED size_t fx_count(const char *event, const char *user, const char *call)
{
	size_t n = 0;

	for (size_t i = 0; i < fx_n_events && i < FX_EVENTS; i++)
		n += strcmp(fx_events[i].name, event) == 0 &&
		     strcmp(fx_events[i].user, user) == 0 && strcmp(fx_events[i].call, call) == 0;
	return n;
}

static enum stoa_verdict fx_on_initiate(struct stoa_mod *m, struct stoa_hook_call_initiate *ev)
{
	(void)m;
	if (fx_refuse_type && strcmp(ev->type, fx_refuse_type) == 0)
		return stoa_deny(&ev->denial, "no_such_calls", "Not this kind of call.");
	return STOA_PASS;
}

static enum stoa_verdict fx_on_join(struct stoa_mod *m, struct stoa_hook_call_join *ev)
{
	(void)m;
	if (fx_refuse_user && strcmp(ev->user_id, fx_refuse_user) == 0)
		return stoa_deny(&ev->denial, "not_today", "Come back tomorrow.");
	return STOA_PASS;
}

static int fx_start_listener(struct stoa_mod *m, const struct stoa_conf *c)
{
	int err = stoa_event_listen(m, "*", fx_on_event, NULL);

	(void)c;
	if (!err)
		err = stoa_calls_bind(m, &fx_calls);
	if (!err)
		err = STOA_HOOK_ADD(m, call_initiate, fx_on_initiate, NULL);
	return err ? err : STOA_HOOK_ADD(m, call_join, fx_on_join, NULL);
}

static const struct stoa_mod_ops fx_listener_ops = {
	.size = sizeof(fx_listener_ops),
	.start = fx_start_listener,
};

static const struct stoa_mod_desc fx_listener = {
	.abi_major = STOA_ABI_MAJOR,
	.abi_minor = STOA_ABI_MINOR,
	.size = sizeof(fx_listener),
	.opt_size = sizeof(struct stoa_opt),
	.name = "mod_listener",
	.version = "1.0.0",
	.summary = "For this test.",
	.license = "Apache-2.0",
	.needs = (const char *const[]){ STOA_CALLS, NULL },
	.ops = &fx_listener_ops,
};

/* ---- the host ---- */

extern const struct stoa_mod_desc stoa_module; /* mod_signaling's */

static void fx_begin(const char *signaling_options)
{
	void *so = dlopen(STORAGE_SO, RTLD_NOW | RTLD_LOCAL);
	const struct stoa_mod_desc *storage;
	char yaml[1024];

	if (!so) {
		fprintf(stderr, "%s\n", dlerror());
		exit(EXIT_FAILURE);
	}
	storage = dlsym(so, "stoa_module");
	stoa_test_begin();
	stoa_test_provide(STOA_HTTP, &fx_http_ops, NULL);
	stoa_test_provide(STOA_AUTH, &fx_auth_ops, NULL);
	stoa_test_provide(STOA_SFU, &fx_sfu_ops, NULL);
	CHECK(stoa_test_add(storage) != NULL);
	CHECK(stoa_test_add(&stoa_module) != NULL);
	CHECK(stoa_test_add(&fx_listener) != NULL);
	snprintf(yaml, sizeof(yaml),
		 "core: { state-dir: %s }\nmodules: { mod_storage_sqlite: { load: yes }, "
		 "mod_listener: { load: yes }, mod_signaling: { load: yes%s } }\n",
		 fx_dir, signaling_options);
	CHECK_INT(stoa_test_start(yaml), 0);
}

static bool fx_is_answered(void *user)
{
	return ((struct fx_req *)user)->is_answered;
}

/* ---- what tests say ---- */

static struct fx_req fx_last;

static bool fx_match(const struct stoa_http_route *r, const char *path, char *param)
{
	const char *brace = strchr(r->path, '{');
	size_t head = brace ? (size_t)(brace - r->path) : 0;
	const char *tail = brace ? strchr(brace, '}') + 1 : NULL;
	const char *end;

	param[0] = '\0';
	if (!brace)
		return strcmp(r->path, path) == 0;
	if (strncmp(r->path, path, head) != 0)
		return false;
	end = strchr(path + head, '/');
	end = end ? end : path + strlen(path);
	if (strcmp(end, tail) != 0)
		return false;
	snprintf(param, 256, "%.*s", (int)(end - path - head), path + head);
	return true;
}

/** Makes a request without waiting for its answer. */
static void fx_send(struct fx_req *f, uint32_t method, const char *user, const char *path,
		    const char *query, const char *body, const char *key)
{
	memset(f, 0, sizeof(*f));
	f->base.ops = &fx_http_ops;
	f->path = path;
	f->query = query ? query : "";
	f->token = user;
	f->body = body ? body : "";
	f->key = key;
	for (size_t i = 0; i < fx_n_routes; i++)
		if ((fx_routes[i].methods & method) && fx_match(&fx_routes[i], path, f->param)) {
			fx_routes[i].fn(&f->base, fx_routes[i].user);
			return;
		}
	CHECK(!"there is such a route");
}

static int api_full(uint32_t method, const char *user, const char *path, const char *query,
		    const char *body, const char *key)
{
	json_decref(fx_last.json);
	fx_send(&fx_last, method, user, path, query, body, key);
	CHECK(stoa_test_run_until(fx_is_answered, &fx_last, 10000));
	return fx_last.status;
}

static STOA_UNUSED int post(const char *user, const char *path, const char *body)
{
	return api_full(STOA_HTTP_POST, user, path, NULL, body, NULL);
}

/** POST /api/calls/{id}/{verb} */
static STOA_UNUSED int act(const char *user, const char *id, const char *verb)
{
	char path[512];

	snprintf(path, sizeof(path), "/api/calls/%s/%s", id, verb);
	return post(user, path, NULL);
}

static STOA_UNUSED int get(const char *user, const char *path, const char *query)
{
	return api_full(STOA_HTTP_GET, user, path, query, NULL, NULL);
}

/** A member of the last answer, "" when it is absent or no text. */
static STOA_UNUSED const char *got(const char *name)
{
	const char *s = json_string_value(json_object_get(fx_last.json, name));

	return s ? s : "";
}

/** A text from the database file; static, rotating over 8. */
static STOA_UNUSED const char *sql(const char *query, ...)
{
	static char out[8][512];
	static int turn;
	char text[1024], path[128], *to = out[turn++ % 8];
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;
	va_list ap;

	va_start(ap, query);
	vsnprintf(text, sizeof(text), query, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s/stoa.db", fx_dir);
	to[0] = '\0';
	CHECK_INT(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, 2000);
	if (sqlite3_prepare_v2(db, text, -1, &s, NULL) != SQLITE_OK)
		fprintf(stderr, "%s: %s\n", text, sqlite3_errmsg(db));
	if (s && sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 0))
		snprintf(to, sizeof(out[0]), "%s", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return to;
}

static STOA_UNUSED const char *call_status_in_db(const char *id)
{
	return sql("SELECT status FROM nchat_calls WHERE call_id = '%s'", id);
}

static STOA_UNUSED const char *part_in_db(const char *id, const char *user)
{
	return sql("SELECT status FROM nchat_call_participants WHERE call_id = '%s' AND user_id = "
		   "'%s'",
		   id, user);
}

struct fx_wait {
	const char *id, *status;
};

static bool fx_has_status(void *user)
{
	const struct fx_wait *w = user;

	return strcmp(call_status_in_db(w->id), w->status) == 0;
}

static STOA_UNUSED bool wait_status(const char *id, const char *status)
{
	struct fx_wait w = { id, status };

	return stoa_test_run_until(fx_has_status, &w, 10000);
}

static void fx_end(void)
{
	json_decref(fx_last.json);
	fx_last.json = NULL;
	stoa_test_end();
}

/** Starts the host on fx_dir and waits until calls are taken. */
static void fx_open(const char *signaling_options)
{
	fx_n_events = 0;
	fx_begin(signaling_options);
	get("bob", "/api/calls", NULL);
}

static void fx_clean(void)
{
	static const char *const files[] = { "stoa.db", "stoa.db-wal", "stoa.db-shm",
					     "stoa.db.lock" };
	char path[128];

	for (size_t i = 0; i < STOA_ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", fx_dir, files[i]);
		unlink(path);
	}
	rmdir(fx_dir);
}

#endif
