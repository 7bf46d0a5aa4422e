/* SPDX-License-Identifier: Apache-2.0 */
/* Slabs and trains, see outbox.h. A slab is 256 KB so that it is still in the cache when the
 * kernel copies from it. */
#include "outbox.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define SLAB_BYTES     (256 * 1024)
#define SLAB_MESSAGES  1024 /* most that sendmmsg() takes               */
#define SLABS          8
#define TRAIN_SEGMENTS 64    /* UDP_MAX_SEGMENTS of every kernel         */
#define TRAIN_BYTES    65000 /* an IP packet is at most 65535            */

struct train {
	struct iovec iov;
	union sockaddr_any to;
	struct address address;
	uint16_t segment; /* size of all packets but the last */
	uint16_t n;
	bool is_closed; /* the last one was shorter */
	char control[CMSG_SPACE(sizeof(uint16_t))] __attribute__((aligned(8)));
};

struct slab {
	uint32_t used; /* bytes */
	uint32_t n, sent;
	struct mmsghdr messages[SLAB_MESSAGES];
	struct train trains[SLAB_MESSAGES];
	uint8_t bytes[SLAB_BYTES];
};

struct outbox {
	int fd;
	bool has_gso;
	uint32_t first, n; /* slabs in use, oldest first; the newest is being filled */
	struct outbox_stats stats;
	struct slab *slabs; /* SLABS of them, mapped: untouched ones cost nothing */
};

STOA_DEFINE_AUTO(struct outbox, outbox_free)

int outbox_new(int fd, struct outbox **ret_outbox)
{
	stoa_auto(outbox_free) struct outbox *o = calloc(1, sizeof(*o));
	void *map;

	if (!o)
		return -ENOMEM;
	map = mmap(NULL, SLABS * sizeof(struct slab), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	o->slabs = map;
	o->fd = fd;
	o->has_gso = true;
	o->n = 1;
	*ret_outbox = stoa_take(o);
	return 0;
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	if (o->slabs)
		munmap(o->slabs, SLABS * sizeof(struct slab));
	free(o);
}

static struct slab *newest(struct outbox *o)
{
	return &o->slabs[(o->first + o->n - 1) % SLABS];
}

static bool is_full(const struct slab *s)
{
	return s->used + OUTBOX_PACKET_MAX > SLAB_BYTES || s->n == SLAB_MESSAGES;
}

uint8_t *outbox_begin(struct outbox *o)
{
	struct slab *s = newest(o);

	if (is_full(s)) {
		outbox_flush(o);
		s = newest(o);
	}
	if (is_full(s) && o->n < SLABS) {
		o->n++;
		s = newest(o);
		s->used = s->n = s->sent = 0;
	}
	if (is_full(s)) {
		o->stats.dropped++;
		return NULL;
	}
	return s->bytes + s->used;
}

static bool joins(const struct outbox *o, const struct train *t, const struct address *to, size_t n)
{
	return o->has_gso && !t->is_closed && n <= t->segment && t->n < TRAIN_SEGMENTS &&
	       t->iov.iov_len + n <= TRAIN_BYTES && address_eq(&t->address, to);
}

static void lengthen(struct msghdr *msg, struct train *t, size_t n)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)t->control;

	t->iov.iov_len += n;
	t->is_closed = n < t->segment;
	if (t->n++ > 1)
		return;
	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(t->segment));
	memcpy(CMSG_DATA(c), &t->segment, sizeof(t->segment));
	msg->msg_control = t->control;
	msg->msg_controllen = sizeof(t->control);
}

void outbox_commit(struct outbox *o, const struct address *to, size_t n)
{
	struct slab *s = newest(o);
	struct train *t = &s->trains[s->n];

	if (s->n && joins(o, t - 1, to, n)) {
		lengthen(&s->messages[s->n - 1].msg_hdr, t - 1, n);
	} else {
		t->iov = (struct iovec){ s->bytes + s->used, n };
		t->address = *to;
		t->segment = (uint16_t)n;
		t->n = 1;
		t->is_closed = false;
		s->messages[s->n++].msg_hdr = (struct msghdr){
			.msg_name = &t->to,
			.msg_namelen = address_to(to, &t->to),
			.msg_iov = &t->iov,
			.msg_iovlen = 1,
		};
	}
	s->used += (uint32_t)n;
}

static void count_sent(struct outbox *o, const struct train *t)
{
	o->stats.messages++;
	o->stats.packets += t->n;
	o->stats.bytes += t->iov.iov_len;
}

/* A message the kernel refused. A train may be at fault as such (no checksum offload, a path MTU
 * below its segment): then its packets go one by one. Others are dropped. */
static void handle_refusal(struct outbox *o, struct slab *s, int err)
{
	struct train *t = &s->trains[s->sent];
	uint8_t *p = t->iov.iov_base, *end = p + t->iov.iov_len;

	if (err == EIO && t->n > 1)
		o->has_gso = false; /* the device cannot; do not try again */
	if (t->n > 1 && (err == EIO || err == EINVAL || err == EMSGSIZE)) {
		for (; p < end; p += t->segment) {
			size_t n = (size_t)(end - p) < t->segment ? (size_t)(end - p) : t->segment;

			if (sendto(o->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL, &t->to.sa,
				   s->messages[s->sent].msg_hdr.msg_namelen) < 0)
				o->stats.dropped++;
			else
				o->stats.packets++;
		}
	} else {
		o->stats.dropped += t->n;
	}
	s->sent++;
}

static bool flush_slab(struct outbox *o, struct slab *s)
{
	while (s->sent < s->n) {
		int r = sendmmsg(o->fd, s->messages + s->sent, s->n - s->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		o->stats.calls++;
		if (r > 0) {
			for (int i = 0; i < r; i++)
				count_sent(o, &s->trains[s->sent++]);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
			o->stats.blocked++;
			return false;
		} else if (errno != EINTR) {
			handle_refusal(o, s, errno);
		}
	}
	s->used = s->n = s->sent = 0;
	return true;
}

bool outbox_flush(struct outbox *o)
{
	while (flush_slab(o, &o->slabs[o->first])) {
		if (o->n == 1)
			return false;
		o->first = (o->first + 1) % SLABS;
		o->n--;
	}
	return true;
}

const struct outbox_stats *outbox_stats(const struct outbox *o)
{
	return &o->stats;
}
