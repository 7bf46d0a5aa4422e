/* SPDX-License-Identifier: Apache-2.0 */
/* Answers for people: text as it is, an object as lines, an array of objects as a table. Escapes
 * control characters, since values come from users of the daemon and go to a terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stoactl.h"

#define COLUMNS_MAX 16
#define CELL_MAX    1024

/* One value on one line. */
static void render(const json_t *v, char *out, size_t cap)
{
	char *dumped = NULL;
	const char *s;
	size_t n = 0;

	if (json_is_string(v))
		s = json_string_value(v);
	else if (json_is_boolean(v))
		s = json_is_true(v) ? "yes" : "no";
	else if (json_is_null(v))
		s = "-";
	else
		s = dumped = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	for (; s && *s && n + 5 < cap; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(out + n, cap - n, "\\x%02x", c);
		else
			out[n++] = (char)c;
	}
	out[n] = '\0';
	free(dumped);
}

/* Columns as a terminal counts them: one per code point. */
static int width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool is_table(const json_t *v)
{
	const json_t *row;
	size_t i;

	json_array_foreach(v, i, row)
	{
		if (!json_is_object(row))
			return false;
	}
	return json_array_size(v) > 0;
}

/* The keys of the first row, in the order in which the daemon wrote them. */
static size_t columns_of(json_t *rows, const char **names)
{
	json_t *first = json_array_get(rows, 0), *value;
	const char *key;
	size_t n = 0;

	json_object_foreach(first, key, value)
	{
		if (n < COLUMNS_MAX)
			names[n++] = key;
	}
	return n;
}

static void print_row(const json_t *row, const char *const *names, const int *widths, size_t n)
{
	char cell[CELL_MAX];

	for (size_t c = 0; c < n; c++) {
		if (row)
			render(json_object_get(row, names[c]), cell, sizeof(cell));
		else
			snprintf(cell, sizeof(cell), "%s", names[c]);
		printf("%s%*s", cell, c + 1 < n ? widths[c] - width(cell) + 2 : 0, "");
	}
	putchar('\n');
}

static void print_table(json_t *rows)
{
	const char *names[COLUMNS_MAX];
	int widths[COLUMNS_MAX];
	size_t n = columns_of(rows, names), i;
	char cell[CELL_MAX];
	json_t *row;

	for (size_t c = 0; c < n; c++) {
		widths[c] = width(names[c]);
		json_array_foreach(rows, i, row)
		{
			render(json_object_get(row, names[c]), cell, sizeof(cell));
			if (width(cell) > widths[c])
				widths[c] = width(cell);
		}
	}
	print_row(NULL, names, widths, n);
	json_array_foreach(rows, i, row) print_row(row, names, widths, n);
}

static void print_object(json_t *o)
{
	const char *key;
	char cell[CELL_MAX];
	int widest = 0;
	json_t *v;

	json_object_foreach(o, key, v)
	{
		if (width(key) > widest)
			widest = width(key);
	}
	json_object_foreach(o, key, v)
	{
		if (is_table(v)) {
			printf("%s:\n", key);
			print_table(v);
			continue;
		}
		render(v, cell, sizeof(cell));
		printf("%-*s  %s\n", widest, key, cell);
	}
}

void stoactl_print(json_t *data)
{
	json_t *text = json_object_get(data, "text"), *items = json_object_get(data, "items");
	char cell[CELL_MAX];

	if (json_is_string(text)) {
		const char *s = json_string_value(text);

		printf("%s%s", s, *s && s[strlen(s) - 1] != '\n' ? "\n" : "");
	} else if (is_table(data)) {
		print_table(data);
	} else if (is_table(items)) {
		print_table(items);
	} else if (json_is_array(data) || json_is_array(items)) {
		puts("(none)");
	} else if (json_is_object(data)) {
		print_object(data);
	} else if (data && !json_is_null(data)) {
		render(data, cell, sizeof(cell));
		puts(cell);
	}
}
