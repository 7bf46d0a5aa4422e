/* SPDX-License-Identifier: Apache-2.0 */
/* A listener's virtual host on an edge, and its certificate. New certificates are put into the live
 * SSL_CTX of each edge, on the edge's thread: handshakes from then on use them, connections stay. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "edge.h"
#include "tls.h"

/* TLS 1.2 with forward secrecy and authenticated encryption, and TLS 1.3 (RFC 9325). */
static const char ciphers_12[] =
	"ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL:!MD5:!DSS:!SHA1:!SHA256:!SHA384";
static const char ciphers_13[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

static const char *last_error(void)
{
	unsigned long err = ERR_peek_last_error();
	const char *reason = err ? ERR_reason_error_string(err) : NULL;

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

int tls_check(const char *certificate, const char *key, char *why, size_t n)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	const char *what = NULL;
	int err = ctx ? load(ctx, certificate, key, &what) : -ENOMEM;

	if (err)
		snprintf(why, n, "cannot use %s: %s", what ? what : "TLS", last_error());
	SSL_CTX_free(ctx);
	return err;
}

int tls_vhost_new(struct edge *e, struct listener *l)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.vhost_name = l->name,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.keepalive_timeout = 60,
		.timeout_secs = 20,
		.server_string = "",
	};

	info.protocols = edge_protocols;
	if (l->certificate) {
		info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.ssl_cert_filepath = l->certificate;
		info.ssl_private_key_filepath = l->key;
		info.ssl_cipher_list = ciphers_12;
		info.tls1_3_plus_cipher_list = ciphers_13;
		info.alpn = "http/1.1";
		info.ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_COMPRESSION |
				       SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE;
	}
	info.user = &e->ssl_ctx[l->index]; /* h2_callback() stores the SSL_CTX there */
	e->vhosts[l->index] = lws_create_vhost(e->lws, &info);
	return e->vhosts[l->index] ? 0 : -EINVAL;
}

void tls_context_made(void *user, void *ssl_ctx)
{
	SSL_CTX *ctx = ssl_ctx;

	*(void **)user = ctx;
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* an idle connection costs no buffers */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets do */
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
}

static void reload(struct edge *e, void *arg)
{
	struct listener *l = arg;
	const char *what;

	if (e->ssl_ctx[l->index] && load(e->ssl_ctx[l->index], l->certificate, l->key, &what) < 0)
		stoa_log(e->h->m, STOA_LOG_ERROR, "listener %s keeps its certificate: %s: %s",
			 l->name, what, last_error());
}

static uint64_t stamp(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec +
	       (uint64_t)st.st_size + (uint64_t)st.st_ino * 31;
}

void tls_remember(struct listener *l)
{
	if (l->certificate)
		l->tls_stamp = stamp(l->certificate) ^ (stamp(l->key) * 3);
}

void tls_look(struct listener *l)
{
	uint64_t before = l->tls_stamp;
	char why[300];

	if (!l->certificate)
		return;
	tls_remember(l);
	if (l->tls_stamp == before)
		return;
	/* Certificate and key are two files: in between they do not fit, and the next look will. */
	if (tls_check(l->certificate, l->key, why, sizeof(why)) < 0) {
		stoa_log(l->h->m, STOA_LOG_WARN, "listener %s keeps its certificate: %s", l->name,
			 why);
		l->tls_stamp = 0;
		return;
	}
	for (unsigned i = 0; i < l->h->n_edges; i++)
		edge_call(l->h->edges[i], reload, l);
	stoa_log(l->h->m, STOA_LOG_NOTICE, "listener %s has a new certificate", l->name);
}
