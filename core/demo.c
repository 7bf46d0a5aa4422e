/* SPDX-License-Identifier: Apache-2.0 */
/* What `stoad --demo` has beyond configuration: its keys, in files of mode 0600 like anybody's. The
 * API key devkey has the secret "secret", which LiveKit's tools use for trials; the key that signs
 * user tokens is random. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"
#include "host.h"

#define KEY_BYTES 48

/* A file that is there stays as it is: its key may be in use. */
static int write_key(const char *dir, const char *name, const char *key)
{
	char path[PATH_MAX];
	size_t n = strlen(key);
	int fd, r = 0;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	if (write(fd, key, n) != (ssize_t)n)
		r = -EIO;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlink(path);
	return r;
}

static int write_keys(const char *dir)
{
	uint8_t random[KEY_BYTES];
	char text[4 * ((KEY_BYTES + 2) / 3) + 2];
	int r = conf_make_dir(dir);

	if (r == 0)
		r = write_key(dir, "devkey", "secret\n");
	if (r < 0)
		return r;
	stoa_random(random, sizeof(random));
	strcpy(text + stoa_base64url_encode(random, sizeof(random), text), "\n");
	return write_key(dir, "user-tokens", text);
}

int demo_prepare(const char *state_dir, uint16_t port, struct stoa_buf *ret_builtin,
		 struct stoa_errors *e)
{
	char dir[PATH_MAX];
	int r = host_list_installed(e);

	if (r < 0)
		return r;
	r = conf_make_dir(state_dir);
	if (snprintf(dir, sizeof(dir), "%s/demo-keys", state_dir) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	if (r == 0)
		r = write_keys(dir);
	if (r < 0) {
		errors_at(e, CONF_ERROR, NULL,
			  "the keys of the demonstration cannot be written to %s: %s; choose a "
			  "directory of your own with --state DIR",
			  dir, strerror(-r));
		return r;
	}
	conf_builtin_demo((const char *const *)host.installed, host.n_installed, port, dir,
			  ret_builtin);
	if (ret_builtin->failed)
		return -ENOMEM;
	stoa_log(NULL, STOA_LOG_WARN,
		 "DEMONSTRATION: guests are let in and the API secret is public; "
		 "not for production");
	return 0;
}
