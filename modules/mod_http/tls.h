/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_TLS_H
#define MOD_HTTP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* TLS by OpenSSL between the socket and the connection, and the certificates of listeners.
 *
 * The ciphertext does not go through a BIO that owns memory: what was read is lent to OpenSSL for
 * the call, what it writes goes to the edge's buffer, several records in one write. */

struct conn;
struct edge;
struct http;
struct listener;

/* ---- certificates; thread: ctl ---- */

/* Do certificate and key load, and fit? Fills `why` if not. */
int tls_check(const char *certificate, const char *key, char *why, size_t n);
/* Makes the listener's context. */
int tls_listener_open(struct listener *l);
void tls_listener_close(struct listener *l);
/* Looks whether the files changed, and takes the new ones for handshakes from now on. */
void tls_listener_look(struct listener *l);

/* ---- sessions; thread: net ---- */

int tls_begin(struct conn *c, void *ssl_ctx);
void tls_end(struct conn *c);
/* Takes ciphertext; calls conn_plain() with what it held. */
void tls_receive(struct conn *c, const void *p, size_t n);
/* Encrypts into the edge's buffer; tls_flush() writes that. False: the session is broken. */
bool tls_write(struct conn *c, const void *p, size_t n);
size_t tls_pending(const struct conn *c);
bool tls_flush(struct conn *c);
/* Says that nothing more comes. */
void tls_shutdown(struct conn *c);

#endif
