/* SPDX-License-Identifier: Apache-2.0 */
/* One key and the single algorithm it is for. A key that could be read two ways is how an RSA
 * public key ends up as an HMAC secret: here the kind is fixed when the key is made. */
#ifndef MOD_AUTH_KEY_H
#define MOD_AUTH_KEY_H

#include <openssl/evp.h>
#include <stoa/base.h>

#define KEY_SIG_MAX 1024 /* bytes; RSA of 8192 bits */

enum key_alg { KEY_NONE = 0, KEY_HS256 = 1, KEY_RS256 = 2, KEY_ES256 = 3 };

struct key { /* immutable once made */
	char *name;
	enum key_alg alg;
	uint8_t *secret; /* HS256 */
	size_t secret_len;
	EVP_PKEY *pkey; /* RS256, ES256 */
};

/** The algorithm of a JWS header; KEY_NONE for every other, "none" included. */
enum key_alg key_alg_parse(const char *name);
const char *key_alg_name(enum key_alg alg);

/** An HS256 key; copies. -EINVAL for an empty secret, -ENOMEM. */
int key_init_secret(struct key *k, const char *name, struct stoa_str secret);

/** A public key of PEM text (SubjectPublicKeyInfo): RSA of 2048 to 8192 bits for RS256, P-256 for
 *  ES256. -EINVAL with a reason that names the remedy. */
int key_init_public(struct key *k, const char *name, enum key_alg alg, struct stoa_str pem,
		    const char **ret_why);

/** Wipes and frees what the key holds; `k` zeroed is fine. */
void key_clear(struct key *k);

/** Does `sig` (JWS form) sign `input`? Constant time for HS256. */
bool key_verify(const struct key *k, struct stoa_str input, const uint8_t *sig, size_t sig_len);

#endif
