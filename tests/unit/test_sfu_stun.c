/* SPDX-License-Identifier: Apache-2.0 */
/* Binding requests, good and bad, against requests that the test writes itself. */
#include "check.h"

#include "client.h"
#include "stun.h"

#include <errno.h>
#include <stdbool.h>

#define PWD "serverpasswordserverpass"

static struct stun_server *server;
static const struct address from = { .family = 4, .ip = { 192, 0, 2, 9 }, .port = 4711 };
static const uint8_t id[12] = "transaction";
static unsigned asked;

static bool look_up(void *user, struct stoa_str local, struct stoa_str remote,
		    struct stoa_str *ret_pwd)
{
	(void)user;
	asked++;
	if (!stoa_str_is(local, "srvU") || !stoa_str_is(remote, "them"))
		return false;
	*ret_pwd = stoa_str(PWD);
	return true;
}

static int check(const uint8_t *msg, size_t n, struct stun_check *ret_check)
{
	return stun_server_check(server, msg, n, &from, look_up, NULL, ret_check);
}

static void test_good(void)
{
	struct stun_check c;
	uint8_t msg[300];
	size_t n = client_make_check(msg, sizeof(msg), "srvU:them", PWD, false, id);
	static const uint8_t mapped[] = { 0, 0x20, 0, 8, 0, 1 };
	bool has_mapped = false;

	CHECK_INT(check(msg, n, &c), 0);
	CHECK(c.is_authentic && !c.use_candidate);
	CHECK_INT(c.priority, 0x6e0001ff);
	CHECK(c.reply_len > 20 && c.reply[0] == 1 && c.reply[1] == 1);
	CHECK(memcmp(c.reply + 8, id, 12) == 0);
	for (size_t i = 20; i + 12 <= c.reply_len; i += 4) /* XOR-MAPPED-ADDRESS is ours to see */
		if (memcmp(c.reply + i, mapped, sizeof(mapped)) == 0)
			has_mapped = (c.reply[i + 6] ^ 0x21) == 4711 >> 8 &&
				     (c.reply[i + 7] ^ 0x12) == (4711 & 0xff) &&
				     (c.reply[i + 8] ^ 0x21) == 192 &&
				     (c.reply[i + 11] ^ 0x42) == 9;
	CHECK(has_mapped);
	n = client_make_check(msg, sizeof(msg), "srvU:them", PWD, true, id);
	CHECK_INT(check(msg, n, &c), 0);
	CHECK(c.use_candidate);
}

static void test_users(void)
{
	static const char *const users[] = { "srvU:other", "other:them", "srvU", ":", "", "srvU:" };
	struct stun_check c;
	uint8_t msg[300];

	for (size_t i = 0; i < STOA_ARRAY_SIZE(users); i++) {
		size_t n = client_make_check(msg, sizeof(msg), users[i], PWD, false, id);

		CHECK_INT(check(msg, n, &c), -ENOENT);
	}
}

/* Any changed byte makes it worthless, whatever the fingerprint says. */
static void test_forged(void)
{
	struct stun_check c;
	uint8_t msg[300], bad[300];
	size_t n = client_make_check(msg, sizeof(msg), "srvU:them", PWD, true, id);

	for (size_t i = 0; i < n * 8; i++) {
		memcpy(bad, msg, n);
		bad[i / 8] ^= (uint8_t)(1u << i % 8);
		CHECK(check(bad, n, &c) < 0);
	}
	for (size_t k = 0; k < n; k++)
		CHECK(check(msg, k, &c) < 0);
	n = client_make_check(msg, sizeof(msg), "srvU:them", "not the password", true, id);
	CHECK_INT(check(msg, n, &c), -EBADMSG);
	CHECK_INT(check(msg, n, &c), -EBADMSG); /* also when it is said twice */
}

static void set_length(uint8_t *msg, size_t n)
{
	msg[2] = (uint8_t)((n - 20) >> 8);
	msg[3] = (uint8_t)(n - 20);
}

/* Without MESSAGE-INTEGRITY, without FINGERPRINT, or with an attribute slipped in behind. */
static void test_left_out(void)
{
	struct stun_check c;
	uint8_t msg[300];
	size_t n = client_make_check(msg, sizeof(msg), "srvU:them", PWD, false, id);

	set_length(msg, n - 32);
	CHECK(check(msg, n - 32, &c) < 0);
	n = client_make_check(msg, sizeof(msg), "srvU:them", PWD, false, id);
	set_length(msg, n - 8);
	CHECK(check(msg, n - 8, &c) < 0);
	n = client_make_check(msg, sizeof(msg), "srvU:them", PWD, false, id);
	memmove(msg + n - 4, msg + n - 8, 8); /* USE-CANDIDATE before the fingerprint */
	memcpy(msg + n - 8, "\0\x25\0\0", 4);
	set_length(msg, n + 4);
	if (check(msg, n + 4, &c) == 0)
		CHECK(!c.use_candidate);
}

/* Responses, indications and other methods are nobody's; the library never sees them. */
static void test_kinds(void)
{
	static const uint8_t types[][2] = {
		{ 1, 1 }, { 0, 0x11 }, { 1, 0x11 }, { 0, 3 }, { 0, 0 }
	};
	struct stun_check c;
	uint8_t msg[300];
	size_t n = client_make_check(msg, sizeof(msg), "srvU:them", PWD, false, id);
	unsigned before = asked;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(types); i++) {
		memcpy(msg, types[i], 2);
		CHECK_INT(check(msg, n, &c), -EINVAL);
	}
	CHECK_INT(asked, before);
	CHECK_INT(check(msg, 1, &c), -EINVAL);
}

int main(void)
{
	CHECK_INT(stun_server_new(&server), 0);
	test_good();
	test_users();
	test_forged();
	test_left_out();
	test_kinds();
	stun_server_free(server);
	return check_done();
}
