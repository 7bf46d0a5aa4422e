/* SPDX-License-Identifier: Apache-2.0 */
/* One DTLS connection. OpenSSL reads and writes through a BIO of our own, because its memory BIO
 * forgets where a datagram ends. */
#include "dtls_ctx.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/time.h>

#define FIRST_TIMEOUT_US 200000u
#define LAST_TIMEOUT_US  3000000u
#define KEYS_LEN(k, s)   (2 * ((k) + (s)))

struct dtls {
	SSL *ssl;
	const struct peer_dtls *want;
	dtls_send_fn *send;
	void *user;
	const uint8_t *in; /* the datagram being fed; NULL: none */
	size_t in_len;
	enum dtls_state state;
	const char *failure;
	struct dtls_counts counts;
};

/* ---- the BIO ---- */

static int bio_write(BIO *bio, const char *p, int n)
{
	struct dtls *d = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (n > 0)
		d->send(d->user, (const uint8_t *)p, (size_t)n);
	return n;
}

static int bio_read(BIO *bio, char *out, int cap)
{
	struct dtls *d = BIO_get_data(bio);
	size_t n = d->in_len;

	BIO_clear_retry_flags(bio);
	if (!d->in) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (n > (size_t)cap)
		n = (size_t)cap; /* as a socket would, the rest of the datagram is lost */
	memcpy(out, d->in, n);
	d->in = NULL;
	return (int)n;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return DTLS_MTU;
	default:
		return 0;
	}
}

BIO_METHOD *dtls_bio_new(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");

	if (m) {
		BIO_meth_set_write(m, bio_write);
		BIO_meth_set_read(m, bio_read);
		BIO_meth_set_ctrl(m, bio_ctrl);
	}
	return m;
}

/* ---- the connection ---- */

static unsigned next_timeout(SSL *ssl, unsigned last_us)
{
	(void)ssl;
	if (!last_us)
		return FIRST_TIMEOUT_US;
	return last_us * 2 < LAST_TIMEOUT_US ? last_us * 2 : LAST_TIMEOUT_US;
}

static enum dtls_state fail(struct dtls *d, const char *why)
{
	d->state = DTLS_FAILED;
	d->failure = why;
	return d->state;
}

static const EVP_MD *hash_of(enum peer_hash hash)
{
	switch (hash) {
	case PEER_HASH_SHA256:
		return EVP_sha256();
	case PEER_HASH_SHA384:
		return EVP_sha384();
	case PEER_HASH_SHA512:
		return EVP_sha512();
	case PEER_HASH_SHA1:
		return EVP_sha1();
	}
	return NULL;
}

static bool is_announced(const struct dtls *d)
{
	X509 *cert = SSL_get0_peer_certificate(d->ssl);
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	return cert && X509_digest(cert, hash_of(d->want->hash), md, &n) == 1 &&
	       n == d->want->fingerprint_len && CRYPTO_memcmp(md, d->want->fingerprint, n) == 0;
}

static enum dtls_state finish_handshake(struct dtls *d)
{
	if (!is_announced(d))
		return fail(d, "the certificate is not the announced one");
	if (!SSL_get_selected_srtp_profile(d->ssl))
		return fail(d, "no SRTP profile in common");
	return d->state = DTLS_READY;
}

static enum dtls_state step_handshake(struct dtls *d)
{
	int r;

	ERR_clear_error();
	r = SSL_do_handshake(d->ssl);
	if (r == 1)
		return finish_handshake(d);
	if (SSL_get_error(d->ssl, r) != SSL_ERROR_WANT_READ)
		return fail(d, "the handshake failed");
	return d->state;
}

/* After the handshake: retransmitted flights are answered by OpenSSL inside SSL_read(). */
static enum dtls_state read_records(struct dtls *d)
{
	uint8_t data[2048];
	int r;

	ERR_clear_error();
	while ((r = SSL_read(d->ssl, data, sizeof(data))) > 0)
		d->counts.data_dropped++;
	switch (SSL_get_error(d->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return d->state;
	case SSL_ERROR_ZERO_RETURN:
		return d->state = DTLS_CLOSED;
	default:
		return fail(d, "the connection broke");
	}
}

STOA_DEFINE_AUTO(struct dtls, dtls_free)

int dtls_new(struct dtls_ctx *ctx, const struct peer_dtls *want, dtls_send_fn *send, void *user,
	     struct dtls **ret_dtls)
{
	stoa_auto(dtls_free) struct dtls *d = NULL;
	BIO *bio;

