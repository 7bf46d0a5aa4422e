/* SPDX-License-Identifier: Apache-2.0 */
/* A frozen section and its typed getters, the only sight a module has of configuration. A getter
 * for an option that the table does not declare, or declares with another type, aborts in debug
 * builds: that is what keeps the tables complete. */
#include "conf_section.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct stoa_conf *section_new(const char *path, const char *name, const struct stoa_opt *opts)
{
	struct stoa_conf *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->ok = true;
	c->refs = 1;
	c->opts = opts;
	c->n = opts_len(opts);
	c->path = strdup(path);
	c->name = strdup(name);
	c->value = calloc(c->n + 1, sizeof(*c->value));
	if (!c->path || !c->name || !c->value) {
		section_unref(c);
		return NULL;
	}
	for (size_t i = 0; i < c->n; i++)
		c->value[i].opt = &opts[i];
	return c;
}

void value_clear(struct conf_value *v)
{
	if (v->text && v->opt->type == STOA_OPT_SECRET)
		explicit_bzero(v->text, v->n);
	for (size_t i = 0; i < v->count; i++) {
		if (v->list)
			free(v->list[i]);
		if (v->map)
			section_unref(v->map[i]);
	}
	free(v->list);
	free(v->map);
	free(v->text);
	free(v->raw);
	*v = (struct conf_value){ .opt = v->opt };
}

struct stoa_conf *section_ref(struct stoa_conf *c)
{
	if (c)
		c->refs++;
	return c;
}

void section_unref(struct stoa_conf *c)
{
	if (!c || --c->refs)
		return;
	for (size_t i = 0; c->value && i < c->n; i++)
		value_clear(&c->value[i]);
	free(c->value);
	free(c->path);
	free(c->name);
	conf_tree_free(c->tree);
	free(c);
}

static int copy_list(const struct conf_value *from, struct conf_value *to)
{
	to->list = calloc(from->count + 1, sizeof(char *));
	if (!to->list)
		return -ENOMEM;
	for (; to->count < from->count; to->count++) {
		to->list[to->count] = strdup(from->list[to->count]);
		if (!to->list[to->count])
			return -ENOMEM;
	}
	return 0;
}

static int copy_map(const struct conf_value *from, struct conf_value *to)
{
	to->map = calloc(from->count + 1, sizeof(*to->map));
	if (!to->map)
		return -ENOMEM;
	for (; to->count < from->count; to->count++) {
		to->map[to->count] = section_copy(from->map[to->count]);
		if (!to->map[to->count])
			return -ENOMEM;
	}
	return 0;
}

int value_copy(const struct conf_value *from, struct conf_value *to)
{
	value_clear(to);
	to->node = from->node;
	to->ok = from->ok;
	to->pending = from->pending;
	to->num = from->num;
	if (from->text) {
		to->text = malloc(from->n + 1);
		if (!to->text)
			return -ENOMEM;
		memcpy(to->text, from->text, from->n + 1);
		to->n = from->n;
	}
	if (from->raw && !(to->raw = strdup(from->raw)))
		return -ENOMEM;
	if (from->list)
		return copy_list(from, to);
	return from->map ? copy_map(from, to) : 0;
}

struct stoa_conf *section_copy(const struct stoa_conf *c)
{
	struct stoa_conf *d = section_new(c->path, c->name, c->opts);

	if (!d)
		return NULL;
	d->at = c->at;
	d->ok = c->ok;
	for (size_t i = 0; i < c->n; i++) {
		if (value_copy(&c->value[i], &d->value[i]) < 0) {
			section_unref(d);
			return NULL;
		}
	}
	return d;
}

const struct conf_value *section_value(const struct stoa_conf *c, const char *key)
{
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->opts[i].key, key) == 0)
			return &c->value[i];
	}
	return NULL;
}

struct conf_origin section_origin(const struct stoa_conf *c, const char *key)
{
	const struct conf_value *v = c && key ? section_value(c, key) : NULL;

