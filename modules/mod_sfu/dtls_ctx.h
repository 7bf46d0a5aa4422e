/* SPDX-License-Identifier: Apache-2.0 */
/* What dtls_ctx.c and dtls.c share. */
#ifndef SFU_DTLS_CTX_H
#define SFU_DTLS_CTX_H

#include "dtls.h"

#include <openssl/ssl.h>
#include <stoa/util.h>

struct dtls_ctx {
	SSL_CTX *ssl;
	BIO_METHOD *bio;
	char fingerprint[120];
};

/** The BIO that joins OpenSSL to struct dtls, datagram by datagram. */
BIO_METHOD *dtls_bio_new(void);

#endif
