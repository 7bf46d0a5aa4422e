/* SPDX-License-Identifier: Apache-2.0 */
/* The module as the host runs it: configuration and its mistakes, reload, the control commands,
 * revocations over a restart, guests over a stand-in for http. */
#include <errno.h>
#include <stoa/control.h>
#include <stoa/iface/auth.h>
#include <stoa/iface/http.h>
#include <stoa/module.h>
#include <stoa/testing.h>
#include <sys/stat.h>
#include <unistd.h>
#include "auth_fixture.h"
#include "check.h"

extern const struct stoa_mod_desc stoa_module;

static char dir[] = "/tmp/stoa-auth-XXXXXX";
static char yaml_text[4096];

/* ---- a stand-in for http: keeps the route, runs it on a request of ours ---- */

static struct stoa_http_route guest_route;

struct fake_req {
	struct stoa_http_req base;
	const char *body, *peer;
	int status;
	char text[4096]; /* the answer's body, or the problem's code */
	char field[64];
	uint32_t retry_after_s;
};

static int route_add(void *self, struct stoa_mod *m, const struct stoa_http_route *r)
{
	(void)self, (void)m;
	if (strcmp(r->path, "/api/auth/guest") == 0)
		guest_route = *r;
	return 0;
}

static void remove_all(void *self, struct stoa_mod *m)
{
	(void)self, (void)m;
	memset(&guest_route, 0, sizeof(guest_route));
}

static struct stoa_str req_body(const struct stoa_http_req *r)
{
	return stoa_str(((const struct fake_req *)(const void *)r)->body);
}

static struct stoa_str req_header(const struct stoa_http_req *r, const char *name)
{
	(void)r;
	return stoa_str(strcmp(name, "content-type") == 0 ? "application/json" : NULL);
}

static const char *req_peer(const struct stoa_http_req *r)
{
	return ((const struct fake_req *)(const void *)r)->peer;
}

static void answer(struct stoa_http_req *r, const struct stoa_http_answer *a)
{
	struct fake_req *f = (struct fake_req *)(void *)r;

	f->status = a->status;
	snprintf(f->text, sizeof(f->text), "%.*s", (int)a->body_len, (const char *)a->body);
}

static void problem(struct stoa_http_req *r, const struct stoa_http_problem *p)
{
	struct fake_req *f = (struct fake_req *)(void *)r;

	f->status = p->status;
	f->retry_after_s = p->retry_after_s;
	snprintf(f->text, sizeof(f->text), "%s", p->error);
	if (p->n_fields)
		snprintf(f->field, sizeof(f->field), "%s", p->fields[0].field);
}

static const struct stoa_http_ops http_ops = {
	.size = sizeof(http_ops),
	.route_add = route_add,
	.remove = remove_all,
	.req_body = req_body,
	.req_header = req_header,
	.req_peer = req_peer,
	.answer = answer,
	.problem = problem,
};

static struct fake_req ask(const char *peer, const char *body)
{
	struct fake_req f = { .base = { &http_ops }, .body = body, .peer = peer };

	if (guest_route.fn)
		guest_route.fn(&f.base, guest_route.user);
	return f;
}

/* ---- who uses the interface ---- */

static struct stoa_auth auth;

static int user_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	(void)c;
	return stoa_auth_bind(m, &auth);
}

static const struct stoa_mod_ops user_ops = { .size = sizeof(user_ops), .start = user_start };
static const char *const needs_auth[] = { STOA_AUTH, NULL };
static const struct stoa_mod_desc user_desc = {
	.abi_major = STOA_ABI_MAJOR,
	.abi_minor = STOA_ABI_MINOR,
	.size = sizeof(user_desc),
	.opt_size = sizeof(struct stoa_opt),
	.name = "mod_user",
	.version = "1.0.0",
	.summary = "Uses auth.",
	.needs = needs_auth,
	.ops = &user_ops,
};

/* ---- helpers ---- */

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		abort();
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
}

