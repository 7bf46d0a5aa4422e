/* SPDX-License-Identifier: Apache-2.0 */
/* The life of all modules together: prepare (load, check), start, stop. Reload and
 * drain are in files of their own. */
#include <errno.h>
#include <stdlib.h>

#include <stoa/loop.h>
#include <stoa/util.h>

#include "control.h"
#include "event.h"
#include "hook.h"
#include "host.h"
#include "iface.h"

struct host host = { .missing = STOA_LIST_INIT(host.missing) };

static struct resolve_in resolve_input(void)
{
	return (struct resolve_in){ host.mods, host.n_mods,
				    host.conf ? conf_snapshot_tree(host.conf) : NULL };
}

static const struct stoa_conf *section_of(const struct stoa_mod *m)
{
	return conf_section(host.conf, m->desc.name);
}

size_t host_count(enum mod_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < host.n_mods; i++)
		n += host.mods[i]->is_named && host.mods[i]->state == state;
	return n;
}

/* ---- prepare ---- */

int host_check_tree(struct conf_tree *tree_take, struct stoa_errors *e,
		    struct conf_snapshot **ret_snap)
{
	const struct conf_table **tables = calloc(host.n_mods + 1, sizeof(*tables));
	int r;

	if (!tables) {
		conf_tree_free(tree_take);
		return -ENOMEM;
	}
	for (size_t i = 0; i < host.n_mods; i++)
		tables[i] = host.mods[i]->table;
	r = conf_check(tree_take, tables, host.n_mods, (const char *const *)host.installed,
		       host.n_installed, e, ret_snap);
	free(tables);
	return r;
}

static void log_left_out(const struct stoa_mod *m)
{
	stoa_log_write(NULL, STOA_LOG_WARN, NULL, "%s left out: %s", m->desc.name, m->why);
}

/* A module that is required and out is a mistake of the configuration, where it is required. */
static void tell_required(const struct stoa_mod *m, struct stoa_errors *e)
{
	struct conf_module cm = { .name = NULL };

	if (host.conf)
		(void)conf_tree_find(conf_snapshot_tree(host.conf), m->desc.name, &cm);
	errors_at(e, CONF_ERROR, &cm.at, "%s is required, but %s; mend that, or set required: no",
		  m->desc.name, m->why);
}

static void tell_out(const struct stoa_mod *m, struct stoa_errors *e)
{
	if (m->is_required)
		tell_required(m, e);
	else
		log_left_out(m);
}

/* Says which modules are out, each once. Of those that are not installed conf_check() has told. */
static void tell_left_out(struct stoa_errors *e)
{
	for (size_t i = 0; i < host.n_mods; i++) {
		struct stoa_mod *m = host.mods[i];

		if (!m->is_named || m->state != MOD_OUT || m->is_told)
			continue;
		m->is_told = true;
		tell_out(m, e);
	}
}

/* After load() or start() of one module failed: it goes, and who needs it. */
static void leave_out_failed(struct stoa_mod *m, const char *step, int err, struct stoa_errors *e)
{
	struct resolve_in in = resolve_input();

	mod_leave_out(m, "%s failed: %s", step, strerror(-err));
	resolve_leave_out_dependants(&in);
	for (size_t i = 0; i < host.n_mods; i++) {
		if (host.mods[i]->state == MOD_OUT)
			iface_withdraw(host.mods[i]);
	}
	tell_left_out(e);
}

static void load_all(struct stoa_errors *e)
{
	for (size_t i = 0; i < host.n_order; i++) {
		struct stoa_mod *m = host.order[i];
		int r;

		if (m->state == MOD_OUT)
			continue;
		r = mod_load(m);
		if (r < 0)
			leave_out_failed(m, "load()", r, e);
	}
}

static void check_all(const struct conf_snapshot *snap, struct stoa_errors *e)
{
	for (size_t i = 0; i < host.n_order; i++) {
		struct stoa_mod *m = host.order[i];
		const struct stoa_conf *c = conf_section(snap, m->desc.name);
		size_t before = errors_count(e);
		int r;

		if (m->state == MOD_OUT || !c)
			continue;
		r = mod_check(m, c, e);
		if (r < 0 && errors_count(e) == before)
			errors_at(e, CONF_ERROR, NULL, "%s: check failed: %s", m->desc.name,
				  strerror(-r));
	}
}

int host_prepare(struct stoa_errors *e)
{
	struct conf_tree *tree = NULL;
	struct resolve_in in;
	int r;

	r = conf_tree_load(&host.layers, e, &tree);
	if (r < 0)
		return r;
	r = host_open_modules(tree, e);
	if (r < 0) {
		conf_tree_free(tree);
		return r;
	}
	r = host_check_tree(tree, e, &host.conf);
	if (r < 0)
		return r;
	host.order = calloc(host.n_mods + 1, sizeof(*host.order));
	if (!host.order)
		return -ENOMEM;
	in = resolve_input();
	r = resolve(&in, e, host.order, &host.n_order);
	if (r == -ENOMEM)
		return r;
	if (r == 0)
		load_all(e);
	tell_left_out(e);
	check_all(host.conf, e);
	return 0;
}

/* ---- start and stop ---- */

static int start_one(struct stoa_mod *m, struct stoa_errors *e)
{
	size_t before = errors_count(e);
	int r = mod_start(m, section_of(m));

	if (r == 0)
		return 0;
	mod_stop(m); /* only what the host can see: stop() is for what has started */
	if (errors_count(e) == before)
		leave_out_failed(m, "start()", r, e);
	return errors_count(e) == before ? 0 : -ECANCELED;
}

int host_start(struct stoa_errors *e)
{
	int r = 0;

	errors_collect(e);
	for (size_t i = 0; r == 0 && i < host.n_order; i++) {
		if (host.order[i]->state != MOD_OUT)
			r = start_one(host.order[i], e);
	}
	errors_collect(NULL);
	if (r < 0)
		return r;
	host.phase = HOST_RUNNING;
	return 0;
}

static void free_missing(void)
{
	struct host_missing *x, *tmp;

	stoa_list_for_each_safe (x, tmp, &host.missing, struct host_missing, link) {
		stoa_list_unlink(&x->link);
		free(x->name);
		free(x->why);
		free(x);
	}
}

void host_stop(void)
{
	host.phase = HOST_STOPPING;
	event_flush();
	for (size_t i = host.n_order; i-- > 0;) {
		if (host.order[i]->state == MOD_RUNNING)
			mod_stop(host.order[i]);
	}
	for (size_t i = host.n_order; i-- > 0;)
		mod_unload(host.order[i]);
	event_reset();
	iface_reset();
	drain_reset();
	control_reset();
	hook_reset();
	conf_snapshot_free(host.conf); /* its sections look into the modules' option tables */
	host.conf = NULL;
	for (size_t i = 0; i < host.n_mods; i++)
		mod_free(host.mods[i]);
	for (size_t i = 0; i < host.n_installed; i++)
		free(host.installed[i]);
	free_missing();
	conf_leave_state_dir();
	free(host.mods);
	free(host.order);
	free(host.installed);
	host.mods = host.order = NULL;
	host.installed = NULL;
	host.n_mods = host.n_order = host.n_installed = 0;
}
