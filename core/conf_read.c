/* SPDX-License-Identifier: Apache-2.0 */
/* Restricted YAML by libyaml's events: maps, lists and text, nothing else. Called for every file,
 * for the built-in layer and for --set values. Scalars stay text, so `no`, `012` and `1:20` mean
 * what the option's type says. Mistakes of structure are reported and reading goes on; a mistake of
 * syntax ends the file, since libyaml cannot go on. */
#include "conf_reader.h"

#include <errno.h>
#include <stdlib.h>

#define KEY_LEN_MAX 128

/* The next event; false when reading has stopped. Delete it. */
static bool next_event(struct reader *rd, yaml_event_t *ev)
{
	if (rd->r < 0)
		return false;
	if (!yaml_parser_parse(&rd->yaml, ev)) {
		reader_syntax(rd);
		return false;
	}
	return true;
}

static void stop(struct reader *rd, int r, yaml_mark_t mark, const char *why)
{
	struct conf_origin at = reader_place(rd, mark);

	rd->r = r;
	if (r != -ENOMEM)
		errors_at(rd->e, CONF_ERROR, &at, "%s", why);
}

/* Anchors and tags would give a value a meaning that is not written where it stands. */
static void refuse_decoration(struct reader *rd, const yaml_event_t *ev)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;
	struct conf_origin at = reader_place(rd, ev->start_mark);

	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		tag = ev->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		tag = ev->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		tag = ev->data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor)
		errors_at(rd->e, CONF_ERROR, &at,
			  "anchors (&%s) are not allowed: write the value where it is used; a text "
			  "that begins with & goes in quotes",
			  anchor);
	if (tag)
		errors_at(rd->e, CONF_ERROR, &at,
			  "tags (%s) are not allowed: the option knows its type; a text that "
			  "begins with ! goes in quotes",
			  tag);
}

static struct conf_node *read_scalar(struct reader *rd, const yaml_event_t *ev)
{
	struct conf_origin at = reader_place(rd, ev->start_mark);
	bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	const char *text = (const char *)ev->data.scalar.value;
	size_t n = ev->data.scalar.length;
	struct conf_node *node;

	if (plain && n == 1 && text[0] == '~')
		return node_new(CONF_RESET, &at);
	node = node_new(CONF_SCALAR, &at);
	if (!node)
		return NULL;
	node->plain = plain;
	node->n = n;
	node->text = malloc(n + 1);
	if (!node->text) {
		node_free(node);
		return NULL;
	}
	memcpy(node->text, text, n);
	node->text[n] = '\0';
	if (memchr(text, '\0', n)) {
		errors_at(rd->e, CONF_ERROR, &at, "a NUL byte in a text: remove the \\0");
		node->kind = CONF_BAD;
	}
	rd->last = node;
	return node;
}

static struct conf_node *read_node(struct reader *rd, yaml_event_t *ev, unsigned depth);

static void add_item(struct reader *rd, struct conf_node *list, struct conf_node *child)
{
	int r = node_append(list, child);

	if (r == 0)
		return;
	if (r == -E2BIG)
		errors_at(rd->e, CONF_ERROR, &child->at, "more than %d items in one list",
			  CONF_ENTRIES_MAX);
	rd->last = NULL;
	node_free(child);
	rd->r = r == -E2BIG ? -EINVAL : r;
}

static void read_list(struct reader *rd, struct conf_node *list, unsigned depth)
{
	yaml_event_t ev;
	bool end;

	while (next_event(rd, &ev)) {
		end = ev.type == YAML_SEQUENCE_END_EVENT;
		if (!end) {
			struct conf_node *child = read_node(rd, &ev, depth);

			if (child)
				add_item(rd, list, child);
		}
		yaml_event_delete(&ev);
		if (end)
			return;
	}
	list->kind = CONF_BAD; /* half of a list means nothing */
}

/* The key of an entry, yours to free; NULL when reading stopped. Odd keys are reported. */
static char *read_key(struct reader *rd, const yaml_event_t *ev)
{
	struct conf_origin at = reader_place(rd, ev->start_mark);
	const char *text;
	size_t n;
	char *key;

	if (ev->type != YAML_SCALAR_EVENT) {
		stop(rd, -EINVAL, ev->start_mark,
		     "a key must be a word: write `key: value`, and put a text that begins with "
		     "[, {, * or & in quotes");
		return NULL;
	}
	refuse_decoration(rd, ev);
	text = (const char *)ev->data.scalar.value;
	n = ev->data.scalar.length;
	if (n == 2 && memcmp(text, "<<", 2) == 0)
		errors_at(rd->e, CONF_ERROR, &at,
			  "merge keys (<<) are not allowed: later files override earlier ones");
	if (n == 0 || n > KEY_LEN_MAX || memchr(text, '\0', n)) {
		stop(rd, -EINVAL, ev->start_mark, "a key has 1 to 128 characters and no NUL");
		return NULL;
	}
	key = strndup(text, n);
	if (!key)
		rd->r = -ENOMEM;
	return key;
}

