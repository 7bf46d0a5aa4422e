/* SPDX-License-Identifier: Apache-2.0 */
/* One section: the nodes below it against its option table. Goes on after each mistake, so that one
 * run shows all of them. Called by conf_check() for every table, and by itself for named entries.
 */
#include "conf_section.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

struct check {
	const struct value_env *env;
	struct stoa_errors *e;
	bool is_complete; /* required options must be there */
	struct stoa_conf *c;
};

static void mistake(struct check *k, const struct conf_origin *at, const char *key, const char *why)
{
	const struct stoa_opt *o = opts_find(k->c->opts, key);

	if (o && o->type == STOA_OPT_SECRET)
		errors_at_secret(k->e, at, "`%s`: %s", key, why);
	else
		errors_at(k->e, CONF_ERROR, at, "`%s`: %s", key, why);
	k->c->ok = false;
}

/* A map or list where a scalar is due, the other way round, or nothing behind the colon. */
static bool has_right_kind(struct check *k, const struct stoa_opt *o, const struct conf_node *n)
{
	struct stoa_buf why = { 0 };
	bool ok = true;

	if (o->type == STOA_OPT_MAP)
		ok = n->kind == CONF_MAP || node_is_empty(n);
	else if (o->type == STOA_OPT_LIST)
		ok = n->kind == CONF_LIST;
	else
		ok = n->kind == CONF_SCALAR && !node_is_empty(n);
	if (ok || n->kind == CONF_BAD)
		return ok;
	if (node_is_empty(n))
		stoa_buf_adds(&why, "nothing stands behind the colon: write a value, ~ for the "
				    "default, or \"\" for an empty text");
	else if (o->type == STOA_OPT_LIST)
		stoa_buf_addf(&why, "a list is expected: write [%s], or one `- item` per line",
			      n->kind == CONF_SCALAR ? n->text : "a, b");
	else if (o->type == STOA_OPT_MAP)
		stoa_buf_adds(&why, n->kind == CONF_LIST
					    ? "a map of names is expected, not a list: write "
					      "`name:` with the options below instead of `- `"
					    : "a map of names is expected: write `name:` with the "
					      "options indented below");
	else
		stoa_buf_addf(&why, "%s %s is expected, not a %s: write one value behind the colon",
			      type_article(o->type), type_name(o->type),
			      n->kind == CONF_LIST ? "list" : "map");
	mistake(k, &n->at, o->key, why.p ? why.p : "out of memory");
	stoa_buf_free(&why);
	return false;
}

static int check_scalar(struct check *k, struct conf_value *v, const struct conf_node *n)
{
	struct stoa_buf why = { 0 };
	int r;

	/* A secret written by mistake is not kept anywhere, not even for a dump. */
	if (v->opt->type != STOA_OPT_SECRET || strncmp(n->text, "file:", 5) == 0 ||
	    strncmp(n->text, "cred:", 5) == 0) {
		v->raw = strdup(n->text);
		if (!v->raw)
			return -ENOMEM;
	}
	r = value_parse(v->opt, n->text, k->env, v, &why);
	if (r < 0 && r != -ENOMEM) {
		mistake(k, &n->at, v->opt->key, why.n ? why.p : strerror(-r));
		r = 0;
	} else {
		v->ok = r == 0;
	}
	stoa_buf_free(&why);
	return r;
}

static int check_list(struct check *k, struct conf_value *v, const struct conf_node *n)
{
	v->list = calloc(n->child_n + 1, sizeof(char *));
	if (!v->list)
		return -ENOMEM;
	v->ok = true;
	for (size_t i = 0; i < n->child_n; i++) {
		const struct conf_node *item = n->child[i];

		if (item->kind == CONF_SCALAR && !node_is_empty(item)) {
			v->list[v->count] = strdup(item->text);
			if (!v->list[v->count++])
				return -ENOMEM;
			continue;
		}
		v->ok = false;
		k->c->ok = false;
		if (item->kind != CONF_BAD)
			errors_at(k->e, CONF_ERROR, &item->at,
				  "`%s`: each item of the list must be a text: put a value with "
				  "[ ] { } or ': ' in quotes",
				  v->opt->key);
	}
	return 0;
}

