/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration inside the core: layers of YAML become a tree, a tree and the modules' option
 * tables become a snapshot of frozen sections. stoad, stoactl's control socket and the module
 * loader call these; modules see only <stoa/conf.h>.
 *
 *   conf_tree_load    files -> tree; every value knows its file, line and column
 *   conf_table_new    a module's option table -> the host's own copy, whatever its ABI minor
 *   conf_check        tree + tables -> snapshot; all mistakes of all modules in one run
 *   conf_adopt        at reload: marks what changed, keeps what only a restart may change
 *
 * Thread: ctl, for all of it; a frozen section may be read from any thread. */
#ifndef STOA_CORE_CONF_H
#define STOA_CORE_CONF_H

#include <stoa/conf.h>
#include <stoa/list.h>
#include <stoa/util.h>
#include <jansson.h>
#include <stdio.h>

#define CONF_DEPTH_MAX   6          /* maps and lists inside each other */
#define CONF_FILE_MAX    (1u << 20) /* bytes of one file                */
#define CONF_FILES_MAX   512        /* files of one tree                */
#define CONF_ENTRIES_MAX 4096       /* keys of one map, items of one list */

/* ---- what was found: collected, sorted by place, shown once ---- */

enum conf_severity { CONF_ERROR, CONF_WARNING };

struct conf_source; /* one file, or the argument of one --set: name and text */
struct conf_origin {
	const struct conf_source *source; /* NULL: the default in the option table */
	uint32_t line, col;               /* from 1                                */
};

struct stoa_errors *errors_new(void);
void errors_free(struct stoa_errors *e);
STOA_DEFINE_AUTO(struct stoa_errors, errors_free)
size_t errors_count(const struct stoa_errors *e); /* errors, warnings not counted */
size_t errors_warnings(const struct stoa_errors *e);
/** Adds a finding with a place; `at` NULL or without source: message only. */
void errors_at(struct stoa_errors *e, enum conf_severity sev, const struct conf_origin *at,
	       const char *fmt, ...) STOA_PRINTF(4, 5);
/** All findings as `file:line:col: error: message`, the source line and a caret. */
void errors_print(const struct stoa_errors *e, struct stoa_buf *out);
/** One log line per finding: what a daemon that goes on does with them. */
void errors_log(const struct stoa_errors *e);
/** Forgets all findings. */
void errors_clear(struct stoa_errors *e);
/** [{"severity", "file", "line", "column", "message"}] */
json_t *errors_json(const struct stoa_errors *e);
/** Where stoa_errors_add(NULL, …) goes, as start() and reload() call it; NULL: to the log. */
void errors_collect(struct stoa_errors *e);

/* ---- option tables ---- */

struct conf_table;

/** The host's copy of a module's options; `options` NULL: none. Strings stay borrowed. -ENOMEM,
 *  -EINVAL for a stride smaller than the first released struct, an endless table, an unknown type, a
 *  choice without choices or a map without item. */
int conf_table_new(const char *name, const char *version, const char *summary,
		   const struct stoa_opt *options, uint32_t opt_size,
		   struct conf_table **ret_table);
void conf_table_free(struct conf_table *t);
STOA_DEFINE_AUTO(struct conf_table, conf_table_free)
const char *conf_table_name(const struct conf_table *t);
/** Faults of the table itself (no doc, default that its type refuses, key twice, …), one line
 *  each; returns how many. */
size_t conf_table_lint(const struct conf_table *t, struct stoa_buf *out);
/** The core's own section, `core:`. Static; not to be freed. */
const struct conf_table *conf_core_table(void);

/* ---- the tree ---- */

struct conf_layers {         /* where configuration comes from */
	const char *builtin; /* YAML text below every file, shown as <builtin>; NULL: none   */
	const char *root;    /* --root: in front of every path, those in values too; or NULL  */
	const char *config; /* --config FILE or DIR (stoa.yaml, conf.d in it): only this; or NULL */
	bool no_files;      /* with neither root nor config: read no file at all               */
	const char *const *sets; /* --set key=value, the highest layer                          */
	size_t sets_n;
};

struct conf_tree;

/** Reads and merges. What is wrong goes to `e` and reading goes on with the next file: the tree is
 *  there to be checked further, so that one run shows everything. -ENOMEM only. */
int conf_tree_load(const struct conf_layers *l, struct stoa_errors *e, struct conf_tree **ret_tree);
void conf_tree_free(struct conf_tree *t);
STOA_DEFINE_AUTO(struct conf_tree, conf_tree_free)

struct conf_module { /* one entry of `modules:`, before any module is opened */
	const char *name;
	bool load, required; /* load: yes, required: yes                            */
	int log_level;       /* enum stoa_log_level; 0: the core's                  */
	bool has_options;    /* anything beyond load, required, log-level           */
	struct conf_origin at;
};
/** The i-th entry of `modules:`, ordered by name; false at the end. Values that do not parse count
 *  as unset: conf_check() reports them. */
