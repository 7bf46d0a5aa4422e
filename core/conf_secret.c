/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: never written in configuration, but named there. Called by value_parse(). A key file
 * that others may read is refused, since its content must be taken as known. */
#include "conf_section.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX 65536

static int check_file(int fd, const char *path, struct stoa_buf *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		stoa_buf_addf(why, "%s is not a regular file", path);
	else if (st.st_mode & 0137)
		stoa_buf_addf(why,
			      "%s has mode %04o and others may read or change it: chmod 0640 it, "
			      "and renew the secret if it was exposed",
			      path, (unsigned)st.st_mode & 07777);
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		stoa_buf_addf(why,
			      "%s belongs to user %u: it must belong to root or to the user that "
			      "runs stoad (%u)",
			      path, (unsigned)st.st_uid, (unsigned)geteuid());
	else if (st.st_size == 0)
		stoa_buf_addf(why, "%s is empty: write the secret into it", path);
	else if (st.st_size > SECRET_MAX)
		stoa_buf_addf(why, "%s has more than %d bytes: that is not a secret", path,
			      SECRET_MAX);
	else
		return (int)st.st_size;
	return -EINVAL;
}

static int read_all(int fd, int size, struct conf_value *v)
{
	char *p = malloc((size_t)size + 1);
	ssize_t n;

	if (!p)
		return -ENOMEM;
	n = read(fd, p, (size_t)size);
	if (n < 0) {
		free(p);
		return -errno;
	}
	if (n && p[n - 1] == '\n')
		n--;
	p[n] = '\0';
	v->text = p;
	v->n = (size_t)n;
	return 0;
}

static int read_secret(const char *path, struct conf_value *v, struct stoa_buf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;

	if (fd < 0) {
		r = errno;
		stoa_buf_addf(why, "the secret cannot be read: %s: %s; %s", path, strerror(r),
			      r == ENOENT ? "create the file with mode 0640"
					  : "let the user that runs stoad read it");
		return -EINVAL;
	}
	r = check_file(fd, path, why);
	if (r > 0)
		r = read_all(fd, r, v);
	close(fd);
	return r;
}

static int read_credential(const char *name, const struct value_env *env, struct conf_value *v,
			   struct stoa_buf *why)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char *path;
	int r;

	if (name[0] == '\0' || strchr(name, '/') || name[0] == '.') {
		stoa_buf_addf(why, "\"%s\" is not the name of a credential: write cred:name", name);
		return -EINVAL;
	}
	if (env->no_secrets)
		return 0;
	if (!dir || dir[0] != '/') {
		stoa_buf_addf(why,
			      "cred:%s needs a service manager that passes credentials: set "
			      "LoadCredential=%s:/path in the unit, or write file:/path",
			      name, name);
		return -EINVAL;
	}
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	r = read_secret(path, v, why);
	free(path);
	return r;
}

int secret_parse(const char *text, const struct value_env *env, struct conf_value *v,
		 struct stoa_buf *why)
{
	char *path;
	int r;

	if (strncmp(text, "cred:", 5) == 0)
		return read_credential(text + 5, env, v, why);
	if (strncmp(text, "file:/", 6) != 0) {
		stoa_buf_adds(why,
			      "a secret is not written in configuration: write file:/path (mode "
			      "0640 or less) or cred:name");
		return -EINVAL;
	}
	if (env->no_secrets)
		return 0;
	if (asprintf(&path, "%s%s", env->root, text + 5) < 0)
		return -ENOMEM;
	r = read_secret(path, v, why);
	free(path);
	return r;
}
