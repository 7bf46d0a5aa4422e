/* SPDX-License-Identifier: Apache-2.0 */
/* Local addresses, their text, and sockets bound to them. */
#include "check.h"

#include "net.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_local(void)
{
	struct address all[NET_ADDRESSES_MAX];
	int n = net_local_addresses(all, NET_ADDRESSES_MAX);
	bool has_loopback = false;

	CHECK(n >= 1 && n <= NET_ADDRESSES_MAX);
	for (int i = 0; i < n; i++) {
		has_loopback |= all[i].family == 4 && all[i].ip[0] == 127;
		CHECK(!net_is_wildcard(&all[i]));
		CHECK(!(all[i].family == 6 && all[i].ip[0] == 0xfe &&
			(all[i].ip[1] & 0xc0) == 0x80));
		CHECK_INT(all[i].port, 0);
	}
	CHECK(has_loopback);
	CHECK_INT(net_local_addresses(all, 1), 1);
}

static void test_text(void)
{
	static const char *const good[] = { "192.0.2.1", "2001:db8::1", "::", "0.0.0.0" };
	static const char *const bad[] = { "",      "192.0.2",        "192.0.2.256", "localhost",
					   "[::1]", "192.0.2.1:7882", "fe80::1%lo" };
	char text[ADDRESS_TEXT];
	struct address a;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(good); i++) {
		CHECK_INT(net_parse_address(good[i], &a), 0);
		net_format_host(&a, text);
		CHECK_STR(text, good[i]);
		CHECK(net_is_wildcard(&a) == (i >= 2));
	}
	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++)
		CHECK_INT(net_parse_address(bad[i], &a), -EINVAL);
}

static void test_bind(void)
{
	struct address a = { .family = 4, .ip = { 127, 0, 0, 1 } }, foreign = { .family = 4 };
	union sockaddr_any sa;
	socklen_t len = sizeof(sa);
	int fd, second;

	CHECK_INT(net_bind(&a, 65536, &fd), 0);
	CHECK_INT(getsockname(fd, &sa.sa, &len), 0);
	CHECK_INT(address_from(&sa, 0, &a), 0);
	CHECK(a.port != 0);
	CHECK_INT(net_bind(&a, 65536, &second), -EADDRINUSE);
	close(fd);
	CHECK_INT(net_parse_address("192.0.2.77", &foreign), 0); /* not of this machine */
	CHECK_INT(net_bind(&foreign, 65536, &second), -EADDRNOTAVAIL);
}

int main(void)
{
	test_local();
	test_text();
	test_bind();
	return check_done();
}
