/* SPDX-License-Identifier: Apache-2.0 */
/* PUT and DELETE /api/channels/{id}/members/{userId}: the operator's backend sets roles. A change
 * is in force, and answered, when it is on disk; one that cannot be saved changes nothing. One
 * writer at a time; what comes meanwhile goes into the next file together. */
#include "module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/iface/auth_http.h>
#include <stoa/iface/http_json.h>
#include "file.h"
#include "user.h"

#define RETRY_S 5

static const char *const names[] = { "owner",    "moderator", "vip", "subscriber",
				     "follower", "member",    NULL };

struct role_input {
	int role; /* index into names */
	struct stoa_str since;
};

static const struct stoa_field fields[] = {
	{ .name = "role",
	  .type = STOA_FIELD_ENUM,
	  .flags = STOA_FIELD_REQUIRED,
	  .offset = offsetof(struct role_input, role),
	  .choices = names },
	{ .name = "since",
	  .type = STOA_FIELD_STRING,
	  .offset = offsetof(struct role_input, since) },
};

struct change {
	struct change *next;
	struct stoa_http_req *req;
	json_t *member; /* what was set; NULL: deleted */
};

struct roles_save { /* one run of the writer */
	struct ctx *x;
	struct members *table;
	struct change *waiting;
	struct stoa_buf text;
	int err;
};

static void start_saving(struct ctx *x);

/* ---- answers ---- */

static void answer_change(struct change *c, int err)
{
	const struct stoa_http_answer gone = { .size = sizeof(gone), .status = 204 };

	if (err) {
		stoa_http_problem_retry(c->req, 503, "not_saved",
					"The role could not be saved; nothing was changed.",
					RETRY_S);
		json_decref(c->member);
	} else if (c->member) {
		stoa_http_answer_json(c->req, 200, c->member);
	} else {
		stoa_http_answer(c->req, &gone);
	}
	free(c);
}

static void answer_all(struct change *c, int err)
{
	while (c) {
		struct change *next = c->next;

		answer_change(c, err);
		c = next;
	}
}

static void refuse(struct stoa_http_req *req, int err)
{
	if (err == -ENOENT)
		stoa_http_problem(req, 404, "member_not_found",
				  "No role is set for this user in this channel.");
	else if (err == -ENOSPC)
		stoa_http_problem(req, 409, "too_many_members",
				  "65536 roles are set, which is the limit: delete some, or give "
				  "roles in the tokens' channelRoles.");
	else
		stoa_http_problem_retry(req, 503, "unavailable", "Out of memory; try again later.",
					RETRY_S);
}

/* ---- the file ---- */

static void save_on_blk(void *user)
{
	struct roles_save *s = user;

	members_write(s->table, &s->text);
	s->err = s->text.failed ? -ENOMEM : file_save(s->x->roles_path, s->text.p, s->text.n);
}

/* What waits was made from what could not be saved, and falls with it. */
static void drop_next(struct ctx *x, int err)
{
	struct change *waiting = x->roles_waiting;

	members_free(x->roles_next);
	x->roles_next = NULL;
	x->roles_waiting = NULL;
	answer_all(waiting, err);
}

static void saved_on_ctl(void *user)
{
	struct roles_save *s = user;
	struct ctx *x = s->x;

	x->roles_saving = NULL;
	if (s->err) {
		stoa_log(x->m, STOA_LOG_ERROR, "cannot save %s: %s; no role was changed",
			 x->roles_path, strerror(-s->err));
		members_free(s->table);
		drop_next(x, s->err);
	} else {
		auth_set_members(&x->auth, s->table);
		module_poll(x);
	}
	answer_all(s->waiting, s->err);
	stoa_buf_free(&s->text);
	free(s);
	if (x->roles_next)
		start_saving(x);
}

static void start_saving(struct ctx *x)
{
	struct roles_save *s = calloc(1, sizeof(*s));

	if (!s) {
		drop_next(x, -ENOMEM);
		return;
	}
	*s = (struct roles_save){ .x = x, .table = x->roles_next, .waiting = x->roles_waiting };
	x->roles_next = NULL;
	x->roles_waiting = NULL;
	x->roles_saving = s;
	s->err = stoa_work(x->m, save_on_blk, saved_on_ctl, s);
	if (s->err)
		saved_on_ctl(s);
}

/* ---- changes ---- */

/* What holds when all that is under way is on disk. */
static const struct members *newest(struct ctx *x)
{
	if (x->roles_next)
		return x->roles_next;
	return x->roles_saving ? x->roles_saving->table : atomic_load(&x->auth.members);
}

/* Takes the table and `member` and answers when it is in force. */
static void commit(struct ctx *x, struct stoa_http_req *req, struct members *table_take,
		   json_t *member_take)
{
	struct change *c = malloc(sizeof(*c));

	if (!c) {
		members_free(table_take);
		json_decref(member_take);
		refuse(req, -ENOMEM);
		return;
	}
	*c = (struct change){ .next = x->roles_waiting, .req = req, .member = member_take };
	x->roles_waiting = c;
	members_free(x->roles_next);
	x->roles_next = table_take;
	if (!x->roles_saving)
		start_saving(x);
}

