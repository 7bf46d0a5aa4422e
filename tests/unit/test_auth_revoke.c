/* SPDX-License-Identifier: Apache-2.0 */
/* revoke.c: the table, and its file. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "file.h"
#include "revoke.h"
#include "check.h"

static char dir[] = "/tmp/stoa-revoke-XXXXXX", path[128];

static struct revoked *add(struct revoked *t_take, const char *user, int64_t now_s, int64_t want)
{
	struct revoked *next = NULL;
	int64_t before = 0;

	CHECK_INT(revoked_add(t_take, user, now_s, &next, &before), 0);
	CHECK_INT(before, want);
	revoked_free(t_take);
	return next;
}

static void test_table(void)
{
	struct revoked *t = revoked_new();

	CHECK_INT(revoked_before(t, "alice"), 0);
	t = add(t, "mallory", 100, 100);
	t = add(t, "alice", 200, 200);
	t = add(t, "zoe", 300, 300);
	t = add(t, "alice", 400, 400);
	CHECK_INT(revoked_count(t), 3);
	CHECK_INT(revoked_before(t, "alice"), 400);
	CHECK_INT(revoked_before(t, "mallory"), 100);
	CHECK_INT(revoked_before(t, "zoe"), 300);
	CHECK_INT(revoked_before(t, "bob"), 0);
	CHECK_INT(revoked_before(t, "alice2"), 0);
	/* twice in one second, and after the clock went back: always a later moment */
	t = add(t, "alice", 400, 401);
	t = add(t, "alice", 350, 402);
	revoked_free(t);
	revoked_free(NULL);
}

static void test_file(void)
{
	struct revoked *t = add(revoked_new(), "alice", 1795398000, 1795398000), *back = NULL;
	struct stoa_buf text = { 0 };
	struct stat st;
	int line = -1;

	t = add(t, "b\xc3\xb6rn with spaces\n", 1795398001, 1795398001);
	CHECK_INT(revoked_load(path, &back, &line), 0); /* no file yet */
	CHECK_INT(revoked_count(back), 0);
	revoked_free(back);

	revoked_write(t, &text);
	CHECK_INT(file_save(path, text.p, text.n), 0);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(revoked_load(path, &back, &line), 0);
	CHECK_INT(revoked_count(back), 2);
	CHECK_INT(revoked_before(back, "alice"), 1795398000);
	CHECK_INT(revoked_before(back, "b\xc3\xb6rn with spaces\n"), 1795398001);
	revoked_free(back);

	/* cut off anywhere but between lines, it is refused rather than half believed */
	for (size_t n = 0; n < text.n; n++) {
		if (n && text.p[n - 1] == '\n')
			continue;
		CHECK_INT(revoked_read(stoa_strn(text.p, n), &back, &line), -EBADMSG);
	}
	revoked_free(t);
	stoa_buf_free(&text);
}

static void test_failed_write_keeps_the_old(void)
{
	struct revoked *back = NULL;
	char bad[160];
	int line;

	snprintf(bad, sizeof(bad), "%s/no/such/dir", dir);
	CHECK_INT(file_save(bad, "x", 1), -ENOENT);
	snprintf(bad, sizeof(bad), "%s.new", path); /* a directory in the way of the new file */
	CHECK_INT(mkdir(bad, 0700), 0);
	CHECK_INT(file_save(path, "x", 1), -EISDIR);
	rmdir(bad);
	CHECK_INT(revoked_load(path, &back, &line), 0);
	CHECK_INT(revoked_count(back), 2);
	revoked_free(back);
}

static void test_damaged(void)
{
	static const struct {
		const char *text;
		int line;
	} bad[] = {
		{ "", 1 },
		{ "stoa revocations 2\n", 1 },
		{ "stoa revocations 1\n100 YWxpY2U", 1 },
		{ "stoa revocations 1\nYWxpY2U\n", 2 },
		{ "stoa revocations 1\n100  \n", 2 },
		{ "stoa revocations 1\n0 YWxpY2U\n", 2 },
		{ "stoa revocations 1\n-1 YWxpY2U\n", 2 },
		{ "stoa revocations 1\n99999999999999999999 YWxpY2U\n", 2 },
		{ "stoa revocations 1\n100 YWxpY2U\n100 YWxpY2U\n", 3 },
		{ "stoa revocations 1\n100 YgBi\n", 2 }, /* NUL inside */
		{ "stoa revocations 1\n\n", 2 },
	};
	struct revoked *t = NULL;
	int line;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		CHECK_INT(revoked_read(stoa_str(bad[i].text), &t, &line), -EBADMSG);
		CHECK_INT(line, bad[i].line);
	}
}

static void test_full(void)
{
	struct stoa_buf text = { 0 };
	struct revoked *t = NULL, *next = NULL;
	int64_t before;
	int line = 0;

	stoa_buf_adds(&text, "stoa revocations 1\n");
	for (int i = 0; i < REVOKE_MAX; i++) {
		char user[16], name[32];

		snprintf(user, sizeof(user), "u%06d", i);
		stoa_base64url_encode(user, strlen(user), name);
		stoa_buf_addf(&text, "%d %s\n", i + 1, name);
	}
	CHECK_INT(revoked_read(stoa_strn(text.p, text.n), &t, &line), 0);
	CHECK_INT(revoked_count(t), REVOKE_MAX);
	CHECK_INT(revoked_before(t, "u004711"), 4712);
	CHECK_INT(revoked_add(t, "one-more", 5, &next, &before), -ENOSPC);
	CHECK_INT(revoked_add(t, "u000000", 5, &next, &before), 0); /* no new entry */
	revoked_free(next);
	revoked_free(t);
	stoa_buf_adds(&text, "5 enp6\n");
	CHECK_INT(revoked_read(stoa_strn(text.p, text.n), &t, &line), -EBADMSG);
	stoa_buf_free(&text);
}

int main(void)
{
	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/revoked-tokens", dir);
	test_table();
	test_file();
	test_failed_write_keeps_the_old();
	test_damaged();
	test_full();
	unlink(path);
	CHECK_INT(rmdir(dir), 0); /* nothing left behind */
	return check_done();
}