static void add_entry(struct reader *rd, struct conf_node *map, struct conf_node *child)
{
	int r = node_add(map, child);

	if (r == 0)
		return;
	if (r == -EEXIST)
		errors_at(rd->e, CONF_ERROR, &child->key_at,
			  "`%s` is here a second time (first in line %u): remove one of them",
			  child->key, node_find(map, child->key)->key_at.line);
	else if (r == -E2BIG)
		errors_at(rd->e, CONF_ERROR, &child->key_at, "more than %d keys in one map",
			  CONF_ENTRIES_MAX);
	rd->last = NULL;
	node_free(child);
	if (r != -EEXIST)
		rd->r = r == -E2BIG ? -EINVAL : r;
}

static void read_map(struct reader *rd, struct conf_node *map, unsigned depth)
{
	yaml_event_t ev;
	struct conf_node *child;
	char *key;

	while (next_event(rd, &ev)) {
		struct conf_origin key_at = reader_place(rd, ev.start_mark);
		bool end = ev.type == YAML_MAPPING_END_EVENT;

		key = end ? NULL : read_key(rd, &ev);
		yaml_event_delete(&ev);
		if (!key)
			return;
		if (!next_event(rd, &ev)) {
			free(key);
			return;
		}
		child = read_node(rd, &ev, depth);
		yaml_event_delete(&ev);
		if (!child) {
			free(key);
			return;
		}
		child->key = key;
		child->key_at = key_at;
		if (strcmp(key, "<<") == 0) { /* told */
			rd->last = NULL;
			node_free(child);
		} else {
			add_entry(rd, map, child);
		}
	}
}

/* The node that `ev` begins; NULL when reading stopped and nothing came of it. */
static struct conf_node *read_node(struct reader *rd, yaml_event_t *ev, unsigned depth)
{
	struct conf_origin at = reader_place(rd, ev->start_mark);
	struct conf_node *node = NULL;

	refuse_decoration(rd, ev);
	if (ev->type == YAML_SCALAR_EVENT) {
		node = read_scalar(rd, ev);
	} else if (ev->type == YAML_ALIAS_EVENT) {
		errors_at(rd->e, CONF_ERROR, &at,
			  "aliases (*%s) are not allowed: write the value here; a text that begins "
			  "with * goes in quotes",
			  ev->data.alias.anchor);
		node = node_new(CONF_BAD, &at);
	} else if (depth >= CONF_DEPTH_MAX) {
		stop(rd, -EINVAL, ev->start_mark,
		     "maps and lists are nested more than 6 deep: check the indentation");
		return NULL;
	} else if (ev->type == YAML_SEQUENCE_START_EVENT) {
		if ((node = node_new(CONF_LIST, &at)))
			read_list(rd, node, depth + 1);
	} else if (ev->type == YAML_MAPPING_START_EVENT) {
		if ((node = node_new(CONF_MAP, &at)))
			read_map(rd, node, depth + 1);
	}
	if (!node && rd->r == 0)
		rd->r = -ENOMEM;
	return node;
}

/* One document whose top is a map (or any value), nothing after it. */
static struct conf_node *read_stream(struct reader *rd, bool is_value)
{
	struct conf_node *top = NULL;
	unsigned documents = 0;
	yaml_event_t ev;
	bool end = false;

	while (!end && next_event(rd, &ev)) {
		end = ev.type == YAML_STREAM_END_EVENT;
		if (ev.type == YAML_DOCUMENT_START_EVENT) {
			if (ev.data.document_start.version_directive ||
			    ev.data.document_start.tag_directives.start !=
				    ev.data.document_start.tag_directives.end)
				stop(rd, -EINVAL, ev.start_mark,
				     "directives (%YAML, %TAG) are not allowed: remove the line");
			else if (documents++)
				stop(rd, -EINVAL, ev.start_mark,
				     "a second document (---) in one file: make it a file of its "
				     "own");
		} else if (ev.type == YAML_SCALAR_EVENT || ev.type == YAML_ALIAS_EVENT ||
			   ev.type == YAML_SEQUENCE_START_EVENT ||
			   ev.type == YAML_MAPPING_START_EVENT) {
			if (!is_value && ev.type == YAML_SCALAR_EVENT &&
			    ev.data.scalar.length == 0) {
				; /* `---` and nothing else */
			} else if (!is_value && ev.type != YAML_MAPPING_START_EVENT) {
				stop(rd, -EINVAL, ev.start_mark,
				     "a file of configuration is a map: begin with `modules:` or "
				     "`core:`, and put a space after each colon");
			} else {
				top = read_node(rd, &ev, 0);
			}
		}
		yaml_event_delete(&ev);
	}
	return top;
}

int conf_read(const struct conf_source *src, size_t off, bool is_value, struct stoa_errors *e,
	      struct conf_node **ret_node)
{
	struct reader rd = { .src = src, .off = off, .e = e };
	struct conf_node *top;

	if (!yaml_parser_initialize(&rd.yaml))
		return -ENOMEM;
	yaml_parser_set_encoding(&rd.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&rd.yaml, (const unsigned char *)src->text + off,
				     src->n - off);
	top = read_stream(&rd, is_value);
	yaml_parser_delete(&rd.yaml);
	if (rd.r == -ENOMEM) {
		node_free(top);
		return -ENOMEM;
	}
	*ret_node = top;
	return rd.r;
}
