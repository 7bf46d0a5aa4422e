/* SPDX-License-Identifier: Apache-2.0 */
/* The one host of the process: which modules there are, which configuration is in force, and where
 * in its life everything stands. Thread: ctl. */
#ifndef STOA_CORE_HOST_H
#define STOA_CORE_HOST_H

#include "mod.h"
#include "resolve.h"

enum host_phase { HOST_STARTING, HOST_RUNNING, HOST_DRAINING, HOST_STOPPING };

struct host {
	struct conf_layers layers;
	const char *module_dir;
	struct stoa_mod **mods; /* all that could be opened, by name */
	size_t n_mods;
	struct stoa_mod **order; /* those that run, in the order of starting */
	size_t n_order;
	char **installed; /* names of the .so in module_dir */
	size_t n_installed;
	struct conf_snapshot *conf; /* in force */
	_Atomic(enum host_phase) phase;
	struct stoa_list missing; /* struct host_missing: named, but not to be opened */
	struct stoa_timer *drain_timer;
	uint64_t started_ms; /* monotonic */
};

struct host_missing {
	struct stoa_list link;
	char *name, *why;
	bool is_required;
};

extern struct host host;

/* ---- life cycle (lifecycle.c) ---- */

/** How many modules are in a state, of those that the configuration loads. */
size_t host_count(enum mod_state state);
/** Reads, opens, resolves, loads, checks. Mistakes go to `e`. 0 also with mistakes: count them. */
int host_prepare(struct stoa_errors *e);
/** Starts everything that host_prepare() found fit. What fails is left out with its dependants;
 *  -ECANCELED when that is fatal (a required module, or a mistake told to `e`): then everything
 *  that had started was stopped again. */
int host_start(struct stoa_errors *e);
/** Stops in reverse order, unloads, frees. */
void host_stop(void);

/** Two-phase: reads and checks everything anew, and only if all is well tells the modules. What was
 *  found is in `e`. -EINVAL: nothing was changed. */
int host_reload(struct stoa_errors *e);
/** The same, and logs the outcome: what SIGHUP and the control socket do. */
int host_reload_and_tell(struct stoa_errors *e);
/** Checks a tree against the options of all open modules. Takes the tree. */
int host_check_tree(struct conf_tree *tree_take, struct stoa_errors *e,
		    struct conf_snapshot **ret_snap);
/** Log levels, thread counts: what the core reads for itself. */
void host_apply_core_options(void);
/** Reads and checks what the files say now, modules' own checks included; changes nothing. */
int host_read_anew(struct stoa_errors *e, struct conf_snapshot **ret_snap);
/** No new work; ends the loop when every module is done or after `deadline_ms`. */
void host_drain(uint64_t deadline_ms, bool ends_loop);
/** Back to work. -ENOTSUP with the name of a module that cannot: nothing was changed. */
int host_undrain(const char **ret_who);
uint64_t host_drain_timeout_ms(void);
void drain_reset(void);
bool host_is_drained(void);

/** Adds a module that is already open. */
int host_add(struct stoa_mod *m_take);
/** Opens what is installed and named in the tree; used by host_prepare(), and by --print-… with a
 *  tree that names all. */
int host_open_modules(const struct conf_tree *tree, struct stoa_errors *e);
/** Fills host.installed from host.module_dir, once. -ENOMEM; what else is wrong goes to `e`. */
int host_list_installed(struct stoa_errors *e);
struct stoa_mod *host_find(const char *name);

/** Is a leftover after stop() fatal? Yes in debug builds. */
extern bool host_aborts_on_leftovers;

/* ---- steps of one module's life (step.c), for the above and for tests ---- */
int mod_load(struct stoa_mod *m);
int mod_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e);
int mod_start(struct stoa_mod *m, const struct stoa_conf *c);
void mod_stop(struct stoa_mod *m);
void mod_unload(struct stoa_mod *m);

#endif
