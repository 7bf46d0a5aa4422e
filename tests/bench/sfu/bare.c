/* SPDX-License-Identifier: Apache-2.0 */
/* The bare encrypt-and-send loop of bare.h: one keyed context per subscriber, nothing else. */
#include "bare.h"

#include "srtp_cipher.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define SLAB_BYTES     (256 * 1024)
#define MESSAGES       1024
#define TRAIN_SEGMENTS 64
#define TRAIN_BYTES    65000
#define TAG            16

const uint8_t bare_key[16] = "benchmark's key";
const uint8_t bare_salt[12] = "and its salt";

struct bare {
	const struct bare_case *c;
	int fd;
	struct srtp_cipher *ciphers; /* per subscriber */
	struct sockaddr_in *to;
	uint64_t number; /* of the burst's first packet */
	uint32_t used, n;
	struct mmsghdr messages[MESSAGES];
	struct iovec iov[MESSAGES];
	char control[MESSAGES][CMSG_SPACE(sizeof(uint16_t))] __attribute__((aligned(8)));
	uint8_t slab[SLAB_BYTES];
};

void bare_fill(uint8_t *pkt, size_t head_len, size_t payload_len, uint64_t number)
{
	uint8_t *p = pkt + head_len;

	memset(pkt, 0, head_len);
	pkt[0] = 0x80;
	pkt[1] = 96;
	pkt[2] = (uint8_t)(number >> 8);
	pkt[3] = (uint8_t)number;
	for (int i = 0; i < 4; i++)
		pkt[8 + i] = (uint8_t)(BARE_SSRC >> (24 - 8 * i));
	if (head_len >= 16) { /* one-byte extensions, all padding */
		pkt[0] |= 0x10;
		pkt[12] = 0xbe;
		pkt[13] = 0xde;
		pkt[15] = (uint8_t)((head_len - 16) / 4);
	}
	for (size_t i = 0; i < payload_len; i++)
		p[i] = (uint8_t)(number * 131 + i * 7 + (i >> 8));
}

static void send_slab(struct bare *b)
{
	uint32_t sent = 0;

	while (sent < b->n) {
		int r = sendmmsg(b->fd, b->messages + sent, b->n - sent, 0);

		if (r < 0 && errno != EINTR)
			abort();
		sent += r > 0 ? (uint32_t)r : 0;
	}
	b->n = b->used = 0;
}

static size_t seal(struct srtp_cipher *c, const uint8_t *pkt, size_t head, size_t payload,
		   uint64_t index, uint8_t *dst)
{
	memcpy(dst, pkt, head);
	if (gcm_begin_seal(c, BARE_SSRC, index) || gcm_aad(c, dst, head) ||
	    gcm_update(c, pkt + head, payload, dst + head) || gcm_end_seal(c, dst + head + payload))
		abort();
	return head + payload + TAG;
}

/* One train: packets [from, from + n) of the burst to one subscriber. */
static void send_train(struct bare *b, uint32_t subscriber, uint8_t (*packets)[2048], uint32_t from,
		       uint32_t n)
{
	const struct bare_case *c = b->c;
	struct msghdr *msg = &b->messages[b->n].msg_hdr;
	uint8_t *start = b->slab + b->used;
	uint16_t size = (uint16_t)(c->head_len + c->payload_len + TAG);
	struct cmsghdr *cm = (struct cmsghdr *)(void *)b->control[b->n];

	for (uint32_t i = from; i < from + n; i++)
		b->used += (uint32_t)seal(&b->ciphers[subscriber], packets[i], c->head_len,
					  c->payload_len, b->number + i, b->slab + b->used);
	b->iov[b->n] = (struct iovec){ start, (size_t)(b->slab + b->used - start) };
	*msg = (struct msghdr){ .msg_name = &b->to[subscriber],
				.msg_namelen = sizeof(b->to[subscriber]),
				.msg_iov = &b->iov[b->n],
				.msg_iovlen = 1 };
	if (n > 1) {
		cm->cmsg_level = SOL_UDP;
		cm->cmsg_type = UDP_SEGMENT;
		cm->cmsg_len = CMSG_LEN(sizeof(size));
		memcpy(CMSG_DATA(cm), &size, sizeof(size));
		msg->msg_control = cm;
		msg->msg_controllen = CMSG_SPACE(sizeof(size));
	}
	b->n++;
}

static void send_burst(struct bare *b)
{
	static uint8_t packets[256][2048];
	const struct bare_case *c = b->c;
	size_t size = c->head_len + c->payload_len + TAG;
	uint32_t most = (uint32_t)(TRAIN_BYTES / size);

	if (most > TRAIN_SEGMENTS)
		most = TRAIN_SEGMENTS;
	for (uint32_t i = 0; i < c->burst; i++)
		bare_fill(packets[i], c->head_len, c->payload_len, b->number + i);
	for (uint32_t s = 0; s < c->subscribers; s++)
		for (uint32_t at = 0; at < c->burst; at += most) {
			uint32_t n = c->burst - at < most ? c->burst - at : most;

			if (b->n == MESSAGES || b->used + n * size > SLAB_BYTES)
				send_slab(b);
			send_train(b, s, packets, at, n);
		}
	send_slab(b);
	b->number += c->burst;
}

int bare_run(const struct bare_case *c)
{
	struct bare *b = calloc(1, sizeof(*b));
	int size = 4 << 20;
	char go;

	if (!b || !(b->ciphers = calloc(c->subscribers, sizeof(*b->ciphers))) ||
	    !(b->to = calloc(c->subscribers, sizeof(*b->to))) || c->burst > 256)
		return -ENOMEM;
	b->c = c;
	b->fd = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(b->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	for (uint32_t i = 0; i < c->subscribers; i++) {
		b->to[i] = (struct sockaddr_in){ .sin_family = AF_INET,
						 .sin_port = htons(c->ports[i]),
						 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		if (cipher_init(&b->ciphers[i], true, true, 0, bare_key, bare_salt, 12))
			return -EIO;
	}
	while (read(c->go, &go, 1) == 1)
		send_burst(b);
	return 0;
}
