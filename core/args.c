/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of stoad: one table, from which --help comes too. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "args.h"

#define DEMO_PORT      7880
#define DEMO_PORT_LAST (65535 - 10) /* RTMP is at N + 10 */

typedef int take_fn(struct args *a, const char *value);

static int take_root(struct args *a, const char *value)
{
	a->root = value;
	return 0;
}

static int take_config(struct args *a, const char *value)
{
	a->config = value;
	return 0;
}

static int take_module_dir(struct args *a, const char *value)
{
	a->module_dir = value;
	return 0;
}

static int take_state(struct args *a, const char *value)
{
	a->state = value;
	return 0;
}

static int take_set(struct args *a, const char *value)
{
	if (!strchr(value, '='))
		return -EINVAL;
	if (a->n_sets == ARGS_SETS_MAX)
		return -E2BIG;
	a->sets[a->n_sets++] = value;
	return 0;
}

static int take_demo(struct args *a, const char *value)
{
	(void)value;
	a->is_demo = true;
	return 0;
}

static int take_port(struct args *a, const char *value)
{
	char *end;
	unsigned long v = strtoul(value, &end, 10);

	if (*end || end == value || v < 1 || v > DEMO_PORT_LAST)
		return -EINVAL;
	a->port = (uint16_t)v;
	return 0;
}

static int take_check(struct args *a, const char *value)
{
	(void)value;
	a->mode = MODE_CHECK;
	return 0;
}

static int take_sample(struct args *a, const char *value)
{
	a->mode = MODE_SAMPLE;
	a->module = value;
	return 0;
}

static int take_man(struct args *a, const char *value)
{
	a->mode = MODE_MAN;
	a->module = value;
	return 0;
}

static int take_options(struct args *a, const char *value)
{
	a->mode = MODE_OPTIONS;
	a->module = value;
	return 0;
}

static int take_schema(struct args *a, const char *value)
{
	(void)value;
	a->mode = MODE_SCHEMA;
	return 0;
}

static int take_version(struct args *a, const char *value)
{
	(void)value;
	a->mode = MODE_VERSION;
	return 0;
}

static int take_help(struct args *a, const char *value)
{
	(void)value;
	a->mode = MODE_HELP;
	return 0;
}

static const struct {
	const char *name, *value, *help;
	take_fn *take_fn;
} options[] = {
	{ "--config", "PATH", "Read this file, or stoa.yaml and conf.d/ in this directory, only.",
	  take_config },
	{ "--set", "KEY=VALUE", "Set one option above all files, as in core.log-level=debug.",
	  take_set },
	{ "--state", "DIR", "Keep all state, and the control socket, below DIR.", take_state },
	{ "--module-dir", "DIR", "Where the modules are.", take_module_dir },
	{ "--root", "DIR", "Put DIR in front of every path of the configuration.", take_root },
	{ "--check-config", NULL, "Check the whole configuration and end.", take_check },
	{ "--print-sample", "MODULE", "Print a commented drop-in of a module (or core).",
	  take_sample },
	{ "--print-man", "MODULE", "Print the manual page of a module (or core).", take_man },
	{ "--print-schema", NULL, "Print the JSON schema of the configuration.", take_schema },
	{ "--help-module", "MODULE", "Describe a module and its options.", take_options },
	{ "--demo", NULL, "Run with embedded defaults on 127.0.0.1; not for production.",
	  take_demo },
	{ "--port", "N", "With --demo: HTTP on N, ICE-TCP on N+1, UDP from N+2, RTMP on N+10.",
	  take_port },
	{ "--version", NULL, "Print the version and the module ABI.", take_version },
	{ "--help", NULL, "Print this.", take_help },
};

void args_print_help(void)
{
	printf("Usage: stoad [OPTION]...\nThe daemon for calls and live streams.\n\n");
	for (size_t i = 0; i < STOA_ARRAY_SIZE(options); i++) {
		char left[32];

		snprintf(left, sizeof(left), "%s%s%s", options[i].name, options[i].value ? " " : "",
			 options[i].value ? options[i].value : "");
		printf("  %-22s %s\n", left, options[i].help);
	}
}

/* One option from the front; returns how many words it took. */
static int take_one(struct args *a, char *const *argv, int n)
{
	const char *eq = strchr(argv[0], '=');
	struct stoa_str name = eq ? stoa_strn(argv[0], (size_t)(eq - argv[0])) : stoa_str(argv[0]);

	for (size_t i = 0; i < STOA_ARRAY_SIZE(options); i++) {
		const char *value = eq ? eq + 1 : n > 1 ? argv[1] : NULL;

		if (!stoa_str_is(name, options[i].name))
			continue;
		if (!!value < !!options[i].value || (eq && !options[i].value)) {
			fprintf(stderr, "stoad: %s %s\n", options[i].name,
				eq ? "takes no value" : "needs a value");
			return -EINVAL;
		}
		if (options[i].take_fn(a, value) < 0) {
			fprintf(stderr, "stoad: %s does not take \"%s\"; it wants %s\n",
				options[i].name, value, options[i].value);
			return -EINVAL;
		}
		return options[i].value && !eq ? 2 : 1;
	}
	fprintf(stderr, "stoad: unknown option %s; stoad --help lists them\n", argv[0]);
	return -EINVAL;
}

int args_parse(int argc, char **argv, struct args *ret)
{
	struct args a = { .module_dir = NULL };
	int took;

	for (int i = 1; i < argc; i += took) {
		took = take_one(&a, argv + i, argc - i);
		if (took < 0)
			return took;
	}
	if (a.port && !a.is_demo) {
		fprintf(stderr, "stoad: --port belongs to --demo; elsewhere set mod_http.listen\n");
		return -EINVAL;
	}
	if (a.is_demo && !a.port)
		a.port = DEMO_PORT;
	if (!a.module_dir)
		a.module_dir = args_default_module_dir();
	*ret = a;
	return 0;
}