static json_t *member_json(const struct member *m)
{
	char since[STOA_TIME_LEN];

	stoa_time_format(m->since_ms, since);
	return json_pack("{s:s, s:s, s:s, s:s}", "channelId", m->channel, "userId", m->user, "role",
			 role_name(m->role), "since", since);
}

static void set_member(struct ctx *x, struct stoa_http_req *req, const struct member *m)
{
	json_t *member = member_json(m);
	struct members *table;
	int err = member ? members_set(newest(x), m, &table) : -ENOMEM;

	if (err) {
		json_decref(member);
		refuse(req, err);
		return;
	}
	commit(x, req, table, member);
}

/* Without `since` a role counts from now on, or goes on as it was. */
static bool read_since(struct ctx *x, const struct role_input *in, struct member *m)
{
	const struct member *old = members_find(newest(x), m->channel, m->user);

	if (in->since.p)
		return stoa_time_parse(in->since, &m->since_ms) == 0 && m->since_ms >= 0 &&
		       m->since_ms <= MEMBERS_SINCE_MAX;
	m->since_ms = old && old->role == m->role ? old->since_ms : stoa_wall_ms();
	return true;
}

static void handle_put(struct ctx *x, struct stoa_http_req *req, struct member *m)
{
	static const struct stoa_http_field fault = { "since",
						      "is not an RFC 3339 time from 1970 on" };
	struct role_input in = { 0 };
	json_t *body;

	if (stoa_http_json_fields(req, fields, STOA_ARRAY_SIZE(fields), &in, &body) != 0)
		return;
	m->role = role_parse(names[in.role]);
	if (read_since(x, &in, m))
		set_member(x, req, m);
	else
		stoa_http_problem_fields(req, &fault, 1);
	json_decref(body);
}

static void handle_delete(struct ctx *x, struct stoa_http_req *req, struct member *m)
{
	struct members *table;
	int err = members_remove(newest(x), m->channel, m->user, &table);

	if (err)
		refuse(req, err);
	else
		commit(x, req, table, NULL);
}

/* ---- requests ---- */

/* The ids in the path; answers when they are none. */
static bool read_ids(struct stoa_http_req *req, struct member *m)
{
	static const struct {
		const char *param, *field;
	} ids[] = { { "id", "channelId" }, { "userId", "userId" } };
	struct stoa_http_field faults[STOA_ARRAY_SIZE(ids)];
	size_t n = 0;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(ids); i++) {
		struct stoa_str s = stoa_http_req_param(req, ids[i].param);

		if (!s.n || s.n > MEMBERS_ID_MAX || !stoa_utf8_valid(s))
			faults[n++] = (struct stoa_http_field){ ids[i].field,
								"is not 1 to 255 bytes of UTF-8" };
	}
	if (n) {
		stoa_http_problem_fields(req, faults, n);
		return false;
	}
	m->channel = stoa_http_req_param(req, "id").p;
	m->user = stoa_http_req_param(req, "userId").p;
	return true;
}

static bool is_admin(struct ctx *x, struct stoa_http_req *req)
{
	const struct stoa_auth auth = { &auth_ops, &x->auth };
	const struct stoa_user *u;
	bool admin;

	if (stoa_auth_http_user(&auth, req, &u) != 0)
		return false;
	admin = u->flags & STOA_USER_ADMIN;
	stoa_user_unref(&auth, u);
	if (!admin)
		stoa_http_problem(req, 403, "forbidden", "Only an admin may set roles.");
	return admin;
}

static void handle(struct stoa_http_req *req, void *user)
{
	struct ctx *x = user;
	struct member m = { 0 };

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!is_admin(x, req) || !read_ids(req, &m))
		return;
	if (stoa_http_req_method(req) == STOA_HTTP_PUT)
		handle_put(x, req, &m);
	else
		handle_delete(x, req, &m);
}

int roles_add_routes(struct ctx *x)
{
	const struct stoa_http_route route = {
		.size = sizeof(route),
		.methods = STOA_HTTP_PUT | STOA_HTTP_DELETE,
		.path = "/api/channels/{id}/members/{userId}",
		.flags = STOA_HTTP_CTL | STOA_HTTP_CORS,
		.body_max = 4096,
		.fn = handle,
		.user = x,
	};

	return stoa_http_route_add(&x->http, x->m, &route);
}

int roles_start(struct ctx *x)
{
	struct members *table = NULL;
	struct stoa_buf b = { 0 };
	int line = 0, err;

	if ((size_t)snprintf(x->roles_path, sizeof(x->roles_path), "%s/channel-members",
			     stoa_state_dir()) >= sizeof(x->roles_path))
		return -ENAMETOOLONG;
	err = file_load(x->roles_path, MEMBERS_FILE_MAX, &b);
	if (!err)
		err = members_read(stoa_strn(b.p, b.n), &table, &line);
	else if (err == -ENOENT)
		err = (table = members_new()) ? 0 : -ENOMEM;
	stoa_buf_free(&b);
	if (err) {
		stoa_log(x->m, STOA_LOG_ERROR,
			 "%s:%d: cannot read the channels' members (%s): restore it from a backup, "
			 "or remove it and set the roles again",
			 x->roles_path, line, strerror(-err));
		return err;
	}
	auth_set_members(&x->auth, table);
	return 0;
}
