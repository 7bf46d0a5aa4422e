/* SPDX-License-Identifier: Apache-2.0 */
/* Trains, refusals and a blocked socket, with a kernel of the test's own; then the real one. */
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static int fake_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
static ssize_t fake_sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to,
			   socklen_t len);
#define sendmmsg fake_sendmmsg
#define sendto   fake_sendto
#include "../../modules/mod_sfu/address.c"
#undef FIRST_CAP
#include "../../modules/mod_sfu/outbox.c"
#undef sendmmsg
#undef sendto

static struct {
	int refuse; /* errno of the next message; 0: take */
	int take;   /* at most so many per call; 0: all   */
	unsigned calls, messages, singles;
	uint16_t segment; /* of the last message; 0: no train */
	size_t bytes;     /* of the last message */
	uint64_t sum;     /* of all bytes taken */
	bool is_real;
} kernel;

static uint64_t add_up(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + p[i];
	return sum;
}

static int fake_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
	unsigned i;

	kernel.calls++;
	if (kernel.is_real)
		return sendmmsg(fd, m, n, flags);
	if (kernel.refuse) {
		errno = kernel.refuse;
		if (errno != EAGAIN)
			kernel.refuse = 0;
		return -1;
	}
	for (i = 0; i < n && (!kernel.take || i < (unsigned)kernel.take); i++) {
		struct cmsghdr *c = CMSG_FIRSTHDR(&m[i].msg_hdr);

		kernel.messages++;
		kernel.bytes = m[i].msg_hdr.msg_iov->iov_len;
		kernel.sum += add_up(m[i].msg_hdr.msg_iov->iov_base, kernel.bytes);
		kernel.segment = 0;
		if (c)
			memcpy(&kernel.segment, CMSG_DATA(c), sizeof(kernel.segment));
	}
	return (int)i;
}

static ssize_t fake_sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to,
			   socklen_t len)
{
	(void)fd;
	(void)p;
	(void)flags;
	(void)to;
	(void)len;
	kernel.singles++;
	return (ssize_t)n;
}

static void put(struct outbox *o, const struct address *to, size_t n)
{
	uint8_t *room = outbox_begin(o);

	CHECK(room != NULL);
	if (!room)
		return;
	memset(room, (int)n, n);
	outbox_commit(o, to, n);
}

static const struct address alice = { .family = 4, .ip = { 127, 0, 0, 1 }, .port = 9 };
static const struct address bob = { .family = 6, .ip = { [15] = 1 }, .port = 9 };

static void expect(unsigned messages, uint16_t segment, size_t bytes)
{
	CHECK_INT(kernel.messages, messages);
	CHECK_INT(kernel.segment, segment);
	CHECK_INT(kernel.bytes, bytes);
	memset(&kernel, 0, sizeof(kernel));
}

static void test_trains(void)
{
	struct outbox *o;

	CHECK_INT(outbox_new(-1, &o), 0);
	put(o, &alice, 100);
	outbox_flush(o);
	expect(1, 0, 100); /* one alone is no train */
	for (int i = 0; i < 5; i++)
		put(o, &alice, 1000);
	outbox_flush(o);
	expect(1, 1000, 5000);
	put(o, &alice, 1000);
	put(o, &alice, 1000);
	put(o, &alice, 400); /* a shorter one ends it */
	put(o, &alice, 400);
	outbox_flush(o);
	expect(2, 0, 400);
	put(o, &alice, 500);
	put(o, &alice, 501); /* a longer one cannot join */
	put(o, &bob, 501);   /* nor one to somebody else */
	outbox_flush(o);
	expect(3, 0, 501);
	for (int i = 0; i < 70; i++) /* 64 at most */
		put(o, &bob, 50);
	outbox_flush(o);
	expect(2, 50, 300);
	for (int i = 0; i < 60; i++) /* 65000 bytes at most */
		put(o, &alice, 1200);
	outbox_flush(o);
	expect(2, 1200, 6 * 1200);
	CHECK_INT(outbox_stats(o)->packets, 1 + 5 + 4 + 3 + 70 + 60);
	CHECK_INT(outbox_stats(o)->messages, 1 + 1 + 2 + 3 + 2 + 2);
	CHECK_INT(outbox_stats(o)->dropped, 0);
	outbox_free(o);
}

