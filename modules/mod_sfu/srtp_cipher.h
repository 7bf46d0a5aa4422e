/* SPDX-License-Identifier: Apache-2.0 */
/* The two ciphers behind srtp.c: key derivation and sealing of one packet whose index is known.
 * A cipher holds its keyed OpenSSL contexts for life; per packet only the IV is set. */
#ifndef SFU_SRTP_CIPHER_H
#define SFU_SRTP_CIPHER_H

#define OPENSSL_SUPPRESS_DEPRECATED /* SHA_CTX: see srtp_cipher.c */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stoa/base.h>

struct srtp_cipher {
	EVP_CIPHER_CTX *evp;
	uint8_t salt[16];     /* session salt: 12 (GCM) or 14 (CM) bytes, then zeros */
	SHA_CTX inner, outer; /* HMAC-SHA1 after its key block; CM only              */
};

/** Derives the session keys of RTP (`label` 0) or RTCP (`label` 3), RFC 3711 section 4.3. */
int cipher_init(struct srtp_cipher *c, bool is_gcm, bool seals, unsigned label, const uint8_t *key,
		const uint8_t *salt, size_t salt_len);
void cipher_reset(struct srtp_cipher *c);

/** Sets the counter of AES-CM for (SSRC, index), RFC 3711 section 4.1.1. */
int cm_set_iv(struct srtp_cipher *c, uint32_t ssrc, uint64_t index);
/** Encrypts or decrypts `n` bytes, continuing the key stream. */
int cm_xor(struct srtp_cipher *c, const uint8_t *in, size_t n, uint8_t *out);
/** HMAC-SHA1 over `n` bytes and a 32-bit word, all 20 bytes of it. */
void cm_mac(const struct srtp_cipher *c, const uint8_t *p, size_t n, uint32_t word,
	    uint8_t ret_mac[SHA_DIGEST_LENGTH]);

/** Begins a packet: IV by RFC 7714 section 8.1 for RTP (index of 48 bits), 9.1 for RTCP (31). */
int gcm_begin_seal(struct srtp_cipher *c, uint32_t ssrc, uint64_t index);
/** The same with the tag that gcm_end_open() compares. */
int gcm_begin_open(struct srtp_cipher *c, uint32_t ssrc, uint64_t index, const uint8_t tag[16]);
int gcm_aad(struct srtp_cipher *c, const uint8_t *p, size_t n);
int gcm_update(struct srtp_cipher *c, const uint8_t *in, size_t n, uint8_t *out);
/** Ends a packet and writes its tag. */
int gcm_end_seal(struct srtp_cipher *c, uint8_t ret_tag[16]);
/** Ends a packet. -EBADMSG: the tag differs. */
int gcm_end_open(struct srtp_cipher *c);

#endif
