/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables as the host keeps them: copied into its own stride, so that a module built against
 * an older, shorter struct stoa_opt works, with the options every module has put in front.
 * Called by the module loader once per module. */
#include "conf_section.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
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
		if (strcmp(type_name(d->type), "?") == 0 ||
		    (d->type == STOA_OPT_ENUM && !d->choices) || (d->type == STOA_OPT_MAP && !item))
			r = -EINVAL;
		if (r == 0 && d->type == STOA_OPT_MAP) {
			struct stoa_opt *copy = NULL;

			r = depth >= TABLE_DEPTH_MAX ? -EINVAL
						     : copy_opts(item, size, 0, depth + 1, &copy);
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

/* ---- lint ---- */

struct lint {
	const char *path; /* "mod_x" or "mod_x.renditions" */
	struct stoa_buf *out;
	size_t n;
};

static STOA_PRINTF(3, 4) void fault(struct lint *l, const struct stoa_opt *o, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	stoa_buf_addf(l->out, "%s.%s: %s\n", l->path, o->key, why);
	l->n++;
}

static bool is_key(const char *s)
{
	return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' && *s != '-';
}

static void lint_doc(struct lint *l, const struct stoa_opt *o)
{
	size_t n = o->doc ? strlen(o->doc) : 0;

	if (n == 0)
		fault(l, o, "no doc: write one sentence");
	else if (!strchr(".:", o->doc[n - 1]) || strchr(o->doc, '\n'))
		fault(l, o, "doc is not a sentence in one line that ends with a full stop");
}

static void lint_default(struct lint *l, const struct stoa_opt *o)
{
	static const struct value_env env = { .root = "", .state_dir = "/", .no_secrets = true };
	struct conf_value v = { .opt = o };
	struct stoa_buf why = { 0 };

	if (o->type == STOA_OPT_MAP && o->dflt)
		fault(l, o, "a map has no default");
	else if (o->dflt && (o->flags & STOA_OPT_REQUIRED))
		fault(l, o, "an option with a default cannot be required");
	else if (o->dflt && o->type != STOA_OPT_LIST && value_parse(o, o->dflt, &env, &v, &why) < 0)
		fault(l, o, "default: %s", why.p ? why.p : "cannot be parsed");
	value_clear(&v);
	stoa_buf_free(&why);
}

static void lint_table(struct lint *l, const struct stoa_opt *opts, unsigned depth)
{
	for (const struct stoa_opt *o = opts; o->key; o++) {
		if (!is_key(o->key))
			fault(l, o, "a key is made of a-z, 0-9 and -");
		if (opts_find(opts, o->key) != o)
			fault(l, o, "the key is in the table twice");
		if (o->was && opts_find(opts, o->was))
			fault(l, o, "its older name %s is another option", o->was);
		if (o->max && o->min > o->max)
			fault(l, o, "min is larger than max");
		if (o->flags & ~(STOA_OPT_RELOADABLE | STOA_OPT_REQUIRED | STOA_OPT_DEPRECATED))
			fault(l, o, "unknown flags");
		lint_doc(l, o);
		if (strcmp(type_name(o->type), "?") == 0)
			fault(l, o, "unknown type %d", (int)o->type);
		else if (o->type == STOA_OPT_ENUM && (!o->choices || !o->choices[0]))
			fault(l, o, "a choice without choices");
		else if (o->type == STOA_OPT_MAP && (!o->item || !o->item->key))
			fault(l, o, "a map without options of its entries");
		else
			lint_default(l, o);
		if (o->item && depth < TABLE_DEPTH_MAX) {
			char path[128];
			struct lint inner = { path, l->out, 0 };

			snprintf(path, sizeof(path), "%s.%s", l->path, o->key);
			lint_table(&inner, o->item, depth + 1);
			l->n += inner.n;
		}
	}
}

size_t conf_table_lint(const struct conf_table *t, struct stoa_buf *out)
{
	struct lint l = { t->name, out, 0 };

	if (t != conf_core_table() && (!t->summary || !*t->summary)) {
		stoa_buf_addf(out, "%s: no summary\n", t->name);
		l.n++;
	}
	lint_table(&l, t->opts, 0);
	return l.n;
}
