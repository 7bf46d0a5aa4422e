/* SPDX-License-Identifier: Apache-2.0 */
/* `stoactl config …` and reload: the configuration does the work, here the words go over. */
#include <errno.h>

#include <stoa/util.h>

#include "control.h"
#include "host.h"

static void answer_findings(struct stoa_control *rq, const struct stoa_errors *e, const char *done)
{
	struct stoa_buf text = { 0 };

	errors_print(e, &text);
	if (errors_count(e)) {
		stoa_control_fail(rq, "bad_configuration", "%s", text.p ? text.p : "out of memory");
	} else {
		stoa_buf_adds(&text, done);
		stoa_control_reply(rq, json_pack("{s:o, s:s}", "findings", errors_json(e), "text",
						 text.p ? text.p : ""));
	}
	stoa_buf_free(&text);
}

static void on_reload(struct stoa_control *rq, void *user)
{
	stoa_auto(errors_free) struct stoa_errors *e = errors_new();

	(void)user;
	if (!e || host_reload_and_tell(e) == -ENOMEM)
		stoa_control_fail(rq, "out_of_memory", "out of memory");
	else
		answer_findings(rq, e, "reloaded\n");
}

static void on_check(struct stoa_control *rq, void *user)
{
	stoa_auto(errors_free) struct stoa_errors *e = errors_new();
	struct conf_snapshot *next = NULL;

	(void)user;
	if (!e || host_read_anew(e, &next) < 0)
		stoa_control_fail(rq, "out_of_memory", "out of memory");
	else
		answer_findings(rq, e, "the configuration is good\n");
	conf_snapshot_free(next);
}

static void answer_command(struct stoa_control *rq, const struct conf_snapshot *next, int argc,
			   const char *const *argv)
{
	json_t *answer = conf_command(host.conf, next, argc, argv);
	const char *error = json_string_value(json_object_get(answer, "error"));

	if (!answer || error) {
		stoa_control_fail(rq, "config", "%s", error ? error : "out of memory");
		json_decref(answer);
		return;
	}
	if (strcmp(argv[0], "dump") == 0)
		json_object_set_new(answer, "data", conf_dump_json(host.conf, 0));
	stoa_control_reply(rq, answer);
}

static void on_dump(struct stoa_control *rq, void *user)
{
	const char *argv[3] = { "dump" };
	int argc = 1;

	(void)user;
	if (stoa_control_has(rq, "changed"))
		argv[argc++] = "--changed";
	if (stoa_control_has(rq, "origin"))
		argv[argc++] = "--origin";
	answer_command(rq, NULL, argc, argv);
}

static void on_explain(struct stoa_control *rq, void *user)
{
	const char *argv[] = { "explain", stoa_control_arg(rq, "key") };

	(void)user;
	answer_command(rq, NULL, 2, argv);
}

static void on_paths(struct stoa_control *rq, void *user)
{
	static const char *const argv[] = { "paths" };

	(void)user;
	answer_command(rq, NULL, 1, argv);
}

static void on_diff(struct stoa_control *rq, void *user)
{
	static const char *const argv[] = { "diff" };
	stoa_auto(errors_free) struct stoa_errors *e = errors_new();
	struct conf_snapshot *next = NULL;

	(void)user;
	if (!e || host_read_anew(e, &next) < 0)
		stoa_control_fail(rq, "out_of_memory", "out of memory");
	else if (errors_count(e))
		answer_findings(rq, e, "");
	else
		answer_command(rq, next, 1, argv);
	conf_snapshot_free(next);
}

const struct control_command control_config_commands[] = {
	{ "reload", "", "Reads the configuration anew and applies it.", on_reload },
	{ "module reload", "", "Reads the configuration anew and applies it.", on_reload },
	{ "config check", "", "Checks what the files say now; changes nothing.", on_check },
	{ "config dump", "[--changed] [--origin]", "Shows the configuration in force.", on_dump },
	{ "config explain", "KEY", "Shows one option: value, origin, type, default, meaning.",
	  on_explain },
	{ "config paths", "", "Lists the files in the order of reading.", on_paths },
	{ "config diff", "", "Shows what a reload would change.", on_diff },
	{ NULL, NULL, NULL, NULL },
};
