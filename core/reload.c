/* SPDX-License-Identifier: Apache-2.0 */
/* Reload, in two phases over all modules: first everything is read and checked, and only when
 * nothing is wrong anywhere are the modules told whose settings changed. */
#include <errno.h>
#include <stdlib.h>

#include <stoa/loop.h>
#include <stoa/util.h>

#include "host.h"
#include "log.h"
#include "loop.h"

static void check_modules(const struct conf_snapshot *snap, struct stoa_errors *e)
{
	for (size_t i = 0; i < host.n_order; i++) {
		struct stoa_mod *m = host.order[i];
		const struct stoa_conf *c = conf_section(snap, m->desc.name);
		size_t before = errors_count(e);
		int r;

		if (m->state != MOD_RUNNING || !c)
			continue;
		r = mod_check(m, c, e);
		if (r < 0 && errors_count(e) == before)
			errors_at(e, CONF_ERROR, NULL, "%s: check failed: %s", m->desc.name,
				  strerror(-r));
	}
}

int host_read_anew(struct stoa_errors *e, struct conf_snapshot **ret_snap)
{
	stoa_auto(conf_snapshot_free) struct conf_snapshot *next = NULL;
	struct conf_tree *tree = NULL;
	int r;

	r = conf_tree_load(&host.layers, e, &tree);
	if (r < 0)
		return r;
	r = host_check_tree(tree, e, &next);
	if (r < 0)
		return r;
	if (errors_count(e) == 0) /* else it is refused anyway */
		r = conf_adopt(next, host.conf, e);
	if (r < 0)
		return r;
	check_modules(next, e);
	*ret_snap = stoa_take(next);
	return 0;
}

static void tell_modules(const struct conf_snapshot *old)
{
	for (size_t i = 0; i < host.n_order; i++) {
		struct stoa_mod *m = host.order[i];
		int r;

		if (m->state != MOD_RUNNING || !conf_changed(host.conf, m->desc.name))
			continue;
		r = m->ops.reload ? m->ops.reload(m, conf_section(host.conf, m->desc.name))
				  : -ENOTSUP;
		if (r == 0)
			continue;
		conf_keep(host.conf, old, m->desc.name); /* it may still borrow from its section */
		stoa_log(m, STOA_LOG_ERROR, "reload() failed, old settings may stay: %s",
			 strerror(-r));
	}
}

/* What the core itself reads from its own section and from `log-level` of the modules. */
void host_apply_core_options(void)
{
	const struct stoa_conf *core = conf_section(host.conf, "core");
	struct conf_module cm;

	log_set_level(log_level_parse(stoa_str(stoa_conf_string(core, "log-level"))));
	log_set_format(stoa_conf_string(core, "log-format"));
	work_set_threads((unsigned)stoa_conf_int(core, "blk-threads"));
	thread_set_counts(core);
	for (size_t i = 0; conf_tree_module(conf_snapshot_tree(host.conf), i, &cm); i++) {
		struct stoa_mod *m = host_find(cm.name);

		if (m)
			atomic_store(&m->log_level, cm.log_level);
	}
}

int host_reload(struct stoa_errors *e)
{
	struct conf_snapshot *next = NULL, *old = host.conf;
	int r = host_read_anew(e, &next);

	if (r < 0)
		return r;
	if (errors_count(e)) {
		conf_snapshot_free(next);
		return -EINVAL;
	}
	host.conf = next;
	host_apply_core_options();
	errors_collect(e);
	tell_modules(old);
	errors_collect(NULL);
	conf_snapshot_free(old);
	return 0;
}

int host_reload_and_tell(struct stoa_errors *e)
{
	int r = host_reload(e);

	errors_log(e);
	if (r < 0)
		stoa_log(NULL, STOA_LOG_ERROR,
			 "reload refused, nothing was changed: correct the above and reload again");
	else
		stoa_log(NULL, STOA_LOG_NOTICE, "configuration reloaded");
	return r;
}
