/* SPDX-License-Identifier: Apache-2.0 */
/* Taking batches apart: trains that the kernel joined, single datagrams, empty and oversized ones,
 * over real sockets on the loopback. */
#include "check.h"

#include "inbox.h"
#include "net.h"
#include "outbox.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct inbox *in;
static struct outbox *out;
static int in_fd, out_fd;
static struct address to;

static void put(size_t n, int fill)
{
	uint8_t *room = outbox_begin(out);

	memset(room, fill, n);
	outbox_commit(out, &to, n);
}

static int receive(bool *ret_more)
{
	struct pollfd p = { .fd = in_fd, .events = POLLIN };

	poll(&p, 1, 2000);
	return inbox_receive(in, in_fd, 5, ret_more);
}

static void test_train(void)
{
	struct datagram_in d;
	bool has_more;
	int seen = 0;

	for (int i = 0; i < 20; i++)
		put(i < 19 ? 700 : 123, i);
	CHECK(!outbox_flush(out));
	while (seen < 20) {
		CHECK(receive(&has_more) > 0);
		while (inbox_next(in, &d)) {
			CHECK_INT(d.n, seen < 19 ? 700 : 123);
			CHECK(d.p[0] == seen && d.p[d.n - 1] == seen && !d.is_cut);
			CHECK_INT(d.from.socket, 5);
			CHECK_INT(d.from.ip[0], 127);
			d.p[0] = 99; /* ours to change */
			seen++;
		}
		CHECK(!inbox_next(in, &d));
	}
	CHECK_INT(inbox_receive(in, in_fd, 5, &has_more), 0);
	CHECK(!has_more && !inbox_next(in, &d));
}

static void test_mixed(void)
{
	static const size_t sizes[] = { 10, 1200, 1, 900, 900, 901, 3 };
	struct datagram_in d;
	bool has_more;
	size_t seen = 0;
	union sockaddr_any sa;
	socklen_t len = address_to(&to, &sa);

	CHECK_INT(sendto(out_fd, "", 0, 0, &sa.sa, len), 0); /* empty: skipped */
	for (size_t i = 0; i < STOA_ARRAY_SIZE(sizes); i++)
		put(sizes[i], (int)i);
	outbox_flush(out);
	while (seen < STOA_ARRAY_SIZE(sizes)) {
		CHECK(receive(&has_more) > 0);
		while (inbox_next(in, &d)) {
			CHECK_INT(d.n, sizes[seen]);
			CHECK_INT(d.p[0], seen);
			seen++;
		}
	}
}

static void test_full_batch(void)
{
	struct datagram_in d;
	bool has_more = true;
	int seen = 0, batches = 0;

	for (int i = 0; i < 3 * INBOX_MESSAGES; i++) {
		put(100 + (size_t)i, i); /* sizes grow: nothing can be joined */
	}
	outbox_flush(out);
	usleep(20000);
	while (has_more && batches < 10) {
		inbox_receive(in, in_fd, 5, &has_more);
		batches++;
		while (inbox_next(in, &d)) {
			CHECK_INT(d.n, 100 + seen);
			seen++;
		}
	}
	CHECK_INT(seen, 3 * INBOX_MESSAGES);
	CHECK(batches == 3 || batches == 4);
}

int main(void)
{
	struct address any = { .family = 4, .ip = { 127, 0, 0, 1 } };
	union sockaddr_any sa;
	socklen_t len = sizeof(sa);

	CHECK_INT(net_bind(&any, 1 << 20, &in_fd), 0);
	CHECK_INT(net_bind(&any, 1 << 20, &out_fd), 0);
	CHECK_INT(getsockname(in_fd, &sa.sa, &len), 0);
	CHECK_INT(address_from(&sa, 0, &to), 0);
	inbox_prepare_socket(in_fd);
	CHECK_INT(inbox_new(&in), 0);
	CHECK_INT(outbox_new(out_fd, &out), 0);
	test_train();
	test_mixed();
	test_full_batch();
	outbox_free(out);
	inbox_free(in);
	close(in_fd);
	close(out_fd);
	return check_done();
}