/* The whole configuration; "@" in the options is the directory. */
static const char *yaml(const char *options)
{
	size_t n = (size_t)snprintf(yaml_text, sizeof(yaml_text),
				    "core: { state-dir: %s }\n"
				    "modules:\n"
				    "  mod_user: { load: yes }\n"
				    "  mod_auth:\n"
				    "    load: yes\n",
				    dir);

	for (const char *p = options; *p && n < sizeof(yaml_text) - sizeof(dir); p++) {
		if (*p == '@')
			n += (size_t)sprintf(yaml_text + n, "%s", dir);
		else
			yaml_text[n++] = *p;
	}
	yaml_text[n] = '\0';
	return yaml_text;
}

static int begin(const char *options)
{
	memset(&auth, 0, sizeof(auth));
	stoa_test_begin();
	stoa_test_provide(STOA_HTTP, &http_ops, NULL);
	stoa_test_add(&stoa_module);
	stoa_test_add(&user_desc);
	return stoa_test_start(yaml(options));
}

static const char keys[] = "    keys: { main: { secret: \"file:@/hs.key\" } }\n"
			   "    api-keys: { devkey: { secret: \"file:@/api.key\" } }\n";
static const char keys_and_guests[] = "    keys: { main: { secret: \"file:@/hs.key\" } }\n"
				      "    guests: yes\n"
				      "    guest-channels: [\"*\"]\n"
				      "    guest-limit: 3\n";

static int check_token(const char *token)
{
	const struct stoa_user *u = NULL;
	const char *why = NULL;
	int err = stoa_auth_user_check(&auth, stoa_str(token), &u, &why);

	stoa_user_unref(&auth, err ? NULL : u);
	return err;
}

static const char *create(const char *words)
{
	static char token[8192];
	char line[256];
	json_t *a, *data;

	snprintf(line, sizeof(line), "token create %s", words);
	a = stoa_test_control(line, 2000);
	data = json_object_get(a, "data");
	snprintf(token, sizeof(token), "%s",
		 data ? json_string_value(json_object_get(data, "token"))
		      : json_string_value(json_object_get(a, "error")));
	json_decref(a);
	return token;
}

static void test_commands(void)
{
	const struct stoa_user *u = NULL;
	const char *why;

	CHECK_INT(begin(keys), 0);
	CHECK_INT(
		stoa_auth_user_check(&auth,
				     stoa_str(create("--user alice --name Alice --channel general "
						     "--channel news --role moderator --ttl 1h")),
				     &u, &why),
		0);
	CHECK_STR(u->id, "alice");
	CHECK_STR(u->name, "Alice");
	CHECK_INT(u->flags, 0);
	CHECK_INT(u->expires_ms - u->issued_ms, 3600000);
	CHECK_INT(stoa_user_role(&auth, u, "news"), STOA_ROLE_MODERATOR);
	stoa_user_unref(&auth, u);
	CHECK_INT(stoa_auth_user_check(&auth,
				       stoa_str(create("--user root --role admin --channel *")), &u,
				       &why),
		  0);
	CHECK_INT(u->flags, STOA_USER_ADMIN);
	CHECK(u->all_channels);
	stoa_user_unref(&auth, u);
	CHECK_STR(create("--user alice --ttl 1y"), "bad_ttl");
	CHECK_STR(create("--user alice --ttl -1h"), "bad_ttl");
	CHECK_STR(create("--user alice --ttl 99999999999d"), "bad_ttl");
	CHECK_STR(create("--user alice --role king --channel a"), "bad_role");
	CHECK_STR(create("--user alice --role vip"), "bad_role");
	stoa_test_end();

	CHECK_INT(begin("    api-keys: { devkey: { secret: \"file:@/api.key\" } }\n"), 0);
	CHECK_STR(create("--user alice"), "no_key");
	stoa_test_end();
}