bool conf_tree_module(const struct conf_tree *t, size_t i, struct conf_module *ret);
/** The entry of one module; false when there is none. */
bool conf_tree_find(const struct conf_tree *t, const char *name, struct conf_module *ret);
/** `bind: { "sql/0": mod_storage_pg }` (the major may be left out): the module chosen to provide
 *  an interface; NULL: no choice made. */
const char *conf_tree_bind(const struct conf_tree *t, const char *iface,
			   struct conf_origin *ret_at);

/* ---- check and freeze ---- */

struct conf_snapshot;

/** Checks everything against the tables and freezes one section per table. `tables` are those of
 *  the modules that are installed and named in the tree (loaded or not; the core's is added);
 *  `installed` lists the names of all that could be opened, for suggestions. Takes `tree`, also on
 *  failure. 0 with a snapshot also when errors were added to `e`: the modules' own check() may
 *  still run on sections for which conf_section() gives one (it gives NULL for those with errors).
 *  -ENOMEM only. */
int conf_check(struct conf_tree *tree_take, const struct conf_table *const *tables, size_t tables_n,
	       const char *const *installed, size_t installed_n, struct stoa_errors *e,
	       struct conf_snapshot **ret_snap);
void conf_snapshot_free(struct conf_snapshot *s); /* wipes secrets */
STOA_DEFINE_AUTO(struct conf_snapshot, conf_snapshot_free)

/** The frozen section of a module, or of "core"; NULL: no such table, or it has errors. Valid until
 *  conf_snapshot_free(). */
const struct stoa_conf *conf_section(const struct conf_snapshot *s, const char *name);
const struct conf_tree *conf_snapshot_tree(const struct conf_snapshot *s);

/** Reload: compares with the snapshot in force. Options without STOA_OPT_RELOADABLE keep the old
 *  value in `next` and are told in `e` as warnings "needs restart", as are modules that came or
 *  went. Then conf_changed(next, name) tells whose reload() is due. -ENOMEM. */
int conf_adopt(struct conf_snapshot *next, const struct conf_snapshot *old, struct stoa_errors *e);
bool conf_changed(const struct conf_snapshot *s, const char *name);
/** A module that has no reload(), or whose reload() failed, goes on with its old section: keeps
 *  that alive in `next`. */
void conf_keep(struct conf_snapshot *next, const struct conf_snapshot *old, const char *name);

/* ---- the process-wide values that the core itself reads ---- */

/** Makes the state directory of the snapshot (mode 0750), keeps every other daemon out of it, and
 *  remembers it for stoa_state_dir(). */
int conf_use_state_dir(const struct conf_snapshot *s, struct stoa_errors *e);
/** Lets another daemon have it. */
void conf_leave_state_dir(void);

/* ---- outputs, all from the same tables ---- */

#define CONF_DUMP_CHANGED 1u /* only what differs from the default      */
#define CONF_DUMP_ORIGIN  2u /* `# file:line` behind each value         */

void conf_print_sample(const struct conf_table *t, struct stoa_buf *out); /* commented drop-in  */
void conf_print_man(const struct conf_table *t, struct stoa_buf *out);    /* roff, section 5    */
void conf_print_help(const struct conf_table *t, struct stoa_buf *out);   /* for a terminal      */
json_t *conf_schema(const struct conf_table *const *tables, size_t n);    /* JSON Schema        */

void conf_dump(const struct conf_snapshot *s, uint32_t flags, struct stoa_buf *out);
json_t *conf_dump_json(const struct conf_snapshot *s, uint32_t flags);
/** One option: value, origin, what it hides, type, range, default, doc. `key` as for --set.
 *  -ENOENT, with a suggestion in `out`. */
int conf_explain(const struct conf_snapshot *s, const char *key, struct stoa_buf *out);
/** The files in order of reading, and what is masked or hidden by what. */
void conf_paths(const struct conf_tree *t, struct stoa_buf *out);
/** Options whose value differs, one line each, with `needs restart` where it applies. */
void conf_diff(const struct conf_snapshot *a, const struct conf_snapshot *b, struct stoa_buf *out);

/** `stoactl config ARGS…`: {"text": …, "data": …} or {"error": …}. `next` is what the files say
 *  now (for diff; may be NULL). */
json_t *conf_command(const struct conf_snapshot *s, const struct conf_snapshot *next, int argc,
		     const char *const *argv);

/** The layer below every file for `stoad --demo`: the modules of `installed`, HTTP on
 *  127.0.0.1:port, ICE-TCP on port + 1, UDP from port + 2; secrets in files of `key_dir`. */
void conf_builtin_demo(const char *const *installed, size_t n, uint16_t port, const char *key_dir,
		       struct stoa_buf *out);

/** The nearest of `n` names, if it is near enough to be a typing error; NULL. */
const char *conf_near(const char *word, const char *const *names, size_t n);

/** Makes a directory, mode 0750, and those above it. */
int conf_make_dir(const char *path);

/** Debian package that brings a module of this project; NULL: not one of ours. */
const char *conf_module_package(const char *name);

#endif
