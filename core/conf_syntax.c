/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes of YAML syntax in words that help: libyaml says what its parser expected, not what the
 * person at the keyboard got wrong. Called by conf_read.c where libyaml stops. */
#include "conf_reader.h"

#include <errno.h>

struct conf_origin reader_place(const struct reader *rd, yaml_mark_t mark)
{
	struct conf_origin at = { rd->src, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1 };

	if (at.line == 1)
		at.col += (uint32_t)rd->off;
	return at;
}

/* libyaml counts an unreadable byte by its offset only. */
static struct conf_origin place_of_byte(const struct reader *rd, size_t offset)
{
	struct conf_origin at = { rd->src, 1, 1 };
	const char *p = rd->src->text;

	for (size_t i = 0; i < rd->off + offset && i < rd->src->n; i++) {
		if (p[i] == '\n') {
			at.line++;
			at.col = 1;
		} else if (((unsigned char)p[i] & 0xc0) != 0x80) {
			at.col++;
		}
	}
	return at;
}

static const char missing_space[] = "write a space after the colon, as in `key: value`";

/* What libyaml says, and what to tell the person at the keyboard instead. */
static const struct {
	const char *problem; /* how libyaml's text begins */
	bool at_context;     /* point at the beginning of what it was reading */
	const char *remedy;
} remedies[] = {
	{ "found character that cannot start any token", false,
	  "a value cannot begin with this character: put the value in quotes" },
	{ "found a tab character", false, "tabs cannot indent YAML: use spaces" },
	{ "mapping values are not allowed", false,
	  "a second `key: value` on one line, or wrong indentation: put a value that contains ': ' "
	  "in quotes, or align the key with its neighbours" },
	{ "did not find expected key", false,
	  "expected `key: value` here: check the indentation, and put a value that begins with "
	  "[ or { or a quote in quotes, as in \"[::1]:7880\"" },
	{ "did not find expected '-' indicator", false,
	  "expected another `- item`, aligned with those above" },
	{ "could not find expected ':'", true,
	  "this is neither `key: value` nor `- item`: write a colon and a space after the key" },
	{ "found unexpected end of stream", true, "this quote is never closed" },
	{ "found unexpected document indicator", true, "this quote is never closed" },
	{ "did not find expected alphabetic or numeric character", true,
	  "put a value that begins with * or & in quotes, as in \"*:7880\"" },
	{ "did not find expected node content", false,
	  "this is no list item: put a value that begins with [ in quotes, as in \"[::1]:7880\"" },
	{ "did not find expected ',' or ']'", true,
	  "this [ is never closed: close the list with ], or put the value in quotes" },
	{ "did not find expected ',' or '}'", true,
	  "this { is never closed: close the map with }, or put the value in quotes" },
	{ "found unknown escape character", false,
	  "unknown escape in double quotes: write \\\\ for a backslash, or use single quotes" },
	{ "did not find expected <document start>", false,
	  "text after the end of the map: check the indentation of the first key" },
	{ "block sequence entries are not allowed", false,
	  "a list item cannot begin here: put it on a line of its own, below the key" },
	{ "control characters are not allowed", false, "a control character: remove this byte" },
	{ "invalid leading UTF-8 octet", false, "not UTF-8: save the file as UTF-8" },
	{ "invalid trailing UTF-8 octet", false, "not UTF-8: save the file as UTF-8" },
	{ "incomplete UTF-8 octet sequence", false, "not UTF-8: save the file as UTF-8" },
};

/* The source's text from a place on; libyaml counts characters, so the way there is walked. */
static const char *text_at(const struct conf_origin *at)
{
	const char *p = at->source->text, *end = p + at->source->n;
	uint32_t col = 1;

	for (uint32_t line = 1; line < at->line && p < end; line++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : end;
	}
	while (p < end && col < at->col) {
		p++;
		col += ((unsigned char)*p & 0xc0) != 0x80; /* the text ends with NUL */
	}
	return p;
}

/* `load:yes` is a text; libyaml complains about it, or about the line after it. */
static bool is_missing_space(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_");

	return len && text[len] == ':' && text[len + 1] > ' ';
}

void reader_syntax(struct reader *rd)
{
	const yaml_parser_t *y = &rd->yaml;
	const char *problem = y->problem ? y->problem : "cannot be read";
	struct conf_origin at;

	rd->r = -EINVAL;
	if (y->error == YAML_MEMORY_ERROR) {
		rd->r = -ENOMEM;
		return;
	}
	if (rd->last)
		rd->last->kind = CONF_BAD;
	at = y->error == YAML_READER_ERROR ? place_of_byte(rd, y->problem_offset)
					   : reader_place(rd, y->problem_mark);
	if (y->error != YAML_READER_ERROR && *text_at(&at) == '\t') {
		errors_at(rd->e, CONF_ERROR, &at, "tabs cannot indent YAML: use spaces");
		return;
	}
	if (rd->last && rd->last->plain && is_missing_space(rd->last->text)) {
		errors_at(rd->e, CONF_ERROR, &rd->last->at, "%s", missing_space);
		return;
	}
	for (size_t i = 0; i < STOA_ARRAY_SIZE(remedies); i++) {
		if (strncmp(problem, remedies[i].problem, strlen(remedies[i].problem)) != 0)
			continue;
		if (remedies[i].at_context && y->context)
			at = reader_place(rd, y->context_mark);
		errors_at(rd->e, CONF_ERROR, &at, "%s",
			  is_missing_space(text_at(&at)) ? missing_space : remedies[i].remedy);
		return;
	}
	errors_at(rd->e, CONF_ERROR, &at, "%s%s%s", y->context ? y->context : "",
		  y->context ? ": " : "", problem);
}
