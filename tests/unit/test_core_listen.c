/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "address.h"
#include "check.h"
#include "loop.h"

static int accepted, peer_family, free_after = -1;
static struct stoa_listener *listener;

static void on_accept(int fd, const struct sockaddr *peer, unsigned n, void *user)
{
	(void)n;
	accepted++;
	peer_family = peer->sa_family;
	close(fd);
	if (accepted == free_after) {
		stoa_listener_free(listener); /* from inside its own callback */
		listener = NULL;
	}
	*(int *)user += 1;
}

static int parse(const char *text, struct address *a)
{
	return address_parse(stoa_str(text), a);
}

static void check_addresses(void)
{
	static const char *const bad[] = { "",
					   ":",
					   ":80",
					   "7880",
					   "127.0.0.1",
					   "127.0.0.1:",
					   "::1:80",
					   "[::1]",
					   "[::1]80",
					   "[::1:80",
					   "localhost:80",
					   "127.0.0.1:65536",
					   "127.0.0.1:-1",
					   "127.0.0.1:080",
					   "1.2.3:80",
					   "*:x",
					   "**:80",
					   "[127.0.0.1]:80",
					   "[]:80",
					   "1.2.3.4.5:1",
					   "[::1%lo]:80" };
	struct address a;

	CHECK_INT(parse("127.0.0.1:7880", &a), 0);
	CHECK_INT(a.sa.ss_family, AF_INET);
	CHECK_INT(ntohs(((struct sockaddr_in *)&a.sa)->sin_port), 7880);
	CHECK_INT(parse("[::1]:0", &a), 0);
	CHECK_INT(a.sa.ss_family, AF_INET6);
	CHECK(!a.is_dual);
	CHECK_INT(parse("*:65535", &a), 0);
	CHECK(a.is_dual);
	address_any4(&a);
	CHECK_INT(a.sa.ss_family, AF_INET);
	CHECK_INT(ntohs(((struct sockaddr_in *)&a.sa)->sin_port), 65535);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++)
		CHECK_INT(parse(bad[i], &a), -EINVAL);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		return 0;
	return ntohs(((struct sockaddr_in *)&sa)->sin_port); /* the same place in both families */
}

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint16_t port = 0;

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		port = port_of(fd);
	close(fd);
	return port;
}

static int dial4(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void turn_until(int want)
{
	for (int i = 0; i < 500 && accepted < want; i++)
		loop_turn_ctl(2);
	CHECK_INT(accepted, want);
}

static void check_accepting(void)
{
	uint16_t port = free_port();
	struct stoa_listener *second;
	char address[32];
	int given = 0, fds[5];

	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	CHECK_INT(stoa_listen(NULL, address, on_accept, &given, &listener), 0);
	CHECK_INT(stoa_listen(NULL, address, on_accept, &given, &second), -EADDRINUSE);
	CHECK_INT(stoa_listen(NULL, "nowhere", on_accept, &given, &second), -EINVAL);
	fds[0] = dial4(port);
	turn_until(1);
	CHECK_INT(given, 1);
	stoa_listener_pause(listener, true);
	fds[1] = dial4(port); /* the kernel takes it, we do not */
	for (int i = 0; i < 5; i++)
		loop_turn_ctl(2);
	CHECK_INT(accepted, 1);
	stoa_listener_pause(listener, false);
	turn_until(2);
	free_after = 4;
	for (int i = 2; i < 5; i++)
		fds[i] = dial4(port);
	turn_until(4); /* the fifth is not handed over any more */
	for (int i = 0; i < 5; i++)
		loop_turn_ctl(2);
	CHECK_INT(accepted, 4);
	CHECK(listener == NULL);
	CHECK_INT(dial4(port), -1);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
}

static void check_dual(void)
{
	uint16_t port = free_port();
	char address[32];
	int given = 0, fd;

	accepted = 0;
	free_after = -1;
	snprintf(address, sizeof(address), "*:%u", port);
	CHECK_INT(stoa_listen(NULL, address, on_accept, &given, &listener), 0);
	fd = dial4(port);
	turn_until(1);
	CHECK(peer_family == AF_INET6 || peer_family == AF_INET);
	close(fd);
	stoa_listener_free(listener);
}

int main(void)
{
	CHECK_INT(loop_init_ctl(), 0);
	check_addresses();
	check_accepting();
	check_dual();
	stoa_listener_free(NULL);
	loop_free_all();
	return check_done();
}
