/* SPDX-License-Identifier: Apache-2.0 */
/* `stoactl config dump`: everything in force, as YAML or as JSON. The JSON is a valid drop-in; in
 * the YAML secrets stand in < >, so that nobody takes a dump for the secret's place. */
#include <inttypes.h>

#include "conf_text.h"

#define ORIGIN_COLUMN 44

struct dump {
	const struct conf_snapshot *s;
	uint32_t flags;
	struct stoa_buf *out;
};

static bool is_shown(const struct dump *d, const struct conf_value *v,
		     const struct conf_value *dflt)
{
	if (!value_is_set(v))
		return false;
	return !(d->flags & CONF_DUMP_CHANGED) || (v->node && !(dflt && value_same(v, dflt)));
}

/* `# file:line:col` at a column of its own; the line began at `start`. */
static void print_origin(const struct dump *d, const struct conf_value *fresh, size_t start)
{
	struct conf_origin at = fresh->node ? fresh->node->at : (struct conf_origin){ 0 };

	if ((d->flags & CONF_DUMP_ORIGIN) || fresh->pending) {
		size_t used = d->out->n - start;

		stoa_buf_addf(d->out, "%*s# ",
			      used < ORIGIN_COLUMN ? (int)(ORIGIN_COLUMN - used) : 2, "");
		text_origin(&at, d->out);
		if (fresh->pending) {
			stoa_buf_adds(d->out, " says ");
			text_value(fresh, d->out);
			stoa_buf_adds(d->out, ": needs restart");
		}
	}
	stoa_buf_adds(d->out, "\n");
}

static bool print_section(const struct dump *d, const struct stoa_conf *c,
			  const struct stoa_conf *fresh, const struct stoa_conf *dflt,
			  unsigned indent);

static const struct stoa_conf *entry_named(const struct conf_value *v, const char *name)
{
	for (size_t i = 0; v && i < v->count; i++) {
		if (strcmp(v->map[i]->name, name) == 0)
			return v->map[i];
	}
	return NULL;
}

static void print_map(const struct dump *d, const struct conf_value *v,
		      const struct conf_value *fresh, unsigned indent)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct stoa_conf *f = entry_named(fresh, v->map[i]->name);

		stoa_buf_addf(d->out, "%*s", (int)indent, "");
		text_yaml(v->map[i]->name, d->out);
		stoa_buf_adds(d->out, ":\n");
		print_section(d, v->map[i], f ? f : v->map[i], NULL, indent + 2);
	}
}

static bool print_section(const struct dump *d, const struct stoa_conf *c,
			  const struct stoa_conf *fresh, const struct stoa_conf *dflt,
			  unsigned indent)
{
	bool any = false;

	for (size_t i = 0; i < c->n; i++) {
		const struct conf_value *v = &c->value[i];
		size_t start = d->out->n;

		if (!is_shown(d, v, dflt ? &dflt->value[i] : NULL))
			continue;
		any = true;
		stoa_buf_addf(d->out, "%*s%s:", (int)indent, "", c->opts[i].key);
		if (v->map) {
			stoa_buf_adds(d->out, v->count ? "" : " {}");
			print_origin(d, &fresh->value[i], start);
			print_map(d, v, &fresh->value[i], indent + 2);
			continue;
		}
		stoa_buf_adds(d->out, " ");
		text_value(v, d->out);
		print_origin(d, &fresh->value[i], start);
	}
	return any;
}

/* A section under its name, unless nothing of it is to be shown. */
static void print_entry(const struct dump *d, const struct conf_section_entry *s, unsigned indent)
{
	struct stoa_conf *dflt = section_defaults(d->s, s->table);
	size_t start = d->out->n;

	stoa_buf_addf(d->out, "%*s%s:\n", (int)indent, "", s->table->name);
	if (!print_section(d, s->conf, s->fresh, dflt, indent + 2))
		d->out->n = start;
	section_unref(dflt);
}

static void print_bind(const struct dump *d)
{
	const struct conf_node *bind = node_get(d->s->tree->top, "bind");
	bool any = false;

	for (size_t i = 0; bind && i < bind->child_n; i++) {
		const struct conf_node *n = bind->child[i];
		size_t start;

		if (n->kind != CONF_SCALAR)
			continue;
		if (!any)
			stoa_buf_adds(d->out, "bind:\n");
		any = true;
		start = d->out->n;
		stoa_buf_adds(d->out, "  ");
		text_yaml(n->key, d->out);
		stoa_buf_adds(d->out, ": ");
		text_yaml(n->text, d->out);
		print_origin(d, &(struct conf_value){ .node = n }, start);
	}
}

