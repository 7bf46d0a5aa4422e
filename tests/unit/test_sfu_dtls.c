/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes in memory: both ends of dtls.c, and a client of the test's own whose profiles, message
 * sizes and certificate it chooses. Lost datagrams come back by the timers. */
#include "check.h"

#include "client.h"
#include "dtls_ctx.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <unistd.h>

#define QUEUE 256

struct end {
	struct dtls *dtls;
	struct end *peer;
	uint8_t bytes[QUEUE][2048]; /* on their way to this end */
	size_t sizes[QUEUE];
	unsigned head, tail;
	unsigned drop_each; /* of those that are sent: 0 none, n every n-th */
	unsigned sent, largest;
};

static struct dtls_ctx *ours, *theirs;
static struct end server, client;

static void send_to_peer(void *user, const uint8_t *p, size_t n)
{
	struct end *e = user, *to = e->peer;

	CHECK(n <= DTLS_MTU);
	if (n > e->largest)
		e->largest = (unsigned)n;
	if (++e->sent, e->drop_each && e->sent % e->drop_each == 0)
		return;
	if (to->tail - to->head == QUEUE)
		return;
	memcpy(to->bytes[to->tail % QUEUE], p, n);
	to->sizes[to->tail++ % QUEUE] = n;
}

static void deliver(struct end *e)
{
	while (e->head != e->tail) {
		dtls_input(e->dtls, e->bytes[e->head % QUEUE], e->sizes[e->head % QUEUE]);
		e->head++;
	}
}

static void begin(struct peer_dtls *server_want, struct peer_dtls *client_want)
{
	memset(&server, 0, sizeof(server));
	memset(&client, 0, sizeof(client));
	server.peer = &client;
	client.peer = &server;
	CHECK_INT(dtls_new(ours, server_want, send_to_peer, &server, &server.dtls), 0);
	CHECK_INT(dtls_new(theirs, client_want, send_to_peer, &client, &client.dtls), 0);
}

static void end(void)
{
	dtls_free(server.dtls);
	dtls_free(client.dtls);
}

static void run(void)
{
	for (int i = 0; i < 400; i++) {
		deliver(&server);
		deliver(&client);
		if (dtls_state(server.dtls) != DTLS_HANDSHAKE &&
		    dtls_state(client.dtls) != DTLS_HANDSHAKE && server.head == server.tail &&
		    client.head == client.tail)
			return;
		if (server.head == server.tail && client.head == client.tail) {
			uint64_t a = dtls_wait_us(server.dtls), b = dtls_wait_us(client.dtls);
			uint64_t wait = a < b ? a : b;

			if (wait == UINT64_MAX)
				return;
			usleep((useconds_t)(wait + 1000));
			dtls_timeout(server.dtls);
			dtls_timeout(client.dtls);
		}
	}
}

static struct peer_dtls want_of(const struct dtls_ctx *ctx, bool is_client)
{
	struct peer_dtls want;

	CHECK_INT(client_parse_fingerprint(dtls_ctx_fingerprint(ctx), &want), 0);
	want.is_client = is_client;
	return want;
}

static void check_keys(unsigned profile)
{
	struct dtls_keys a, b;

	CHECK_INT(dtls_state(server.dtls), DTLS_READY);
	CHECK_INT(dtls_state(client.dtls), DTLS_READY);
	CHECK_INT(dtls_export(server.dtls, &a), 0);
	CHECK_INT(dtls_export(client.dtls, &b), 0);
	CHECK_INT(a.profile, profile);
	CHECK(memcmp(a.in_key, b.out_key, 16) == 0 && memcmp(a.out_key, b.in_key, 16) == 0);
	CHECK(memcmp(a.in_salt, b.out_salt, 12) == 0 && memcmp(a.out_salt, b.in_salt, 12) == 0);
	CHECK(memcmp(a.in_key, a.out_key, 16) != 0);
}

static void test_handshake(void)
{
	struct peer_dtls s = want_of(theirs, false), c = want_of(ours, true);
	struct dtls_keys k;

	begin(&s, &c);
	CHECK_INT(dtls_export(server.dtls, &k), -EAGAIN);
	run();
	check_keys(SRTP_AEAD_AES_128_GCM);
	dtls_close(client.dtls);
	deliver(&server);
	CHECK_INT(dtls_state(server.dtls), DTLS_CLOSED);
	end();
}

static void test_losses(void)
{
	struct peer_dtls s = want_of(theirs, false), c = want_of(ours, true);

	for (unsigned each = 3; each < 6; each++) {
		begin(&s, &c);
		server.drop_each = each;
		client.drop_each = each + 1;
		run();
		check_keys(SRTP_AEAD_AES_128_GCM);
		end();
	}
}

static void test_wrong_certificate(void)
{
	struct peer_dtls s = want_of(ours, false), c = want_of(ours, true), none = { 0 };
	struct dtls_keys k;
	struct dtls *d;

	begin(&s, &c);
	run();
	CHECK_INT(dtls_state(server.dtls), DTLS_FAILED);
	CHECK(strlen(dtls_failure(server.dtls)) > 0);
	CHECK_INT(dtls_export(server.dtls, &k), -EAGAIN);
	end();
	CHECK_INT(dtls_new(ours, &none, send_to_peer, &server, &d), -EPROTO);
}