static void test_revoked_over_a_restart(void)
{
	char old[8192], fresh[8192];
	json_t *a;

	CHECK_INT(begin(keys), 0);
	strcpy(old, create("--user alice"));
	CHECK_INT(check_token(old), 0);
	a = stoa_test_control("token revoke --user alice", 5000);
	CHECK(json_is_true(json_object_get(a, "ok")));
	json_decref(a);
	CHECK_INT(check_token(old), -EACCES);
	strcpy(fresh, create("--user alice"));
	CHECK_INT(check_token(fresh), 0);
	CHECK_INT(check_token(create("--user bob")), 0);
	stoa_test_end();

	CHECK_INT(begin(keys), 0);
	CHECK_INT(check_token(old), -EACCES);
	CHECK_INT(check_token(fresh), 0);
	stoa_test_end();

	/* rather no start than to let them in again */
	write_file("revoked-tokens", "stoa revocations 1\n1795398000 YWx");
	CHECK(begin(keys) != 0 || auth.ops == NULL);
	stoa_test_end();
	write_file("revoked-tokens", "stoa revocations 1\n");
}

static int role_of(const char *token, const char *channel)
{
	const struct stoa_user *u = NULL;
	int role = -1;

	if (stoa_auth_user_check(&auth, stoa_str(token), &u, NULL) == 0)
		role = (int)stoa_user_role(&auth, u, channel);
	stoa_user_unref(&auth, u);
	return role;
}

/* What was set comes before the token, also for a channel that the token does not list. */
static void test_members(void)
{
	write_file("channel-members", "stoa members 1\n"
				      "moderator 0 YXJ0 YWxpY2U\n"        /* art: alice     */
				      "follower 0 Z2VuZXJhbA YWxpY2U\n"); /* general: alice */
	CHECK_INT(begin(keys), 0);
	CHECK_INT(role_of(create("--user alice"), "art"), STOA_ROLE_MODERATOR);
	CHECK_INT(role_of(create("--user alice"), "news"), STOA_ROLE_NONE);
	CHECK_INT(role_of(create("--user alice --channel general --role owner"), "general"),
		  STOA_ROLE_FOLLOWER);
	CHECK_INT(role_of(create("--user bob --channel general --role owner"), "general"),
		  STOA_ROLE_OWNER);
	stoa_test_end();

	/* rather no start than to forget a role that was lowered */
	write_file("channel-members", "stoa members 1\nmoderator 0 YXJ0 YWx");
	CHECK(begin(keys) != 0 || auth.ops == NULL);
	stoa_test_end();
	write_file("channel-members", "stoa members 1\n");
}

static void test_guests(void)
{
	struct fake_req r;
	json_t *o;

	CHECK_INT(begin(keys), 0);
	r = ask("192.0.2.1", "{\"name\":\"Alice\"}");
	CHECK_INT(r.status, 404);
	CHECK_STR(r.text, "guests_off");
	CHECK_INT(stoa_test_reload(yaml(keys_and_guests)), 0);
	r = ask("192.0.2.1", "{\"name\":\"  Alice \"}");
	CHECK_INT(r.status, 201);
	o = json_loads(r.text, 0, NULL);
	CHECK(o != NULL);
	if (o) {
		const struct stoa_user *u = NULL;
		const char *why;
		int64_t expires = 0;

		CHECK_INT(stoa_auth_user_check(
				  &auth, stoa_str(json_string_value(json_object_get(o, "token"))),
				  &u, &why),
			  0);
		CHECK_STR(u->name, "Alice");
		CHECK_STR(u->id, json_string_value(json_object_get(o, "userId")));
		CHECK(u->all_channels);
		CHECK_INT(u->flags, STOA_USER_GUEST);
		CHECK_INT(stoa_time_parse(
				  stoa_str(json_string_value(json_object_get(o, "expiresAt"))),
				  &expires),
			  0);
		CHECK_INT(u->expires_ms, expires);
		stoa_user_unref(&auth, u);
	}
	json_decref(o);
	r = ask("192.0.2.1", "{\"name\":\"\\u0007\"}");
	CHECK_INT(r.status, 400);
	CHECK_STR(r.field, "name");
	r = ask("192.0.2.1", "{\"name\":\"   \"}");
	CHECK_INT(r.status, 400);
	r = ask("192.0.2.1", "{\"name\":\"Alice\"}"); /* the fourth in a minute */
	CHECK_INT(r.status, 429);
	CHECK(r.retry_after_s > 0);
	r = ask("192.0.2.2", "{}");
	CHECK_INT(r.status, 400);
	CHECK_STR(r.field, "name");
	r = ask("192.0.2.2", "{\"name\":[]}");
	CHECK_INT(r.status, 400);
	stoa_test_end();
}

