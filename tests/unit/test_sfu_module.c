/* SPDX-License-Identifier: Apache-2.0 */
/* The module in a host: starts and stops with its options, says what it cannot do at the place of
 * the option, and shows its metrics. module.c, plane.c and metrics.c together. */
#include <stoa/iface/sfu.h>
#include <stoa/testing.h>

#include <arpa/inet.h>
#include <jansson.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

extern const struct stoa_mod_desc stoa_module;

/* ---- ports ---- */

static int hold(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool is_taken(uint16_t port)
{
	int fd = hold(port);

	close(fd);
	return fd < 0;
}

/* The first of two neighbours that nobody has now. */
static uint16_t find_ports(void)
{
	for (uint16_t port = (uint16_t)(20000 + getpid() % 10000); port < 32000; port++)
		if (!is_taken(port) && !is_taken((uint16_t)(port + 1)))
			return port;
	return 0;
}

static const char *options(uint16_t port, const char *more)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "modules:\n  mod_sfu:\n    load: yes\n    bind: [127.0.0.1]\n    port: %u\n%s",
		 (unsigned)port, more);
	return text;
}

/* ---- what was said on stderr ---- */

static char said[8192];
static FILE *kept;
static int old_stderr;

static void listen_to_stderr(void)
{
	fflush(stderr);
	kept = tmpfile();
	old_stderr = dup(STDERR_FILENO);
	dup2(fileno(kept), STDERR_FILENO);
}

static void hear_stderr(void)
{
	size_t n;

	fflush(stderr);
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	rewind(kept);
	n = fread(said, 1, sizeof(said) - 1, kept);
	said[n] = '\0';
	fclose(kept);
}

/* Starts with this text; yields the result, with what was said in `said`. */
static int try(const char *yaml)
{
	int err;

	stoa_test_begin();
	stoa_test_add(&stoa_module);
	listen_to_stderr();
	err = stoa_test_start(yaml);
	stoa_test_end();
	hear_stderr();
	return err;
}

/* ---- the tests ---- */

static void test_workers_take_neighbouring_ports(uint16_t port)
{
	stoa_test_begin();
	CHECK(stoa_test_add(&stoa_module) != NULL);
	CHECK_INT(stoa_test_start(options(port, "    workers: 2\n")), 0);
	CHECK(is_taken(port));
	CHECK(is_taken((uint16_t)(port + 1)));
	CHECK_INT(stoa_test_reload(options(port, "    workers: 2\n    max-rooms: 7\n")), 0);
	stoa_test_end();
	CHECK(!is_taken(port));
	CHECK(!is_taken((uint16_t)(port + 1)));
}

static void test_a_taken_port_is_told_at_its_place(uint16_t port)
{
	int fd = hold((uint16_t)(port + 1));
	char where[64];

	CHECK_INT(try(options(port, "    workers: 2\n")), -EINVAL);
	close(fd);
	snprintf(where, sizeof(where), "udp 127.0.0.1:%u for media worker 1", (unsigned)(port + 1));
	CHECK(strstr(said, where));
	CHECK(strstr(said, "Address already in use"));
	CHECK(strstr(said, ":5:"));                       /* the line of `port` */
	CHECK(strstr(said, "the first of 2 free ports")); /* the remedy */
	CHECK(!is_taken(port)); /* the worker that had started has ended */
}

static void test_mistakes_are_told(uint16_t port)
{
	CHECK_INT(try(options(65535, "    workers: 2\n")), -EINVAL);
	CHECK(strstr(said, "end beyond 65535"));
	CHECK_INT(try(options(port, "    announce: [0.0.0.0]\n")), -EINVAL);
	CHECK(strstr(said, "\"0.0.0.0\" is not the IPv4 or IPv6 address of one interface"));
	CHECK_INT(try(options(port, "    workers: 65\n")), -EINVAL);
	CHECK(strstr(said, "workers"));
}

/* One counter as `stoactl metrics` shows it; -1: it is not there. */
static double read_metric(const char *name)
{
	json_t *answer = stoa_test_control("metrics", 2000);
	json_t *data = json_object_get(answer, "data");
	const char *text = json_string_value(json_object_get(data, "text"));
	const char *found;
	double value = -1;
	char line[128];

	snprintf(line, sizeof(line), "\n%s ", name); /* not the comments above it */
	if (text && (found = strstr(text, line)))
		value = atof(found + strlen(line));
	json_decref(answer);
	return value;
}

#define JUNK "stoa_sfu_datagrams_dropped_total{reason=\"junk\"}"

static bool is_junk_counted(void *user)
{
	(void)user;
	return read_metric(JUNK) == 2;
}

static void test_metrics(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	stoa_test_begin();
	stoa_test_add(&stoa_module);
	CHECK_INT(stoa_test_start(options(port, "    workers: 1\n")), 0);
	CHECK_INT(read_metric("stoa_sfu_rtp_forwarded_total"), 0);
	CHECK_INT(read_metric("stoa_sfu_srtp_dropped_total{reason=\"auth\"}"), 0);
	CHECK_INT(read_metric("stoa_sfu_key_frame_requests_total{way=\"out\"}"), 0);
	CHECK_INT(read_metric(JUNK), 0);
	for (int i = 0; i < 2; i++)
		CHECK_INT(sendto(fd, "\xff\xff\xff", 3, 0, (struct sockaddr *)&to, sizeof(to)), 3);
	CHECK(stoa_test_run_until(is_junk_counted, NULL, 20000));
	CHECK_INT(read_metric("stoa_sfu_datagrams_received_total"), 2);
	CHECK_INT(read_metric("stoa_sfu_received_bytes_total"), 6);
	stoa_test_end();
	close(fd);
}

static bool is_ok(const char *line)
{
	json_t *answer = stoa_test_control(line, 2000);
	bool ok = json_is_true(json_object_get(answer, "ok"));

	json_decref(answer);
	return ok;
}

static void test_commands_and_draining(uint16_t port)
{
	stoa_test_begin();
	stoa_test_add(&stoa_module);
	CHECK_INT(stoa_test_start(options(port, "    workers: 1\n")), 0);
	CHECK(is_ok("room list"));
	CHECK(!is_ok("room close nowhere"));
	stoa_test_drain(1000);
	CHECK(is_ok("room list"));
	stoa_test_end();
}

int main(void)
{
	uint16_t port = find_ports();

	CHECK(port != 0);
	test_workers_take_neighbouring_ports(port);
	test_a_taken_port_is_told_at_its_place(port);
	test_mistakes_are_told(port);
	test_metrics(port);
	test_commands_and_draining(port);
	return check_done();
}
