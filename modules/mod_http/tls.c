/* SPDX-License-Identifier: Apache-2.0 */
/* See tls.h. A listener has one SSL_CTX for all edges, so that tickets of one are good at all; new
 * certificates make a new one, and connections keep theirs. */
#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "edge.h"

/* TLS 1.2 with forward secrecy and authenticated encryption, and TLS 1.3 (RFC 9325). */
static const char ciphers_12[] = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL";
static const char ciphers_13[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/* ---- certificates ---- */

static const char *last_error(void)
{
	unsigned long first = ERR_peek_error(), err = ERR_peek_last_error();
	const char *reason = err ? ERR_reason_error_string(err) : NULL;

	if (ERR_SYSTEM_ERROR(
		    first)) /* a file that cannot be opened; the last one says "system lib" */
		return strerror(ERR_GET_REASON(first));
	return reason ? reason : "unreadable";
}

static int load(SSL_CTX *ctx, const char *certificate, const char *key, const char **ret_what)
{
	ERR_clear_error();
	*ret_what = certificate;
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		return -EINVAL;
	*ret_what = key;
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return -EINVAL;
	return 0;
}

/* ALPN (RFC 7301): h2 where both want it, else HTTP/1.1; a stranger's list is let through to
 * HTTP/1.1 as well, as a client without ALPN is. */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
			   const unsigned char *in, unsigned in_n, void *user)
{
	static const unsigned char both[] = "\x02h2\x08http/1.1";
	const struct listener *l = user;
	const unsigned char *ours = l->with_h2 ? both : both + 3;
	unsigned n = l->with_h2 ? sizeof(both) - 1 : sizeof(both) - 4;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_n, ours, n, in, in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int context_new(struct listener *l, const char *certificate, const char *key, SSL_CTX **ret,
		       const char **ret_what)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int err;

	*ret_what = "TLS";
	if (!ctx)
		return -ENOMEM;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(ctx, ciphers_12);
	SSL_CTX_set_ciphersuites(ctx, ciphers_13);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* an idle connection holds none */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets need no memory */
	if (l)
		SSL_CTX_set_alpn_select_cb(ctx, select_protocol, l);
	err = load(ctx, certificate, key, ret_what);
	if (err) {
		SSL_CTX_free(ctx);
		return err;
	}
	*ret = ctx;
	return 0;
}

int tls_check(const char *certificate, const char *key, char *why, size_t n)
{
	const char *what;
	SSL_CTX *ctx;
	int err = context_new(NULL, certificate, key, &ctx, &what);

	if (err)
		snprintf(why, n, "cannot use %s: %s", what, last_error());
	else
		SSL_CTX_free(ctx);
	return err;
}

static uint64_t stamp_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec +
	       (uint64_t)st.st_size + (uint64_t)st.st_ino * 31;
}

static uint64_t stamp(const struct listener *l)
{
	return stamp_file(l->certificate) * 3 + stamp_file(l->key);
}

int tls_listener_open(struct listener *l)
{
	const char *what;
	SSL_CTX *ctx;
	int err;

	if (!l->certificate)
		return 0;
	l->tls_stamp = stamp(l);
	err = context_new(l, l->certificate, l->key, &ctx, &what);
	if (err)
		stoa_log(l->h->m, STOA_LOG_ERROR, "listener %s cannot use %s: %s", l->name, what,
			 last_error());
	else
		l->ssl_ctx = ctx;
	return err;
}

void tls_listener_close(struct listener *l)
{
	SSL_CTX_free(l->ssl_ctx);
	l->ssl_ctx = NULL;
}

static void swap_context(struct edge *e, void *arg)
{
	const struct listener *l = arg;

	SSL_CTX_up_ref(l->ssl_ctx);
	SSL_CTX_free(e->ssl_ctx[l->index]);
	e->ssl_ctx[l->index] = l->ssl_ctx;
}

