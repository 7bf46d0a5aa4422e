/* SPDX-License-Identifier: Apache-2.0 */
/* `stoad --print-man mod_x`: the manual page stoa-mod_x(5) from the option table, in man(7) macros
 * that mandoc -T lint accepts. */
#include <ctype.h>
#include <stdlib.h>

#include "conf_text.h"

/* Text that troff takes as it is: backslashes, hyphens, and dots at the beginning of a line. */
static void print_text(const char *s, struct stoa_buf *out)
{
	if (*s == '.' || *s == '\'')
		stoa_buf_adds(out, "\\&");
	for (; *s; s++) {
		if (*s == '\\')
			stoa_buf_adds(out, "\\e");
		else if (*s == '-')
			stoa_buf_adds(out, "\\-");
		else if (*s == '\n')
			stoa_buf_adds(out, " ");
		else
			stoa_buf_add(out, s, 1);
	}
}

/* Lines of at most 72 characters, before escapes: mandoc likes short source lines. */
static void print_wrapped(const char *s, struct stoa_buf *out)
{
	struct stoa_buf lines = { 0 };
	char *rest, *line;

	text_wrap(s, "", 72, &lines);
	for (rest = lines.p; rest && (line = strsep(&rest, "\n")) && *line;) {
		print_text(line, out);
		stoa_buf_adds(out, "\n");
	}
	stoa_buf_free(&lines);
}

/* A paragraph; each sentence begins a line of its own, as mandoc wants it. */
static void print_paragraph(const char *s, struct stoa_buf *out)
{
	while (*s) {
		const char *end = strstr(s, ". ");
		size_t n = end ? (size_t)(end - s) + 1 : strlen(s);
		struct stoa_buf sentence = { 0 };

		stoa_buf_add(&sentence, s, n);
		print_wrapped(sentence.p ? sentence.p : "", out);
		stoa_buf_free(&sentence);
		s += n;
		s += strspn(s, " ");
	}
}

/* Packages are built with SOURCE_DATE_EPOCH, so that pages come out the same. */
static void print_date(struct stoa_buf *out)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	char date[STOA_TIME_LEN];

	stoa_time_format(epoch ? strtoll(epoch, NULL, 10) * 1000 : stoa_wall_ms(), date);
	stoa_buf_add(out, date, strlen("2026-01-02"));
}

static void print_option(const struct stoa_opt *o, struct stoa_buf *out)
{
	struct stoa_buf facts = { 0 };

	stoa_buf_adds(out, ".TP\n.B ");
	print_text(o->key, out);
	stoa_buf_adds(out, "\n");
	print_paragraph(o->doc ? o->doc : "", out);
	text_facts(o, &facts);
	if (facts.p)
		facts.p[0] = (char)toupper((unsigned char)facts.p[0]);
	stoa_buf_adds(&facts, ".");
	print_paragraph(facts.p ? facts.p : "", out);
	stoa_buf_free(&facts);
	if (o->type != STOA_OPT_MAP || !o->item)
		return;
	stoa_buf_adds(out, "Options of one entry:\n.RS\n");
	for (const struct stoa_opt *i = o->item; i->key; i++)
		print_option(i, out);
	stoa_buf_adds(out, ".RE\n");
}

/* The summary without its full stop: what whatis(1) shows. */
static void print_name(const struct conf_table *t, struct stoa_buf *out)
{
	struct stoa_buf line = { 0 };

	stoa_buf_adds(&line, t->summary && *t->summary ? t->summary : t->name);
	if (line.n && line.p[line.n - 1] == '.')
		line.p[--line.n] = '\0';
	stoa_buf_adds(out, ".SH NAME\nstoa\\-");
	print_text(t->name, out);
	stoa_buf_adds(out, " \\- ");
	print_text(line.p ? line.p : "", out);
	stoa_buf_adds(out, "\n");
	stoa_buf_free(&line);
}

static const char *const files[] = {
	"/usr/share/stoa/stoa.yaml", "/usr/share/stoa/conf.d/", "/etc/stoa/stoa.yaml",
	"/run/stoa/conf.d/",         "/etc/stoa/conf.d/",
};

void conf_print_man(const struct conf_table *t, struct stoa_buf *out)
{
	bool is_core = t == conf_core_table();

	stoa_buf_adds(out, ".TH STOA\\-");
	for (const char *p = t->name; *p; p++)
		stoa_buf_addf(out, "%c", toupper((unsigned char)*p));
	stoa_buf_adds(out, " 5 ");
	print_date(out);
	stoa_buf_addf(out, " \"%s %s\" \"Stoa configuration\"\n", t->name,
		      t->version ? t->version : "");
	print_name(t, out);
	stoa_buf_adds(out, ".SH SYNOPSIS\n.nf\n");
	if (is_core)
		stoa_buf_adds(out, "core:\n");
	else
		stoa_buf_addf(out, "modules:\n  %s:\n    load: yes\n", t->name);
	stoa_buf_addf(out, "%s\\fIoption\\fR: \\fIvalue\\fR\n.fi\n", is_core ? "  " : "    ");
	stoa_buf_adds(out, ".SH OPTIONS\n");
	for (size_t i = 0; i < t->n; i++)
		print_option(&t->opts[i], out);
	stoa_buf_adds(out, ".SH FILES\nLater ones override earlier ones; a file in\n"
			   ".I /etc/stoa/conf.d\nhides one of the same name in the others.\n");
	for (size_t i = 0; i < STOA_ARRAY_SIZE(files); i++)
		stoa_buf_addf(out, "%s.I %s\n", i ? ".br\n" : ".PP\n", files[i]);
	stoa_buf_adds(out, ".SH SEE ALSO\n.BR stoad (8),\n.BR stoactl (1)\n");
}
