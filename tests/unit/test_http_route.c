/* SPDX-License-Identifier: Apache-2.0 */
/* Route tables: who wins, what is allowed, parameters, backtracking. */
#include "check.h"
#include "route.h"

#include <errno.h>

static struct route *make(const char *path, uint32_t methods)
{
	struct route *r = route_new(ROUTE_HTTP, NULL, path);

	r->methods = methods;
	return r;
}

static struct route_match m;
static char buf[1000];

static const char *find(struct route_table *table, const char *path, uint32_t method)
{
	static struct target t;

	CHECK_INT(target_parse(stoa_str(path), buf, &t), 0);
	route_find(table, &t, method, &m);
	return m.route ? m.route->path : "none";
}

static void test_patterns(void)
{
	static const char *const good[] = { "/", "/a", "/a/", "/{id}", "/a/{b}/c", "/a/{rest...}" };
	static const char *const bad[] = { "",         "a",       "//",    "/a//b", "/a?b",
					   "/{r...}/", "/{a/b",   "/x{a}", "/{}",   "/a b",
					   "/{a b}",   "/{a}{b}", "/%61" };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(good); i++)
		CHECK(route_pattern_valid(good[i]));
	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++)
		CHECK(!route_pattern_valid(bad[i]));
}

static void test_finding(void)
{
	struct route *all[] = {
		make("/", STOA_HTTP_GET),
		make("/api/calls", STOA_HTTP_GET),
		make("/api/calls", STOA_HTTP_POST),
		make("/api/calls/initiate", STOA_HTTP_POST),
		make("/api/calls/{id}", STOA_HTTP_GET | STOA_HTTP_DELETE),
		make("/api/calls/{id}/join", STOA_HTTP_POST),
		make("/api/{what}/mine/x", STOA_HTTP_GET),
		make("/hls/{rest...}", STOA_HTTP_GET),
		make("/hls/top", STOA_HTTP_GET),
	};
	struct route_table *t;

	CHECK_INT(route_table_new(all, STOA_ARRAY_SIZE(all), &t), 0);
	CHECK_STR(find(t, "/", STOA_HTTP_GET), "/");
	CHECK(find(t, "/api/calls", STOA_HTTP_POST) && m.route == all[2]);
	CHECK_STR(find(t, "/api/calls/initiate", STOA_HTTP_POST), "/api/calls/initiate");
	CHECK_STR(find(t, "/api/calls/initiate", STOA_HTTP_GET), "none");
	CHECK_INT(m.allowed, STOA_HTTP_POST);
	CHECK_STR(find(t, "/api/calls/7", STOA_HTTP_HEAD), "/api/calls/{id}");
	CHECK(m.n_params == 1 && stoa_str_is(m.params[0], "7"));
	CHECK_STR(find(t, "/api/calls/7/join", STOA_HTTP_POST), "/api/calls/{id}/join");
	CHECK_STR(find(t, "/api/calls/", STOA_HTTP_GET), "none"); /* a parameter is never empty */
	CHECK_INT(m.allowed, 0);
	/* "calls" is a literal, yet only the parameter leads on: found by going back */
	CHECK_STR(find(t, "/api/calls/mine/x", STOA_HTTP_GET), "/api/{what}/mine/x");
	CHECK(m.n_params == 1 && stoa_str_is(m.params[0], "calls"));
	CHECK_STR(find(t, "/hls/top", STOA_HTTP_GET), "/hls/top");
	CHECK_STR(find(t, "/hls/a/b/c", STOA_HTTP_GET), "/hls/{rest...}");
	CHECK(stoa_str_is(m.params[0], "a/b/c"));
	CHECK_STR(find(t, "/hls", STOA_HTTP_GET), "none");
	CHECK_INT(route_param_index(all[4], "id"), 0);
	CHECK_INT(route_param_index(all[4], "i"), -1);
	CHECK_INT(route_param_index(all[7], "rest"), 0);
	route_table_unref(t);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(all); i++)
		route_unref(all[i]);
}

static void test_conflicts(void)
{
	struct route *all[] = { make("/a/{x}", STOA_HTTP_GET), make("/a/{y}", STOA_HTTP_GET) };
	struct route_table *t;

	CHECK_INT(route_table_new(all, 2, &t), -EEXIST);
	route_unref(all[0]);
	route_unref(all[1]);
}

static void test_files(void)
{
	struct route *a = route_new(ROUTE_FILES, NULL, "/"),
		     *b = route_new(ROUTE_FILES, NULL, "/x/");
	struct route *all[] = { a, b };
	struct route_table *t;

	CHECK_INT(route_table_new(all, 2, &t), 0);
	CHECK(route_find_files(t, stoa_str("/x/y")) == b);
	CHECK(route_find_files(t, stoa_str("/xy")) == a);
	route_table_unref(t);
	route_unref(a);
	route_unref(b);
}

int main(void)
{
	test_patterns();
	test_finding();
	test_conflicts();
	test_files();
	return check_done();
}