void tls_listener_look(struct listener *l)
{
	uint64_t now = l->certificate ? stamp(l) : 0;
	const char *what;
	SSL_CTX *ctx;

	if (!l->certificate || now == l->tls_stamp)
		return;
	l->tls_stamp = now;
	/* Certificate and key are two files: in between they do not fit, and a later look finds
	 * them changed once more. */
	if (context_new(l, l->certificate, l->key, &ctx, &what) < 0) {
		stoa_log(l->h->m, STOA_LOG_WARN, "listener %s keeps its certificate: %s: %s",
			 l->name, what, last_error());
		return;
	}
	SSL_CTX_free(l->ssl_ctx);
	l->ssl_ctx = ctx;
	for (unsigned i = 0; i < l->h->n_edges; i++)
		edge_call(l->h->edges[i], swap_context, l);
	stoa_log(l->h->m, STOA_LOG_NOTICE, "listener %s has a new certificate", l->name);
}

/* ---- the BIO: lends input, appends output ---- */

static int bio_read(BIO *bio, char *out, size_t n, size_t *ret_n)
{
	struct conn *c = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (c->tls_in_n == 0) {
		BIO_set_retry_read(bio);
		*ret_n = 0;
		return 0;
	}
	if (n > c->tls_in_n)
		n = c->tls_in_n;
	memcpy(out, c->tls_in, n);
	c->tls_in += n;
	c->tls_in_n -= n;
	*ret_n = n;
	return 1;
}

static int bio_write(BIO *bio, const char *p, size_t n, size_t *ret_n)
{
	struct conn *c = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	stoa_buf_add(&c->e->tls_out, p, n);
	*ret_n = c->e->tls_out.failed ? 0 : n;
	return !c->e->tls_out.failed;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
	method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "edge");
	if (!method)
		return;
	BIO_meth_set_read_ex(method, bio_read);
	BIO_meth_set_write_ex(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
}

/* ---- sessions ---- */

int tls_begin(struct conn *c, void *ssl_ctx)
{
	BIO *bio;

	pthread_once(&method_once, make_method);
	bio = method ? BIO_new(method) : NULL;
	c->ssl = bio ? SSL_new(ssl_ctx) : NULL;
	if (!c->ssl) {
		BIO_free(bio);
		return -ENOMEM;
	}
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_accept_state(c->ssl);
	return 0;
}

void tls_end(struct conn *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
}

bool tls_flush(struct conn *c)
{
	struct stoa_buf *out = &c->e->tls_out;
	bool ok = !out->failed;

	if (out->n && ok)
		ok = lws_write(c->wsi, (unsigned char *)out->p, out->n, LWS_WRITE_RAW) >= 0;
	if (out->failed)
		stoa_buf_free(out);
	else
		stoa_buf_clear(out);
	return ok;
}

bool tls_write(struct conn *c, const void *p, size_t n)
{
	size_t done;

	return SSL_write_ex(c->ssl, p, n, &done) == 1 && done == n;
}

size_t tls_pending(const struct conn *c)
{
	return c->e->tls_out.n;
}

void tls_shutdown(struct conn *c)
{
	if (!SSL_is_init_finished(c->ssl))
		return;
	ERR_clear_error();
	SSL_shutdown(c->ssl);
	tls_flush(c);
}

static bool shake_hands(struct conn *c)
{
	const unsigned char *alpn;
	unsigned n;
	int r = SSL_do_handshake(c->ssl);

	if (r != 1) {
		if (SSL_get_error(c->ssl, r) != SSL_ERROR_WANT_READ)
			conn_kill(c); /* the alert is in the buffer */
		tls_flush(c);
		return false;
	}
	SSL_get0_alpn_selected(c->ssl, &alpn, &n);
	conn_secured(c, n == 2 && memcmp(alpn, "h2", 2) == 0);
	return true;
}

void tls_receive(struct conn *c, const void *p, size_t n)
{
	c->tls_in = p;
	c->tls_in_n = n;
	ERR_clear_error();
	if (SSL_is_init_finished(c->ssl) || shake_hands(c)) {
		size_t got;

		while (!c->dead && SSL_read_ex(c->ssl, c->e->plain, SCRATCH_SIZE, &got) == 1)
			conn_plain(c, c->e->plain, got);
		if (!c->dead && SSL_get_error(c->ssl, 0) != SSL_ERROR_WANT_READ)
			conn_kill(c); /* an alert, or the peer's close_notify */
		if (!tls_flush(c))    /* tickets, key updates */
			conn_kill(c);
	}
	c->tls_in_n = 0;
}
