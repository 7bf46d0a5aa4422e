/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: opened here, kept while their module keeps them, and accepted on ctl in
 * batches; who listens gets each connection as a descriptor. When the process is out of
 * descriptors, accepting pauses for a moment instead of spinning. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "loop.h"

#define BACKLOG      1024
#define ACCEPT_BATCH 64
#define RETRY_MS     200

struct stoa_listener {
	struct owned owned;
	int fd;
	bool is_paused, is_freed;
	unsigned accepting; /* inside on_acceptable(): freeing waits */
	struct stoa_fd *watch;
	struct stoa_timer *retry;
	stoa_accept_fn *fn;
	void *user;
};

static void listener_destroy(struct stoa_listener *l)
{
	stoa_fd_free(l->watch);
	stoa_timer_free(l->retry);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

static void update_watch(struct stoa_listener *l)
{
	stoa_fd_set(l->watch, l->is_paused ? 0 : STOA_FD_READ);
}

static void on_retry(void *user)
{
	update_watch(user);
}

/* A connection that was gone before we took it is not our fault; everything else is a shortage. */
static bool is_shortage(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static void on_acceptable(int fd, uint32_t events, void *user)
{
	struct stoa_listener *l = user;

	(void)events;
	l->accepting++;
	for (int i = 0; i < ACCEPT_BATCH && !l->is_paused && !l->is_freed; i++) {
		struct sockaddr_storage peer;
		socklen_t n = sizeof(peer);
		int c = accept4(fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (c >= 0) {
			l->fn(c, (struct sockaddr *)&peer, n, l->user);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (is_shortage(errno)) {
			stoa_log(l->owned.mod, STOA_LOG_ERROR, "cannot accept connections: %s",
				 strerror(errno));
			stoa_fd_set(l->watch, 0);
			stoa_timer_set(l->retry, RETRY_MS);
		}
		break;
	}
	if (--l->accepting == 0 && l->is_freed)
		listener_destroy(l);
}

static int open_socket(const struct address *a, int *ret_fd)
{
	int on = 1, off = 0, fd, r;

	fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, a->is_dual ? &off : &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a->sa, a->len) < 0 || listen(fd, BACKLOG) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int stoa_listen(struct stoa_mod *m, const char *address, stoa_accept_fn *fn, void *user,
		struct stoa_listener **ret_listener)
{
	struct stoa_listener *l;
	struct address a;
	int r;

	stoa_assert_thread(STOA_THREAD_CTL);
	r = address_parse(stoa_str(address), &a);
	if (r < 0)
		return r;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	r = open_socket(&a, &l->fd);
	if (r == -EAFNOSUPPORT && a.is_dual) { /* a machine without IPv6 */
		address_any4(&a);
		r = open_socket(&a, &l->fd);
	}
	if (r < 0)
		goto fail;
	r = -ENOMEM;
	l->fn = fn;
	l->user = user;
	l->watch = stoa_fd_new(NULL, l->fd, STOA_FD_READ, on_acceptable, l);
	l->retry = stoa_timer_new(NULL, on_retry, l);
	if (!l->watch || !l->retry)
		goto fail_open;
	owned_add(&l->owned, m, OWNED_LISTENER);
	*ret_listener = l;
	return 0;
fail_open:
	listener_destroy(l);
	return r;
fail:
	free(l);
	return r;
}

void stoa_listener_pause(struct stoa_listener *l, bool paused)
{
	l->is_paused = paused;
	stoa_timer_cancel(l->retry);
	update_watch(l);
}

void stoa_listener_free(struct stoa_listener *l)
{
	if (!l)
		return;
	owned_remove(&l->owned);
	l->is_freed = true;
	if (!l->accepting)
		listener_destroy(l);
}
