/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: a Unix socket with one JSON request per line and one JSON answer per line.
 * Only root and the daemon's own user are served, whatever the mode of the file says. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <stoa/loop.h>
#include <stoa/util.h>

#include "control.h"

#define CONNS_MAX 16
#define OUT_MAX   (8u << 20) /* bytes of answers that a caller does not read */
#define IDLE_MS   60000
#define RETRY_MS  200 /* when the process is out of descriptors */

struct conn {
	struct stoa_list link;
	int fd;
	struct stoa_fd *watch;
	struct stoa_timer *idle;
	char *in; /* CONTROL_LINE_MAX + 1 bytes */
	size_t in_n;
	struct stoa_buf out;
	size_t out_sent;
	struct stoa_control *running;
	bool is_serving, is_last; /* is_last: close once everything is sent */
	bool is_dead;
};

static int listen_fd = -1;
static struct stoa_fd *listen_watch;
static struct stoa_timer *listen_retry;
static char *socket_path;
static struct stoa_list conns = STOA_LIST_INIT(conns);
static size_t n_conns;

static void conn_free(struct conn *c)
{
	control_abandon(c->running);
	stoa_list_unlink(&c->link);
	n_conns--;
	stoa_fd_free(c->watch);
	stoa_timer_free(c->idle);
	close(c->fd);
	stoa_buf_free(&c->out);
	free(c->in);
	free(c);
}

static void flush(struct conn *c)
{
	while (c->out_sent < c->out.n) {
		ssize_t r = send(c->fd, c->out.p + c->out_sent, c->out.n - c->out_sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (r > 0) {
			c->out_sent += (size_t)r;
			continue;
		}
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN)
			break;
		c->is_dead = true;
		return;
	}
	if (c->out_sent == c->out.n) {
		stoa_buf_clear(&c->out);
		c->out_sent = 0;
		c->is_dead |= c->is_last;
	}
	stoa_fd_set(c->watch,
		    (c->is_last || c->running ? 0 : STOA_FD_READ) | (c->out.n ? STOA_FD_WRITE : 0));
}

static void queue_answer(struct conn *c, const json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	if (!text || c->out.n + strlen(text) > OUT_MAX) {
		c->is_dead = true;
	} else {
		stoa_buf_adds(&c->out, text);
		stoa_buf_adds(&c->out, "\n");
	}
	free(text);
}

static void refuse(struct conn *c, const char *code, const char *message)
{
	json_t *answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "error", code, "message", message);

	queue_answer(c, answer);
	json_decref(answer);
	c->is_last = true;
}

static void serve(struct conn *c);

static void on_answer(const json_t *answer, void *user)
{
	struct conn *c = user;

	c->running = NULL;
	queue_answer(c, answer);
	if (!c->is_serving)
		serve(c); /* a late answer: go on with what came meanwhile */
}

static void run_line(struct conn *c, const char *line, size_t n)
{
	const char *words[CONTROL_WORDS_MAX];
	size_t n_words = 0;
	json_t *root = control_parse_line(line, n, words, &n_words);

	if (!root) {
		refuse(c, "bad_request", "a request is one line {\"argv\": [\"word\", …]}");
		return;
	}
	c->running = control_run(words, n_words, on_answer, c);
	json_decref(root);
}

/* Runs the complete lines, one after the other: the next waits for the answer of the one before. */
static void serve(struct conn *c)
{
	char *end;

	c->is_serving = true;
	while (!c->running && !c->is_last && !c->is_dead &&
	       (end = memchr(c->in, '\n', c->in_n)) != NULL) {
		size_t n = (size_t)(end - c->in);

		run_line(c, c->in, n);
		c->in_n -= n + 1;
		memmove(c->in, end + 1, c->in_n);
	}
	if (!c->running && !c->is_last && c->in_n >= CONTROL_LINE_MAX)
		refuse(c, "too_long", "a request line has at most 65536 bytes");
	flush(c);
	c->is_serving = false;
	if (c->is_dead)
		conn_free(c);
}

static void on_idle(void *user)
{
	struct conn *c = user;

	if (c->running)
		stoa_timer_set(c->idle, IDLE_MS);
	else
		conn_free(c);
}

