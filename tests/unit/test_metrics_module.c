/* SPDX-License-Identifier: Apache-2.0 */
/* mod_metrics over a fake http: routes, who may read, what readiness says. */
#include <stoa/iface/http.h>
#include <stoa/metric.h>
#include <stoa/testing.h>

#include <jansson.h>

#include "check.h"
#include "module.h"

extern const struct stoa_mod_desc stoa_module;

struct fake_req {
	struct stoa_http_req pub;
	const char *peer, *forwarded, *authorization;
	int status;
	char *body;
};

static struct stoa_http_route routes[8];
static size_t n_routes;

static int fake_route_add(void *self, struct stoa_mod *m, const struct stoa_http_route *r)
{
	(void)self;
	(void)m;
	routes[n_routes++] = *r;
	return 0;
}

static void fake_remove(void *self, struct stoa_mod *m)
{
	(void)self;
	(void)m;
	n_routes = 0;
}

static const char *fake_peer(const struct stoa_http_req *r)
{
	return ((const struct fake_req *)r)->peer;
}

static struct stoa_str fake_header(const struct stoa_http_req *r, const char *name)
{
	const struct fake_req *f = (const struct fake_req *)r;

	if (strcmp(name, "x-forwarded-for") == 0)
		return stoa_str(f->forwarded);
	return stoa_str(strcmp(name, "authorization") == 0 ? f->authorization : NULL);
}

static void fake_answer(struct stoa_http_req *r, const struct stoa_http_answer *a)
{
	struct fake_req *f = (struct fake_req *)r;

	f->status = a->status;
	f->body = strndup(a->body, a->body_len);
}

static void fake_problem(struct stoa_http_req *r, const struct stoa_http_problem *p)
{
	((struct fake_req *)r)->status = p->status;
}

static const struct stoa_http_ops fake_ops = {
	.size = sizeof(fake_ops),
	.route_add = fake_route_add,
	.remove = fake_remove,
	.req_peer = fake_peer,
	.req_header = fake_header,
	.answer = fake_answer,
	.problem = fake_problem,
};

static int get(const char *path, struct fake_req *f)
{
	f->pub.ops = &fake_ops;
	f->status = 0;
	free(f->body);
	f->body = NULL;
	for (size_t i = 0; i < n_routes; i++) {
		if (strcmp(routes[i].path, path) == 0)
			routes[i].fn(&f->pub, routes[i].user);
	}
	return f->status;
}

static void check_access(void)
{
	struct stoa_str token = stoa_str("t0ken");
	struct asker a = { .peer = "127.3.2.1" };

	CHECK(access_check(ACCESS_LOCAL, token, &a));
	a.forwarded = stoa_str("10.0.0.9");
	CHECK(!access_check(ACCESS_LOCAL, token, &a));
	a = (struct asker){ .peer = "::1" };
	CHECK(access_check(ACCESS_LOCAL, token, &a));
	a.peer = "::ffff:127.0.0.1";
	CHECK(access_check(ACCESS_LOCAL, token, &a));
	a.peer = "10.0.0.1";
	CHECK(!access_check(ACCESS_LOCAL, token, &a));
	CHECK(access_check(ACCESS_ALL, token, &a));
	CHECK(!access_check(ACCESS_TOKEN, token, &a));
	a.authorization = stoa_str("bearer t0ken");
	CHECK(access_check(ACCESS_TOKEN, token, &a));
	a.authorization = stoa_str("Bearer t0keN");
	CHECK(!access_check(ACCESS_TOKEN, token, &a));
	a.authorization = stoa_str("Bearer ");
	CHECK(!access_check(ACCESS_TOKEN, stoa_str(""), &a));
}

static void check_ready(struct stoa_mod *m, struct fake_req *f)
{
	json_t *doc, *reason;

	CHECK_INT(get("/readyz", f), 200);
	stoa_mod_set_ready(m, "database", "it does not answer");
	CHECK_INT(get("/readyz", f), 503);
	doc = json_loads(f->body, 0, NULL);
	reason = json_array_get(json_object_get(doc, "reasons"), 0);
	CHECK(json_is_false(json_object_get(doc, "ready")));
	CHECK_STR(json_string_value(json_object_get(reason, "module")), "mod_metrics");
	CHECK_STR(json_string_value(json_object_get(reason, "what")), "database");
	CHECK_STR(json_string_value(json_object_get(reason, "reason")), "it does not answer");
	json_decref(doc);
	stoa_mod_set_ready(m, "database", NULL);
	CHECK_INT(get("/readyz", f), 200);
	stoa_test_drain(1000);
	CHECK_INT(get("/readyz", f), 503);
	CHECK_INT(get("/healthz", f), 200); /* draining is not being ill */
}

int main(void)
{
	struct fake_req f = { .peer = "127.0.0.1" };
	struct stoa_mod *m;

	check_access();
	stoa_test_begin();
	stoa_test_provide(STOA_HTTP, &fake_ops, NULL);
	m = stoa_test_add(&stoa_module);
	CHECK_INT(stoa_test_start("modules: { mod_metrics: { load: yes, access: token } }"),
		  -EINVAL);
	stoa_test_end();

	stoa_test_begin();
	stoa_test_provide(STOA_HTTP, &fake_ops, NULL);
	m = stoa_test_add(&stoa_module);
	CHECK_INT(stoa_test_start(NULL), 0);
	CHECK_INT(n_routes, 3);
	CHECK_INT(get("/metrics", &f), 200);
	CHECK(strstr(f.body,
		     "# TYPE stoa_metrics_refused_total counter\nstoa_metrics_refused_total 0"));
	CHECK(strstr(f.body, "\nprocess_resident_memory_bytes "));
	f.peer = "192.0.2.1";
	CHECK_INT(get("/metrics", &f), 403);
	CHECK_INT(stoa_test_reload("modules: { mod_metrics: { load: yes, access: all } }"), 0);
	CHECK_INT(get("/metrics", &f), 200);
	CHECK(strstr(f.body, "\nstoa_metrics_refused_total 1\n"));
	check_ready(m, &f);
	stoa_test_end();
	CHECK_INT(n_routes, 0);
	free(f.body);
	return check_done();
}
