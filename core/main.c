/* SPDX-License-Identifier: Apache-2.0 */
/* stoad from its arguments to its end. In libstoa.so, so that the modules and the daemon share one
 * copy of everything; stoad.c only calls it. */
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stoa/loop.h>
#include <stoa/util.h>

#include "args.h"
#include "control.h"
#include "demo.h"
#include "host.h"
#include "log.h"
#include "loop.h"
#include "metric.h"
#include "notify.h"
#include "print.h"
#include "self.h"

STOA_EXPORT int stoa_main(int argc, char **argv);

#define EXIT_USAGE 2

static void on_stop_signal(evutil_socket_t sig, short what, void *user)
{
	static bool is_second;

	(void)what;
	(void)user;
	if (is_second) {
		stoa_log(NULL, STOA_LOG_NOTICE, "signal %d again: stopping at once", (int)sig);
		loop_end_ctl();
		return;
	}
	is_second = true;
	notify_send("STOPPING=1");
	host_drain(host_drain_timeout_ms(), true);
}

static void on_reload_signal(evutil_socket_t sig, short what, void *user)
{
	stoa_auto(errors_free) struct stoa_errors *e = errors_new();

	(void)sig;
	(void)what;
	(void)user;
	if (e)
		(void)host_reload_and_tell(e); /* has logged what was wrong */
}

static struct event *signal_events[3];

static int catch_signals(void)
{
	static const struct {
		int number;
		event_callback_fn fn;
	} table[] = {
		{ SIGTERM, on_stop_signal },
		{ SIGINT, on_stop_signal },
		{ SIGHUP, on_reload_signal },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(table); i++) {
		signal_events[i] =
			evsignal_new(stoa_ctl()->base, table[i].number, table[i].fn, NULL);
		if (!signal_events[i] || event_add(signal_events[i], NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void release_signals(void)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(signal_events); i++) {
		if (signal_events[i])
			event_free(signal_events[i]);
		signal_events[i] = NULL;
	}
}

static void tell_ready(const struct args *a)
{
	notify_send("READY=1");
	notify_start_watchdog();
	stoa_log(NULL, STOA_LOG_NOTICE, "ready after %llu ms, %zu modules",
		 (unsigned long long)(stoa_now_ms() - host.started_ms), host_count(MOD_RUNNING));
	if (a->is_demo) {
		printf("ready http://127.0.0.1:%u\n", a->port);
		fflush(stdout);
	}
}

static int run(const struct args *a, struct stoa_errors *e)
{
	int r = host_prepare(e);

	if (r < 0 || errors_count(e) || a->mode == MODE_CHECK)
		return r;
	host_apply_core_options();
	errors_log(e); /* warnings: it goes on */
	errors_clear(e);
	r = conf_use_state_dir(host.conf, e);
	if (r == 0)
		r = control_socket_open(host.conf, e);
	if (r == 0)
		r = catch_signals();
	if (r == 0)
		r = host_start(e);
	if (r == 0) {
		tell_ready(a);
		r = loop_run_ctl();
	}
	notify_stop_watchdog();
	control_socket_close();
	return r;
}

/* --state DIR: absolute, since the daemon's paths do not depend on where it was started. */
static int apply_state(struct args *a)
{
	static char set[PATH_MAX + 32] = "core.state-dir=";
	char cwd[PATH_MAX] = "", *dir = set + strlen("core.state-dir=");

	if (!a->state && a->is_demo)
		a->state = "state";
	if (!a->state)
		return 0;
	if (a->state[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return -errno;
	if (snprintf(dir, PATH_MAX, "%s%s%s", cwd, *cwd ? "/" : "", a->state) >= PATH_MAX)
		return -ENAMETOOLONG;
	a->state = dir;
	a->sets[a->n_sets++] = set;
	a->sets[a->n_sets++] = "core.control-socket=control"; /* relative to the state directory */
	return 0;
}

static void print_findings(const struct stoa_errors *e)
{
	struct stoa_buf text = { 0 };

	errors_print(e, &text);
	fputs(text.p ? text.p : "", stderr);
	stoa_buf_free(&text);
}

/* Everything before the configuration is read. */
static int begin(struct args *a, struct stoa_buf *builtin, struct stoa_errors *e)
{
	int r = apply_state(a);

	if (r == 0)
		r = loop_init_ctl();
	if (r == 0)
		r = control_add_core();
	if (r < 0)
		return r;
	self_declare();
	host.module_dir = a->module_dir;
	if (a->is_demo)
		r = demo_prepare(a->state, a->port, builtin, e);
	host.layers = (struct conf_layers){ .builtin = builtin->p,
					    .root = a->root,
					    .config = a->config,
					    .no_files = a->is_demo,
					    .sets = a->sets,
					    .sets_n = a->n_sets };
	return r;
}

static void end(void)
{
	host_stop();
	control_reset();
	release_signals();
	work_stop();
	loop_free_all();
	metric_reset();
}

static int run_to_end(struct args *a)
{
	stoa_auto(errors_free) struct stoa_errors *e = errors_new();
	struct stoa_buf builtin = { 0 };
	bool is_good;
	int r;

	if (!e)
		return EXIT_FAILURE;
	umask(0027); /* what it writes is nobody's but its group's */
	r = begin(a, &builtin, e);
	if (r == 0)
		r = run(a, e);
	print_findings(e);
	is_good = r == 0 && errors_count(e) == 0;
	if (r < 0 && !errors_count(e))
		stoa_log(NULL, STOA_LOG_ERROR, "cannot go on: %s", strerror(-r));
	end();
	stoa_buf_free(&builtin);
	if (is_good && a->mode == MODE_CHECK)
		puts("the configuration is good");
	return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int stoa_main(int argc, char **argv)
{
	struct args a;

	signal(SIGPIPE, SIG_IGN);
	host.started_ms = stoa_now_ms();
	if (args_parse(argc, argv, &a) < 0)
		return EXIT_USAGE;
	log_open();
	switch (a.mode) {
	case MODE_VERSION:
		printf("stoad %s, module ABI %u.%u\n", STOA_VERSION, STOA_ABI_MAJOR,
		       STOA_ABI_MINOR);
		return EXIT_SUCCESS;
	case MODE_HELP:
		args_print_help();
		return EXIT_SUCCESS;
	case MODE_SAMPLE:
	case MODE_MAN:
	case MODE_OPTIONS:
	case MODE_SCHEMA:
		return print_run(&a);
	default:
		return run_to_end(&a);
	}
}
