/* SPDX-License-Identifier: Apache-2.0 */
/* The address table against a plain array, and the forms of an address. */
#include "check.h"

#include "../../modules/mod_sfu/address.c"

#define KEYS 500

static uint32_t seed = 3;

static uint32_t roll(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static struct address make_key(uint32_t i)
{
	struct address a = { .family = i % 3 ? 4 : 6, .port = (uint16_t)(i % 7), .socket = i % 2 };

	a.ip[i % 3 ? 3 : 15] = (uint8_t)i;
	a.ip[0] = (uint8_t)(i >> 8);
	return a;
}

static void test_table(void)
{
	static char values[KEYS];
	bool is_set[KEYS] = { false };
	struct address_map m;
	uint32_t n = 0;

	address_map_init(&m, 99);
	for (int step = 0; step < 50000; step++) {
		uint32_t i = roll(KEYS);
		struct address key = make_key(i);

		CHECK(address_map_get(&m, &key) == (is_set[i] ? &values[i] : NULL));
		if (roll(5) < 3) {
			CHECK_INT(address_map_set(&m, &key, &values[i]), 0);
			n += !is_set[i];
			is_set[i] = true;
		} else {
			address_map_remove(&m, &key);
			n -= is_set[i];
			is_set[i] = false;
		}
		CHECK_INT(m.n, n);
	}
	for (uint32_t i = 0; i < KEYS; i++) {
		struct address key = make_key(i);

		CHECK(address_map_get(&m, &key) == (is_set[i] ? &values[i] : NULL));
	}
	address_map_reset(&m);
	CHECK(m.n == 0 && !m.entries);
}

static void test_replace(void)
{
	struct address key = make_key(5);
	struct address_map m;
	int a, b;

	address_map_init(&m, 1);
	address_map_set(&m, &key, &a);
	address_map_set(&m, &key, &b);
	CHECK(m.n == 1 && address_map_get(&m, &key) == &b);
	key.socket ^= 1; /* the same peer at another of our sockets is another path */
	CHECK(!address_map_get(&m, &key));
	address_map_reset(&m);
}

static void test_forms(void)
{
	struct address a = { .family = 4, .ip = { 192, 0, 2, 1 }, .port = 7882, .socket = 3 }, b;
	struct address six = { .family = 6, .ip = { 0x20, 1, 0xd, 0xb8, [15] = 1 }, .port = 9 };
	union sockaddr_any sa;
	char text[ADDRESS_TEXT];

	CHECK_INT(address_to(&a, &sa), sizeof(struct sockaddr_in));
	CHECK_INT(address_from(&sa, 3, &b), 0);
	CHECK(address_eq(&a, &b));
	address_format(&a, text);
	CHECK_STR(text, "192.0.2.1:7882");
	CHECK_INT(address_to(&six, &sa), sizeof(struct sockaddr_in6));
	CHECK_INT(address_from(&sa, 0, &b), 0);
	CHECK(address_eq(&six, &b));
	address_format(&six, text);
	CHECK_STR(text, "[2001:db8::1]:9");
	sa.sa.sa_family = AF_UNIX;
	CHECK_INT(address_from(&sa, 0, &b), -EAFNOSUPPORT);
}

int main(void)
{
	test_table();
	test_replace();
	test_forms();
	return check_done();
}
