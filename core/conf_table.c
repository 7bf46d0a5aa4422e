/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables as the host keeps them: copied into its own stride, so that a module built against
 * an older, shorter struct stoa_opt works, with the options every module has put in front.
 * Called by the module loader once per module. */
#include "conf_section.h"

#include <errno.h>
#include <stdlib.h>

/* The first released struct: a smaller stride is no option table. */
#define OPT_SIZE_MIN (offsetof(struct stoa_opt, was) + sizeof(((struct stoa_opt *)0)->was))

static const char *const log_levels[] = { "error", "warn", "notice", "info", "debug", NULL };

static const struct stoa_opt common_options[] = {
	{ .key = "load",
	  .type = STOA_OPT_BOOL,
	  .dflt = "no",
	  .doc = "Whether the module takes part; without, it is installed and idle." },
	{ .key = "required",
	  .type = STOA_OPT_BOOL,
	  .dflt = "no",
	  .doc = "Whether stoad refuses to start when the module cannot; otherwise the module and "
		 "those that need it are left out, with a line in the log." },
	{ .key = "log-level",
	  .type = STOA_OPT_ENUM,
	  .choices = log_levels,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "The least important lines of this module that are logged; unset: the core's." },
};

size_t opts_len(const struct stoa_opt *o)
{
	size_t n = 0;

	while (o[n].key)
		n++;
	return n;
}

const struct stoa_opt *opts_find(const struct stoa_opt *o, const char *key)
{
	for (; o->key; o++) {
		if (strcmp(o->key, key) == 0)
			return o;
	}
	return NULL;
}

static void free_opts(struct stoa_opt *o)
{
	for (size_t i = 0; o && o[i].key; i++)
		free_opts((struct stoa_opt *)o[i].item);
	free(o);
}

/* Copies a table of stride `size` behind `skip` free places. */
static int copy_opts(const struct stoa_opt *from, uint32_t size, size_t skip, unsigned depth,
		     struct stoa_opt **ret)
{
	size_t take = size < sizeof(struct stoa_opt) ? size : sizeof(struct stoa_opt);
	const char *p = (const char *)from;
	struct stoa_opt *o;
	size_t n = 0;
	int r = 0;

	while (from && ((const struct stoa_opt *)(const void *)(p + n * size))->key) {
		if (++n > TABLE_LEN_MAX)
			return -EINVAL;
	}
	o = calloc(skip + n + 1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	for (size_t i = 0; i < skip; i++)
		o[i] = common_options[i];
	for (size_t i = 0; i < n && r == 0; i++) {
		struct stoa_opt *d = &o[skip + i];
		const struct stoa_opt *item;

		memcpy(d, p + i * size, take);
		item = d->item;
		d->item = NULL;
		if (d->type != STOA_OPT_MAP || !item)
			continue;
		r = depth >= TABLE_DEPTH_MAX ? -EINVAL : 0;
		if (r == 0) {
			struct stoa_opt *copy;

			r = copy_opts(item, size, 0, depth + 1, &copy);
			if (r == 0)
				d->item = copy;
		}
	}
	if (r < 0) {
		free_opts(o);
		return r;
	}
	*ret = o;
	return 0;
}

int conf_table_new(const char *name, const char *version, const char *summary,
		   const struct stoa_opt *options, uint32_t opt_size, struct conf_table **ret_table)
{
	struct conf_table *t;
	int r;

	if (options && (opt_size < OPT_SIZE_MIN || opt_size % _Alignof(struct stoa_opt)))
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->name = name;
	t->version = version;
	t->summary = summary;
	t->common = STOA_ARRAY_SIZE(common_options);
	r = copy_opts(options, opt_size, t->common, 0, &t->opts);
	if (r < 0) {
		free(t);
		return r;
	}
	t->n = opts_len(t->opts);
	*ret_table = t;
	return 0;
}

void conf_table_free(struct conf_table *t)
{
	if (!t)
		return;
	free_opts(t->opts);
	free(t);
}

const char *conf_table_name(const struct conf_table *t)
{
	return t->name;
}
