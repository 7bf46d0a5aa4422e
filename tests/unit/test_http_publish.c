/* SPDX-License-Identifier: Apache-2.0 */
/* Published bodies: versions, rules, who is woken; and that readers and writers on threads agree. */
#include "check.h"
#include "publish.h"

#include <pthread.h>

static unsigned woken[64];

static void on_wake(void *user, unsigned edge, struct stoa_str path)
{
	(void)user;
	(void)path;
	__atomic_add_fetch(&woken[edge], 1, __ATOMIC_RELAXED);
}

static int put(struct published *t, const char *path, const char *text, uint64_t version)
{
	struct stoa_bytes *bytes = stoa_bytes_new(text, strlen(text));
	struct stoa_http_body b = { .size = sizeof(b),
				    .path = path,
				    .bytes = bytes,
				    .content_type = "text/plain",
				    .version = version };
	int err = published_put(t, NULL, &b);

	stoa_bytes_unref(bytes);
	return err;
}

static int want(struct stoa_str query, uint64_t *ret, void *user)
{
	(void)user;
	if (stoa_str_is(query, "bad"))
		return 400;
	*ret = query.n ? (uint64_t)(query.p[0] - '0') : 0;
	return 0;
}

static struct published_found find(struct published *t, const char *path, const char *query)
{
	struct published_found f;

	published_find(t, 3, stoa_str(path), stoa_str(query), &f);
	if (f.pub)
		pub_unref(f.pub);
	return f;
}

static void test_versions(void)
{
	struct published *t = published_new(on_wake, NULL);

	CHECK(!find(t, "/a", "").is_known);
	CHECK_INT(put(t, "/a", "one", 1), 0);
	CHECK(find(t, "/a", "").pub != NULL);
	CHECK_INT(put(t, "/a", "none", 0), -ESTALE);
	CHECK_INT(put(t, "/a", "two", 2), 0);
	CHECK_INT(put(t, "a", "x", 0), -EINVAL);
	CHECK_INT(published_rule(t, NULL, "/a", want, NULL, 100), 0);
	CHECK(find(t, "/a", "2").pub != NULL);
	CHECK_INT(find(t, "/a", "bad").status, 400);
	CHECK(find(t, "/a", "3").must_wait);
	CHECK_INT(put(t, "/a", "three", 3), 0);
	CHECK_INT(woken[3], 1);
	CHECK_INT(put(t, "/a", "four", 4), 0);
	CHECK_INT(woken[3], 1); /* nobody waits any more */
	CHECK(find(t, "/a", "9").must_wait);
	CHECK_INT(published_take(t, stoa_str("/a")), 0);
	CHECK_INT(woken[3], 2);
	CHECK(!find(t, "/a", "9").is_known);
	CHECK_INT(published_take(t, stoa_str("/a")), -ENOENT);
	/* a rule alone: a path that is about to come */
	CHECK_INT(published_rule(t, NULL, "/b", NULL, NULL, 100), 0);
	CHECK(find(t, "/b", "").must_wait);
	CHECK_INT(published_rule(t, NULL, "/c", want, NULL, 100), 0);
	CHECK(!find(t, "/c", "").is_known);
	published_remove(t, NULL);
	CHECK(!find(t, "/b", "").is_known);
	published_free(t);
}

static struct published *shared;

static void *read_storm(void *arg)
{
	uint64_t last = 0;
	int *failed = arg;

	while (last < 2000) {
		struct published_found f;

		published_find(shared, 1, stoa_str("/s"), stoa_str(""), &f);
		if (!f.pub)
			continue;
		if (f.pub->version < last || f.pub->bytes->n != 1 + f.pub->version % 50)
			*failed = 1;
		last = f.pub->version;
		pub_unref(f.pub);
	}
	return NULL;
}

static void test_threads(void)
{
	pthread_t threads[3];
	int failed[3] = { 0 };
	char text[64];

	shared = published_new(on_wake, NULL);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, read_storm, &failed[i]);
	for (uint64_t v = 1; v <= 2000; v++) {
		memset(text, 'x', sizeof(text));
		text[1 + v % 50] = '\0';
		put(shared, "/s", text, v);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		CHECK_INT(failed[i], 0);
	}
	published_free(shared);
}

int main(void)
{
	test_versions();
	test_threads();
	return check_done();
}
