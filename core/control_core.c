/* SPDX-License-Identifier: Apache-2.0 */
/* The core's own control commands. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <stoa/loop.h>
#include <stoa/metric.h>
#include <stoa/status.h>
#include <stoa/util.h>

#include "control.h"
#include "hook.h"
#include "host.h"
#include "log.h"

static void on_help(struct stoa_control *rq, void *user)
{
	(void)user;
	stoa_control_reply(rq, control_list());
}

/* ---- status, modules ---- */

static void add_reason(const char *module, const char *what, const char *reason, void *user)
{
	json_array_append_new(user, json_pack("{s:s, s:s, s:s}", "module", module, "what", what,
					      "reason", reason));
}

static void on_status(struct stoa_control *rq, void *user)
{
	json_t *reasons = json_array();
	bool is_ready = stoa_status_ready(add_reason, reasons);

	(void)user;
	stoa_control_reply(rq,
			   json_pack("{s:s, s:s, s:b, s:i, s:I, s:i, s:o}", "version",
				     stoa_version(), "phase", stoa_status_phase(), "ready",
				     is_ready, "pid", (int)getpid(), "uptimeSeconds",
				     (json_int_t)((stoa_now_ms() - host.started_ms) / 1000),
				     "modules", (int)host_count(MOD_RUNNING), "reasons", reasons));
}

static const char *state_name(const struct stoa_mod *m)
{
	static const char *const names[] = { "opened", "left out", "loaded", "running", "stopped" };

	return m->is_named ? names[m->state] : "not loaded";
}

static json_t *join(const char *const *names)
{
	struct stoa_buf b = { 0 };
	json_t *s;

	for (; names && *names; names++)
		stoa_buf_addf(&b, "%s%s", b.n ? " " : "", *names);
	s = json_string(b.p ? b.p : "");
	stoa_buf_free(&b);
	return s;
}

static void on_module_list(struct stoa_control *rq, void *user)
{
	json_t *list = json_array();
	const struct host_missing *x;

	(void)user;
	for (size_t i = 0; i < host.n_mods; i++) {
		const struct stoa_mod *m = host.mods[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "module", m->desc.name,
					"version", m->desc.version, "state", state_name(m),
					"provides", join(m->desc.provides), "needs",
					join(m->desc.needs), "why", m->why ? m->why : ""));
	}
	stoa_list_for_each (x, &host.missing, struct host_missing, link)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "module",
						      x->name, "version", "", "state", "left out",
						      "provides", "", "needs", "", "why", x->why));
	stoa_control_reply(rq, list);
}

/* ---- log, drain, hooks, metrics ---- */

static json_t *list_levels(void)
{
	json_t *list = json_array();

	json_array_append_new(list, json_pack("{s:s, s:s}", "module", "core", "level",
					      log_level_name(log_get_level())));
	for (size_t i = 0; i < host.n_order; i++) {
		int level = atomic_load(&host.order[i]->log_level);

		json_array_append_new(list, json_pack("{s:s, s:s}", "module",
						      host.order[i]->desc.name, "level",
						      level ? log_level_name(level) : "as core"));
	}
	return list;
}

/* Sets the level of "core" or of a module; -ENOENT for a module that is not there. */
static int set_level(const char *module, enum stoa_log_level level)
{
	struct stoa_mod *m = host_find(module);

	if (m)
		atomic_store(&m->log_level, (int)level);
	else if (strcmp(module, "core") == 0)
		log_set_level(level);
	else
		return -ENOENT;
	return 0;
}

/* Two words set a module's level, one the core's, none shows them all. */
static void on_log_level(struct stoa_control *rq, void *user)
{
	const char *first = stoa_control_arg(rq, "module"), *second = stoa_control_arg(rq, "level");
	const char *name = second ? second : first, *module = second ? first : "core";
	enum stoa_log_level level = log_level_parse(stoa_str(name));

	(void)user;
	if (name && !level)
		stoa_control_fail(rq, "not_found",
				  "there is no level %s: error, warn, notice, info or debug", name);
	else if (name && set_level(module, level) < 0)
		stoa_control_fail(rq, "not_found", "there is no module %s", module);
	else
		stoa_control_reply(rq, list_levels());
}

static void on_drain(struct stoa_control *rq, void *user)
{
	(void)user;
	host_drain(host_drain_timeout_ms(), stoa_control_has(rq, "exit"));
	stoa_control_reply(rq, json_pack("{s:s, s:b}", "phase", stoa_status_phase(), "drained",
					 host_is_drained()));
}

static void on_undrain(struct stoa_control *rq, void *user)
{
	const char *who = NULL;

	(void)user;
	if (host_undrain(&who) < 0)
		stoa_control_fail(rq, "cannot_undrain", "%s cannot take new work again: restart",
				  who ? who : "the host");
	else
		stoa_control_reply(rq, json_pack("{s:s}", "phase", stoa_status_phase()));
}

static void on_hooks(struct stoa_control *rq, void *user)
{
	(void)user;
	stoa_control_reply(rq, hook_list(stoa_control_arg(rq, "name")));
}

static void on_metrics(struct stoa_control *rq, void *user)
{
	char *text = stoa_metric_text_dup(NULL);

	(void)user;
	stoa_control_reply(rq, json_pack("{s:s}", "text", text ? text : ""));
	stoa_metric_text_free(text);
}

static const struct control_command core_commands[] = {
	{ "help", "", "Lists the commands.", on_help },
	{ "status", "", "Shows the version, the phase and what is amiss.", on_status },
	{ "module list", "", "Lists the modules and their states.", on_module_list },
	{ "log level", "[MODULE] [LEVEL]", "Shows or sets log levels until the next start.",
	  on_log_level },
	{ "drain", "[--exit]", "Takes no new work; with --exit ends when the last is done.",
	  on_drain },
	{ "undrain", "", "Takes new work again.", on_undrain },
	{ "hooks", "[NAME]", "Lists hook chains: order and owner.", on_hooks },
	{ "metrics", "", "Prints all metrics.", on_metrics },
	{ NULL, NULL, NULL, NULL },
};

static int add_commands(const struct control_command *c)
{
	int r = 0;

	for (; r == 0 && c->name; c++)
		r = stoa_control_add(NULL, c->name, c->usage, c->help, c->fn, NULL);
	return r;
}

int control_add_core(void)
{
	int r = add_commands(core_commands);

	return r < 0 ? r : add_commands(control_config_commands);
}
