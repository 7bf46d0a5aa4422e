/* SPDX-License-Identifier: Apache-2.0 */
/* The process's DTLS identity: a fresh ECDSA P-256 key and a self-signed certificate per run, and
 * the settings every connection starts from. */
#include "dtls_ctx.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define CERT_DAYS     365l
#define CERT_LIST_MAX 16384 /* bytes of certificates a peer may send */

STOA_DEFINE_AUTO(struct dtls_ctx, dtls_ctx_free)
STOA_DEFINE_AUTO(X509, X509_free)
STOA_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)

/* Trust comes from the fingerprint in the signalling (RFC 8122), not from a chain. */
static int accept_any_chain(X509_STORE_CTX *store, void *user)
{
	(void)store;
	(void)user;
	return 1;
}

static X509 *make_certificate(EVP_PKEY *key)
{
	stoa_auto(X509_free) X509 *cert = X509_new();
	X509_NAME *name;
	uint64_t serial;

	if (!cert)
		return NULL;
	stoa_random(&serial, sizeof(serial));
	name = X509_get_subject_name(cert);
	if (X509_set_version(cert, X509_VERSION_3) != 1 ||
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1 | 1) != 1 ||
	    !X509_gmtime_adj(X509_getm_notBefore(cert), -86400) ||
	    !X509_gmtime_adj(X509_getm_notAfter(cert), CERT_DAYS * 86400) ||
	    X509_set_pubkey(cert, key) != 1 ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"stoa", -1, -1,
				       0) != 1 ||
	    X509_set_issuer_name(cert, name) != 1 || X509_sign(cert, key, EVP_sha256()) == 0)
		return NULL;
	return stoa_take(cert);
}

static int format_fingerprint(const X509 *cert, char *out, size_t cap)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	size_t at = (size_t)snprintf(out, cap, "sha-256 ");
	unsigned n;

	if (X509_digest(cert, EVP_sha256(), md, &n) != 1)
		return -EIO;
	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, cap - at, i ? ":%02X" : "%02X", md[i]);
	return 0;
}

static int configure(SSL_CTX *ssl, X509 *cert, EVP_PKEY *key)
{
	if (SSL_CTX_use_certificate(ssl, cert) != 1 || SSL_CTX_use_PrivateKey(ssl, key) != 1 ||
	    SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ssl, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES") != 1 ||
	    SSL_CTX_set1_groups_list(ssl, "X25519:P-256") != 1 ||
	    SSL_CTX_set_tlsext_use_srtp(ssl, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") != 0)
		return -EIO;
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, accept_any_chain, NULL);
	SSL_CTX_set_max_cert_list(ssl, CERT_LIST_MAX);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	return 0;
}

int dtls_ctx_new(struct dtls_ctx **ret_ctx)
{
	stoa_auto(dtls_ctx_free) struct dtls_ctx *ctx = calloc(1, sizeof(*ctx));
	stoa_auto(EVP_PKEY_free) EVP_PKEY *key = NULL;
	stoa_auto(X509_free) X509 *cert = NULL;
	int err;

	if (!ctx)
		return -ENOMEM;
	if (!(key = EVP_EC_gen("P-256")) || !(cert = make_certificate(key)) ||
	    !(ctx->ssl = SSL_CTX_new(DTLS_method())) || !(ctx->bio = dtls_bio_new()))
		return -EIO;
	if ((err = configure(ctx->ssl, cert, key)) ||
	    (err = format_fingerprint(cert, ctx->fingerprint, sizeof(ctx->fingerprint))))
		return err;
	*ret_ctx = stoa_take(ctx);
	return 0;
}

void dtls_ctx_free(struct dtls_ctx *ctx)
{
	if (!ctx)
		return;
	SSL_CTX_free(ctx->ssl);
	BIO_meth_free(ctx->bio);
	free(ctx);
}

const char *dtls_ctx_fingerprint(const struct dtls_ctx *ctx)
{
	return ctx->fingerprint;
}