	if (!want->fingerprint_len || want->fingerprint_len > sizeof(want->fingerprint) ||
	    !hash_of(want->hash))
		return -EPROTO;
	if (!(d = calloc(1, sizeof(*d))))
		return -ENOMEM;
	d->want = want;
	d->send = send;
	d->user = user;
	if (!(d->ssl = SSL_new(ctx->ssl)) || !(bio = BIO_new(ctx->bio)))
		return -ENOMEM;
	BIO_set_data(bio, d);
	BIO_set_init(bio, 1);
	SSL_set_bio(d->ssl, bio, bio);
	SSL_set_mtu(d->ssl, DTLS_MTU);
	DTLS_set_timer_cb(d->ssl, next_timeout);
	if (want->is_client) {
		SSL_set_connect_state(d->ssl);
		step_handshake(d);
	} else {
		SSL_set_accept_state(d->ssl);
	}
	*ret_dtls = stoa_take(d);
	return 0;
}

void dtls_free(struct dtls *d)
{
	if (!d)
		return;
	SSL_free(d->ssl);
	free(d);
}

enum dtls_state dtls_input(struct dtls *d, const uint8_t *p, size_t n)
{
	if (d->state >= DTLS_CLOSED)
		return d->state;
	d->in = p;
	d->in_len = n;
	if (d->state == DTLS_HANDSHAKE)
		step_handshake(d);
	if (d->state == DTLS_READY)
		read_records(d);
	d->in = NULL;
	return d->state;
}

enum dtls_state dtls_state(const struct dtls *d)
{
	return d->state;
}

uint64_t dtls_wait_us(struct dtls *d)
{
	struct timeval tv;

	if (d->state >= DTLS_CLOSED || !DTLSv1_get_timeout(d->ssl, &tv))
		return UINT64_MAX;
	return (uint64_t)tv.tv_sec * 1000000 + (uint64_t)tv.tv_usec;
}

enum dtls_state dtls_timeout(struct dtls *d)
{
	if (d->state >= DTLS_CLOSED)
		return d->state;
	ERR_clear_error();
	if (DTLSv1_handle_timeout(d->ssl) < 0)
		return fail(d, "no answer to the handshake");
	return d->state;
}

const char *dtls_failure(const struct dtls *d)
{
	return d->failure ? d->failure : "";
}

int dtls_export(struct dtls *d, struct dtls_keys *ret_keys)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	uint8_t block[KEYS_LEN(16, 14)], *client, *server, *client_salt, *server_salt;
	bool is_server = !d->want->is_client;
	size_t key, salt;
	unsigned profile;
	int err;

	if (d->state != DTLS_READY)
		return -EAGAIN;
	profile = (unsigned)SSL_get_selected_srtp_profile(d->ssl)->id;
	if ((err = srtp_profile_sizes(profile, &key, &salt)))
		return err;
	if (SSL_export_keying_material(d->ssl, block, KEYS_LEN(key, salt), label, sizeof(label) - 1,
				       NULL, 0, 0) != 1)
		return -EIO;
	client = block; /* RFC 5764 section 4.2: both keys, then both salts */
	server = client + key;
	client_salt = server + key;
	server_salt = client_salt + salt;
	ret_keys->profile = profile;
	memcpy(ret_keys->in_key, is_server ? client : server, key);
	memcpy(ret_keys->in_salt, is_server ? client_salt : server_salt, salt);
	memcpy(ret_keys->out_key, is_server ? server : client, key);
	memcpy(ret_keys->out_salt, is_server ? server_salt : client_salt, salt);
	OPENSSL_cleanse(block, sizeof(block));
	return 0;
}

void dtls_close(struct dtls *d)
{
	ERR_clear_error();
	if (d->state == DTLS_READY)
		SSL_shutdown(d->ssl);
}

struct dtls_counts dtls_counts(const struct dtls *d)
{
	return d->counts;
}
