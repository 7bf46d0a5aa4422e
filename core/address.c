/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses from text. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "address.h"

static int parse_port(struct stoa_str s, in_port_t *ret_port)
{
	unsigned v = 0;

	if (s.n == 0 || s.n > 5 || (s.n > 1 && s.p[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -EINVAL;
		v = v * 10 + (unsigned)(s.p[i] - '0');
	}
	if (v > 65535)
		return -EINVAL;
	*ret_port = htons((in_port_t)v);
	return 0;
}

static void set_in6(struct address *a, const struct in6_addr *host, in_port_t port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->sa;

	in6->sin6_family = AF_INET6;
	in6->sin6_addr = *host;
	in6->sin6_port = port;
	a->len = sizeof(*in6);
}

static void set_in4(struct address *a, const struct in_addr *host, in_port_t port)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)&a->sa;

	in4->sin_family = AF_INET;
	in4->sin_addr = *host;
	in4->sin_port = port;
	a->len = sizeof(*in4);
}

int address_parse(struct stoa_str s, struct address *ret)
{
	const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
	size_t n = colon ? (size_t)(colon - s.p) : 0;
	struct address a = { .is_dual = false };
	char host[INET6_ADDRSTRLEN];
	struct in6_addr v6;
	struct in_addr v4;
	in_port_t port;

	if (!n || n >= sizeof(host) || parse_port(stoa_strn(colon + 1, s.n - n - 1), &port) < 0)
		return -EINVAL;
	if (s.p[0] == '[' && s.p[n - 1] == ']') {
		memcpy(host, s.p + 1, n - 2);
		host[n - 2] = '\0';
		if (inet_pton(AF_INET6, host, &v6) != 1)
			return -EINVAL;
		set_in6(&a, &v6, port);
	} else if (n == 1 && s.p[0] == '*') {
		a.is_dual = true;
		set_in6(&a, &in6addr_any, port);
	} else {
		memcpy(host, s.p, n);
		host[n] = '\0';
		if (inet_pton(AF_INET, host, &v4) != 1)
			return -EINVAL;
		set_in4(&a, &v4, port);
	}
	*ret = a;
	return 0;
}

void address_any4(struct address *a)
{
	in_port_t port = ((struct sockaddr_in6 *)&a->sa)->sin6_port;
	struct in_addr any = { .s_addr = htonl(INADDR_ANY) };

	memset(a, 0, sizeof(*a));
	set_in4(a, &any, port);
}
