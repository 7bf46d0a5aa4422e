/* SPDX-License-Identifier: Apache-2.0 */
/* AES-CM with HMAC-SHA1 and AES-GCM for srtp.c, on OpenSSL.
 *
 * HMAC uses SHA_CTX, which OpenSSL calls deprecated: both EVP_MAC and EVP_MD_CTX_copy_ex()
 * allocate for every message, and a plain struct copied after the key block does not. */
#include "srtp_cipher.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#define GCM_TAG 16

/* RFC 3711 section 4.3.1: the key stream of AES-CM under the master key, from label and salt. */
static int derive(const uint8_t *key, const uint8_t *salt, size_t salt_len, unsigned label,
		  uint8_t *out, int n)
{
	static const uint8_t zeros[32];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t iv[16] = { 0 };
	int len, err = -EIO;

	if (!ctx)
		return -ENOMEM;
	memcpy(iv, salt, salt_len);
	iv[7] ^= (uint8_t)label;
	if (EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, iv) == 1 &&
	    EVP_EncryptUpdate(ctx, out, &len, zeros, n) == 1 && len == n)
		err = 0;
	EVP_CIPHER_CTX_free(ctx);
	return err;
}

static void mac_set_key(struct srtp_cipher *c, const uint8_t key[SHA_DIGEST_LENGTH])
{
	uint8_t block[SHA_CBLOCK];

	memset(block, 0x36, sizeof(block));
	for (int i = 0; i < SHA_DIGEST_LENGTH; i++)
		block[i] ^= key[i];
	SHA1_Init(&c->inner);
	SHA1_Update(&c->inner, block, sizeof(block));
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA1_Init(&c->outer);
	SHA1_Update(&c->outer, block, sizeof(block));
	OPENSSL_cleanse(block, sizeof(block));
}

int cipher_init(struct srtp_cipher *c, bool is_gcm, bool seals, unsigned label, const uint8_t *key,
		const uint8_t *salt, size_t salt_len)
{
	const EVP_CIPHER *type = is_gcm ? EVP_aes_128_gcm() : EVP_aes_128_ctr();
	uint8_t enc[16], auth[SHA_DIGEST_LENGTH];
	int err;

	memset(c, 0, sizeof(*c));
	if ((err = derive(key, salt, salt_len, label, enc, sizeof(enc))) ||
	    (err = derive(key, salt, salt_len, label + 1, auth, sizeof(auth))) ||
	    (err = derive(key, salt, salt_len, label + 2, c->salt, (int)salt_len)))
		goto out;
	err = -ENOMEM;
	if (!(c->evp = EVP_CIPHER_CTX_new()))
		goto out;
	if (EVP_CipherInit_ex(c->evp, type, NULL, enc, NULL, seals) != 1)
		goto out;
	if (!is_gcm)
		mac_set_key(c, auth);
	else if (!seals && EVP_CIPHER_CTX_ctrl(c->evp, EVP_CTRL_GCM_SET_IV_FIXED, -1, c->salt) != 1)
		goto out;
	err = 0;
out:
	OPENSSL_cleanse(enc, sizeof(enc));
	OPENSSL_cleanse(auth, sizeof(auth));
	if (err)
		cipher_reset(c);
	return err;
}

void cipher_reset(struct srtp_cipher *c)
{
	EVP_CIPHER_CTX_free(c->evp);
	OPENSSL_cleanse(c, sizeof(*c));
}

int cm_set_iv(struct srtp_cipher *c, uint32_t ssrc, uint64_t index)
{
	uint8_t iv[16];

	memcpy(iv, c->salt, sizeof(iv));
	for (int i = 0; i < 4; i++)
		iv[4 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
	for (int i = 0; i < 6; i++)
		iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
	return EVP_CipherInit_ex(c->evp, NULL, NULL, NULL, iv, -1) == 1 ? 0 : -EIO;
}

int cm_xor(struct srtp_cipher *c, const uint8_t *in, size_t n, uint8_t *out)
{
	int len;

	return EVP_CipherUpdate(c->evp, out, &len, in, (int)n) == 1 ? 0 : -EIO;
}

void cm_mac(const struct srtp_cipher *c, const uint8_t *p, size_t n, uint32_t word,
	    uint8_t ret_mac[SHA_DIGEST_LENGTH])
{
	uint8_t be[4] = { (uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8),
			  (uint8_t)word };
	SHA_CTX sha = c->inner;

	SHA1_Update(&sha, p, n);
	SHA1_Update(&sha, be, sizeof(be));
	SHA1_Final(ret_mac, &sha);
	sha = c->outer;
	SHA1_Update(&sha, ret_mac, SHA_DIGEST_LENGTH);
	SHA1_Final(ret_mac, &sha);
}

static void make_gcm_iv(const struct srtp_cipher *c, uint32_t ssrc, uint64_t index, uint8_t iv[12])
{
	memcpy(iv, c->salt, 12);
	for (int i = 0; i < 4; i++)
		iv[2 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
	for (int i = 0; i < 6; i++)
		iv[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

int gcm_begin_seal(struct srtp_cipher *c, uint32_t ssrc, uint64_t index)
{
	uint8_t iv[12];

	make_gcm_iv(c, ssrc, index, iv);
	return EVP_CipherInit_ex(c->evp, NULL, NULL, NULL, iv, -1) == 1 ? 0 : -EIO;
}

/* For decryption the provider takes IV and tag as parameters in one call (provider-cipher(7),
 * "tlsivinv"), which costs a third of EVP_CipherInit_ex() and EVP_CTRL_AEAD_SET_TAG. */
int gcm_begin_open(struct srtp_cipher *c, uint32_t ssrc, uint64_t index, const uint8_t tag[16])
{
	uint8_t iv[12];
	OSSL_PARAM params[] = {
		{ OSSL_CIPHER_PARAM_AEAD_TAG, OSSL_PARAM_OCTET_STRING, (void *)(uintptr_t)tag,
		  GCM_TAG, 0 },
		{ OSSL_CIPHER_PARAM_AEAD_TLS1_SET_IV_INV, OSSL_PARAM_OCTET_STRING, iv, sizeof(iv),
		  0 },
		OSSL_PARAM_END,
	};

	make_gcm_iv(c, ssrc, index, iv);
	return EVP_CIPHER_CTX_set_params(c->evp, params) == 1 ? 0 : -EIO;
}

int gcm_aad(struct srtp_cipher *c, const uint8_t *p, size_t n)
{
	int len;

	return EVP_CipherUpdate(c->evp, NULL, &len, p, (int)n) == 1 ? 0 : -EIO;
}

int gcm_update(struct srtp_cipher *c, const uint8_t *in, size_t n, uint8_t *out)
{
	int len;

	return EVP_CipherUpdate(c->evp, out, &len, in, (int)n) == 1 ? 0 : -EIO;
}

int gcm_end_seal(struct srtp_cipher *c, uint8_t ret_tag[16])
{
	OSSL_PARAM params[] = {
		{ OSSL_CIPHER_PARAM_AEAD_TAG, OSSL_PARAM_OCTET_STRING, ret_tag, GCM_TAG, 0 },
		OSSL_PARAM_END,
	};
	uint8_t none[16];
	int len;

	return EVP_CipherFinal_ex(c->evp, none, &len) == 1 &&
			       EVP_CIPHER_CTX_get_params(c->evp, params) == 1
		       ? 0
		       : -EIO;
}

int gcm_end_open(struct srtp_cipher *c)
{
	uint8_t none[16];
	int len;

	return EVP_CipherFinal_ex(c->evp, none, &len) == 1 ? 0 : -EBADMSG;
}