void conf_dump(const struct conf_snapshot *s, uint32_t flags, struct stoa_buf *out)
{
	struct dump d = { s, flags, out };
	size_t start;

	print_entry(&d, &s->entry[0], 0);
	print_bind(&d);
	start = out->n;
	stoa_buf_adds(out, "modules:\n");
	for (size_t i = 1; i < s->n; i++)
		print_entry(&d, &s->entry[i], 2);
	if (out->n == start + strlen("modules:\n"))
		out->n = start;
	if (out->p)
		out->p[out->n] = '\0';
}

/* ---- the same as JSON ---- */

static json_t *section_json(const struct dump *d, const struct stoa_conf *c,
			    const struct stoa_conf *fresh, const struct stoa_conf *dflt);

static json_t *value_json(const struct dump *d, const struct conf_value *v,
			  const struct conf_value *fresh)
{
	json_t *j;

	if (v->opt->type == STOA_OPT_BOOL)
		return json_boolean(v->num);
	if (v->opt->type == STOA_OPT_INT)
		return json_integer(v->num);
	if (v->map) {
		j = json_object();
		for (size_t i = 0; i < v->count; i++) {
			const struct stoa_conf *f = entry_named(fresh, v->map[i]->name);

			json_object_set_new(j, v->map[i]->name,
					    section_json(d, v->map[i], f ? f : v->map[i], NULL));
		}
		return j;
	}
	if (v->opt->type == STOA_OPT_LIST) {
		j = json_array();
		for (size_t i = 0; i < v->count; i++)
			json_array_append_new(j, json_string(v->list[i]));
		return j;
	}
	return json_string(v->raw);
}

/* With origins each option is {"value", "origin"}, and no drop-in any more. */
static json_t *with_origin(const struct conf_value *fresh, json_t *value)
{
	struct conf_origin at = fresh->node ? fresh->node->at : (struct conf_origin){ 0 };
	struct stoa_buf text = { 0 };
	json_t *j = json_object();

	text_origin(&at, &text);
	json_object_set_new(j, "value", value);
	json_object_set_new(j, "origin", json_string(text.p ? text.p : ""));
	if (fresh->pending)
		json_object_set_new(j, "needsRestart", json_true());
	stoa_buf_free(&text);
	return j;
}

static json_t *section_json(const struct dump *d, const struct stoa_conf *c,
			    const struct stoa_conf *fresh, const struct stoa_conf *dflt)
{
	json_t *o = json_object();

	for (size_t i = 0; i < c->n; i++) {
		const struct conf_value *v = &c->value[i];
		json_t *j;

		if (!is_shown(d, v, dflt ? &dflt->value[i] : NULL))
			continue;
		j = value_json(d, v, &fresh->value[i]);
		if (d->flags & CONF_DUMP_ORIGIN)
			j = with_origin(&fresh->value[i], j);
		json_object_set_new(o, c->opts[i].key, j);
	}
	return o;
}

static json_t *entry_json(const struct dump *d, const struct conf_section_entry *s)
{
	struct stoa_conf *dflt = section_defaults(d->s, s->table);
	json_t *j = section_json(d, s->conf, s->fresh, dflt);

	section_unref(dflt);
	return j;
}

static void set_unless_empty(json_t *o, const char *key, json_t *value)
{
	if (json_object_size(value))
		json_object_set_new(o, key, value);
	else
		json_decref(value);
}

json_t *conf_dump_json(const struct conf_snapshot *s, uint32_t flags)
{
	struct dump d = { s, flags, NULL };
	const struct conf_node *bind = node_get(s->tree->top, "bind");
	json_t *top = json_object(), *modules = json_object(), *binds = json_object();

	for (size_t i = 0; bind && i < bind->child_n; i++) {
		const struct conf_node *n = bind->child[i];
		json_t *j;

		if (n->kind != CONF_SCALAR)
			continue;
		j = json_string(n->text);
		if (flags & CONF_DUMP_ORIGIN)
			j = with_origin(&(struct conf_value){ .node = n }, j);
		json_object_set_new(binds, n->key, j);
	}
	for (size_t i = 1; i < s->n; i++)
		set_unless_empty(modules, s->entry[i].table->name, entry_json(&d, &s->entry[i]));
	set_unless_empty(top, "core", entry_json(&d, &s->entry[0]));
	set_unless_empty(top, "bind", binds);
	set_unless_empty(top, "modules", modules);
	return top;
}