static void test_refusals(void)
{
	struct outbox *o;

	CHECK_INT(outbox_new(-1, &o), 0);
	kernel.refuse = EPERM; /* a firewall: that one message is lost, the others go */
	put(o, &alice, 100);
	put(o, &bob, 100);
	CHECK(!outbox_flush(o));
	expect(1, 0, 100);
	CHECK_INT(outbox_stats(o)->dropped, 1);
	kernel.refuse = EMSGSIZE; /* train above the path MTU: one by one, trains go on */
	put(o, &alice, 1000);
	put(o, &alice, 1000);
	put(o, &alice, 10);
	CHECK(!outbox_flush(o));
	CHECK_INT(kernel.singles, 3);
	CHECK(o->has_gso);
	kernel.refuse = EIO; /* a device without checksums: no more trains */
	put(o, &alice, 1000);
	put(o, &alice, 1000);
	CHECK(!outbox_flush(o));
	CHECK_INT(kernel.singles, 5);
	put(o, &alice, 1000);
	put(o, &alice, 1000);
	CHECK(!outbox_flush(o));
	expect(2, 0, 1000);
	CHECK_INT(outbox_stats(o)->dropped, 1);
	outbox_free(o);
}

/* What does not fit the socket waits, in order and whole; what does not fit the queue is dropped. */
static void test_blocked(void)
{
	struct outbox *o;
	uint64_t sum = 0;
	unsigned put_n = 0;
	uint8_t bytes[1500];

	memset(&kernel, 0, sizeof(kernel));
	CHECK_INT(outbox_new(-1, &o), 0);
	kernel.refuse = EAGAIN;
	for (int i = 0; i < 2000; i++) {
		size_t n = 600 + (size_t)(i * 37) % 900;
		uint8_t *room = outbox_begin(o);

		if (!room)
			continue;
		memset(room, i, n);
		memset(bytes, i, n);
		sum += add_up(bytes, n);
		put_n++;
		outbox_commit(o, i % 2 ? &alice : &bob, n);
		if (i % 100 == 0)
			CHECK(outbox_flush(o));
	}
	CHECK(put_n > 1000 && put_n < 2000);
	CHECK_INT(outbox_stats(o)->dropped, 2000 - put_n);
	CHECK(outbox_flush(o));
	kernel.refuse = 0;
	kernel.take = 7;
	CHECK(!outbox_flush(o));
	CHECK(kernel.sum == sum);
	CHECK_INT(outbox_stats(o)->packets, put_n);
	memset(&kernel, 0, sizeof(kernel));
	put(o, &alice, 100); /* and all is as before */
	CHECK(!outbox_flush(o));
	expect(1, 0, 100);
	outbox_free(o);
}

static void test_real(void)
{
	int in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0);
	union sockaddr_any sa = { .in = { .sin_family = AF_INET } };
	socklen_t len = sizeof(sa.in);
	struct timeval tv = { .tv_sec = 2 };
	struct address to;
	struct outbox *o;
	uint8_t back[2000];

	kernel.is_real = true;
	sa.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_INT(bind(in, &sa.sa, len), 0);
	CHECK_INT(getsockname(in, &sa.sa, &len), 0);
	setsockopt(in, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	CHECK_INT(address_from(&sa, 0, &to), 0);
	CHECK_INT(outbox_new(out, &o), 0);
	for (int i = 0; i < 10; i++)
		put(o, &to, i < 9 ? 1100 : 77);
	CHECK(!outbox_flush(o));
	CHECK_INT(outbox_stats(o)->messages, 1);
	for (int i = 0; i < 10; i++) /* the kernel cut the train up */
		CHECK_INT(recv(in, back, sizeof(back), 0), i < 9 ? 1100 : 77);
	outbox_free(o);
	close(in);
	close(out);
}

int main(void)
{
	test_trains();
	test_refusals();
	test_blocked();
	test_real();
	return check_done();
}