static void test_reload(void)
{
	char token[8192];

	CHECK_INT(begin(keys), 0);
	strcpy(token, create("--user alice"));
	CHECK_INT(check_token(token), 0);
	/* a mistake changes nothing */
	CHECK_INT(
		stoa_test_reload(yaml("    keys: { main: { secret: \"file:@/missing.key\" } }\n")),
		-EINVAL);
	CHECK_INT(check_token(token), 0);
	CHECK_INT(stoa_test_reload(yaml("    keys: { other: { secret: \"file:@/api.key\" } }\n")),
		  0);
	CHECK_INT(check_token(token), -EACCES);
	CHECK_INT(stoa_test_reload(yaml(keys)), 0);
	CHECK_INT(check_token(token), 0);
	stoa_test_end();
}

static void test_mistakes(void)
{
	static const char *const bad[] = {
		"    keys: { a: { alg: HS256 } }\n",
		"    keys: { a: { alg: RS256 } }\n",
		"    keys: { a: { alg: RS256, public-key: missing.pem } }\n",
		"    keys: { a: { alg: RS256, public-key: hs.key } }\n",
		"    keys: { a: { alg: ES256, public-key: rsa.pem } }\n",
		"    keys: { a: { alg: HS256, secret: \"file:@/hs.key\", public-key: rsa.pem } }\n",
		"    keys: { a: { alg: none, secret: \"file:@/hs.key\" } }\n",
		"    api-keys: { a: {} }\n",
		"    guests: yes\n",
		"    sign-with: nobody\n",
		"    keys: { a: { alg: RS256, public-key: rsa.pem } }\n    sign-with: a\n",
		"    turn: { a: { urls: [\"turn:t.example.org\"] } }\n",
		"    turn: { a: { urls: [\"http://t.example.org\"] } }\n",
		"    turn: { a: { secret: \"file:@/hs.key\" } }\n",
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		int err = begin(bad[i]);

		if (err != -EINVAL)
			fprintf(stderr, "accepted:\n%s", bad[i]);
		CHECK_INT(err, -EINVAL);
		stoa_test_end();
	}
	CHECK_INT(begin("    keys:\n"
			"      hs: { secret: \"file:@/hs.key\" }\n"
			"      rs: { alg: RS256, public-key: rsa.pem }\n"
			"      es: { alg: ES256, public-key: ec.pem }\n"
			"    sign-with: hs\n"
			"    turn:\n"
			"      a: { urls: [\"turn:t.example.org:3478?transport=udp\"], "
			"secret: \"file:@/hs.key\" }\n"
			"      b: { urls: [\"stun:t.example.org\"] }\n"),
		  0);
	stoa_test_end();
}

static void make_files(void)
{
	char private_pem[8192], public_pem[8192];

	write_file("hs.key", SECRET "\n");
	write_file("api.key", "secret");
	make_pair("RSA", 2048, NULL, private_pem, public_pem, sizeof(public_pem));
	write_file("rsa.pem", public_pem);
	make_pair("EC", 0, "P-256", private_pem, public_pem, sizeof(public_pem));
	write_file("ec.pem", public_pem);
}

int main(void)
{
	char command[64];

	if (!mkdtemp(dir) || chdir(dir) != 0)
		return 1;
	make_files();
	test_commands();
	test_revoked_over_a_restart();
	test_members();
	test_guests();
	test_reload();
	test_mistakes();
	snprintf(command, sizeof(command), "rm -r %s", dir);
	CHECK_INT(system(command), 0);
	return check_done();
}
