/* SPDX-License-Identifier: Apache-2.0 */
/* Files that must survive a crash whole: the new one is on disk before it takes the old one's
 * name. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int sync_directory(const char *path)
{
	char copy[4096];
	int fd, err = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		err = -errno;
	close(fd);
	return err;
}

int file_save(const char *path, const char *text, size_t n)
{
	char tmp[4096];
	int fd, err;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.new", path) >= sizeof(tmp))
		return -ENAMETOOLONG;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text, n);
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && rename(tmp, path) < 0)
		err = -errno;
	if (err) {
		unlink(tmp);
		return err;
	}
	return sync_directory(path);
}

int file_load(const char *path, size_t max, struct stoa_buf *out)
{
	char chunk[4096];
	size_t n;
	FILE *f = fopen(path, "re");
	int err = 0;

	if (!f)
		return -errno;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0 && out->n <= max)
		stoa_buf_add(out, chunk, n);
	if (ferror(f))
		err = -EIO;
	else if (out->failed)
		err = -ENOMEM;
	else if (out->n > max)
		err = -EFBIG;
	fclose(f);
	return err;
}
