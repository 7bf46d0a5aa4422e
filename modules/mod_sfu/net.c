/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets and local addresses, see net.h. Each local address gets a socket of its own: a reply then
 * leaves from the address that was asked, without a control message per packet. */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_wanted(const struct ifaddrs *i, const struct address *a)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	if (!(i->ifa_flags & IFF_UP))
		return false;
	if (a->family == 4)
		return true;
	return !(a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80) &&
	       memcmp(a->ip, loopback, sizeof(loopback)) != 0;
}

int net_local_addresses(struct address *out, int cap)
{
	struct ifaddrs *all;
	int n = 0;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (struct ifaddrs *i = all; i && n < cap; i = i->ifa_next) {
		struct address a;

		if (!i->ifa_addr ||
		    address_from((const union sockaddr_any *)(const void *)i->ifa_addr, 0, &a))
			continue;
		a.port = 0;
		if (is_wanted(i, &a))
			out[n++] = a;
	}
	freeifaddrs(all);
	return n;
}

int net_parse_address(const char *text, struct address *ret_a)
{
	struct address a = { .family = 4 };

	if (inet_pton(AF_INET, text, a.ip) != 1) {
		a.family = 6;
		if (inet_pton(AF_INET6, text, a.ip) != 1)
			return -EINVAL;
	}
	*ret_a = a;
	return 0;
}

bool net_is_wildcard(const struct address *a)
{
	static const uint8_t none[16];

	return memcmp(a->ip, none, sizeof(none)) == 0;
}

void net_format_host(const struct address *a, char out[ADDRESS_TEXT])
{
	if (!inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, out, ADDRESS_TEXT))
		snprintf(out, ADDRESS_TEXT, "?");
}

int net_bind(const struct address *a, int buffer, int *ret_fd)
{
	union sockaddr_any sa;
	socklen_t len = address_to(a, &sa);
	int fd = socket(sa.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	int err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	if (a->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
		goto fail;
	if (bind(fd, &sa.sa, len) < 0)
		goto fail;
	*ret_fd = fd;
	return 0;
fail:
	err = -errno;
	close(fd);
	return err;
}
