/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of the control socket: one line out, one line back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "stoactl.h"

#define ANSWER_MAX (16u << 20)

static int dial(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

static bool send_words(int fd, int argc, char *const *argv)
{
	json_t *words = json_array();
	char *text = NULL;
	bool is_sent = false;
	json_t *rq;

	for (int i = 0; i < argc; i++) {
		if (json_array_append_new(words, json_string(argv[i])) < 0) {
			fprintf(stderr, "stoactl: argument %d is not valid UTF-8\n", i + 1);
			json_decref(words);
			errno = EILSEQ;
			return false;
		}
	}
	rq = json_pack("{s:o}", "argv", words);
	text = json_dumps(rq, JSON_COMPACT);
	if (text)
		is_sent = dprintf(fd, "%s\n", text) > 0;
	free(text);
	json_decref(rq);
	return is_sent;
}

/* Until the end of the line; NULL when the daemon hung up before. */
static char *receive_line(int fd)
{
	size_t n = 0, cap = 0;
	char *buf = NULL;

	while (n < ANSWER_MAX) {
		ssize_t r;

		if (n + 1 >= cap) {
			char *p = realloc(buf, cap = cap ? 2 * cap : 4096);

			if (!p)
				break;
			buf = p;
		}
		r = read(fd, buf + n, cap - n - 1);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		n += (size_t)r;
		buf[n] = '\0';
		if (buf[n - 1] == '\n')
			return buf;
	}
	free(buf);
	return NULL;
}

json_t *stoactl_ask(const char *path, int argc, char *const *argv)
{
	json_t *answer = NULL;
	int fd = dial(path);
	char *line = NULL;

	if (fd < 0) {
		fprintf(stderr, "stoactl: cannot reach stoad at %s: %s%s\n", path, strerror(errno),
			errno == ENOENT || errno == ECONNREFUSED
				? "; is it running? --socket or --state says where"
			: errno == EACCES ? "; run this as root or as the user that runs stoad"
					  : "");
		return NULL;
	}
	if (send_words(fd, argc, argv) && (line = receive_line(fd)))
		answer = json_loads(line, 0, NULL);
	if (!answer)
		fprintf(stderr,
			"stoactl: no answer from stoad at %s: it serves root and its own "
			"user only\n",
			path);
	free(line);
	close(fd);
	return answer;
}
