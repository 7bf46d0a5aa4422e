/* SPDX-License-Identifier: Apache-2.0 */
/* `stoactl config explain KEY`: where one value comes from, what it hides, and what may be written
 * there. A key may also name a section: then its options are listed. */
#include <errno.h>

#include "conf_text.h"

static void explain_section(const struct stoa_conf *c, const char *summary, struct stoa_buf *out)
{
	stoa_buf_addf(out, "%s\n", c->path);
	if (summary && *summary)
		text_wrap(summary, "  ", 92, out);
	for (size_t i = 0; i < c->n; i++) {
		stoa_buf_addf(out, "  %s = ", c->opts[i].key);
		if (c->opts[i].type == STOA_OPT_MAP)
			stoa_buf_addf(out, "%zu entries", c->value[i].count);
		else if (value_is_set(&c->value[i]))
			text_value(&c->value[i], out);
		else
			stoa_buf_adds(out, "unset");
		stoa_buf_adds(out, "\n");
	}
}

/* What lies below the node in the earlier layers, never a literal secret. */
static void explain_hidden(const struct conf_value *v, struct stoa_buf *out)
{
	for (const struct conf_node *n = v->node ? v->node->below : NULL; n; n = n->below) {
		stoa_buf_adds(out, "  hides ");
		text_origin(&n->at, out);
		if (n->kind == CONF_SCALAR && v->opt->type != STOA_OPT_SECRET) {
			stoa_buf_adds(out, ": ");
			text_yaml(n->text, out);
		} else if (n->kind == CONF_RESET) {
			stoa_buf_adds(out, ": ~");
		}
		stoa_buf_adds(out, "\n");
	}
}

static void explain_value(const struct stoa_conf *c, const struct conf_value *v,
			  const struct conf_value *fresh, struct stoa_buf *out)
{
	stoa_buf_addf(out, "%s.%s = ", c->path, v->opt->key);
	if (v->opt->type == STOA_OPT_MAP)
		stoa_buf_addf(out, "%zu entries", v->count);
	else if (value_is_set(v))
		text_value(v, out);
	else
		stoa_buf_adds(out, "unset");
	stoa_buf_adds(out, "\n  from ");
	text_origin(fresh->node ? &fresh->node->at : &(struct conf_origin){ 0 }, out);
	stoa_buf_adds(out, "\n");
	if (fresh->pending) {
		stoa_buf_adds(out, "  needs restart: the file now says ");
		text_value(fresh, out);
		stoa_buf_adds(out, "\n");
	}
	explain_hidden(fresh, out);
	stoa_buf_adds(out, "  ");
	text_facts(v->opt, out);
	stoa_buf_adds(out, "\n");
	text_wrap(v->opt->doc ? v->opt->doc : "", "  ", 92, out);
}

static void suggest(const char *part, const char *const *names, size_t n, const char *where,
		    struct stoa_buf *out)
{
	const char *near = conf_near(part, names, n);

	stoa_buf_addf(out, "there is no `%s` in %s%s%s%s\n", part, where,
		      near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
}

/* One step from a section into an option, and through it into a named entry. */
static int explain_in(const struct stoa_conf *c, const struct stoa_conf *fresh, char **part,
		      size_t n, const char *summary, struct stoa_buf *out)
{
	const char *names[TABLE_LEN_MAX + 1];
	size_t at = 0;

	if (n == 0) {
		explain_section(c, summary, out);
		return 0;
	}
	for (; at < c->n && strcmp(c->opts[at].key, part[0]) != 0; at++)
		names[at] = c->opts[at].key;
	if (at == c->n) {
		suggest(part[0], names, at, c->path, out);
		return -ENOENT;
	}
	if (n == 1) {
		explain_value(c, &c->value[at], &fresh->value[at], out);
		return 0;
	}
	for (size_t i = 0; c->value[at].map && i < c->value[at].count; i++) {
		const struct stoa_conf *entry = c->value[at].map[i], *f = entry;

		if (strcmp(entry->name, part[1]) != 0)
			continue;
		for (size_t j = 0; j < fresh->value[at].count; j++) {
			if (strcmp(fresh->value[at].map[j]->name, part[1]) == 0)
				f = fresh->value[at].map[j];
		}
		return explain_in(entry, f, part + 2, n - 2, c->opts[at].doc, out);
	}
	suggest(part[1], NULL, 0, part[0], out);
	return -ENOENT;
}

static int explain_key(const struct conf_snapshot *s, const struct conf_key *k,
		       struct stoa_buf *out)
{
	bool is_core = strcmp(k->part[0], "core") == 0;
	const char *names[CONF_FILES_MAX];
	size_t n = 0;

	if (!is_core && strcmp(k->part[0], "modules") != 0) {
		static const char *const tops[] = { "core", "modules" };

		suggest(k->part[0], tops, 2, "the configuration", out);
		return -ENOENT;
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct conf_section_entry *x = &s->entry[i];
		const char *want = is_core ? "core" : k->n > 1 ? k->part[1] : "";

		if (i > 0 && n < STOA_ARRAY_SIZE(names))
			names[n++] = x->table->name;
		if (strcmp(x->table->name, want) == 0)
			return explain_in(x->conf, x->fresh, (char **)k->part + (is_core ? 1 : 2),
					  k->n - (is_core ? 1 : 2), x->table->summary, out);
	}
	if (k->n > 1) {
		suggest(k->part[1], names, n, "modules", out);
		return -ENOENT;
	}
	for (size_t i = 1; i < s->n; i++)
		stoa_buf_addf(out, "modules.%s: %s\n", s->entry[i].table->name,
			      s->entry[i].table->summary ? s->entry[i].table->summary : "");
	return 0;
}

int conf_explain(const struct conf_snapshot *s, const char *key, struct stoa_buf *out)
{
	struct conf_key k;
	const char *end;
	int r = key_parse(key, &k, &end);

	if (r < 0 || *end) {
		stoa_buf_adds(out, "write a key such as core.log-level or mod_http.listen\n");
		key_clear(&k);
		return -ENOENT;
	}
	r = explain_key(s, &k, out);
	key_clear(&k);
	return r;
}
