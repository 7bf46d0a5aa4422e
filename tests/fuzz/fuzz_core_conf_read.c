/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as a file of configuration: read, merged over itself, checked against a table with every
 * type, dumped, and the dump read again. Whatever the bytes are, the dump of what was accepted must
 * be acceptable and give the same dump. */
#include <stdint.h>
#include <stdlib.h>

#include "conf_section.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const modes[] = { "fast", "slow", NULL };
static const struct stoa_opt items[] = {
	{ .key = "height", .type = STOA_OPT_INT, .dflt = "720", .max = 4320, .doc = "H." },
	{ .key = "inner", .type = STOA_OPT_LIST, .doc = "I." },
	STOA_OPT_END
};
static const struct stoa_opt options[] = {
	{ .key = "a", .type = STOA_OPT_ADDRESS, .dflt = "127.0.0.1:1", .doc = "A." },
	{ .key = "b", .type = STOA_OPT_BOOL, .dflt = "no", .doc = "B." },
	{ .key = "c", .type = STOA_OPT_SECRET, .doc = "C." },
	{ .key = "d", .type = STOA_OPT_DURATION, .dflt = "1s", .doc = "D." },
	{ .key = "e", .type = STOA_OPT_ENUM, .choices = modes, .doc = "E." },
	{ .key = "i", .type = STOA_OPT_INT, .min = -5, .max = 5, .was = "old", .doc = "I." },
	{ .key = "l", .type = STOA_OPT_LIST, .dflt = "x, y", .doc = "L." },
	{ .key = "m", .type = STOA_OPT_MAP, .item = items, .doc = "M." },
	{ .key = "p", .type = STOA_OPT_PATH, .dflt = "p", .doc = "P." },
	{ .key = "r", .type = STOA_OPT_RATE, .doc = "R." },
	{ .key = "s", .type = STOA_OPT_STRING, .max = 99, .doc = "S." },
	{ .key = "z", .type = STOA_OPT_SIZE, .doc = "Z." },
	STOA_OPT_END
};
static const char *const installed[] = { "mod_x" };

static struct conf_snapshot *check(const char *text, const char *set, const struct conf_table *t,
				   struct stoa_errors *e)
{
	struct conf_layers l = { .builtin = text, .no_files = true, .sets = &set, .sets_n = !!set };
	struct conf_snapshot *s = NULL;
	struct conf_tree *tree = NULL;

	if (conf_tree_load(&l, e, &tree) == 0)
		(void)conf_check(tree, &t, 1, installed, 1, e, &s);
	return s;
}

static void read_dump_again(const struct conf_snapshot *s, const struct conf_table *t)
{
	struct stoa_errors *e = errors_new();
	struct stoa_buf one = { 0 }, two = { 0 };
	struct conf_snapshot *again;

	conf_dump(s, CONF_DUMP_CHANGED, &one);
	again = check(one.p ? one.p : "", NULL, t, e);
	if (errors_count(e))
		abort();
	conf_dump(again, CONF_DUMP_CHANGED, &two);
	if (one.n != two.n || (one.n && memcmp(one.p, two.p, one.n) != 0))
		abort();
	stoa_buf_free(&one);
	stoa_buf_free(&two);
	conf_snapshot_free(again);
	errors_free(e);
}

/* The bytes as they are: they may hold NUL, which no C string has. */
static void read_raw(const uint8_t *data, size_t n)
{
	struct conf_source *src = source_new("f", (const char *)data, n);
	struct stoa_errors *e = errors_new();
	struct stoa_buf out = { 0 };
	struct conf_node *node = NULL;

	(void)conf_read(src, 0, false, e, &node);
	errors_print(e, &out);
	stoa_buf_free(&out);
	node_free(node);
	errors_free(e);
	source_free(src);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stoa_errors *e = errors_new();
	struct conf_table *t = NULL;
	struct stoa_buf text = { 0 }, out = { 0 };
	struct conf_snapshot *s, *next;

	if (n > 65536)
		return -1;
	read_raw(data, n);
	stoa_buf_add(&text, data, n);
	if (conf_table_new("mod_x", "1", "X.", options, sizeof(options[0]), &t) < 0)
		abort();
	s = check(text.p, NULL, t, e);
	if (s && errors_count(e) == 0 && !section_value(conf_section(s, "mod_x"), "c")->node)
		read_dump_again(s, t);
	next = check("modules: {mod_x: {load: yes, d: 5s}}", text.p, t, e); /* as --set */
	if (s && next)
		(void)conf_adopt(next, s, e);
	errors_print(e, &out);
	if (s)
		(void)conf_explain(s, text.p, &out);
	stoa_buf_free(&text);
	stoa_buf_free(&out);
	conf_snapshot_free(next);
	conf_snapshot_free(s);
	conf_table_free(t);
	errors_free(e);
	return 0;
}
