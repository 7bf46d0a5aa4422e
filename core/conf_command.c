/* SPDX-License-Identifier: Apache-2.0 */
/* `stoactl config …` on the daemon's side, and the two lists it shows: files, and what differs
 * between what is in force and what the files say. Called from the control socket. */
#include <errno.h>
#include <stdlib.h>

#include "conf_text.h"

void conf_paths(const struct conf_tree *t, struct stoa_buf *out)
{
	static const char *const states[] = {
		[CONF_FILE_READ] = "read",
		[CONF_FILE_MASKED] = "empty, masks others of its name",
		[CONF_FILE_HIDDEN] = "hidden by",
		[CONF_FILE_IGNORED] = "ignored: its name does not end in .yaml or .json",
	};

	for (size_t i = 0; i < t->file_n; i++)
		stoa_buf_addf(out, "%s: %s%s%s\n", t->file[i].path, states[t->file[i].state],
			      t->file[i].by ? " " : "", t->file[i].by ? t->file[i].by : "");
	if (t->file_n == 0)
		stoa_buf_adds(out, "no file: all options have their defaults\n");
}

static void diff_value(const struct stoa_conf *c, const struct conf_value *a,
		       const struct conf_value *b, struct stoa_buf *out)
{
	if (value_same(a, b))
		return;
	stoa_buf_addf(out, "%s.%s: ", c->path, a->opt->key);
	if (a->opt->type == STOA_OPT_MAP) {
		stoa_buf_adds(out, "entries differ");
	} else if (a->opt->type == STOA_OPT_SECRET && a->raw && b->raw &&
		   strcmp(a->raw, b->raw) == 0) {
		stoa_buf_adds(out, "the content of the secret differs");
	} else {
		stoa_buf_adds(out, value_is_set(a) ? "" : "unset");
		text_value(a, out);
		stoa_buf_adds(out, " -> ");
		stoa_buf_adds(out, value_is_set(b) ? "" : "unset");
		text_value(b, out);
	}
	if (b->node) {
		stoa_buf_adds(out, " (");
		text_origin(&b->node->at, out);
		stoa_buf_adds(out, ")");
	}
	stoa_buf_addf(out, "%s\n", a->opt->flags & STOA_OPT_RELOADABLE ? "" : ", needs restart");
}

void conf_diff(const struct conf_snapshot *a, const struct conf_snapshot *b, struct stoa_buf *out)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct stoa_conf *was = a->entry[i].conf, *now;
		const struct conf_section_entry *next = snapshot_entry(b, a->entry[i].table->name);

		if (!next) {
			stoa_buf_addf(out, "%s: no longer named, needs restart\n", was->path);
			continue;
		}
		now = next->fresh;
		for (size_t j = 0; j < was->n; j++)
			diff_value(was, &was->value[j], &now->value[j], out);
	}
}

static json_t *answer(struct stoa_buf *text, json_t *data)
{
	json_t *j = json_object();

	json_object_set_new(j, "text", json_string(text->p ? text->p : ""));
	if (data)
		json_object_set_new(j, "data", data);
	stoa_buf_free(text);
	return j;
}

static json_t *refuse(const char *why)
{
	return json_pack("{s:s}", "error", why);
}

static json_t *command_dump(const struct conf_snapshot *s, int argc, const char *const *argv)
{
	struct stoa_buf text = { 0 };
	uint32_t flags = 0;
	bool is_json = false;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--changed") == 0)
			flags |= CONF_DUMP_CHANGED;
		else if (strcmp(argv[i], "--origin") == 0)
			flags |= CONF_DUMP_ORIGIN;
		else if (strcmp(argv[i], "--json") == 0)
			is_json = true;
		else
			return refuse("config dump [--changed] [--origin] [--json]");
	}
	if (is_json) {
		json_t *data = conf_dump_json(s, flags);
		char *p = json_dumps(data, JSON_INDENT(2) | JSON_SORT_KEYS);

		stoa_buf_adds(&text, p ? p : "");
		stoa_buf_adds(&text, "\n");
		free(p);
		return answer(&text, data);
	}
	conf_dump(s, flags, &text);
	return answer(&text, NULL);
}

static json_t *command_explain(const struct conf_snapshot *s, int argc, const char *const *argv)
{
	struct stoa_buf text = { 0 };
	json_t *j;

	if (argc != 1)
		return refuse("config explain KEY, as in config explain mod_http.listen");
	if (conf_explain(s, argv[0], &text) == 0)
		return answer(&text, NULL);
	j = refuse(text.p ? text.p : "out of memory");
	stoa_buf_free(&text);
	return j;
}

json_t *conf_command(const struct conf_snapshot *s, const struct conf_snapshot *next, int argc,
		     const char *const *argv)
{
	struct stoa_buf text = { 0 };
	const char *verb = argc > 0 ? argv[0] : "";

	if (strcmp(verb, "dump") == 0)
		return command_dump(s, argc - 1, argv + 1);
	if (strcmp(verb, "explain") == 0)
		return command_explain(s, argc - 1, argv + 1);
	if (strcmp(verb, "paths") == 0) {
		conf_paths(s->tree, &text);
		return answer(&text, NULL);
	}
	if (strcmp(verb, "diff") == 0 && next) {
		conf_diff(s, next, &text);
		return answer(&text, NULL);
	}
	return refuse("config paths | dump [--changed] [--origin] [--json] | explain KEY | diff");
}
