/* SPDX-License-Identifier: Apache-2.0 */
/* What stoad prints from the option tables of the installed modules. No configuration is read, so
 * it works on a machine that has none, or a broken one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "print.h"

typedef void print_fn(const struct conf_table *t, struct stoa_buf *out);

/* Opens one module, or all that are installed. */
static int open_modules(const char *only, struct stoa_errors *e)
{
	struct stoa_buf text = { 0 };
	struct conf_layers layers = { .no_files = true };
	struct conf_tree *tree = NULL;
	int r = host_list_installed(e);

	stoa_buf_adds(&text, "modules:\n");
	for (size_t i = 0; i < host.n_installed; i++) {
		if (!only || strcmp(only, host.installed[i]) == 0)
			stoa_buf_addf(&text, "  %s: {load: yes}\n", host.installed[i]);
	}
	layers.builtin = text.p;
	if (r == 0)
		r = text.failed ? -ENOMEM : conf_tree_load(&layers, e, &tree);
	if (r == 0)
		r = host_open_modules(tree, e);
	conf_tree_free(tree);
	stoa_buf_free(&text);
	return r;
}

static const struct conf_table *find_table(const char *name, struct stoa_errors *e)
{
	const struct stoa_mod *m;
	const char *near;

	if (strcmp(name, "core") == 0)
		return conf_core_table();
	if (open_modules(name, e) < 0 || errors_count(e))
		return NULL;
	m = host_find(name);
	if (m)
		return m->table;
	near = conf_near(name, (const char *const *)host.installed, host.n_installed);
	errors_at(e, CONF_ERROR, NULL, "there is no %s in %s%s%s%s", name, host.module_dir,
		  near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return NULL;
}

static void print_table(const char *name, print_fn *fn, struct stoa_buf *out, struct stoa_errors *e)
{
	const struct conf_table *t = find_table(name, e);

	if (t)
		fn(t, out);
}

/* A fault in a table is the module author's: `dev lint` finds it here. */
static void lint_tables(const struct conf_table *const *tables, size_t n, struct stoa_errors *e)
{
	struct stoa_buf faults = { 0 };
	char *rest, *line;

	conf_table_lint(conf_core_table(), &faults);
	for (size_t i = 0; i < n; i++)
		conf_table_lint(tables[i], &faults);
	for (rest = faults.p; rest && (line = strsep(&rest, "\n")) && *line;)
		errors_at(e, CONF_ERROR, NULL, "option table: %s", line);
	stoa_buf_free(&faults);
}

static int print_schema(struct stoa_buf *out, struct stoa_errors *e)
{
	const struct conf_table **tables;
	json_t *schema;
	char *text;

	if (open_modules(NULL, e) < 0)
		return -ENOMEM;
	tables = calloc(host.n_mods + 1, sizeof(*tables));
	if (!tables)
		return -ENOMEM;
	for (size_t i = 0; i < host.n_mods; i++)
		tables[i] = host.mods[i]->table;
	lint_tables(tables, host.n_mods, e);
	schema = conf_schema(tables, host.n_mods);
	text = json_dumps(schema, JSON_INDENT(2) | JSON_SORT_KEYS);
	if (text)
		stoa_buf_addf(out, "%s\n", text);
	free(text);
	json_decref(schema);
	free(tables);
	return text ? 0 : -ENOMEM;
}

int print_run(const struct args *a)
{
	stoa_auto(errors_free) struct stoa_errors *e = errors_new();
	struct stoa_buf out = { 0 }, findings = { 0 };
	int r = e ? 0 : -ENOMEM;

	host.module_dir = a->module_dir;
	if (e && a->mode == MODE_SAMPLE)
		print_table(a->module, conf_print_sample, &out, e);
	else if (e && a->mode == MODE_MAN)
		print_table(a->module, conf_print_man, &out, e);
	else if (e && a->mode == MODE_OPTIONS)
		print_table(a->module, conf_print_help, &out, e);
	else if (e)
		r = print_schema(&out, e);
	if (e)
		errors_print(e, &findings);
	fputs(findings.p ? findings.p : "", stderr);
	if (out.failed || fputs(out.p ? out.p : "", stdout) < 0 || fflush(stdout) != 0)
		r = -EIO;
	if (e && errors_count(e))
		r = -EINVAL;
	stoa_buf_free(&out);
	stoa_buf_free(&findings);
	host_stop();
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
