/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_TLS_H
#define MOD_HTTP_TLS_H

#include <stddef.h>

struct edge;
struct listener;

/* Do certificate and key load, and fit? Fills `why` if not. Thread: any. */
int tls_check(const char *certificate, const char *key, char *why, size_t n);

/* Makes the listener's virtual host on the edge. Thread: net. */
int tls_vhost_new(struct edge *e, struct listener *l);
/* libwebsockets made an SSL_CTX for a vhost; `user` is the vhost's. Thread: net. */
void tls_context_made(void *user, void *ssl_ctx);

/* Notes how the files look now; looks whether they changed and takes new ones. Thread: ctl. */
void tls_remember(struct listener *l);
void tls_look(struct listener *l);

#endif
