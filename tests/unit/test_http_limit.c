/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "limit.h"
#include "settings.h"

#include <arpa/inet.h>

static struct limit_slot *from(struct limit_table *t, const char *address, unsigned max,
			       unsigned per_address)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	if (strchr(address, ':')) {
		inet_pton(AF_INET6, address, &v6.sin6_addr);
		return limit_connect(t, (struct sockaddr *)&v6, max, per_address);
	}
	inet_pton(AF_INET, address, &v4.sin_addr);
	return limit_connect(t, (struct sockaddr *)&v4, max, per_address);
}

static void test_connections(void)
{
	struct limit_table *t = limit_table_new();
	struct limit_slot *a = from(t, "192.0.2.1", 3, 2), *b = from(t, "192.0.2.1", 3, 2);

	CHECK(a && a == b);
	CHECK(!from(t, "192.0.2.1", 3, 2));
	CHECK(!from(t, "::ffff:192.0.2.1", 3, 2)); /* the same host */
	CHECK(from(t, "2001:db8::1", 3, 1) != NULL);
	CHECK(!from(t, "2001:db8::2", 0, 1)); /* the same /64 */
	CHECK(!from(t, "192.0.2.2", 3, 2));   /* full */
	limit_disconnect(t, a);
	CHECK(from(t, "192.0.2.2", 3, 2) != NULL);
	CHECK_INT(limit_connections(t), 3);
	limit_table_free(t);
}

static void test_requests(void)
{
	struct limit_table *t = limit_table_new();
	struct limit_slot *s = from(t, "192.0.2.1", 0, 0);
	uint64_t now = 1000000;
	unsigned taken = 0, wait;

	CHECK_INT(limit_request(s, 0, now), 0);
	while (!(wait = limit_request(s, 60, now)))
		taken++;
	CHECK(taken >= 10 && taken <= 12); /* the burst */
	CHECK(wait >= 1 && wait <= 2);
	CHECK_INT(limit_request(s, 60, now + wait * 1000), 0);
	taken = 0;
	for (unsigned i = 0; i < 600; i++) /* a minute of trying ten times a second */
		taken += !limit_request(s, 60, now + 5000 + i * 100);
	CHECK(taken >= 60 && taken <= 72);
	limit_table_free(t);
}

static void test_proxies(void)
{
	struct proxy_net nets[2];
	struct settings s = { .proxies = nets, .n_proxies = 2 };
	char out[48];

	CHECK_INT(proxy_net_parse("10.0.0.0/8", &nets[0]), 0);
	CHECK_INT(proxy_net_parse("2001:db8::/33", &nets[1]), 0);
	CHECK(settings_trusts(&s, "10.9.8.7"));
	CHECK(!settings_trusts(&s, "11.0.0.0"));
	CHECK(settings_trusts(&s, "2001:db8:7fff::1"));
	CHECK(!settings_trusts(&s, "2001:db8:8000::1"));
	CHECK(!settings_trusts(&s, "nonsense"));
	CHECK(proxy_net_parse("10.0.0.0/33", &nets[0]) < 0);
	CHECK(proxy_net_parse("10.0.0.0/", &nets[0]) < 0);
	CHECK(proxy_net_parse("10.0.0.0/ 8", &nets[0]) < 0);
	CHECK(proxy_net_parse("/8", &nets[0]) < 0);
	CHECK(proxy_address_copy(stoa_str("192.0.2.1:4711"), out) && !strcmp(out, "192.0.2.1"));
	CHECK(proxy_address_copy(stoa_str("[2001:db8::1]:80"), out) && !strcmp(out, "2001:db8::1"));
	CHECK(!proxy_address_copy(stoa_str("unknown"), out));
	CHECK(!proxy_address_copy(stoa_str(""), out));
}

int main(void)
{
	test_connections();
	test_requests();
	test_proxies();
	return check_done();
}
