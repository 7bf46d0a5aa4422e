/* SPDX-License-Identifier: Apache-2.0 */
/* limit.c: so many at once, so many per minute, in bounded memory. */
#include "limit.h"
#include "check.h"

static void test_burst_and_rate(void)
{
	struct limit *l = limit_new();

	for (int i = 0; i < 6; i++)
		CHECK_INT(limit_take(l, "192.0.2.1", 6, 5000), 0);
	CHECK_INT(limit_take(l, "192.0.2.1", 6, 5000), 10);
	CHECK_INT(limit_take(l, "192.0.2.2", 6, 5000), 0); /* somebody else */
	CHECK_INT(limit_take(l, "192.0.2.1", 6, 14001), 1);
	CHECK_INT(limit_take(l, "192.0.2.1", 6, 15000), 0);
	CHECK(limit_take(l, "192.0.2.1", 6, 15000) > 0);
	CHECK_INT(limit_take(l, "192.0.2.1", 6, 500000), 0); /* full again */
	limit_free(l);
	limit_free(NULL);
}

static void test_what_is_one_address(void)
{
	struct limit *l = limit_new();

	CHECK_INT(limit_take(l, "2001:db8:1:2::1", 1, 0), 0);
	CHECK(limit_take(l, "2001:db8:1:2:ffff::9", 1, 0) > 0);
	CHECK_INT(limit_take(l, "2001:db8:1:3::1", 1, 0), 0);
	CHECK_INT(limit_take(l, "192.0.2.7", 1, 0), 0);
	CHECK(limit_take(l, "::ffff:192.0.2.7", 1, 0) > 0);
	CHECK_INT(limit_take(l, "", 1, 0), 0);
	CHECK(limit_take(l, "unix", 1, 0) > 0);
	limit_free(l);
}

static void test_many_addresses(void)
{
	struct limit *l = limit_new();
	char peer[32];

	for (int i = 0; i < LIMIT_ADDRESSES_MAX; i++) {
		snprintf(peer, sizeof(peer), "198.18.%d.%d", i / 256, i % 256);
		CHECK_INT(limit_take(l, peer, 1, 2000), 0);
	}
	CHECK(limit_take(l, "203.0.113.1", 1, 2000) > 0);     /* no room */
	CHECK_INT(limit_take(l, "203.0.113.1", 1, 63000), 0); /* the others are forgotten */
	limit_free(l);
}

int main(void)
{
	test_burst_and_rate();
	test_what_is_one_address();
	test_many_addresses();
	return check_done();
}