	if (v && v->node)
		return v->node->at;
	return c ? c->at : (struct conf_origin){ 0 };
}

bool section_is_secret(const struct stoa_conf *c, const char *key)
{
	const struct conf_value *v = c && key ? section_value(c, key) : NULL;

	return v && v->opt->type == STOA_OPT_SECRET;
}

/* The value for a getter of `want`; NULL (release builds) for a mistake of the module's author. */
static const struct conf_value *get(const struct stoa_conf *c, const char *key,
				    enum stoa_opt_type want)
{
	const struct conf_value *v = section_value(c, key);

	if (v && v->opt->type == want)
		return v;
#ifndef NDEBUG
	fprintf(stderr, "stoa: %s.%s is %s; a getter asked for a %s\n", c->path, key,
		v ? type_name(v->opt->type) : "not in the option table", type_name(want));
	abort();
#endif
	return NULL;
}

static int64_t get_num(const struct stoa_conf *c, const char *key, enum stoa_opt_type want)
{
	const struct conf_value *v = get(c, key, want);

	return v ? v->num : 0;
}

bool stoa_conf_bool(const struct stoa_conf *c, const char *key)
{
	return get_num(c, key, STOA_OPT_BOOL) != 0;
}

int64_t stoa_conf_int(const struct stoa_conf *c, const char *key)
{
	return get_num(c, key, STOA_OPT_INT);
}

int64_t stoa_conf_duration_ms(const struct stoa_conf *c, const char *key)
{
	return get_num(c, key, STOA_OPT_DURATION);
}

int64_t stoa_conf_size(const struct stoa_conf *c, const char *key)
{
	return get_num(c, key, STOA_OPT_SIZE);
}

int64_t stoa_conf_rate(const struct stoa_conf *c, const char *key)
{
	return get_num(c, key, STOA_OPT_RATE);
}

int stoa_conf_enum(const struct stoa_conf *c, const char *key)
{
	return (int)get_num(c, key, STOA_OPT_ENUM);
}

static bool is_texty(enum stoa_opt_type type)
{
	return type == STOA_OPT_STRING || type == STOA_OPT_ENUM || type == STOA_OPT_ADDRESS ||
	       type == STOA_OPT_PATH;
}

const char *stoa_conf_string(const struct stoa_conf *c, const char *key)
{
	const struct conf_value *v = section_value(c, key);

	if (!v || !is_texty(v->opt->type))
		v = get(c, key, STOA_OPT_STRING);
	return v && v->text ? v->text : "";
}

struct stoa_str stoa_conf_secret(const struct stoa_conf *c, const char *key)
{
	const struct conf_value *v = get(c, key, STOA_OPT_SECRET);

	return stoa_strn(v ? v->text : NULL, v ? v->n : 0);
}

bool stoa_conf_is_set(const struct stoa_conf *c, const char *key)
{
	const struct conf_value *v = section_value(c, key);

	if (!v)
		get(c, key, STOA_OPT_END_); /* not declared: aborts in debug builds */
	return v && v->node;
}

size_t stoa_conf_list_len(const struct stoa_conf *c, const char *key)
{
	const struct conf_value *v = get(c, key, STOA_OPT_LIST);

	return v ? v->count : 0;
}

const char *stoa_conf_list_get(const struct stoa_conf *c, const char *key, size_t i)
{
	const struct conf_value *v = get(c, key, STOA_OPT_LIST);

	return v && i < v->count ? v->list[i] : NULL;
}

size_t stoa_conf_map_len(const struct stoa_conf *c, const char *key)
{
	const struct conf_value *v = get(c, key, STOA_OPT_MAP);

	return v ? v->count : 0;
}

const struct stoa_conf *stoa_conf_map_get(const struct stoa_conf *c, const char *key, size_t i,
					  const char **ret_name)
{
	const struct conf_value *v = get(c, key, STOA_OPT_MAP);

	if (!v || i >= v->count)
		return NULL;
	if (ret_name)
		*ret_name = v->map[i]->name;
	return v->map[i];
}
