/* SPDX-License-Identifier: Apache-2.0 */
/* TURN REST credentials, as coturn's use-auth-secret checks them. */
#include "turn.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/util.h>

#define SHA1_LEN 20

static char *make_credential(const struct turn_server *t, const char *username)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	char text[4 * ((SHA1_LEN + 2) / 3) + 1];
	unsigned n = 0;

	if (!HMAC(EVP_sha1(), t->secret, (int)t->secret_len, (const uint8_t *)username,
		  strlen(username), mac, &n))
		return NULL;
	stoa_base64_encode(mac, n, text);
	return strdup(text);
}

/* The URLs are copied too: the set may be replaced while the caller holds the servers. */
static char **copy_urls(const char *const *urls)
{
	size_t n = 0, bytes = 0;
	char **copy, *p;

	for (; urls[n]; n++)
		bytes += strlen(urls[n]) + 1;
	copy = malloc((n + 1) * sizeof(*copy) + bytes);
	if (!copy)
		return NULL;
	p = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		copy[i] = p;
		p = stpcpy(p, urls[i]) + 1;
	}
	copy[n] = NULL;
	return copy;
}

static int fill(struct stoa_ice_server *s, const struct turn_server *t, const char *username)
{
	s->urls = (const char *const *)copy_urls(t->urls);
	s->username = strdup(t->secret ? username : "");
	s->credential = t->secret ? make_credential(t, username) : strdup("");
	return s->urls && s->username && s->credential ? 0 : -ENOMEM;
}

int turn_servers(const struct keyset *set, const char *user, int64_t now_ms,
		 const struct stoa_ice_server **ret_servers, uint32_t *ret_n,
		 int64_t *ret_expires_ms)
{
	int64_t expires_s = (now_ms + set->turn_ttl_ms) / 1000;
	struct stoa_ice_server *s = calloc(set->n_turn + 1, sizeof(*s));
	char username[300];

	if (!s)
		return -ENOMEM;
	snprintf(username, sizeof(username), "%lld:%s", (long long)expires_s, user);
	for (size_t i = 0; i < set->n_turn; i++) {
		if (fill(&s[i], &set->turn[i], username) != 0) {
			turn_servers_free(s, (uint32_t)set->n_turn);
			return -ENOMEM;
		}
	}
	*ret_servers = s;
	*ret_n = (uint32_t)set->n_turn;
	*ret_expires_ms = expires_s * 1000;
	return 0;
}

void turn_servers_free(const struct stoa_ice_server *servers, uint32_t n)
{
	struct stoa_ice_server *s = (struct stoa_ice_server *)(uintptr_t)servers;

	for (uint32_t i = 0; s && i < n; i++) {
		free((void *)(uintptr_t)s[i].urls);
		free((void *)(uintptr_t)s[i].username);
		free((void *)(uintptr_t)s[i].credential);
	}
	free(s);
}
