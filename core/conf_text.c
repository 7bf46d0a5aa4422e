/* SPDX-License-Identifier: Apache-2.0 */
/* Text pieces for sample, manual, dump and explain. */
#include "conf_text.h"

#include <ctype.h>

static bool is_plain(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || !(isalnum((unsigned char)s[0]) || strchr("/._", s[0])) || s[n - 1] == ':')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)s[i]) && !strchr("/._-:+@=%", s[i]))
			return false;
	}
	return true;
}

void text_yaml(const char *s, struct stoa_buf *out)
{
	if (is_plain(s)) {
		stoa_buf_adds(out, s);
		return;
	}
	stoa_buf_adds(out, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			stoa_buf_addf(out, "\\%c", c);
		else if (c == '\n')
			stoa_buf_adds(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			stoa_buf_addf(out, "\\x%02x", c);
		else
			stoa_buf_add(out, s, 1);
	}
	stoa_buf_adds(out, "\"");
}

void text_wrap(const char *s, const char *prefix, size_t width, struct stoa_buf *out)
{
	size_t room = width - strlen(prefix);

	while (*s) {
		size_t n = strlen(s), cut = n;

		if (n > room) {
			for (cut = room; cut > 0 && s[cut] != ' ';)
				cut--;
			if (cut == 0)
				cut = strcspn(s, " ");
		}
		stoa_buf_addf(out, "%s%.*s\n", prefix, (int)cut, s);
		s += cut;
		s += strspn(s, " ");
	}
}

void text_facts(const struct stoa_opt *o, struct stoa_buf *out)
{
	stoa_buf_adds(out, type_name(o->type));
	if (o->type == STOA_OPT_ENUM) {
		stoa_buf_adds(out, " of ");
		for (size_t i = 0; o->choices[i]; i++)
			stoa_buf_addf(out, "%s%s", i ? ", " : "", o->choices[i]);
	}
	if (o->min || o->max) {
		stoa_buf_adds(out, ", ");
		value_range(o, out);
	}
	if (o->dflt)
		stoa_buf_addf(out, "; default %s", o->dflt[0] ? o->dflt : "empty");
	else if (o->flags & STOA_OPT_REQUIRED)
		stoa_buf_adds(out, "; must be set");
	else if (o->type != STOA_OPT_MAP)
		stoa_buf_adds(out, "; unset by default");
	if (!(o->flags & STOA_OPT_RELOADABLE))
		stoa_buf_adds(out, "; a change needs restart");
	if (o->flags & STOA_OPT_DEPRECATED)
		stoa_buf_adds(out, "; deprecated");
	if (o->was)
		stoa_buf_addf(out, "; was called %s", o->was);
	if (o->since)
		stoa_buf_addf(out, "; since %s", o->since);
}

const char *text_example(const struct stoa_opt *o)
{
	static const char *const examples[] = {
		[STOA_OPT_BOOL] = "no",     [STOA_OPT_INT] = "0",
		[STOA_OPT_DURATION] = "0s", [STOA_OPT_SIZE] = "0",
		[STOA_OPT_RATE] = "0",      [STOA_OPT_STRING] = "text",
		[STOA_OPT_ENUM] = "",       [STOA_OPT_ADDRESS] = "127.0.0.1:0",
		[STOA_OPT_PATH] = "/path",  [STOA_OPT_SECRET] = "file:/path",
		[STOA_OPT_LIST] = "[]",     [STOA_OPT_MAP] = "",
	};

	return o->type == STOA_OPT_ENUM ? o->choices[0] : examples[o->type];
}

bool value_is_set(const struct conf_value *v)
{
	return v->raw || v->list || v->map;
}

void text_value(const struct conf_value *v, struct stoa_buf *out)
{
	if (v->opt->type == STOA_OPT_LIST) {
		stoa_buf_adds(out, "[");
		for (size_t i = 0; i < v->count; i++) {
			stoa_buf_adds(out, i ? ", " : "");
			text_yaml(v->list[i], out);
		}
		stoa_buf_adds(out, "]");
	} else if (v->opt->type == STOA_OPT_SECRET && v->raw) {
		stoa_buf_addf(out, "<%s>", v->raw);
	} else if (v->raw) {
		text_yaml(v->raw, out);
	}
}

void text_origin(const struct conf_origin *at, struct stoa_buf *out)
{
	if (at->source)
		stoa_buf_addf(out, "%s:%u:%u", at->source->name, at->line, at->col);
	else
		stoa_buf_adds(out, "default");
}

struct stoa_conf *section_defaults(const struct conf_snapshot *s, const struct conf_table *t)
{
	const struct stoa_conf *core = s->entry[0].fresh;
	struct value_env env = { .root = s->tree->root,
				 .state_dir = section_value(core, "state-dir")->text };
	struct stoa_errors *e = errors_new();
	struct stoa_conf *c = NULL;

	if (e && section_check("", t->name, t->opts, NULL, &env, false, e, &c) < 0)
		c = NULL;
	errors_free(e);
	return c;
}