static void test_hashes(void)
{
	static const struct {
		enum peer_hash hash;
		const char *name;
	} hashes[] = { { PEER_HASH_SHA1, "SHA1" },
		       { PEER_HASH_SHA384, "SHA384" },
		       { PEER_HASH_SHA512, "SHA512" } };
	X509 *cert = SSL_CTX_get0_certificate(theirs->ssl);

	for (size_t i = 0; i < STOA_ARRAY_SIZE(hashes); i++) {
		struct peer_dtls s = { .hash = hashes[i].hash }, c = want_of(ours, true);
		unsigned n;

		CHECK_INT(
			X509_digest(cert, EVP_get_digestbyname(hashes[i].name), s.fingerprint, &n),
			1);
		s.fingerprint_len = (uint8_t)n;
		begin(&s, &c);
		run();
		check_keys(SRTP_AEAD_AES_128_GCM);
		end();
		s.fingerprint[n - 1] ^= 1;
		begin(&s, &c);
		run();
		CHECK_INT(dtls_state(server.dtls), DTLS_FAILED);
		end();
	}
}

/* ---- a client of the test's own, on memory BIOs ---- */

static SSL *make_client(const char *profiles, unsigned mtu, bool is_big)
{
	SSL *ssl = SSL_new(theirs->ssl);

	/* An SSL starts with its context's profiles; "" stands for none at all. */
	if (profiles[0])
		CHECK_INT(SSL_set_tlsext_use_srtp(ssl, profiles), 0);
	if (is_big) { /* a list of protocols makes the ClientHello longer than one datagram */
		static uint8_t alpn[1200];

		for (size_t i = 0; i < sizeof(alpn); i += 100)
			memset(alpn + i, 'x', 100), alpn[i] = 99;
		SSL_set_alpn_protos(ssl, alpn, sizeof(alpn));
	}
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	BIO_set_mem_eof_return(SSL_get_rbio(ssl), -1);
	SSL_set_mtu(ssl, mtu);
	SSL_set_connect_state(ssl);
	return ssl;
}

static SSL *raw_client;

static void send_to_raw(void *user, const uint8_t *p, size_t n)
{
	(void)user;
	BIO_write(SSL_get_rbio(raw_client), p, (int)n);
}

/* Cuts what the client wrote into records, each a datagram of its own. Yields how many. */
static unsigned pass_records(struct dtls *d)
{
	uint8_t bytes[16384];
	int n = BIO_read(SSL_get_wbio(raw_client), bytes, sizeof(bytes));
	unsigned count = 0;

	for (int at = 0; at + 13 <= n; count++) {
		int len = 13 + (bytes[at + 11] << 8 | bytes[at + 12]);

		dtls_input(d, bytes + at, (size_t)len);
		at += len;
	}
	return count;
}

static struct dtls *shake_raw(const char *profiles, unsigned mtu, bool is_big, unsigned *ret_first)
{
	static struct peer_dtls s;
	struct dtls *d;

	s = want_of(theirs, false);
	raw_client = make_client(profiles, mtu, is_big);
	CHECK_INT(dtls_new(ours, &s, send_to_raw, NULL, &d), 0);
	SSL_do_handshake(raw_client);
	*ret_first = pass_records(d);
	for (int i = 0; i < 10; i++) {
		SSL_do_handshake(raw_client);
		pass_records(d);
	}
	return d;
}

static void test_split_hello(void)
{
	struct dtls_keys k;
	unsigned first;
	struct dtls *d = shake_raw("SRTP_AEAD_AES_128_GCM", 700, true, &first);

	CHECK(first >= 2); /* the ClientHello alone */
	CHECK_INT(dtls_state(d), DTLS_READY);
	CHECK_INT(dtls_export(d, &k), 0);
	dtls_free(d);
	SSL_free(raw_client);
}

static void test_profiles(void)
{
	struct dtls_keys k;
	unsigned first;
	struct dtls *d =
		shake_raw("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM", 1200, false, &first);

	CHECK_INT(first, 1);
	CHECK_INT(dtls_export(d, &k), 0);
	CHECK_INT(k.profile, SRTP_AEAD_AES_128_GCM); /* our order counts */
	dtls_free(d);
	SSL_free(raw_client);
	d = shake_raw("SRTP_AES128_CM_SHA1_80", 1200, false, &first);
	CHECK_INT(dtls_export(d, &k), 0);
	CHECK_INT(k.profile, SRTP_AES128_CM_SHA1_80);
	dtls_free(d);
	SSL_free(raw_client);
	d = shake_raw("SRTP_AES128_CM_SHA1_32", 1200, false, &first); /* nothing in common */
	CHECK_INT(dtls_state(d), DTLS_FAILED);
	CHECK_INT(dtls_export(d, &k), -EAGAIN);
	dtls_free(d);
	SSL_free(raw_client);
}

static void test_data(void)
{
	unsigned first;
	struct dtls *d = shake_raw("SRTP_AEAD_AES_128_GCM", 1200, false, &first);

	CHECK_INT(SSL_write(raw_client, "sctp", 4), 4);
	CHECK_INT(pass_records(d), 1);
	CHECK_INT(dtls_counts(d).data_dropped, 1);
	CHECK_INT(dtls_state(d), DTLS_READY);
	dtls_input(d, (const uint8_t *)"\x17\xfe\xfd\0\1\0\0\0\0\0\1\0\4junk", 17);
	CHECK_INT(dtls_state(d), DTLS_READY); /* what does not authenticate changes nothing */
	dtls_free(d);
	SSL_free(raw_client);
}

int main(void)
{
	CHECK_INT(dtls_ctx_new(&ours), 0);
	CHECK_INT(dtls_ctx_new(&theirs), 0);
	CHECK_STR(strncmp(dtls_ctx_fingerprint(ours), "sha-256 ", 8) ? "" : "ok", "ok");
	CHECK(strcmp(dtls_ctx_fingerprint(ours), dtls_ctx_fingerprint(theirs)) != 0);
	test_handshake();
	test_losses();
	test_wrong_certificate();
	test_hashes();
	test_split_hello();
	test_profiles();
	test_data();
	dtls_ctx_free(ours);
	dtls_ctx_free(theirs);
	return check_done();
}
