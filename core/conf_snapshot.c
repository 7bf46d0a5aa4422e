/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot: one tree, checked, with a frozen section per table. The host keeps one in force and
 * makes the next at reload; each is read-only once made, but for what conf_adopt() carries over. */
#include "conf_section.h"

#include <errno.h>
#include <stdlib.h>

struct checker {
	struct conf_snapshot *snap;
	const char *const *installed;
	size_t installed_n;
	struct stoa_errors *e;
	struct value_env env;
};

struct conf_section_entry *snapshot_entry(const struct conf_snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->entry[i].table->name, name) == 0)
			return &s->entry[i];
	}
	return NULL;
}

/* A module of which no file is installed: a typing error, or a package that is not there. */
static void report_missing_module(struct checker *k, const struct conf_node *n)
{
	const char *package = conf_module_package(n->key);
	const char *near = conf_near(n->key, k->installed, k->installed_n);
	bool is_required = module_says_yes(n, "load") && module_says_yes(n, "required");

	if (strncmp(n->key, "mod_", 4) != 0 || (near && !package))
		errors_at(k->e, CONF_ERROR, &n->key_at, "unknown module `%s`%s%s%s", n->key,
			  near ? ": did you mean `" : ": the name of a module begins with mod_",
			  near ? near : "", near ? "`?" : "");
	else if (is_required)
		errors_at(k->e, CONF_ERROR, &n->key_at,
			  "%s is required and not installed: install %s%s, or set required: no",
			  n->key, package ? "the package " : "its module file",
			  package ? package : "");
	else
		errors_at(k->e, CONF_WARNING, &n->key_at,
			  "%s is not installed, its options are not checked: install %s%s, or "
			  "remove this section",
			  n->key, package ? "the package " : "its module file",
			  package ? package : "");
}

/* Installed but without a table: it could not be opened, and whoever tried has said so; or this is
 * a reload and it was not named at start, which conf_adopt() tells. */
static bool is_installed(const struct checker *k, const char *name)
{
	for (size_t i = 0; i < k->installed_n; i++) {
		if (strcmp(k->installed[i], name) == 0)
			return true;
	}
	return false;
}

static int check_modules(struct checker *k)
{
	const struct conf_node *modules = node_get(k->snap->tree->top, "modules");

	if (!modules || node_is_empty(modules))
		return 0;
	if (modules->kind != CONF_MAP) {
		if (modules->kind != CONF_BAD)
			errors_at(
				k->e, CONF_ERROR, &modules->at,
				"`modules`: a map of modules is expected: write `mod_x:` with its "
				"options indented below%s",
				modules->kind == CONF_LIST ? ", not a list" : "");
		return 0;
	}
	for (size_t i = 0; i < modules->child_n; i++) {
		const struct conf_node *n = modules->child[i];

		if (n->kind != CONF_RESET && !snapshot_entry(k->snap, n->key) &&
		    !is_installed(k, n->key))
			report_missing_module(k, n);
	}
	return 0;
}

static void check_bind(struct checker *k)
{
	const struct conf_node *bind = node_get(k->snap->tree->top, "bind");

	if (!bind || node_is_empty(bind))
		return;
	if (bind->kind != CONF_MAP) {
		errors_at(k->e, CONF_ERROR, &bind->at,
			  "`bind`: a map is expected: write `interface: module` below it, as in "
			  "`sql: mod_storage_pg`");
		return;
	}
	for (size_t i = 0; i < bind->child_n; i++) {
		const struct conf_node *n = bind->child[i];
		const char *near;

		if (n->kind == CONF_RESET || n->kind == CONF_BAD)
			continue;
		if (n->kind != CONF_SCALAR || n->n == 0) {
			errors_at(k->e, CONF_ERROR, &n->at,
				  "`bind.%s`: write the one module that provides the interface",
				  n->key);
			continue;
		}
		if (node_get(node_get(k->snap->tree->top, "modules"), n->text))
			continue;
		near = conf_near(n->text, k->installed, k->installed_n);
		errors_at(k->e, CONF_ERROR, &n->at,
			  "`bind.%s`: %s is not among the `modules:`%s%s%s", n->key, n->text,
			  near ? "; did you mean " : ": add it there with load: yes",
			  near ? near : "", near ? "?" : "");
	}
}

static void check_top(struct checker *k)
{
	static const char *const known[] = { "core", "bind", "modules" };
	const struct conf_node *top = k->snap->tree->top;

	for (size_t i = 0; i < top->child_n; i++) {
		const struct conf_node *n = top->child[i];
		const char *near = conf_near(n->key, known, STOA_ARRAY_SIZE(known));
		bool ok = false;

		for (size_t j = 0; j < STOA_ARRAY_SIZE(known); j++)
			ok = ok || strcmp(n->key, known[j]) == 0;
		if (ok)
			continue;
		if (strncmp(n->key, "mod_", 4) == 0)
			errors_at(k->e, CONF_ERROR, &n->key_at,
				  "`%s` stands at the top: indent it below `modules:`", n->key);
		else if (near)
			errors_at(k->e, CONF_ERROR, &n->key_at,
				  "unknown section `%s`: did you mean `%s`?", n->key, near);
		else
			errors_at(k->e, CONF_ERROR, &n->key_at,
				  "unknown section `%s`: write core, modules or bind", n->key);
	}
}

