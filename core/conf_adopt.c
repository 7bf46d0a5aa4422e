/* SPDX-License-Identifier: Apache-2.0 */
/* Reload: what the next snapshot changes, and what of it has to wait for a restart. A section that
 * is the same stays the same object, because its module is not called and may still borrow from it.
 * Nothing here touches the snapshot in force: it can be kept until the last moment. */
#include "conf_section.h"

#include <errno.h>

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_section(const struct stoa_conf *a, const struct stoa_conf *b);

bool value_same(const struct conf_value *a, const struct conf_value *b)
{
	if (a->num != b->num || a->n != b->n || a->count != b->count ||
	    !stoa_ct_equal(stoa_strn(a->text, a->n), stoa_strn(b->text, b->n)))
		return false;
	if (a->opt->type == STOA_OPT_SECRET && !same_text(a->raw, b->raw))
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->list && !same_text(a->list[i], b->list[i]))
			return false;
		if (a->map && !same_section(a->map[i], b->map[i]))
			return false;
	}
	return true;
}

static bool same_section(const struct stoa_conf *a, const struct stoa_conf *b)
{
	if (strcmp(a->name, b->name) != 0)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!value_same(&a->value[i], &b->value[i]))
			return false;
	}
	return true;
}

static const struct stoa_conf *find_named(const struct conf_value *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++) {
		if (strcmp(v->map[i]->name, name) == 0)
			return v->map[i];
	}
	return NULL;
}

/* May the change of this value be applied at run time? In a map, entries come and go by the map's
 * flag, and the options of an entry change by their own. */
static bool is_reloadable(const struct conf_value *now, const struct conf_value *was)
{
	if (!(now->opt->flags & STOA_OPT_RELOADABLE))
		return false;
	for (size_t i = 0; now->map && i < now->count; i++) {
		const struct stoa_conf *a = now->map[i], *b = find_named(was, a->name);

		for (size_t j = 0; b && j < a->n; j++) {
			if (!value_same(&a->value[j], &b->value[j]) &&
			    !is_reloadable(&a->value[j], &b->value[j]))
				return false;
		}
	}
	return true;
}

static struct conf_origin origin_of(const struct stoa_conf *c, const struct conf_value *v)
{
	return v->node ? v->node->at : c->at;
}

/* The old tree may go: what was copied from it points to where the new one was written. */
static void move_origins(struct conf_value *v, const struct conf_node *node,
			 const struct conf_origin *at)
{
	v->node = node;
	for (size_t i = 0; v->map && i < v->count; i++) {
		struct stoa_conf *c = v->map[i];

		c->at = *at;
		for (size_t j = 0; j < c->n; j++)
			move_origins(&c->value[j], NULL, at);
	}
}

/* Makes `s->conf`: the old section, or what the files say but for what must wait. */
static int adopt_section(struct conf_section_entry *s, const struct conf_section_entry *old,
			 struct stoa_errors *e)
{
	struct stoa_conf *effective = section_copy(s->fresh);
	bool changed = false;
	int r = 0;

	if (!effective)
		return -ENOMEM;
	for (size_t i = s->table->common; i < s->fresh->n && r == 0; i++) {
		struct conf_value *now = &s->fresh->value[i];
		const struct conf_value *was = &old->conf->value[i];
		struct conf_origin at = origin_of(s->fresh, now);

		if (value_same(now, was))
			continue;
		if (is_reloadable(now, was)) {
			changed = true;
			continue;
		}
		now->pending = true;
		errors_at(e, CONF_WARNING, &at,
			  "`%s.%s` needs restart: until then the value in force is kept",
			  s->fresh->path, now->opt->key);
		r = value_copy(was, &effective->value[i]);
		move_origins(&effective->value[i], now->node, &at);
		effective->value[i].pending = true;
	}
	if (r < 0) {
		section_unref(effective);
		return r;
	}
	s->changed = changed;
	section_unref(s->conf);
	if (changed) {
		effective->tree = tree_ref(s->fresh->tree);
		s->conf = effective;
	} else {
		section_unref(effective);
		s->conf = section_ref(old->conf);
	}
	return 0;
}

static bool is_loaded(const struct conf_tree *t, const char *name)
{
	struct conf_module m;

	return name == conf_core_table()->name || (conf_tree_find(t, name, &m) && m.load);
}

/* Modules come and go at start only. */
static void tell_coming_and_going(const struct conf_snapshot *next, const struct conf_snapshot *old,
				  struct stoa_errors *e)
{
	struct conf_module m;

	for (size_t i = 0; conf_tree_module(next->tree, i, &m); i++) {
		const struct conf_section_entry *was = snapshot_entry(old, m.name);

		if (m.load && !(was && was->running))
			errors_at(e, CONF_WARNING, &m.at,
				  "%s needs restart: a module is loaded at start only", m.name);
	}
	for (size_t i = 0; i < old->n; i++) {
		const char *name = old->entry[i].table->name;

		if (old->entry[i].running && !is_loaded(next->tree, name))
			errors_at(
				e, CONF_WARNING, NULL,
				"%s is no longer loaded by any file and needs restart: it runs on "
				"until then",
				name);
	}
}

int conf_adopt(struct conf_snapshot *next, const struct conf_snapshot *old, struct stoa_errors *e)
{
	for (size_t i = 0; i < next->n; i++) {
		struct conf_section_entry *s = &next->entry[i];
		const struct conf_section_entry *was = snapshot_entry(old, s->table->name);
		int r;

		s->running = was && was->running;
		if (!was || !s->fresh->ok || !was->conf->ok)
			continue;
		if (s->running && !is_loaded(next->tree, s->table->name)) {
			conf_keep(next, old, s->table->name); /* runs on with what it has */
			continue;
		}
		r = adopt_section(s, was, e);
		if (r < 0)
			return r;
	}
	tell_coming_and_going(next, old, e);
	return 0;
}

void conf_keep(struct conf_snapshot *next, const struct conf_snapshot *old, const char *name)
{
	struct conf_section_entry *s = snapshot_entry(next, name);
	const struct conf_section_entry *was = snapshot_entry(old, name);

	if (!s || !was)
		return;
	section_unref(s->conf);
	s->conf = section_ref(was->conf);
}
