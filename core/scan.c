/* SPDX-License-Identifier: Apache-2.0 */
/* Finds and opens modules: every mod_*.so of the module directory is installed; those that the
 * configuration names are opened, loaded or not, so that their options can be checked. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <stoa/util.h>

#include "host.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_module_file(const char *name)
{
	size_t n = strlen(name);

	return strncmp(name, "mod_", 4) == 0 && n > 7 && strcmp(name + n - 3, ".so") == 0;
}

static int add_installed(const char *file)
{
	char **grown = realloc(host.installed, (host.n_installed + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	host.installed = grown;
	grown[host.n_installed] = strndup(file, strlen(file) - 3);
	if (!grown[host.n_installed])
		return -ENOMEM;
	host.n_installed++;
	return 0;
}

int host_list_installed(struct stoa_errors *e)
{
	struct dirent *de;
	int r = 0;
	DIR *d;

	if (!host.module_dir || host.n_installed)
		return 0;
	d = opendir(host.module_dir);
	if (!d) {
		errors_at(e, CONF_ERROR, NULL, "cannot read the module directory %s: %s",
			  host.module_dir, strerror(errno));
		return 0;
	}
	while (r == 0 && (de = readdir(d))) {
		if (is_module_file(de->d_name))
			r = add_installed(de->d_name);
	}
	closedir(d);
	if (host.n_installed)
		qsort(host.installed, host.n_installed, sizeof(*host.installed), by_name);
	return r;
}

struct stoa_mod *host_find(const char *name)
{
	for (size_t i = 0; i < host.n_mods; i++) {
		if (strcmp(host.mods[i]->desc.name, name) == 0)
			return host.mods[i];
	}
	return NULL;
}

static int add_missing(const struct conf_module *cm, const char *why)
{
	struct host_missing *x = calloc(1, sizeof(*x));

	if (!x || !(x->name = strdup(cm->name)) || !(x->why = strdup(why))) {
		if (x)
			free(x->name);
		free(x);
		return -ENOMEM;
	}
	x->is_required = cm->required;
	stoa_list_append(&host.missing, &x->link);
	return 0;
}

static bool is_installed(const char *name)
{
	return host.n_installed &&
	       bsearch(&name, host.installed, host.n_installed, sizeof(*host.installed), by_name);
}

int host_add(struct stoa_mod *m)
{
	struct stoa_mod **grown = realloc(host.mods, (host.n_mods + 1) * sizeof(*grown));

	if (!grown) {
		mod_free(m);
		return -ENOMEM;
	}
	host.mods = grown;
	grown[host.n_mods++] = m;
	return 0;
}

static int note_missing(const struct conf_module *cm)
{
	const char *package = conf_module_package(cm->name);
	char why[256];

	if (!cm->load)
		return 0;
	snprintf(why, sizeof(why), "there is no %s.so in %s%s%s", cm->name, host.module_dir,
		 package ? "; install the package " : "", package ? package : "");
	return add_missing(cm, why);
}

static void adopt(struct stoa_mod *m, const struct conf_module *cm)
{
	m->is_named = cm->load;
	m->is_required = cm->required;
	atomic_store(&m->log_level, cm->log_level);
}

static int open_one(const struct conf_module *cm, struct stoa_errors *e)
{
	struct stoa_buf why = { 0 };
	struct stoa_mod *m;
	char path[4096];
	int r;

	m = host_find(cm->name); /* handed in by a test */
	if (m) {
		adopt(m, cm);
		return 0;
	}
	if (!is_installed(cm->name))
		return note_missing(cm);
	snprintf(path, sizeof(path), "%s/%s.so", host.module_dir, cm->name);
	r = mod_open(path, &why, &m);
	if (r < 0 && r != -ENOMEM && cm->load) {
		errors_at(e, CONF_ERROR, &cm->at, "%s", why.p ? why.p : "cannot be loaded");
		r = 0;
	} else if (r == 0) {
		adopt(m, cm);
		r = host_add(m);
	} else if (!cm->load) {
		r = 0;
	}
	stoa_buf_free(&why);
	return r;
}

int host_open_modules(const struct conf_tree *tree, struct stoa_errors *e)
{
	struct conf_module cm;
	int r = host_list_installed(e);

	for (size_t i = 0; r == 0 && conf_tree_module(tree, i, &cm); i++)
		r = open_one(&cm, e);
	return r;
}