static int check_section(struct checker *k, struct conf_section_entry *s)
{
	const struct conf_tree *t = k->snap->tree;
	bool is_core = s->table == conf_core_table();
	const struct conf_node *n = is_core ? node_get(t->top, "core")
					    : node_get(node_get(t->top, "modules"), s->table->name);
	bool is_used = is_core || module_says_yes(n, "load");
	struct value_env env = k->env;
	char *path;
	int r;

	if (asprintf(&path, "%s%s", is_core ? "" : "modules.", s->table->name) < 0)
		return -ENOMEM;
	env.no_secrets = !is_used;
	r = section_check(path, s->table->name, s->table->opts, n, &env, is_used && !t->broken,
			  k->e, &s->conf);
	if (r == 0) {
		s->conf->tree = tree_ref(k->snap->tree);
		s->fresh = section_ref(s->conf);
		s->running = is_used;
	}
	free(path);
	return r;
}

/* The state directory comes before all else: other paths, the core's too, are relative to it. What
 * is wrong with it is reported when its section is checked. */
static int find_state_dir(struct checker *k, struct conf_value *v)
{
	const struct stoa_opt *o = opts_find(conf_core_table()->opts, "state-dir");
	const struct conf_node *n = node_get(node_get(k->snap->tree->top, "core"), "state-dir");
	struct stoa_buf why = { 0 };
	int r = -EINVAL;

	v->opt = o;
	if (n && n->kind == CONF_SCALAR)
		r = value_parse(o, n->text, &k->env, v, &why);
	if (r == -EINVAL)
		r = value_parse(o, o->dflt, &k->env, v, &why);
	stoa_buf_free(&why);
	k->env.state_dir = v->text;
	return r;
}

static void check_state_dir(struct checker *k)
{
	const struct conf_value *v = section_value(k->snap->entry[0].fresh, "state-dir");

	if (!v->node || !v->raw || v->raw[0] == '/')
		return;
	errors_at(k->e, CONF_ERROR, &v->node->at,
		  "`state-dir`: \"%s\" is relative to nothing: write an absolute path", v->raw);
	k->snap->entry[0].fresh->ok = false;
}

static int check_all(struct checker *k)
{
	struct conf_snapshot *s = k->snap;
	struct conf_value state_dir = { .opt = NULL };
	int r = find_state_dir(k, &state_dir);

	for (size_t i = 0; i < s->n && r == 0; i++)
		r = check_section(k, &s->entry[i]);
	if (r == 0) {
		check_state_dir(k);
		check_top(k);
		check_bind(k);
		r = check_modules(k);
	}
	value_clear(&state_dir);
	return r;
}

int conf_check(struct conf_tree *tree_take, const struct conf_table *const *tables, size_t tables_n,
	       const char *const *installed, size_t installed_n, struct stoa_errors *e,
	       struct conf_snapshot **ret_snap)
{
	stoa_auto(conf_snapshot_free) struct conf_snapshot *s = calloc(1, sizeof(*s));
	struct checker k = { s, installed, installed_n, e, { .root = tree_take->root } };
	int r;

	if (!s) {
		conf_tree_free(tree_take);
		return -ENOMEM;
	}
	s->tree = tree_take;
	s->entry = calloc(tables_n + 1, sizeof(*s->entry));
	if (!s->entry)
		return -ENOMEM;
	s->n = tables_n + 1;
	s->entry[0].table = conf_core_table();
	for (size_t i = 0; i < tables_n; i++)
		s->entry[i + 1].table = tables[i];
	r = check_all(&k);
	if (r < 0)
		return r;
	*ret_snap = stoa_take(s);
	return 0;
}

void conf_snapshot_free(struct conf_snapshot *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		section_unref(s->entry[i].conf);
		section_unref(s->entry[i].fresh);
	}
	free(s->entry);
	conf_tree_free(s->tree);
	free(s);
}

const struct stoa_conf *conf_section(const struct conf_snapshot *s, const char *name)
{
	const struct conf_section_entry *entry = snapshot_entry(s, name);

	return entry && entry->conf && entry->conf->ok ? entry->conf : NULL;
}

const struct conf_tree *conf_snapshot_tree(const struct conf_snapshot *s)
{
	return s->tree;
}

bool conf_changed(const struct conf_snapshot *s, const char *name)
{
	const struct conf_section_entry *entry = snapshot_entry(s, name);

	return entry && entry->changed;
}
