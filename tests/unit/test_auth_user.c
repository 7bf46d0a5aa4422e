/* SPDX-License-Identifier: Apache-2.0 */
/* user.c: claims to users, and their standing in channels. */
#include <errno.h>
#include <stoa/util.h>
#include "user.h"
#include "check.h"

static const struct stoa_user *make(const char *claims, int *ret_err, const char **ret_why)
{
	const struct jws_times t = { .exp = 2000, .iat = 1000 };
	const struct stoa_user *u = NULL;
	json_t *o = json_loads(claims, 0, NULL);

	CHECK(o != NULL);
	*ret_err = user_new(o, &t, &u, ret_why);
	json_decref(o);
	return u;
}

static void test_everything(void)
{
	const char *why;
	int err;
	const struct stoa_user *u = make(
		"{\"sub\":\"alice\",\"name\":\"Alice A.\",\"avatar\":\"https://example.org/a.png\","
		"\"roles\":[\"admin\",\"cook\",7,\"moderator\"],\"channels\":[\"general\",\"\",3,"
		"\"news\"],"
		"\"channelRoles\":{\"general\":{\"role\":\"owner\"},\"art\":{\"role\":\"vip\","
		"\"since\":\"2026-01-02T03:04:05.678Z\"},\"odd\":{\"role\":\"king\"},\"bad\":1}}",
		&err, &why);

	CHECK_INT(err, 0);
	if (!u)
		return;
	CHECK_STR(u->id, "alice");
	CHECK_STR(u->name, "Alice A.");
	CHECK_STR(u->avatar, "https://example.org/a.png");
	CHECK_INT(u->flags, STOA_USER_ADMIN | STOA_USER_MODERATOR);
	CHECK_INT(u->issued_ms, 1000000);
	CHECK_INT(u->expires_ms, 2000000);
	CHECK(!u->all_channels);
	CHECK_STR(u->channels[0], "general");
	CHECK_STR(u->channels[1], "news");
	CHECK(u->channels[2] == NULL);
	CHECK_INT(user_role(u, "general"), STOA_ROLE_OWNER);
	CHECK_INT(user_role(u, "art"), STOA_ROLE_VIP);
	CHECK_INT(user_role(u, "news"), STOA_ROLE_MEMBER);
	CHECK_INT(user_role(u, "odd"), STOA_ROLE_NONE);
	CHECK_INT(user_role(u, "other"), STOA_ROLE_NONE);
	CHECK(user_ref(u) == u);
	user_unref(u);
	CHECK_STR(u->id, "alice");
	user_unref(u);
	user_unref(NULL);
}

static void test_all_channels(void)
{
	static const char *const forms[] = { "{\"sub\":\"a\",\"channels\":\"*\"}",
					     "{\"sub\":\"a\",\"channels\":[\"x\",\"*\"]}" };
	const char *why;
	int err;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(forms); i++) {
		const struct stoa_user *u = make(forms[i], &err, &why);

		CHECK_INT(err, 0);
		CHECK(u && u->all_channels);
		CHECK_INT(user_role(u, "anything"), STOA_ROLE_MEMBER);
		user_unref(u);
	}
}

static void test_little(void)
{
	const char *why;
	int err;
	const struct stoa_user *u =
		make("{\"sub\":\"a\",\"name\":1,\"channels\":\"x\"}", &err, &why);

	CHECK_INT(err, 0);
	CHECK_STR(u->name, "");
	CHECK_STR(u->avatar, "");
	CHECK_INT(u->flags, 0);
	CHECK(u->channels[0] == NULL);
	CHECK_INT(user_role(u, "x"), STOA_ROLE_NONE);
	user_unref(u);
}

static void test_refused(void)
{
	static const char *const bad[] = { "{}", "{\"sub\":\"\"}", "{\"sub\":7}",
					   "{\"sub\":\"a\",\"video\":{}}",
					   "{\"sub\":\"a\",\"sip\":{}}" };
	char long_id[300] = "{\"sub\":\"", *p = long_id + strlen(long_id);
	const char *why = NULL;
	int err;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		CHECK(make(bad[i], &err, &why) == NULL);
		CHECK_INT(err, -EACCES);
	}
	memset(p, 'x', 256);
	strcpy(p + 256, "\"}");
	CHECK(make(long_id, &err, &why) == NULL);
	CHECK_STR(why, "its sub is not text of 1 to 255 bytes");
	strcpy(p + 255, "\"}");
	user_unref(make(long_id, &err, &why));
	CHECK_INT(err, 0);
}

int main(void)
{
	test_everything();
	test_all_channels();
	test_little();
	test_refused();
	return check_done();
}
