/* SPDX-License-Identifier: Apache-2.0 */
/* Findings: what is wrong in the configuration, where, and how to mend it. Everything is copied
 * when it is added, so findings outlive the tree they speak of. Shown in the order of reading. */
#include "conf_node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stoa/log.h>

#define FINDINGS_MAX   200 /* a file that is wrong everywhere needs no more */
#define LINE_MAX_SHOWN 160

struct finding {
	enum conf_severity severity;
	uint32_t order, line, col, serial;
	char *file; /* NULL: no place           */
	char *text; /* source line; NULL: none  */
	char *message;
};

struct stoa_errors {
	struct finding *f;
	size_t n, cap;
	size_t errors, warnings;
};

static struct stoa_errors *collector; /* where stoa_errors_add(NULL, …) goes; ctl only */

struct stoa_errors *errors_new(void)
{
	return calloc(1, sizeof(struct stoa_errors));
}

void errors_free(struct stoa_errors *e)
{
	if (!e)
		return;
	if (collector == e)
		collector = NULL;
	errors_clear(e);
	free(e->f);
	free(e);
}

void errors_clear(struct stoa_errors *e)
{
	for (size_t i = 0; i < e->n; i++) {
		free(e->f[i].file);
		free(e->f[i].text);
		free(e->f[i].message);
	}
	e->n = e->errors = e->warnings = 0;
}

size_t errors_count(const struct stoa_errors *e)
{
	return e->errors;
}

size_t errors_warnings(const struct stoa_errors *e)
{
	return e->warnings;
}

void errors_collect(struct stoa_errors *e)
{
	collector = e;
}

/* The text of one line of a source, without its end; `hide_from` > 0 cuts from that column on. */
static char *copy_line(const struct conf_source *src, uint32_t line, uint32_t hide_from)
{
	const char *p = src->text, *end = src->text + src->n, *eol;
	size_t n;
	char *s;

	for (uint32_t i = 1; i < line; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return NULL;
		p++;
	}
	eol = memchr(p, '\n', (size_t)(end - p));
	n = (size_t)((eol ? eol : end) - p);
	if (n && p[n - 1] == '\r')
		n--;
	if (hide_from && hide_from - 1 < n)
		n = hide_from - 1;
	if (asprintf(&s, "%.*s%s", (int)n, p, hide_from ? "(not shown)" : "") < 0)
		return NULL;
	return s;
}

static struct finding *push(struct stoa_errors *e)
{
	if (e->n == e->cap) {
		size_t cap = e->cap ? 2 * e->cap : 16;
		struct finding *p = reallocarray(e->f, cap, sizeof(*p));

		if (!p)
			return NULL;
		e->f = p;
		e->cap = cap;
	}
	memset(&e->f[e->n], 0, sizeof(e->f[0]));
	e->f[e->n].serial = (uint32_t)e->n;
	return &e->f[e->n++];
}

static STOA_PRINTF(5, 0) void add(struct stoa_errors *e, enum conf_severity sev,
				  const struct conf_origin *at, bool is_secret, const char *fmt,
				  va_list ap)
{
	struct finding *f;

	if (sev == CONF_ERROR)
		e->errors++;
	else
		e->warnings++;
	if (e->n >= FINDINGS_MAX || !(f = push(e)))
		return; /* counted above: the run still fails */
	f->severity = sev;
	if (vasprintf(&f->message, fmt, ap) < 0)
		f->message = NULL;
	if (!at || !at->source) {
		f->order = UINT32_MAX;
		return;
	}
	f->order = at->source->order;
	f->line = at->line;
	f->col = at->col;
	f->file = strdup(at->source->name);
	if (at->source->text)
		f->text = copy_line(at->source, at->line, is_secret ? at->col : 0);
}

void errors_at(struct stoa_errors *e, enum conf_severity sev, const struct conf_origin *at,
	       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(e, sev, at, false, fmt, ap);
	va_end(ap);
}

void errors_at_secret(struct stoa_errors *e, const struct conf_origin *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(e, CONF_ERROR, at, true, fmt, ap);
	va_end(ap);
}

void stoa_errors_add(struct stoa_errors *e, const struct stoa_conf *c, const char *key,
		     const char *fmt, ...)
{
	struct conf_origin at = section_origin(c, key);
	bool is_secret = section_is_secret(c, key);
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (!e)
		e = collector;
	if (e) {
		add(e, CONF_ERROR, &at, is_secret, fmt, ap);
	} else if (vasprintf(&s, fmt, ap) >= 0) {
		if (at.source)
			stoa_log(NULL, STOA_LOG_ERROR, "%s:%u:%u: %s", at.source->name, at.line,
				 at.col, s);
		else
			stoa_log(NULL, STOA_LOG_ERROR, "%s", s);
		free(s);
	}
	va_end(ap);
}

