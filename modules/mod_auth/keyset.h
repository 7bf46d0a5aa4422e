/* SPDX-License-Identifier: Apache-2.0 */
/* All that one configuration says about keys, TURN and guests, read into memory and immutable: a
 * reload makes a new one and swaps it in. */
#ifndef MOD_AUTH_KEYSET_H
#define MOD_AUTH_KEYSET_H

#include <stoa/conf.h>
#include <stoa/iface/auth.h>
#include "key.h"

#define KEYSET_KEYS_MAX                                                                            \
	64 /* of each kind; a token without kid is tried on all of its algorithm   \
			    */

extern const struct stoa_opt keyset_key_options[], keyset_api_key_options[], keyset_turn_options[];

struct turn_server {
	const char **urls; /* NULL-terminated */
	char *secret;      /* NULL: no credentials (STUN) */
	size_t secret_len;
};

struct keyset {
	struct key *keys; /* user tokens; name is the kid */
	size_t n_keys;
	struct key *api_keys; /* media tokens; name is `iss` */
	size_t n_api_keys;
	const struct key *signer; /* of user tokens made here; NULL: none */
	struct turn_server *turn;
	size_t n_turn;
	int64_t turn_ttl_ms;
	bool guests;
	int64_t guest_ttl_ms;
	int64_t guest_limit; /* per address and minute */
	char **guest_channels;
};

/** Reads keys and files. What is wrong goes to `e` (NULL: to nobody) and gives -EINVAL, after all
 *  of it was looked at. Thread: ctl. */
int keyset_new(const struct stoa_conf *c, struct stoa_errors *e, struct keyset **ret_set);
void keyset_free(void *set);
STOA_DEFINE_AUTO(struct keyset, keyset_free)

const struct key *keyset_find(const struct keyset *s, const char *kid);
const struct key *keyset_find_api(const struct keyset *s, const char *name);

#endif
