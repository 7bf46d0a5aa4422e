/* SPDX-License-Identifier: Apache-2.0 */
/* --set key=value: the highest layer, one source per argument, so that mistakes in it are shown
 * like those in files. Also reads the dotted keys of `config explain`. */
#include "conf_node.h"

#include <errno.h>
#include <stdlib.h>

/* One part of a dotted key; "…" quotes a part with dots. NULL: malformed, or no memory. */
static char *take_part(const char **p)
{
	const char *start = *p, *end;
	bool is_quoted = *start == '"';

	end = is_quoted ? strchr(++start, '"') : start + strcspn(start, ".=");
	if (!end || end == start)
		return NULL;
	*p = is_quoted ? end + 1 : end;
	return strndup(start, (size_t)(end - start));
}

static int add_part(struct conf_key *k, char *part_take, size_t offset)
{
	if (!part_take)
		return -EINVAL;
	if (k->n == STOA_ARRAY_SIZE(k->part)) {
		free(part_take);
		return -EINVAL;
	}
	k->part[k->n] = part_take;
	k->col[k->n++] = (uint32_t)offset + 1;
	return 0;
}

int key_parse(const char *text, struct conf_key *k, const char **ret_end)
{
	const char *p = text;
	int r = 0;

	*k = (struct conf_key){ .n = 0 };
	if (strncmp(text, "mod_", 4) == 0)
		r = add_part(k, strdup("modules"), 0);
	while (r == 0) {
		const char *start = p;

		r = add_part(k, take_part(&p), (size_t)(start - text));
		if (*p != '.')
			break;
		p++;
	}
	if (r < 0)
		key_clear(k);
	*ret_end = p;
	return r;
}

void key_clear(struct conf_key *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->part[i]);
	k->n = 0;
}

/* The value behind the `=`: text as it stands, or YAML if it begins like YAML. */
static int read_value(const struct conf_source *s, size_t off, struct stoa_errors *e,
		      struct conf_node **ret_node)
{
	const char *text = s->text + off;
	struct conf_origin at = { s, 1, (uint32_t)off + 1 };
	struct conf_node *n;

	if (text[0] && (strchr("[{\"'", text[0]) || strcmp(text, "~") == 0))
		return conf_read(s, off, true, e, ret_node);
	n = node_new(CONF_SCALAR, &at);
	if (!n)
		return -ENOMEM;
	n->text = strdup(text);
	if (!n->text) {
		node_free(n);
		return -ENOMEM;
	}
	n->n = strlen(text);
	*ret_node = n;
	return 0;
}

/* Maps around the value, one per part of the key, merged into the tree. */
static int merge_value(const struct conf_source *s, struct conf_key *k,
		       struct conf_node *value_take, struct conf_tree *t)
{
	struct conf_node *value = value_take;

	while (k->n) {
		struct conf_origin at = { s, 1, k->col[--k->n] };
		struct conf_node *map = node_new(CONF_MAP, &at);
		int r;

		value->key = k->part[k->n];
		value->key_at = at;
		r = map ? node_add(map, value) : -ENOMEM;
		if (r < 0) {
			node_free(value);
			node_free(map);
			return r;
		}
		value = map;
	}
	return node_merge(t->top, value);
}

int set_read(const char *arg, struct conf_tree *t, struct stoa_errors *e)
{
	struct conf_source *s = source_new("--set", arg, strlen(arg));
	struct conf_node *value = NULL;
	struct conf_key key;
	const char *end;
	int r = s ? tree_keep_source(t, s) : -ENOMEM;

	if (r < 0)
		return r;
	s->is_argument = true;
	if (key_parse(s->text, &key, &end) < 0 || *end != '=') {
		errors_at(e, CONF_ERROR,
			  &(struct conf_origin){ s, 1, (uint32_t)(end - s->text) + 1 },
			  "write --set key=value, as in --set mod_http.listen=127.0.0.1:7880");
		key_clear(&key);
		return 0;
	}
	r = read_value(s, (size_t)(end + 1 - s->text), e, &value);
	if (r == 0 && value)
		r = merge_value(s, &key, value, t);
	else
		node_free(value);
	key_clear(&key);
	return r == -ENOMEM ? r : 0; /* what else went wrong has been told */
}
