/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: splitting before decoding, dot segments, refusals; queries. */
#include "check.h"
#include "target.h"

static char buf[4096];
static struct target t;

static int parse(const char *text)
{
	return target_parse(stoa_str(text), buf, &t);
}

static void test_paths(void)
{
	static const struct {
		const char *in, *path;
		unsigned n;
	} good[] = {
		{ "/", "/", 1 },
		{ "/a", "/a", 1 },
		{ "/a/", "/a/", 2 },
		{ "/a//b", "/a//b", 3 },
		{ "/%61", "/a", 1 },
		{ "/a/./b", "/a/b", 2 },
		{ "/a/../b", "/b", 1 },
		{ "/a/%2e%2E/b", "/b", 1 },
		{ "/a/b/..", "/a/", 2 },
		{ "/a/.", "/a/", 2 },
		{ "/a/..", "/", 1 },
		{ "/a%2Fb", "/a/b", 1 },
		{ "/%E2%82%AC", "/\xe2\x82\xac", 1 },
		{ "/a+b", "/a+b", 1 },
		{ "/...", "/...", 1 },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(good); i++) {
		CHECK_INT(parse(good[i].in), 0);
		CHECK_STR(t.path.p, good[i].path);
		CHECK_INT(t.path.n, strlen(good[i].path));
		CHECK_INT(t.n_segments, good[i].n);
	}
	CHECK_INT(parse("/a%2Fb"), 0);
	CHECK(t.has_slash && stoa_str_is(t.segments[0], "a/b"));
	CHECK_INT(parse("/a/b?c=/d"), 0);
	CHECK(!t.has_slash && stoa_str_is(t.query, "c=/d"));
}

static void test_refusals(void)
{
	static const char *const bad[] = { "",     "a",    "/..",  "/a/../..", "/%2e%2e/a",
					   "/%",   "/%1",  "/%zz", "/%00",     "/%0d%0a",
					   "/%7f", "/a#b", "/\x01" };
	char deep[200] = "";

	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		if (parse(bad[i]) != 400)
			fprintf(stderr, "taken: %s\n", bad[i]);
		CHECK_INT(parse(bad[i]), 400);
	}
	for (int i = 0; i < TARGET_SEGMENTS_MAX; i++)
		strcat(deep, "/a");
	CHECK_INT(parse(deep), 0);
	strcat(deep, "/a");
	CHECK_INT(parse(deep), 414);
}

static void test_query(void)
{
	struct stoa_str v;
	struct stoa_str q = stoa_str("a=1&b=x+y%26z&c&%64=4&a=2&e=%zz");

	CHECK(target_query(q, "a", buf, &v) && stoa_str_is(v, "1"));
	CHECK(target_query(q, "b", buf, &v) && stoa_str_is(v, "x y&z"));
	CHECK(target_query(q, "c", buf, &v) && v.n == 0);
	CHECK(target_query(q, "d", buf, &v) && stoa_str_is(v, "4"));
	CHECK(!target_query(q, "e", buf, &v));
	CHECK(!target_query(q, "f", buf, &v));
	CHECK(!target_query(stoa_str(""), "a", buf, &v));
}

int main(void)
{
	test_paths();
	test_refusals();
	test_query();
	return check_done();
}