static int check_entry(struct check *k, struct conf_value *v, const struct conf_node *n)
{
	char *path;
	int r;

	if (n->kind != CONF_MAP && !node_is_empty(n)) {
		if (n->kind != CONF_BAD)
			mistake(k, &n->at, n->key,
				"an entry is a map of options: write them indented below the name");
		k->c->ok = v->ok = false;
		return 0;
	}
	if (asprintf(&path, "%s.%s.%s", k->c->path, v->opt->key, n->key) < 0)
		return -ENOMEM;
	r = section_check(path, n->key, v->opt->item, n, k->env, k->is_complete, k->e,
			  &v->map[v->count]);
	free(path);
	if (r < 0)
		return r;
	if (!v->map[v->count]->ok)
		k->c->ok = v->ok = false;
	v->count++;
	return 0;
}

static int check_map(struct check *k, struct conf_value *v, const struct conf_node *n)
{
	v->map = calloc(n->child_n + 1, sizeof(*v->map));
	if (!v->map)
		return -ENOMEM;
	v->ok = true;
	for (size_t i = 0; i < n->child_n; i++) {
		int r = n->child[i]->kind == CONF_RESET ? 0 : check_entry(k, v, n->child[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Words of a default list: "a, b". */
static int default_list(struct conf_value *v, const char *text)
{
	size_t n = 1;

	for (const char *p = text; *p; p++)
		n += *p == ',';
	v->list = calloc(n + 1, sizeof(char *));
	while (v->list && *text) {
		size_t len = strcspn(text, ",");
		const char *end = text + len;

		while (len && isspace((unsigned char)*text)) {
			text++;
			len--;
		}
		if (len && !(v->list[v->count++] = strndup(text, len)))
			return -ENOMEM;
		text = *end ? end + 1 : end;
	}
	v->ok = true;
	return v->list ? 0 : -ENOMEM;
}

static int use_default(struct check *k, struct conf_value *v)
{
	const struct stoa_opt *o = v->opt;
	struct stoa_buf why = { 0 };
	int r;

	if (o->type == STOA_OPT_ENUM)
		v->num = -1; /* unset is not the first choice */
	v->ok = true;
	if (!o->dflt)
		return 0;
	if (o->type == STOA_OPT_LIST)
		return default_list(v, o->dflt);
	v->raw = strdup(o->dflt);
	r = v->raw ? value_parse(o, o->dflt, k->env, v, &why) : -ENOMEM;
	if (r < 0 && r != -ENOMEM) {
		errors_at(k->e, CONF_ERROR, &k->c->at, "%s: the default of `%s` cannot be used: %s",
			  k->c->path, o->key, why.n ? why.p : strerror(-r));
		k->c->ok = v->ok = false;
		r = 0;
	}
	stoa_buf_free(&why);
	return r;
}

/* The node that sets the option, also under its older name; NULL. */
static const struct conf_node *find_node(struct check *k, const struct stoa_opt *o,
					 const struct conf_node *map)
{
	const struct conf_node *n = node_get(map, o->key);
	const struct conf_node *was = o->was ? node_get(map, o->was) : NULL;

	if (was && n) {
		errors_at(k->e, CONF_ERROR, &was->key_at,
			  "`%s` is the older name of `%s`, which is set too: remove this line",
			  o->was, o->key);
		k->c->ok = false;
	} else if (was) {
		errors_at(k->e, CONF_WARNING, &was->key_at, "`%s` is now called `%s`: rename it",
			  o->was, o->key);
		n = was;
	}
	if (n && (o->flags & STOA_OPT_DEPRECATED))
		errors_at(k->e, CONF_WARNING, &n->key_at, "`%s` is deprecated: %s", o->key, o->doc);
	return n;
}

static int check_option(struct check *k, struct conf_value *v, const struct conf_node *map)
{
	const struct stoa_opt *o = v->opt;
	const struct conf_node *n = find_node(k, o, map);

	v->node = n;
	if (!n && (o->flags & STOA_OPT_REQUIRED) && !o->dflt && k->is_complete) {
		errors_at(k->e, CONF_ERROR, &k->c->at, "%s: `%s` must be set: %s", k->c->path,
			  o->key, o->doc);
		k->c->ok = false;
		return 0;
	}
	if (!n)
		return use_default(k, v);
	if (!has_right_kind(k, o, n)) {
		k->c->ok = false;
		return 0;
	}
	if (o->type == STOA_OPT_MAP)
		return check_map(k, v, n);
	if (o->type == STOA_OPT_LIST)
		return check_list(k, v, n);
	return check_scalar(k, v, n);
}

/* "modules.mod_x.renditions.low" is a matter of mod_x. */
static struct stoa_str module_of(const char *path)
{
	if (strncmp(path, "modules.", strlen("modules.")) == 0)
		path += strlen("modules.");
	return stoa_strn(path, strcspn(path, "."));
}

static void report_unknown(struct check *k, const struct conf_node *n)
{
	const char *names[TABLE_LEN_MAX + 1];
	const char *near;
	size_t count = 0;

	for (; count < k->c->n && count < TABLE_LEN_MAX; count++)
		names[count] = k->c->opts[count].key;
	near = conf_near(n->key, names, count);
	k->c->ok = false;
	if (near)
		errors_at(k->e, CONF_ERROR, &n->key_at, "unknown option `%s`: did you mean `%s`?",
			  n->key, near);
	else
		errors_at(k->e, CONF_ERROR, &n->key_at,
			  "unknown option `%s`: remove it; `stoad --print-sample %.*s` shows those "
			  "there are",
			  n->key, STOA_FMT(module_of(k->c->path)));
}

static bool is_known(const struct stoa_conf *c, const char *key)
{
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->opts[i].key, key) == 0 ||
		    (c->opts[i].was && strcmp(c->opts[i].was, key) == 0))
			return true;
	}
	return false;
}

/* A section that is no map: the commonest cause is a missing space after a colon. */
static void report_no_map(struct check *k, const struct conf_node *n)
{
	if (n->kind == CONF_SCALAR && strchr(n->text, ':'))
		errors_at(k->e, CONF_ERROR, &n->at,
			  "`%s`: options are expected here: write a space after the colon, as in "
			  "`key: value`",
			  k->c->path);
	else if (n->kind != CONF_BAD)
		errors_at(k->e, CONF_ERROR, &n->at,
			  "`%s`: options are expected here: write `key: value` lines indented "
			  "below it",
			  k->c->path);
	k->c->ok = false;
}

int section_check(const char *path, const char *name, const struct stoa_opt *opts,
		  const struct conf_node *map, const struct value_env *env, bool is_complete,
		  struct stoa_errors *e, struct stoa_conf **ret_conf)
{
	stoa_auto(section_unref) struct stoa_conf *c = section_new(path, name, opts);
	struct check k = { env, e, is_complete, c };

	if (!c)
		return -ENOMEM;
	if (map)
		c->at = map->key_at;
	if (map && map->kind != CONF_MAP && !node_is_empty(map))
		report_no_map(&k, map);
	for (size_t i = 0; i < c->n; i++) {
		int r = check_option(&k, &c->value[i], map);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; map && map->kind == CONF_MAP && i < map->child_n; i++) {
		if (!is_known(c, map->child[i]->key))
			report_unknown(&k, map->child[i]);
	}
	*ret_conf = stoa_take(c);
	return 0;
}
