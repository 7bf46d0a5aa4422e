/* SPDX-License-Identifier: Apache-2.0 */
/* The core's own options, section `core:`, in the same kind of table as every module's; and the
 * state directory, which modules ask for. */
#include "conf_section.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const log_levels[] = { "error", "warn", "notice", "info", "debug", NULL };
static const char *const log_formats[] = { "auto", "text", "json", "journal", NULL };

static const struct stoa_opt core_options[] = {
	{ .key = "state-dir",
	  .type = STOA_OPT_PATH,
	  .dflt = "/var/lib/stoa",
	  .doc = "Directory for what must survive a restart: databases, keys; made when absent." },
	{ .key = "control-socket",
	  .type = STOA_OPT_PATH,
	  .dflt = "/run/stoa/control",
	  .doc = "Unix socket on which stoactl reaches the daemon; root and the daemon's own user "
		 "may." },
	{ .key = "log-level",
	  .type = STOA_OPT_ENUM,
	  .choices = log_levels,
	  .dflt = "info",
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "The least important lines that are logged." },
	{ .key = "log-format",
	  .type = STOA_OPT_ENUM,
	  .choices = log_formats,
	  .dflt = "auto",
	  .doc = "How lines are written: text, json, journal fields, or auto for journal under "
		 "systemd and text elsewhere." },
	{ .key = "drain-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "30s",
	  .max = 86400000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "How long a stop waits for calls and streams to end by themselves." },
	{ .key = "net-threads",
	  .type = STOA_OPT_INT,
	  .dflt = "0",
	  .max = 64,
	  .doc = "Threads of the HTTP edge; 0: one per processor." },
	{ .key = "io-threads",
	  .type = STOA_OPT_INT,
	  .dflt = "0",
	  .max = 64,
	  .doc = "Threads for ingest and packaging; 0: one per two processors." },
	{ .key = "med-threads",
	  .type = STOA_OPT_INT,
	  .dflt = "0",
	  .max = 64,
	  .doc = "Media workers; 0: one per processor." },
	{ .key = "blk-threads",
	  .type = STOA_OPT_INT,
	  .dflt = "4",
	  .min = 1,
	  .max = 64,
	  .doc = "Threads for blocking work: files, DNS." },
	STOA_OPT_END
};

static struct conf_table core_table = {
	.name = "core",
	.version = "",
	.summary = "The daemon itself: state, log, threads.",
	.opts = (struct stoa_opt *)core_options,
	.n = STOA_ARRAY_SIZE(core_options) - 1,
};

static char state_dir[PATH_MAX];
static int lock_fd = -1;

const struct conf_table *conf_core_table(void)
{
	return &core_table;
}

int conf_make_dir(const char *path)
{
	char copy[PATH_MAX];
	struct stat st;

	if (path[0] != '/' || strlen(path) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, path);
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(copy, 0750) < 0 && errno != EEXIST)
		return -errno;
	if (stat(copy, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* One daemon to a state directory: what two of them write there would not fit together. -EBUSY:
 * there is another. */
static int lock_state_dir(const char *path)
{
	char name[PATH_MAX + sizeof("/lock")];
	int fd, r;

	conf_leave_state_dir();
	snprintf(name, sizeof(name), "%s/lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
		close(fd);
		return r;
	}
	lock_fd = fd;
	return 0;
}

void conf_leave_state_dir(void)
{
	if (lock_fd >= 0)
		close(lock_fd);
	lock_fd = -1;
}

int conf_use_state_dir(const struct conf_snapshot *s, struct stoa_errors *e)
{
	const struct stoa_conf *c = conf_section(s, "core");
	const char *path = c ? stoa_conf_string(c, "state-dir") : "";
	int r = conf_make_dir(path);

	if (r == 0 && access(path, W_OK | X_OK) < 0)
		r = -errno;
	if (r == 0)
		r = lock_state_dir(path);
	if (r == -EBUSY)
		stoa_errors_add(e, c, "state-dir",
				"another stoad uses the state directory %s: stop it, or give each "
				"a directory of its own with core.state-dir or --state",
				path);
	else if (r < 0)
		stoa_errors_add(e, c, "state-dir",
				"the state directory %s cannot be used: %s; make it for the user "
				"that runs stoad, or set core.state-dir",
				path, strerror(-r));
	if (r < 0)
		return r;
	strcpy(state_dir, path);
	return 0;
}

const char *stoa_state_dir(void)
{
	return state_dir;
}
