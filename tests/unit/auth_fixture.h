/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of mod_auth: keys, and tokens made by libjwt, which is not what checks them. */
#ifndef STOA_TEST_AUTH_FIXTURE_H
#define STOA_TEST_AUTH_FIXTURE_H

#include <jansson.h>
#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "an HS256 secret of 32 bytes, or so"

/* A fresh key pair as PEM texts; "RSA" with bits, or "EC" with the name of a curve. */
static inline void make_pair(const char *type, unsigned bits, const char *curve, char *private_pem,
			     char *public_pem, size_t cap)
{
	EVP_PKEY *k = strcmp(type, "EC") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, type, curve)
					      : EVP_PKEY_Q_keygen(NULL, NULL, type, (size_t)bits);
	BIO *b = BIO_new(BIO_s_mem());
	int n;

	PEM_write_bio_PrivateKey(b, k, NULL, NULL, 0, NULL, NULL);
	n = BIO_read(b, private_pem, (int)cap - 1);
	private_pem[n > 0 ? n : 0] = '\0';
	BIO_free(b);
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_PUBKEY(b, k);
	n = BIO_read(b, public_pem, (int)cap - 1);
	public_pem[n > 0 ? n : 0] = '\0';
	BIO_free(b);
	EVP_PKEY_free(k);
}

/* A token signed by libjwt; `kid` may be NULL. In a static buffer, the next of four. */
static inline const char *make_token(jwt_alg_t alg, const char *key, const char *kid,
				     const char *claims)
{
	static char text[4][12000];
	static unsigned turn;
	char *out = text[turn++ % 4], *s;
	jwt_t *t = NULL;

	jwt_new(&t);
	if (jwt_add_grants_json(t, claims) != 0)
		abort();
	if (kid)
		jwt_add_header(t, "kid", kid);
	jwt_set_alg(t, alg, alg == JWT_ALG_NONE ? NULL : (const unsigned char *)key,
		    alg == JWT_ALG_NONE ? 0 : (int)strlen(key));
	s = jwt_encode_str(t);
	if (!s)
		abort();
	strcpy(out, s);
	free(s);
	jwt_free(t);
	return out;
}

#endif
