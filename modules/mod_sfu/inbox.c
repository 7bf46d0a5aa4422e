/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of datagrams, see inbox.h. */
#include "inbox.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define ROOM       65536 /* longest message, joined ones included */
#define AGE_MAX_NS 1000000000
/* Buffers do not begin at the same cache sets. */
#define STRIDE (ROOM + 33 * 64)

struct message {
	struct iovec iov;
	union sockaddr_any from;
	char control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct timespec))]
		__attribute__((aligned(8)));
};

struct inbox {
	struct mmsghdr headers[INBOX_MESSAGES];
	struct message messages[INBOX_MESSAGES];
	uint8_t *bytes; /* INBOX_MESSAGES times STRIDE */
	int n, at;      /* messages of the batch; the one being walked */
	int64_t now_ns; /* wall clock when the batch was taken */
	size_t off, segment;
	uint32_t age_us;     /* of the one being walked */
	struct address from; /* of the one being walked */
	uint8_t socket;
};

STOA_DEFINE_AUTO(struct inbox, inbox_free)

static void reset_header(struct inbox *in, int i)
{
	struct message *m = &in->messages[i];

	in->headers[i].msg_hdr = (struct msghdr){
		.msg_name = &m->from,
		.msg_namelen = sizeof(m->from),
		.msg_iov = &m->iov,
		.msg_iovlen = 1,
		.msg_control = m->control,
		.msg_controllen = sizeof(m->control),
	};
}

int inbox_new(struct inbox **ret_inbox)
{
	stoa_auto(inbox_free) struct inbox *in = calloc(1, sizeof(*in));
	void *map;

	if (!in)
		return -ENOMEM;
	map = mmap(NULL, INBOX_MESSAGES * STRIDE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	in->bytes = map;
	for (int i = 0; i < INBOX_MESSAGES; i++) {
		in->messages[i].iov = (struct iovec){ in->bytes + (size_t)i * STRIDE, ROOM };
		reset_header(in, i);
	}
	*ret_inbox = stoa_take(in);
	return 0;
}

void inbox_free(struct inbox *in)
{
	if (!in)
		return;
	if (in->bytes)
		munmap(in->bytes, INBOX_MESSAGES * STRIDE);
	free(in);
}

void inbox_prepare_socket(int fd)
{
	int one = 1;

	setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof(one));
	/* Senders measure bandwidth by the gaps between arrivals. Ours come in batches, more so on a
	 * busy machine; without the kernel's own times Chromium takes its probes for failed. */
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
}

static int64_t to_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

int inbox_receive(struct inbox *in, int fd, uint8_t socket, bool *ret_more)
{
	struct timespec now;

	for (int i = 0; i < in->n; i++) /* the kernel wrote lengths over them */
		reset_header(in, i);
	in->n = recvmmsg(fd, in->headers, INBOX_MESSAGES, MSG_DONTWAIT, NULL);
	if (in->n < 0)
		in->n = 0;
	if (in->n > 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		in->now_ns = to_ns(&now);
	}
	in->at = -1;
	in->off = in->segment = 0;
	in->socket = socket;
	*ret_more = in->n == INBOX_MESSAGES;
	return in->n;
}

/* What the kernel says beside the bytes: the size of the datagrams that it joined into this message
 * (all of it when it joined none), and when it got them. A step of the clock is not an age. */
static void read_control(struct inbox *in, struct msghdr *h, size_t len)
{
	struct timespec stamp;
	int64_t age_ns;
	int size;

	in->segment = len;
	in->age_us = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&size, CMSG_DATA(c), sizeof(size));
			in->segment = size > 0 ? (size_t)size : len;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
			age_ns = in->now_ns - to_ns(&stamp);
			in->age_us =
				age_ns > 0 && age_ns < AGE_MAX_NS ? (uint32_t)(age_ns / 1000) : 0;
		}
	}
}

/* The next message with a sender we can answer and at least one byte. */
static bool next_message(struct inbox *in)
{
	while (++in->at < in->n) {
		struct mmsghdr *m = &in->headers[in->at];

		if (!m->msg_len || address_from(&in->messages[in->at].from, in->socket, &in->from))
			continue;
		in->off = 0;
		read_control(in, &m->msg_hdr, m->msg_len);
		return true;
	}
	return false;
}

bool inbox_next(struct inbox *in, struct datagram_in *ret_d)
{
	struct mmsghdr *m;
	size_t left;

	if ((in->at < 0 || in->at >= in->n || in->off >= in->headers[in->at].msg_len) &&
	    !next_message(in))
		return false;
	m = &in->headers[in->at];
	left = m->msg_len - in->off;
	ret_d->p = in->bytes + (size_t)in->at * STRIDE + in->off;
	ret_d->n = left < in->segment ? left : in->segment;
	ret_d->from = in->from;
	ret_d->age_us = in->age_us;
	ret_d->is_cut = m->msg_hdr.msg_flags & MSG_TRUNC;
	in->off += ret_d->n;
	return true;
}
