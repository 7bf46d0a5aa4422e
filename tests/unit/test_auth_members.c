/* SPDX-License-Identifier: Apache-2.0 */
/* members.c: the table, and the text of its file. */
#include <errno.h>
#include <stdlib.h>
#include "members.h"
#include "check.h"

#define HEADER "stoa members 1\n"

static struct members *set(struct members *t_take, const char *channel, const char *user,
			   enum stoa_role role, int64_t since_ms)
{
	const struct member m = { channel, user, role, since_ms };
	struct members *next = NULL;

	CHECK_INT(members_set(t_take, &m, &next), 0);
	members_free(t_take);
	return next;
}

static int role_of(const struct members *t, const char *channel, const char *user)
{
	const struct member *m = members_find(t, channel, user);

	return m ? (int)m->role : STOA_ROLE_NONE;
}

static void test_table(void)
{
	struct members *t = members_new(), *next = NULL;

	CHECK(!members_find(t, "general", "alice"));
	t = set(t, "general", "bob", STOA_ROLE_VIP, 5);
	t = set(t, "general", "alice", STOA_ROLE_MODERATOR, 6);
	t = set(t, "art", "bob", STOA_ROLE_OWNER, 7);
	CHECK_INT(members_count(t), 3);
	CHECK_INT(role_of(t, "general", "bob"), STOA_ROLE_VIP);
	CHECK_INT(role_of(t, "general", "alice"), STOA_ROLE_MODERATOR);
	CHECK_INT(role_of(t, "art", "bob"), STOA_ROLE_OWNER);
	CHECK_INT(role_of(t, "art", "alice"), STOA_ROLE_NONE);
	t = set(t, "general", "bob", STOA_ROLE_FOLLOWER, 8); /* replaced, not added */
	CHECK_INT(members_count(t), 3);
	CHECK_INT(role_of(t, "general", "bob"), STOA_ROLE_FOLLOWER);
	CHECK_INT(members_find(t, "general", "bob")->since_ms, 8);

	CHECK_INT(members_remove(t, "general", "zoe", &next), -ENOENT);
	CHECK_INT(members_remove(t, "general", "alice", &next), 0);
	/* the old table is as it was, whatever happens to the new one */
	CHECK_INT(members_count(next), 2);
	CHECK_INT(role_of(next, "general", "alice"), STOA_ROLE_NONE);
	members_free(next);
	CHECK_INT(role_of(t, "general", "alice"), STOA_ROLE_MODERATOR);
	members_free(t);
	members_free(NULL);
}

static void test_text(void)
{
	char id[MEMBERS_ID_MAX + 1];
	struct members *t, *back = NULL;
	struct stoa_buf text = { 0 };
	int line = -1;

	memset(id, 'x', MEMBERS_ID_MAX);
	id[MEMBERS_ID_MAX] = '\0';
	t = set(members_new(), "a b\n", "b\xc3\xb6rn", STOA_ROLE_SUBSCRIBER, 0);
	t = set(t, id, id, STOA_ROLE_SUBSCRIBER, MEMBERS_SINCE_MAX);
	members_write(t, &text);
	CHECK_INT(members_read(stoa_strn(text.p, text.n), &back, &line), 0);
	CHECK_INT(members_count(back), 2);
	CHECK_INT(role_of(back, "a b\n", "b\xc3\xb6rn"), STOA_ROLE_SUBSCRIBER);
	CHECK_INT(members_find(back, id, id)->since_ms, MEMBERS_SINCE_MAX);
	members_free(back);
	/* cut off anywhere but between lines, it is refused rather than half believed */
	for (size_t n = 0; n < text.n; n++)
		if (!n || text.p[n - 1] != '\n')
			CHECK_INT(members_read(stoa_strn(text.p, n), &back, &line), -EBADMSG);
	members_free(t);
	stoa_buf_free(&text);
}

static void test_damaged(void)
{
	static const struct {
		const char *text;
		int line;
	} bad[] = {
		{ "", 1 },
		{ "stoa members 2\n", 1 },
		{ HEADER "vip 1 YQ Ym9i", 1 },
		{ HEADER "\n", 2 },
		{ HEADER "vip\n", 2 },
		{ HEADER "vip 1 YQ\n", 2 },
		{ HEADER "vip 1 YQ Ym9i more\n", 2 },
		{ HEADER "vip 1 YQ Ym9i \n", 2 },
		{ HEADER "vip  1 YQ Ym9i\n", 2 },
		{ HEADER "king 1 YQ Ym9i\n", 2 },
		{ HEADER "vip -1 YQ Ym9i\n", 2 },
		{ HEADER "vip 1x YQ Ym9i\n", 2 },
		{ HEADER "vip 253402300800000 YQ Ym9i\n", 2 },
		{ HEADER "vip 99999999999999999999 YQ Ym9i\n", 2 },
		{ HEADER "vip 1 YQ YgBi\n", 2 }, /* NUL inside */
		{ HEADER "vip 1 _w Ym9i\n", 2 }, /* not UTF-8 */
		{ HEADER "vip 1 YQ Ym9i\nvip 1 YQ Ym9i\n", 3 },
		{ HEADER "vip 1 YQ Ym9i\nvip 1 YQ YWxpY2U\n", 3 },
	};
	struct members *t = NULL;
	int line;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		CHECK_INT(members_read(stoa_str(bad[i].text), &t, &line), -EBADMSG);
		CHECK_INT(line, bad[i].line);
	}
}

static void test_full(void)
{
	struct member one_more = { "c", "one-more", STOA_ROLE_VIP, 1 };
	struct stoa_buf text = { 0 };
	struct members *t = NULL, *next = NULL;
	int line = 0;

	stoa_buf_adds(&text, HEADER);
	for (int i = 0; i < MEMBERS_MAX; i++) {
		char user[16], name[32];

		snprintf(user, sizeof(user), "u%06d", i);
		stoa_base64url_encode(user, strlen(user), name);
		stoa_buf_addf(&text, "vip %d Yw %s\n", i, name);
	}
	CHECK_INT(members_read(stoa_strn(text.p, text.n), &t, &line), 0);
	CHECK_INT(members_count(t), MEMBERS_MAX);
	CHECK_INT(members_find(t, "c", "u004711")->since_ms, 4711);
	CHECK_INT(members_set(t, &one_more, &next), -ENOSPC);
	one_more.user = "u000000"; /* no new entry */
	CHECK_INT(members_set(t, &one_more, &next), 0);
	members_free(next);
	members_free(t);
	stoa_buf_adds(&text, "vip 1 Yw enp6\n");
	CHECK_INT(members_read(stoa_strn(text.p, text.n), &t, &line), -EBADMSG);
	stoa_buf_free(&text);
}

int main(void)
{
	test_table();
	test_text();
	test_damaged();
	test_full();
	return check_done();
}
