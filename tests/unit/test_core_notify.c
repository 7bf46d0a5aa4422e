/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "loop.h"
#include "notify.h"

static int manager;

static int listen_at(const char *name, bool is_abstract)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, name);
	if (is_abstract)
		a.sun_path[0] = '\0';
	CHECK_INT(bind(fd, (struct sockaddr *)&a,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
		  0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *received(void)
{
	static char text[64];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

int main(void)
{
	char name[64];
	int beats = 0;

	CHECK_INT(loop_init_ctl(), 0);
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1"); /* nobody asked */
	snprintf(name, sizeof(name), "@stoa-notify-%d", (int)getpid());
	manager = listen_at(name, true);
	notify_send("READY=1");
	CHECK_STR(received(), "READY=1");
	close(manager);

	snprintf(name, sizeof(name), "/tmp/stoa-notify-%d", (int)getpid());
	manager = listen_at(name, false);
	notify_send("STOPPING=1");
	CHECK_STR(received(), "STOPPING=1");
	setenv("WATCHDOG_USEC", "20000", 1);
	setenv("WATCHDOG_PID", "1", 1); /* meant for another process */
	notify_start_watchdog();
	CHECK_STR(received(), "");
	unsetenv("WATCHDOG_PID");
	notify_start_watchdog();
	for (int i = 0; i < 500 && beats < 3; i++) {
		beats += strcmp(received(), "WATCHDOG=1") == 0;
		loop_turn_ctl(2);
	}
	CHECK_INT(beats, 3);
	notify_stop_watchdog();
	close(manager);
	unlink(name);
	notify_send("READY=1"); /* the manager is gone: told in the log, nothing else */
	loop_free_all();
	return check_done();
}
