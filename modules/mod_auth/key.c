/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures on OpenSSL: public keys are read once and shared by all threads. The token
 * library is not used to verify: it reads the PEM anew for each token, and picks the algorithm from
 * the token. */
#include "key.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <stoa/util.h>

#define HS256_LEN 32
#define ES256_LEN 64 /* r and s, 32 bytes each (RFC 7518 section 3.4) */
#define DER_MAX   80

static const struct {
	const char *name;
	enum key_alg alg;
} algs[] = {
	{ "HS256", KEY_HS256 },
	{ "RS256", KEY_RS256 },
	{ "ES256", KEY_ES256 },
};

enum key_alg key_alg_parse(const char *name)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(algs); i++)
		if (strcmp(algs[i].name, name) == 0)
			return algs[i].alg;
	return KEY_NONE;
}

const char *key_alg_name(enum key_alg alg)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(algs); i++)
		if (algs[i].alg == alg)
			return algs[i].name;
	return "none";
}

int key_init_secret(struct key *k, const char *name, struct stoa_str secret)
{
	memset(k, 0, sizeof(*k));
	if (!secret.n)
		return -EINVAL;
	k->name = strdup(name);
	k->secret = malloc(secret.n);
	if (!k->name || !k->secret) {
		key_clear(k);
		return -ENOMEM;
	}
	memcpy(k->secret, secret.p, secret.n);
	k->secret_len = secret.n;
	k->alg = KEY_HS256;
	return 0;
}

static EVP_PKEY *read_pem(struct stoa_str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return pkey;
}

static const char *find_fault(enum key_alg alg, const EVP_PKEY *pkey)
{
	int bits = EVP_PKEY_get_bits(pkey);
	char curve[32] = "";
	size_t n = 0;

	if (alg == KEY_RS256) {
		if (!EVP_PKEY_is_a(pkey, "RSA"))
			return "not an RSA key, which RS256 needs";
		if (bits < 2048 || bits > KEY_SIG_MAX * 8)
			return "RS256 needs an RSA key of 2048 to 8192 bits";
		return NULL;
	}
	if (alg == KEY_ES256) {
		if (!EVP_PKEY_is_a(pkey, "EC") ||
		    !EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), &n) ||
		    strcmp(curve, "prime256v1") != 0)
			return "ES256 needs an EC key on the curve P-256 (prime256v1)";
		return NULL;
	}
	return "only RS256 and ES256 take a public key";
}

int key_init_public(struct key *k, const char *name, enum key_alg alg, struct stoa_str pem,
		    const char **ret_why)
{
	memset(k, 0, sizeof(*k));
	if (pem.n > 65536 || !(k->pkey = read_pem(pem))) {
		*ret_why = "not a public key in PEM form (-----BEGIN PUBLIC KEY-----)";
		return -EINVAL;
	}
	*ret_why = find_fault(alg, k->pkey);
	if (*ret_why) {
		key_clear(k);
		return -EINVAL;
	}
	k->name = strdup(name);
	if (!k->name) {
		key_clear(k);
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	k->alg = alg;
	return 0;
}

void key_clear(struct key *k)
{
	if (k->secret)
		OPENSSL_cleanse(k->secret, k->secret_len);
	free(k->secret);
	free(k->name);
	EVP_PKEY_free(k->pkey);
	memset(k, 0, sizeof(*k));
}

static bool verify_hmac(const struct key *k, struct stoa_str input, const uint8_t *sig,
			size_t sig_len)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!HMAC(EVP_sha256(), k->secret, (int)k->secret_len, (const uint8_t *)input.p, input.n,
		  mac, &n))
		return false;
	return n == HS256_LEN && sig_len == HS256_LEN &&
	       stoa_ct_equal(stoa_strn(mac, n), stoa_strn(sig, sig_len));
}

/* JWS has r and s side by side, OpenSSL wants DER. 0: no such signature. */
static size_t convert_es256(const uint8_t *sig, size_t sig_len, uint8_t der[DER_MAX])
{
	ECDSA_SIG *s;
	BIGNUM *r, *t;
	int n = 0;

	if (sig_len != ES256_LEN || !(s = ECDSA_SIG_new()))
		return 0;
	r = BN_bin2bn(sig, 32, NULL);
	t = BN_bin2bn(sig + 32, 32, NULL);
	if (r && t && ECDSA_SIG_set0(s, r, t)) {
		r = t = NULL; /* the signature's now */
		if (i2d_ECDSA_SIG(s, NULL) <= DER_MAX)
			n = i2d_ECDSA_SIG(s, &der);
	}
	BN_free(r);
	BN_free(t);
	ECDSA_SIG_free(s);
	return n > 0 ? (size_t)n : 0;
}

static bool verify_public(const struct key *k, struct stoa_str input, const uint8_t *sig,
			  size_t sig_len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok;

	ok = md && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
	     EVP_DigestVerify(md, sig, sig_len, (const uint8_t *)input.p, input.n) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return ok;
}

bool key_verify(const struct key *k, struct stoa_str input, const uint8_t *sig, size_t sig_len)
{
	uint8_t der[DER_MAX];
	size_t n;

	switch (k->alg) {
	case KEY_HS256:
		return verify_hmac(k, input, sig, sig_len);
	case KEY_RS256:
		return verify_public(k, input, sig, sig_len);
	case KEY_ES256:
		n = convert_es256(sig, sig_len, der);
		return n && verify_public(k, input, der, n);
	case KEY_NONE:
		break;
	}
	return false;
}
