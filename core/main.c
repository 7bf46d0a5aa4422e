/* SPDX-License-Identifier: Apache-2.0 */
/* stoad from its arguments to its end. */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <stoa/loop.h>
#include <stoa/util.h>

#include "host.h"
#include "log.h"
#include "loop.h"
#include "metric.h"

STOA_EXPORT int stoa_main(int argc, char **argv);

#define EXIT_USAGE 2

struct args {
	const char *root, *config, *module_dir, *state, *print, *print_of;
	const char *sets[64];
	size_t n_sets;
	uint16_t port;
	bool is_check, is_demo;
};

enum {
	OPT_CHECK = 256,
	OPT_ROOT,
	OPT_CONFIG,
	OPT_MODULE_DIR,
	OPT_STATE,
	OPT_SET,
	OPT_DEMO,
	OPT_PORT,
	OPT_VERSION,
	OPT_HELP
};

static const struct option long_options[] = {
	{ "check-config", no_argument, NULL, OPT_CHECK },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "module-dir", required_argument, NULL, OPT_MODULE_DIR },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "set", required_argument, NULL, OPT_SET },
	{ "demo", no_argument, NULL, OPT_DEMO },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char usage[] =
	"stoad: calls and live streams\n"
	"  --check-config      check the configuration of all modules and end\n"
	"  --root DIR          put DIR in front of every path\n"
	"  --config PATH       read this file, or stoa.yaml and conf.d in this directory, only\n"
	"  --set KEY=VALUE     set one option above all files; may be repeated\n"
	"  --module-dir DIR    where the modules are\n"
	"  --state DIR         where state that survives a restart is kept\n"
	"  --demo [--port N]   embedded defaults on 127.0.0.1:N; not for production\n"
	"  --version, --help\n";

static int add_set(struct args *a, const char *set)
{
	if (a->n_sets == STOA_ARRAY_SIZE(a->sets))
		return -E2BIG;
	a->sets[a->n_sets++] = set;
	return 0;
}

static int parse_port(struct args *a, const char *s)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*end || v < 1 || v > 65535 - 10)
		return -EINVAL;
	a->port = (uint16_t)v;
	return 0;
}

/* 0 go on; 1 done; negative: wrong use. */
static int parse_args(int argc, char **argv, struct args *a)
{
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case OPT_CHECK:
			a->is_check = true;
			break;
		case OPT_ROOT:
			a->root = optarg;
			break;
		case OPT_CONFIG:
			a->config = optarg;
			break;
		case OPT_MODULE_DIR:
			a->module_dir = optarg;
			break;
		case OPT_STATE:
			a->state = optarg;
			break;
		case OPT_SET:
			if (add_set(a, optarg) < 0)
				return -E2BIG;
			break;
		case OPT_DEMO:
			a->is_demo = true;
			break;
		case OPT_PORT:
			if (parse_port(a, optarg) < 0)
				return -EINVAL;
			break;
		case OPT_VERSION:
			printf("stoad %s, module ABI %u.%u\n", STOA_VERSION, STOA_ABI_MAJOR,
			       STOA_ABI_MINOR);
			return 1;
		case OPT_HELP:
			fputs(usage, stdout);
			return 1;
		default:
			return -EINVAL;
		}
	}
	return optind < argc ? -EINVAL : 0;
}

static unsigned n_stop_signals;

static void on_signal(evutil_socket_t sig, short what, void *user)
{
	(void)what;
	(void)user;
	if (sig == SIGHUP) {
		struct stoa_errors *e = errors_new();
		struct stoa_buf text = { 0 };

		if (host_reload(e) < 0)
			stoa_log(NULL, STOA_LOG_ERROR, "reload refused, nothing was changed");
		else
			stoa_log(NULL, STOA_LOG_NOTICE, "reloaded");
		errors_print(e, &text);
		if (text.p)
			fputs(text.p, stderr);
		stoa_buf_free(&text);
		errors_free(e);
		return;
	}
	if (n_stop_signals++)
		loop_end_ctl();
	else
		host_drain(10000, true);
}

static int run(struct args *a, struct stoa_errors *e)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct event *ev[STOA_ARRAY_SIZE(signals)];
	int r;

	r = host_prepare(e);
	if (r < 0 || errors_count(e) || a->is_check)
		return r;
	r = conf_use_state_dir(host.conf, e);
	if (r < 0 || errors_count(e))
		return r;
	for (size_t i = 0; i < STOA_ARRAY_SIZE(signals); i++) {
		ev[i] = evsignal_new(stoa_ctl()->base, signals[i], on_signal, NULL);
		evsignal_add(ev[i], NULL);
	}
	r = host_start(e);
	if (r == 0) {
		if (a->port) {
			printf("ready http://127.0.0.1:%u\n", a->port);
			fflush(stdout);
		}
		stoa_log(NULL, STOA_LOG_NOTICE, "ready");
		loop_run_ctl();
	}
	for (size_t i = 0; i < STOA_ARRAY_SIZE(signals); i++)
		event_free(ev[i]);
	return r;
}

int stoa_main(int argc, char **argv)
{
	struct args a = { .module_dir = STOA_MODULE_DIR };
	struct stoa_errors *e;
	struct stoa_buf text = { 0 };
	static char state_set[PATH_MAX + 32];
	int r = parse_args(argc, argv, &a);

	if (r > 0)
		return EXIT_SUCCESS;
	if (r < 0) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	log_open();
	if (a.is_demo && !a.port)
		a.port = 7880;
	if (a.state) {
		snprintf(state_set, sizeof(state_set), "core.state-dir=%s", a.state);
		add_set(&a, state_set);
	}
	host.module_dir = a.module_dir;
	host.layers = (struct conf_layers){
		.root = a.root, .config = a.config, .sets = a.sets, .sets_n = a.n_sets
	};
	e = errors_new();
	if (!e || loop_init_ctl() < 0)
		return EXIT_FAILURE;
	r = run(&a, e);
	errors_print(e, &text);
	if (text.p)
		fputs(text.p, stderr);
	if (r < 0 || errors_count(e))
		r = EXIT_FAILURE;
	host_stop();
	work_stop();
	loop_free_all();
	metric_reset();
	stoa_buf_free(&text);
	errors_free(e);
	return r;
}
