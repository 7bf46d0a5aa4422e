/* SPDX-License-Identifier: Apache-2.0 */
/* `stoad --print-sample mod_x`: a drop-in that shows every option with its default, commented out.
 * Text has a space behind the #, options have none: removing the # of a line switches it on. */
#include "conf_text.h"

#define WIDTH 92

static void print_option(const struct stoa_opt *o, const char *indent, bool is_live,
			 struct stoa_buf *out);

static void print_value(const struct stoa_opt *o, struct stoa_buf *out)
{
	if (o->type == STOA_OPT_LIST && o->dflt)
		stoa_buf_addf(out, " [%s]\n", o->dflt);
	else if (o->dflt) {
		stoa_buf_adds(out, " ");
		text_yaml(o->dflt, out);
		stoa_buf_adds(out, "\n");
	} else if (o->type == STOA_OPT_LIST)
		stoa_buf_adds(out, " []\n");
	else {
		stoa_buf_adds(out, " ");
		text_yaml(text_example(o), out);
		stoa_buf_adds(out, "\n");
	}
}

static void print_item(const struct stoa_opt *o, const char *indent, struct stoa_buf *out)
{
	char inner[64];

	stoa_buf_addf(out, "\n%s#  name:\n", indent);
	snprintf(inner, sizeof(inner), "%s#    ", indent);
	for (const struct stoa_opt *i = o->item; i && i->key; i++)
		print_option(i, inner, true, out);
}

static void print_option(const struct stoa_opt *o, const char *indent, bool is_live,
			 struct stoa_buf *out)
{
	struct stoa_buf facts = { 0 };
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "%s# ", indent);
	text_wrap(o->doc ? o->doc : "", prefix, WIDTH, out);
	text_facts(o, &facts);
	text_wrap(facts.p ? facts.p : "", prefix, WIDTH, out);
	stoa_buf_free(&facts);
	stoa_buf_addf(out, "%s%s%s:", indent, is_live ? "" : "#", o->key);
	if (o->type == STOA_OPT_MAP)
		print_item(o, indent, out);
	else
		print_value(o, out);
}

void conf_print_sample(const struct conf_table *t, struct stoa_buf *out)
{
	bool is_core = t == conf_core_table();
	const char *indent = is_core ? "  " : "    ";

	stoa_buf_addf(out, "# %s %s\n", t->name, t->version ? t->version : "");
	if (t->summary)
		text_wrap(t->summary, "# ", WIDTH, out);
	stoa_buf_adds(
		out,
		"#\n# A line that begins with # and no space is an option with its default.\n");
	if (is_core)
		stoa_buf_adds(out, "core:\n");
	else
		stoa_buf_addf(out, "modules:\n  %s:\n    load: yes\n", t->name);
	for (size_t i = is_core ? 0 : 1; i < t->n; i++) {
		stoa_buf_adds(out, "\n");
		print_option(&t->opts[i], indent, false, out);
	}
}

/* `stoad --help-module mod_x` */
void conf_print_help(const struct conf_table *t, struct stoa_buf *out)
{
	stoa_buf_addf(out, "%s %s\n", t->name, t->version ? t->version : "");
	if (t->summary)
		text_wrap(t->summary, "  ", WIDTH, out);
	for (size_t i = 0; i < t->n; i++) {
		const struct stoa_opt *o = &t->opts[i];
		struct stoa_buf facts = { 0 };

		stoa_buf_addf(out, "\n%s\n", o->key);
		text_wrap(o->doc ? o->doc : "", "  ", WIDTH, out);
		text_facts(o, &facts);
		text_wrap(facts.p ? facts.p : "", "  ", WIDTH, out);
		stoa_buf_clear(&facts);
		for (const struct stoa_opt *k = o->item; k && k->key; k++) {
			stoa_buf_addf(&facts, "%s (", k->key);
			text_facts(k, &facts);
			stoa_buf_addf(&facts, "): %s", k->doc ? k->doc : "");
			text_wrap(facts.p ? facts.p : "", "    ", WIDTH, out);
			stoa_buf_clear(&facts);
		}
		stoa_buf_free(&facts);
	}
}