static int by_place(const void *pa, const void *pb)
{
	const struct finding *a = *(const struct finding *const *)pa;
	const struct finding *b = *(const struct finding *const *)pb;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->col != b->col)
		return a->col < b->col ? -1 : 1;
	return a->serial < b->serial ? -1 : 1;
}

/* Findings in the order to show them; free the array. NULL when there is none or no memory. */
static const struct finding **in_order(const struct stoa_errors *e)
{
	const struct finding **v = e->n ? calloc(e->n, sizeof(*v)) : NULL;

	if (!v)
		return NULL;
	for (size_t i = 0; i < e->n; i++)
		v[i] = &e->f[i];
	qsort(v, e->n, sizeof(*v), by_place);
	return v;
}

/* The source line and a caret below the column. Columns count code points; tabs stay tabs, so the
 * caret stands right whatever the terminal makes of them. Long lines are shown around the place. */
static void print_place(const struct finding *f, struct stoa_buf *out)
{
	const char *p = f->text;
	uint32_t col = 1;
	size_t shown = 0;

	if (f->col > LINE_MAX_SHOWN - 20) {
		uint32_t skip = f->col - (LINE_MAX_SHOWN - 20);

		for (; *p && col < skip; p++)
			col += ((unsigned char)p[1] & 0xc0) != 0x80;
	}
	stoa_buf_adds(out, "    ");
	for (const char *q = p; *q && (shown < LINE_MAX_SHOWN || (*q & 0xc0) == 0x80);
	     q++, shown++) {
		if ((unsigned char)*q < 0x20 && *q != '\t')
			stoa_buf_adds(out, "?"); /* no escape sequences into a terminal */
		else
			stoa_buf_add(out, q, 1);
	}
	stoa_buf_adds(out, "\n    ");
	for (; *p && col < f->col; p++) {
		if (((unsigned char)*p & 0xc0) == 0x80)
			continue;
		stoa_buf_adds(out, *p == '\t' ? "\t" : " ");
		col++;
	}
	stoa_buf_adds(out, "^\n");
}

void errors_print(const struct stoa_errors *e, struct stoa_buf *out)
{
	const struct finding **v = in_order(e);

	for (size_t i = 0; v && i < e->n; i++) {
		const struct finding *f = v[i];

		if (f->file)
			stoa_buf_addf(out, "%s:%u:%u: ", f->file, f->line, f->col);
		stoa_buf_addf(out, "%s: %s\n", f->severity == CONF_ERROR ? "error" : "warning",
			      f->message ? f->message : "out of memory");
		if (f->file && f->text && *f->text)
			print_place(f, out);
	}
	free(v);
	if (e->errors + e->warnings > e->n)
		stoa_buf_addf(out, "and %zu more\n", e->errors + e->warnings - e->n);
}

void errors_log(const struct stoa_errors *e)
{
	const struct finding **v = in_order(e);

	for (size_t i = 0; v && i < e->n; i++) {
		const struct finding *f = v[i];
		enum stoa_log_level level =
			f->severity == CONF_ERROR ? STOA_LOG_ERROR : STOA_LOG_WARN;
		const char *message = f->message ? f->message : "out of memory";

		if (f->file)
			stoa_log_write(NULL, level, NULL, "%s:%u:%u: %s", f->file, f->line, f->col,
				       message);
		else
			stoa_log_write(NULL, level, NULL, "%s", message);
	}
	free(v);
}

json_t *errors_json(const struct stoa_errors *e)
{
	const struct finding **v = in_order(e);
	json_t *list = json_array();

	for (size_t i = 0; v && i < e->n; i++) {
		const struct finding *f = v[i];
		json_t *o = json_pack("{s:s, s:s}", "severity",
				      f->severity == CONF_ERROR ? "error" : "warning", "message",
				      f->message ? f->message : "out of memory");

		if (o && f->file) {
			json_object_set_new(o, "file", json_string(f->file));
			json_object_set_new(o, "line", json_integer(f->line));
			json_object_set_new(o, "column", json_integer(f->col));
		}
		json_array_append_new(list, o);
	}
	free(v);
	return list;
}
