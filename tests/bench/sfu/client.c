/* SPDX-License-Identifier: Apache-2.0 */
/* The synthetic client of client.h. */
#include "client.h"

#include "datagram.h"
#include "net.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/cursor.h>
#include <stoa/util.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK_EVERY_US 50000   /* until connected */
#define ALIVE_EVERY_US 5000000 /* afterwards      */
#define BATCH          32

struct client {
	struct client_settings set;
	struct peer_dtls want;
	enum client_state state;
	int fd;
	struct outbox *outbox;
	struct dtls *dtls;
	struct srtp *in, *out;
	unsigned profile;
	uint64_t check_due_us, dtls_due_us;
	uint64_t undecrypted;
	uint8_t check_id[12];
	char username[600];
};

/* ---- STUN (RFC 8489), the client's side ---- */

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void add_attribute(struct stoa_wcursor *c, uint16_t type, const void *value, uint16_t n)
{
	static const uint8_t zeros[4];

	stoa_wcur_be16(c, type);
	stoa_wcur_be16(c, n);
	stoa_wcur_bytes(c, value, n);
	stoa_wcur_bytes(c, zeros, (4u - n % 4u) % 4u);
}

/* The length field counts `more` bytes that are still to come. */
static void set_length(struct stoa_wcursor *c, size_t more)
{
	size_t n = stoa_wcur_len(c) - 20 + more;

	c->start[2] = (uint8_t)(n >> 8);
	c->start[3] = (uint8_t)n;
}

