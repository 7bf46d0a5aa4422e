/* SPDX-License-Identifier: Apache-2.0 */
/* Freezes the options into what the edges read. Called by module.c on ctl. */
#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

static int to_in6(const char *text, struct in6_addr *ret, bool *ret_is_v4)
{
	struct in_addr v4;

	*ret_is_v4 = inet_pton(AF_INET, text, &v4) == 1;
	if (*ret_is_v4) {
		memset(ret, 0, sizeof(*ret));
		ret->s6_addr[10] = ret->s6_addr[11] = 0xff;
		memcpy(&ret->s6_addr[12], &v4, 4);
		return 0;
	}
	return inet_pton(AF_INET6, text, ret) == 1 ? 0 : -EINVAL;
}

int proxy_net_parse(const char *text, struct proxy_net *ret)
{
	char address[64];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long bits;
	bool is_v4;
	char *end;

	if (n == 0 || n >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, n);
	address[n] = '\0';
	if (to_in6(address, &ret->net, &is_v4) < 0)
		return -EINVAL;
	bits = is_v4 ? 32 : 128;
	if (slash) {
		if (slash[1] < '0' || slash[1] > '9')
			return -EINVAL;
		errno = 0;
		n = strtoul(slash + 1, &end, 10);
		if (*end || errno || n > bits)
			return -EINVAL;
		bits = n;
	}
	ret->bits = (unsigned)bits + (is_v4 ? 96 : 0);
	return 0;
}

bool proxy_address_copy(struct stoa_str s, char out[48])
{
	struct in6_addr a;
	const char *end;
	bool is_v4;

	if (!s.p || s.n == 0)
		return false;
	if (s.p[0] == '[') {
		end = memchr(s.p, ']', s.n);
		s = end ? stoa_strn(s.p + 1, (size_t)(end - s.p - 1)) : s;
	} else if ((end = memchr(s.p, ':', s.n)) && memchr(s.p, '.', s.n)) {
		s.n = (size_t)(end - s.p); /* 192.0.2.1:4711 */
	}
	if (s.n == 0 || s.n > 46)
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return to_in6(out, &a, &is_v4) == 0;
}

static bool net_has(const struct proxy_net *net, const struct in6_addr *a)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (memcmp(&net->net, a, whole) != 0)
		return false;
	return !rest || ((net->net.s6_addr[whole] ^ a->s6_addr[whole]) >> (8 - rest)) == 0;
}

bool settings_trusts(const struct settings *s, const char *address)
{
	struct in6_addr a;
	bool is_v4;

	if (s->n_proxies == 0 || to_in6(address, &a, &is_v4) < 0)
		return false;
	for (size_t i = 0; i < s->n_proxies; i++)
		if (net_has(&s->proxies[i], &a))
			return true;
	return false;
}

static int copy_lists(const struct stoa_conf *c, struct settings *s)
{
	size_t n_origins = stoa_conf_list_len(c, "cors-origins");
	size_t n_proxies = stoa_conf_list_len(c, "trusted-proxies");

	s->cors_origins = calloc(n_origins + 1, sizeof(char *));
	s->proxies = calloc(n_proxies + 1, sizeof(*s->proxies));
	if (!s->cors_origins || !s->proxies)
		return -ENOMEM;
	for (size_t i = 0; i < n_origins; i++) {
		s->cors_origins[i] = strdup(stoa_conf_list_get(c, "cors-origins", i));
		if (!s->cors_origins[i])
			return -ENOMEM;
		s->n_cors_origins++;
	}
	for (size_t i = 0; i < n_proxies; i++) {
		if (proxy_net_parse(stoa_conf_list_get(c, "trusted-proxies", i), &s->proxies[i]))
			return -EINVAL;
		s->n_proxies++;
	}
	return 0;
}

static int copy_public_url(const struct stoa_conf *c, struct settings *s)
{
	const char *url = stoa_conf_string(c, "public-url");
	size_t n = strlen(url);

	if (!n)
		return 0;
	while (n && url[n - 1] == '/')
		n--;
	s->public_url = strndup(url, n);
	return s->public_url ? 0 : -ENOMEM;
}

int settings_new(const struct stoa_conf *c, struct settings **ret)
{
	struct settings *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	atomic_init(&s->refs, 1);
	s->line_max = (size_t)stoa_conf_size(c, "request-line-max");
	s->head_max = (size_t)stoa_conf_size(c, "head-max");
	s->body_max = (size_t)stoa_conf_size(c, "body-max");
	s->idle_ms = (uint32_t)stoa_conf_duration_ms(c, "idle-timeout");
	s->head_ms = (uint32_t)stoa_conf_duration_ms(c, "head-timeout");
	s->body_ms = (uint32_t)stoa_conf_duration_ms(c, "body-timeout");
	s->connections_max = (unsigned)stoa_conf_int(c, "connections-max");
	s->connections_per_address = (unsigned)stoa_conf_int(c, "connections-per-address");
	s->requests_per_address = (unsigned)stoa_conf_int(c, "requests-per-address");
	s->access_log = stoa_conf_bool(c, "access-log");
	err = copy_lists(c, s);
	if (!err)
		err = copy_public_url(c, s);
	if (err) {
		settings_unref(s);
		return err;
	}
	*ret = s;
	return 0;
}

struct settings *settings_ref(const struct settings *cs)
{
	struct settings *s = (struct settings *)(uintptr_t)cs;

	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void settings_unref(struct settings *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < s->n_cors_origins; i++)
		free(s->cors_origins[i]);
	free(s->cors_origins);
	free(s->proxies);
	free(s->public_url);
	free(s);
}
