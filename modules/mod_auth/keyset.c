/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration to keys. Runs in check() with a place to report to, and again in start() and
 * reload(), where it cannot fail unless a file changed in between: then the old set stays. */
#include "keyset.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/util.h>

#define PEM_MAX 65536

static const char *const alg_choices[] = { "HS256", "RS256", "ES256", NULL };

const struct stoa_opt keyset_key_options[] = {
	{ .key = "alg",
	  .type = STOA_OPT_ENUM,
	  .dflt = "HS256",
	  .choices = alg_choices,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "The one algorithm that this key is for; a token of another is refused." },
	{ .key = "secret",
	  .type = STOA_OPT_SECRET,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Shared secret of an HS256 key; at least 32 random bytes." },
	{ .key = "public-key",
	  .type = STOA_OPT_PATH,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "PEM file with the public key of an RS256 or ES256 key." },
	STOA_OPT_END
};

const struct stoa_opt keyset_api_key_options[] = {
	{ .key = "secret",
	  .type = STOA_OPT_SECRET,
	  .flags = STOA_OPT_RELOADABLE | STOA_OPT_REQUIRED,
	  .doc = "Secret of the API key, as LiveKit server SDKs take it." },
	STOA_OPT_END
};

const struct stoa_opt keyset_turn_options[] = {
	{ .key = "urls",
	  .type = STOA_OPT_LIST,
	  .flags = STOA_OPT_RELOADABLE | STOA_OPT_REQUIRED,
	  .doc = "What clients are told, such as turn:turn.example.org:3478?transport=udp." },
	{ .key = "secret",
	  .type = STOA_OPT_SECRET,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Shared secret of the TURN server (coturn: static-auth-secret); unset for STUN." },
	STOA_OPT_END
};

struct reader { /* what all the read_ functions share */
	struct keyset *set;
	struct stoa_errors *e;
	int err;
};

#define report(r, c, key, ...)                                                                     \
	do {                                                                                       \
		(r)->err = -EINVAL;                                                                \
		if ((r)->e)                                                                        \
			stoa_errors_add((r)->e, (c), (key), __VA_ARGS__);                          \
	} while (0)

static int read_file(const char *path, char buf[PEM_MAX], size_t *ret_n)
{
	FILE *f = fopen(path, "re");
	int err;

	if (!f)
		return -errno;
	*ret_n = fread(buf, 1, PEM_MAX, f);
	err = ferror(f) ? -EIO : 0; /* a directory, for one */
	fclose(f);
	return err;
}

static void read_public(struct reader *r, const struct stoa_conf *c, const char *name,
			enum key_alg alg)
{
	const char *path = stoa_conf_string(c, "public-key"), *why = NULL;
	char pem[PEM_MAX];
	size_t n = 0;
	int err;

	if (stoa_conf_secret(c, "secret").n)
		report(r, c, "secret", "%s takes a public-key, not a secret", key_alg_name(alg));
	if (!*path) {
		report(r, c, NULL, "key \"%s\": %s needs public-key: a PEM file", name,
		       key_alg_name(alg));
		return;
	}
	err = read_file(path, pem, &n);
	if (err) {
		report(r, c, "public-key", "cannot read %s: %s", path, strerror(-err));
		return;
	}
	err = key_init_public(&r->set->keys[r->set->n_keys], name, alg, stoa_strn(pem, n), &why);
	if (err)
		report(r, c, "public-key", "%s: %s", path, why);
	else
		r->set->n_keys++;
}

static void read_secret(struct reader *r, const struct stoa_conf *c, const char *name,
			struct key *keys, size_t *n)
{
	struct stoa_str secret = stoa_conf_secret(c, "secret");

	if (!secret.n)
		report(r, c, NULL, "key \"%s\" needs secret: file:/path or cred:name", name);
	else if (key_init_secret(&keys[*n], name, secret) != 0)
		r->err = -ENOMEM;
	else
		(*n)++;
}

static void read_key(struct reader *r, const struct stoa_conf *c, const char *name)
{
	enum key_alg alg = key_alg_parse(stoa_conf_string(c, "alg"));

	if (alg != KEY_HS256) {
		read_public(r, c, name, alg);
		return;
	}
	if (*stoa_conf_string(c, "public-key"))
		report(r, c, "public-key", "HS256 takes a secret, not a public-key");
	read_secret(r, c, name, r->set->keys, &r->set->n_keys);
}

static struct key *make_keys(struct reader *r, const struct stoa_conf *c, const char *map,
			     size_t *ret_n)
{
	size_t n = stoa_conf_map_len(c, map);
	struct key *keys;

	if (n > KEYSET_KEYS_MAX) {
		report(r, c, map, "more than %d keys", KEYSET_KEYS_MAX);
		n = KEYSET_KEYS_MAX;
	}
	keys = calloc(n + 1, sizeof(*keys));
	if (!keys)
		r->err = -ENOMEM;
	*ret_n = keys ? n : 0;
	return keys;
}

static void read_keys(struct reader *r, const struct stoa_conf *c)
{
	const char *name;
	size_t n;

	r->set->keys = make_keys(r, c, "keys", &n);
	for (size_t i = 0; i < n; i++) {
		const struct stoa_conf *k = stoa_conf_map_get(c, "keys", i, &name);

		read_key(r, k, name);
	}
	r->set->api_keys = make_keys(r, c, "api-keys", &n);
	for (size_t i = 0; i < n; i++) {
		const struct stoa_conf *k = stoa_conf_map_get(c, "api-keys", i, &name);

		read_secret(r, k, name, r->set->api_keys, &r->set->n_api_keys);
	}
}

static void choose_signer(struct reader *r, const struct stoa_conf *c)
{
	const char *name = stoa_conf_string(c, "sign-with");
	struct keyset *s = r->set;

	for (size_t i = 0; i < s->n_keys && !s->signer; i++)
		if (s->keys[i].alg == KEY_HS256 && (!*name || strcmp(s->keys[i].name, name) == 0))
			s->signer = &s->keys[i];
	if (*name && !s->signer)
		report(r, c, "sign-with", "\"%s\" is not an HS256 key of keys", name);
	else if (s->guests && !s->signer)
		report(r, c, "guests",
		       "guests need a key of alg HS256 in keys to sign their tokens");
}

static char **copy_list(struct reader *r, const struct stoa_conf *c, const char *key)
{
	size_t n = stoa_conf_list_len(c, key);
	char **list = calloc(n + 1, sizeof(*list));

	if (!list)
		r->err = -ENOMEM;
	for (size_t i = 0; list && i < n; i++)
		if (!(list[i] = strdup(stoa_conf_list_get(c, key, i))))
			r->err = -ENOMEM;
	return list;
}

static bool is_ice_url(const char *url)
{
	static const char *const schemes[] = { "stun:", "stuns:", "turn:", "turns:" };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(schemes); i++)
		if (strncmp(url, schemes[i], strlen(schemes[i])) == 0 && url[strlen(schemes[i])])
			return true;
	return false;
}

static void read_turn(struct reader *r, const struct stoa_conf *c, struct turn_server *t)
{
	struct stoa_str secret = stoa_conf_secret(c, "secret");

	t->urls = (const char **)copy_list(r, c, "urls");
	if (t->urls && !t->urls[0])
		report(r, c, "urls", "no URL given");
	for (size_t i = 0; t->urls && t->urls[i]; i++) {
		if (!is_ice_url(t->urls[i]))
			report(r, c, "urls",
			       "\"%s\" does not begin with stun:, stuns:, turn: or turns:",
			       t->urls[i]);
		else if (t->urls[i][0] == 't' && !secret.n)
			report(r, c, "urls",
			       "a TURN server needs its secret: file:/path or cred:name");
	}
	if (!secret.n)
		return;
	t->secret = malloc(secret.n);
	if (!t->secret) {
		r->err = -ENOMEM;
		return;
	}
	memcpy(t->secret, secret.p, secret.n);
	t->secret_len = secret.n;
}

static void read_turns(struct reader *r, const struct stoa_conf *c)
{
	size_t n = stoa_conf_map_len(c, "turn");
	const char *name;

	r->set->turn_ttl_ms = stoa_conf_duration_ms(c, "turn-ttl");
	r->set->turn = calloc(n + 1, sizeof(*r->set->turn));
	if (!r->set->turn) {
		r->err = -ENOMEM;
		return;
	}
	for (; r->set->n_turn < n; r->set->n_turn++)
		read_turn(r, stoa_conf_map_get(c, "turn", r->set->n_turn, &name),
			  &r->set->turn[r->set->n_turn]);
}

int keyset_new(const struct stoa_conf *c, struct stoa_errors *e, struct keyset **ret_set)
{
	stoa_auto(keyset_free) struct keyset *s = calloc(1, sizeof(*s));
	struct reader r = { .set = s, .e = e };

	if (!s)
		return -ENOMEM;
	s->guests = stoa_conf_bool(c, "guests");
	s->guest_ttl_ms = stoa_conf_duration_ms(c, "guest-ttl");
	s->guest_limit = stoa_conf_int(c, "guest-limit");
	s->guest_channels = copy_list(&r, c, "guest-channels");
	read_keys(&r, c);
	read_turns(&r, c);
	choose_signer(&r, c);
	if (r.err)
		return r.err;
	*ret_set = stoa_take(s);
	return 0;
}

static void free_keys(struct key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		key_clear(&keys[i]);
	free(keys);
}

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

void keyset_free(void *set)
{
	struct keyset *s = set;

	if (!s)
		return;
	free_keys(s->keys, s->n_keys);
	free_keys(s->api_keys, s->n_api_keys);
	for (size_t i = 0; i < s->n_turn; i++) {
		struct turn_server *t = &s->turn[i];

		free_list((char **)t->urls);
		if (t->secret)
			OPENSSL_cleanse(t->secret, t->secret_len);
		free(t->secret);
	}
	free(s->turn);
	free_list(s->guest_channels);
	free(s);
}

static const struct key *find(const struct key *keys, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

const struct key *keyset_find(const struct keyset *s, const char *kid)
{
	return find(s->keys, s->n_keys, kid);
}

const struct key *keyset_find_api(const struct keyset *s, const char *name)
{
	return find(s->api_keys, s->n_api_keys, name);
}