size_t client_make_check(uint8_t *out, size_t cap, const char *username, const char *pwd,
			 bool use_candidate, const uint8_t id[12])
{
	static const uint8_t tie_breaker[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t priority[4] = { 0x6e, 0, 1, 0xff };
	struct stoa_wcursor c = stoa_wcur(out, cap);
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned mac_len;
	uint32_t crc;

	if (cap < 20)
		return 0;
	stoa_wcur_be16(&c, 1); /* binding request */
	stoa_wcur_be16(&c, 0);
	stoa_wcur_be32(&c, STUN_COOKIE);
	stoa_wcur_bytes(&c, id, 12);
	add_attribute(&c, 0x0006, username, (uint16_t)strlen(username));
	add_attribute(&c, 0x0024, priority, sizeof(priority));
	add_attribute(&c, 0x802a, tie_breaker, sizeof(tie_breaker)); /* ICE-CONTROLLING */
	if (use_candidate)
		add_attribute(&c, 0x0025, NULL, 0);
	set_length(&c, 24);
	HMAC(EVP_sha1(), pwd, (int)strlen(pwd), out, stoa_wcur_len(&c), mac, &mac_len);
	add_attribute(&c, 0x0008, mac, 20);
	set_length(&c, 8);
	crc = crc32_of(out, stoa_wcur_len(&c)) ^ 0x5354554e;
	stoa_wcur_be16(&c, 0x8028);
	stoa_wcur_be16(&c, 4);
	stoa_wcur_be32(&c, crc);
	return c.failed ? 0 : stoa_wcur_len(&c);
}

static bool is_success(const struct client *c, const uint8_t *p, size_t n)
{
	return n >= 20 && p[0] == 1 && p[1] == 1 && memcmp(p + 8, c->check_id, 12) == 0;
}

/* ---- sending ---- */

static void send_bytes(void *user, const uint8_t *p, size_t n)
{
	struct client *c = user;
	uint8_t *room = outbox_begin(c->outbox);

	if (!room)
		return;
	memcpy(room, p, n);
	outbox_commit(c->outbox, &c->set.server, n);
}

static void send_check(struct client *c)
{
	uint8_t msg[700];
	size_t n;

	stoa_random(c->check_id, sizeof(c->check_id));
	n = client_make_check(msg, sizeof(msg), c->username, c->set.pwd,
			      c->state != CLIENT_CHECKING, c->check_id);
	send_bytes(c, msg, n);
}

int client_send(struct client *c, const uint8_t *pkt, size_t n, uint64_t index)
{
	uint16_t clear = 12;
	struct srtp_plain plain = { .head = pkt, .index = index };
	uint8_t *room;
	size_t len;
	int err;

	if (!c->out)
		return -ENOTCONN;
	if (pkt[0] & 0x10) /* header extensions go in clear */
		clear = (uint16_t)(16 + 4 * (pkt[14] << 8 | pkt[15]));
	plain.clear_len = plain.head_len = clear;
	plain.payload = pkt + clear;
	plain.payload_len = (uint16_t)(n - clear);
	if (!(room = outbox_begin(c->outbox)))
		return -ENOBUFS;
	if ((err = srtp_protect(c->out, &plain, room, OUTBOX_PACKET_MAX, &len)))
		return err;
	outbox_commit(c->outbox, &c->set.server, len);
	return 0;
}

int client_send_rtcp(struct client *c, const uint8_t *pkt, size_t n)
{
	uint8_t *room;
	size_t len;
	int err;

	if (!c->out)
		return -ENOTCONN;
	if (!(room = outbox_begin(c->outbox)))
		return -ENOBUFS;
	if ((err = srtp_protect_rtcp(c->out, pkt, n, room, OUTBOX_PACKET_MAX, &len)))
		return err;
	outbox_commit(c->outbox, &c->set.server, len);
	return 0;
}

void client_flush(struct client *c)
{
	outbox_flush(c->outbox);
}

/* ---- DTLS ---- */

static void take_keys(struct client *c)
{
	struct dtls_keys k;

	if (dtls_export(c->dtls, &k) || srtp_new(k.profile, SRTP_IN, k.in_key, k.in_salt, &c->in) ||
	    srtp_new(k.profile, SRTP_OUT, k.out_key, k.out_salt, &c->out)) {
		c->state = CLIENT_FAILED;
		return;
	}
	c->profile = k.profile;
	c->state = CLIENT_CONNECTED;
}

static void follow_dtls(struct client *c, uint64_t now_us)
{
	uint64_t wait = dtls_wait_us(c->dtls);

	if (dtls_state(c->dtls) == DTLS_READY && c->state == CLIENT_SHAKING)
		take_keys(c);
	else if (dtls_state(c->dtls) >= DTLS_CLOSED)
		c->state = CLIENT_FAILED;
	c->dtls_due_us = wait == UINT64_MAX ? UINT64_MAX : now_us + wait;
}

static void on_checked(struct client *c, uint64_t now_us)
{
	if (c->state != CLIENT_CHECKING)
		return;
	c->state = CLIENT_SHAKING; /* at once, before nomination, as browsers do */
	if (dtls_new(c->set.dtls, &c->want, send_bytes, c, &c->dtls))
		c->state = CLIENT_FAILED;
	else
		follow_dtls(c, now_us);
}

/* ---- receiving ---- */

static void take_datagram(struct client *c, uint8_t *p, size_t n, uint64_t now_us)
{
	size_t len;

	switch (datagram_classify(p, n)) {
	case DATAGRAM_STUN:
		if (is_success(c, p, n))
			on_checked(c, now_us);
		break;
	case DATAGRAM_DTLS:
		if (c->dtls) {
			dtls_input(c->dtls, p, n);
			follow_dtls(c, now_us);
		}
		break;
	case DATAGRAM_RTP:
		if (!c->in || srtp_unprotect(c->in, p, n, p, &len, NULL))
			c->undecrypted++;
		else if (c->set.on_rtp)
			c->set.on_rtp(c->set.user, p, len);
		break;
	case DATAGRAM_RTCP:
		if (!c->in || srtp_unprotect_rtcp(c->in, p, n, &len))
			c->undecrypted++;
		else if (c->set.on_rtcp)
			c->set.on_rtcp(c->set.user, p, len);
		break;
	case DATAGRAM_JUNK:
		break;
	}
}

static int receive(struct client *c, uint64_t now_us)
{
	static uint8_t data[BATCH][2048]; /* clients share a thread */
	struct mmsghdr messages[BATCH];
	struct iovec iov[BATCH];
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ data[i], sizeof(data[i]) };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	n = recvmmsg(c->fd, messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		take_datagram(c, data[i], messages[i].msg_len, now_us);
	return n;
}

void client_step(struct client *c, uint64_t now_us)
{
	while (receive(c, now_us) == BATCH)
		;
	if (c->state == CLIENT_FAILED)
		return;
	if (now_us >= c->check_due_us) {
		send_check(c);
		c->check_due_us =
			now_us + (c->state == CLIENT_CONNECTED ? ALIVE_EVERY_US : CHECK_EVERY_US);
	}
	if (c->dtls && now_us >= c->dtls_due_us) {
		dtls_timeout(c->dtls);
		follow_dtls(c, now_us);
	}
	client_flush(c);
}

/* ---- life ---- */

int client_parse_fingerprint(const char *text, struct peer_dtls *ret_want)
{
	const char *p = strchr(text, ' ');

	*ret_want = (struct peer_dtls){ .hash = PEER_HASH_SHA256 };
	if (strncmp(text, "sha-256 ", 8) != 0)
		return -EINVAL;
	while (p && ret_want->fingerprint_len < 32) {
		unsigned byte;

		if (sscanf(p + 1, "%2x", &byte) != 1)
			return -EINVAL;
		ret_want->fingerprint[ret_want->fingerprint_len++] = (uint8_t)byte;
		p = strchr(p + 1, ':');
	}
	return ret_want->fingerprint_len == 32 ? 0 : -EINVAL;
}

STOA_DEFINE_AUTO(struct client, client_free)

int client_new(const struct client_settings *s, struct client **ret_client)
{
	stoa_auto(client_free) struct client *c = calloc(1, sizeof(*c));
	struct address any = { .family = s->server.family };
	union sockaddr_any to;
	socklen_t len;
	int err;

	if (!c)
		return -ENOMEM;
	c->fd = -1;
	c->set = *s;
	if ((err = client_parse_fingerprint(s->fingerprint, &c->want)) ||
	    (err = net_bind(&any, s->buffer ? s->buffer : 262144, &c->fd)))
		return err;
	c->want.is_client = true;
	len = address_to(&s->server, &to);
	if (connect(c->fd, &to.sa, len) < 0)
		return -errno;
	if ((err = outbox_new(c->fd, &c->outbox)))
		return err;
	snprintf(c->username, sizeof(c->username), "%s:%s", s->ufrag, s->own_ufrag);
	*ret_client = stoa_take(c);
	return 0;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	if (c->dtls) {
		dtls_close(c->dtls);
		outbox_flush(c->outbox);
	}
	dtls_free(c->dtls);
	srtp_free(c->in);
	srtp_free(c->out);
	outbox_free(c->outbox);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

int client_fd(const struct client *c)
{
	return c->fd;
}

enum client_state client_state(const struct client *c)
{
	return c->state;
}

unsigned client_profile(const struct client *c)
{
	return c->profile;
}

uint64_t client_undecrypted(const struct client *c)
{
	return c->undecrypted;
}
