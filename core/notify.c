/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol of sd_notify(3): one datagram per change to the socket that the service manager
 * names. Small enough to need no library. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <stoa/log.h>
#include <stoa/loop.h>

#include "notify.h"

static struct stoa_timer *watchdog;
static uint64_t watchdog_ms;

void notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n < 2 || n >= sizeof(a.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = '\0'; /* abstract */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&a,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		stoa_log(NULL, STOA_LOG_WARN, "cannot tell the service manager %s: %s", state,
			 strerror(errno));
	close(fd);
}

static void on_watchdog(void *user)
{
	(void)user;
	notify_send("WATCHDOG=1");
	stoa_timer_set(watchdog, watchdog_ms);
}

void notify_start_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtoul(pid, NULL, 10) != (unsigned long)getpid()))
		return;
	watchdog_ms = strtoull(usec, NULL, 10) / 2000; /* twice as often as asked */
	if (!watchdog_ms)
		return;
	watchdog = stoa_timer_new(NULL, on_watchdog, NULL);
	if (watchdog)
		on_watchdog(NULL);
}

void notify_stop_watchdog(void)
{
	stoa_timer_free(watchdog);
	watchdog = NULL;
}
