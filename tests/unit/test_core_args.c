/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "args.h"
#include "check.h"

static struct args got;

static int parse(const char *line)
{
	static char copy[256];
	char *rest = copy;
	static char name[] = "stoad";
	char *argv[100] = { name };
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	while (*line && (argv[argc] = strsep(&rest, " ")))
		argc++;
	memset(&got, 0, sizeof(got));
	return args_parse(argc, argv, &got);
}

/* One more --set than there is room for. */
static void check_many_sets(void)
{
	static char set[] = "--set=a=b", name[] = "stoad";
	char *argv[ARGS_SETS_MAX + 2] = { name };

	for (int i = 1; i < ARGS_SETS_MAX + 2; i++)
		argv[i] = set;
	CHECK_INT(args_parse(ARGS_SETS_MAX + 1, argv, &got), 0);
	CHECK_INT(got.n_sets, ARGS_SETS_MAX);
	CHECK_INT(args_parse(ARGS_SETS_MAX + 2, argv, &got), -EINVAL);
}

int main(void)
{
	static const char *const bad[] = { "--nope",
					   "status",
					   "--config",
					   "--set novalue",
					   "--demo --port 0",
					   "--demo --port 65530",
					   "--demo --port x",
					   "--port 7880",
					   "--demo=yes",
					   "--print-sample",
					   "-h" };

	CHECK_INT(parse(""), 0);
	CHECK_INT(got.mode, MODE_RUN);
	CHECK(got.module_dir != NULL);
	CHECK_INT(parse("--demo"), 0);
	CHECK_INT(got.port, 7880);
	CHECK_INT(parse("--demo --port=21100 --module-dir m --set a.b=c --set d=e=f"), 0);
	CHECK_INT(got.port, 21100);
	CHECK_INT(got.n_sets, 2);
	CHECK_INT(parse("--check-config --root /r --config /c"), 0);
	CHECK_INT(got.mode, MODE_CHECK);
	CHECK_INT(parse("--print-man mod_x"), 0);
	CHECK_INT(got.mode, MODE_MAN);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++)
		CHECK_INT(parse(bad[i]), -EINVAL);
	CHECK_INT(got.port, 0); /* nothing was given out for a bad line */
	check_many_sets();
	return check_done();
}