static void on_ready(int fd, uint32_t events, void *user)
{
	struct conn *c = user;
	ssize_t r = 0;

	stoa_timer_set(c->idle, IDLE_MS);
	if (events & STOA_FD_READ) {
		r = recv(fd, c->in + c->in_n, CONTROL_LINE_MAX - c->in_n, MSG_DONTWAIT);
		if (r == 0 || (r < 0 && errno != EAGAIN && errno != EINTR)) {
			conn_free(c);
			return;
		}
	}
	if (r > 0)
		c->in_n += (size_t)r;
	serve(c);
}

static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	stoa_log(NULL, STOA_LOG_WARN, "control: refused pid=%d uid=%u", (int)peer.pid,
		 (unsigned)peer.uid);
	return false;
}

static int conn_new(int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	stoa_list_append(&conns, &c->link);
	n_conns++;
	c->fd = fd;
	c->in = malloc(CONTROL_LINE_MAX + 1);
	c->watch = stoa_fd_new(NULL, fd, STOA_FD_READ, on_ready, c);
	c->idle = stoa_timer_new(NULL, on_idle, c);
	if (!c->in || !c->watch || !c->idle) {
		conn_free(c);
		return -ENOMEM;
	}
	stoa_timer_set(c->idle, IDLE_MS);
	return 0;
}

static void on_retry(void *user)
{
	(void)user;
	stoa_fd_set(listen_watch, STOA_FD_READ);
}

static void on_connect(int fd, uint32_t events, void *user)
{
	int c = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	(void)user;
	if (c < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		stoa_fd_set(listen_watch, 0); /* it stays ready: do not spin */
		stoa_timer_set(listen_retry, RETRY_MS);
	}
	if (c < 0)
		return;
	if (n_conns >= CONNS_MAX || !is_allowed(c))
		close(c);
	else
		(void)conn_new(c); /* closes it itself when it fails */
}

/* A socket file that nobody answers is from a daemon that died. */
static bool is_stale(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_refused;

	if (fd < 0)
		return false;
	is_refused =
		connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 && errno == ECONNREFUSED;
	close(fd);
	return is_refused;
}

static int bind_private(int fd, const struct sockaddr_un *a)
{
	mode_t old = umask(0117); /* 0660 from the first moment */
	int r = bind(fd, (const struct sockaddr *)a, sizeof(*a));
	int err = errno;

	umask(old);
	return r < 0 ? -err : 0;
}

static int open_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = bind_private(fd, &a);
	if (r == -EADDRINUSE && is_stale(&a)) {
		unlink(path);
		r = bind_private(fd, &a);
	}
	if (r == 0 && listen(fd, CONNS_MAX) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static void make_parent(const char *path)
{
	char dir[PATH_MAX];
	char *slash;

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return;
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return;
	*slash = '\0';
	(void)mkdir(dir, 0750); /* what is wrong with it shows at bind() */
}

int control_socket_open(const struct conf_snapshot *snap, struct stoa_errors *e)
{
	const struct stoa_conf *core = conf_section(snap, "core");
	const char *path = stoa_conf_string(core, "control-socket");
	int fd;

	if (!*path)
		return 0; /* none wanted */
	make_parent(path);
	fd = open_at(path);
	if (fd < 0) {
		stoa_errors_add(e, core, "control-socket",
				"cannot listen at the control socket %s: %s%s", path, strerror(-fd),
				fd == -EADDRINUSE ? "; another stoad uses it: give each its own "
						    "state directory and control socket"
						  : "");
		return fd;
	}
	listen_watch = stoa_fd_new(NULL, fd, STOA_FD_READ, on_connect, NULL);
	listen_retry = stoa_timer_new(NULL, on_retry, NULL);
	socket_path = strdup(path);
	listen_fd = fd;
	return listen_watch && listen_retry && socket_path ? 0 : -ENOMEM;
}

void control_socket_close(void)
{
	while (!stoa_list_empty(&conns))
		conn_free(STOA_CONTAINER(conns.next, struct conn, link));
	stoa_fd_free(listen_watch);
	listen_watch = NULL;
	stoa_timer_free(listen_retry);
	listen_retry = NULL;
	if (listen_fd >= 0)
		close(listen_fd);
	listen_fd = -1;
	if (socket_path)
		unlink(socket_path);
	free(socket_path);
	socket_path = NULL;
}
