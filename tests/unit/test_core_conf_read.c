/* SPDX-License-Identifier: Apache-2.0 */
/* Restricted YAML: what is read, what is refused, and what the refusal says and where. */
#include "conf_support.h"

#include <errno.h>

static struct conf_source *source;
static struct stoa_errors *errors;
static char *told;

static struct conf_node *read_bytes(const char *text, size_t n, int want)
{
	struct conf_node *node = NULL;
	int r;

	source = source_new("f", text, n);
	errors = errors_new();
	r = conf_read(source, 0, false, errors, &node);
	CHECK_INT(r, want);
	told = findings(errors);
	return node;
}

static void done(struct conf_node *node)
{
	node_free(node);
	errors_free(errors);
	source_free(source);
	free(told);
}

static struct conf_node *read_good(const char *text)
{
	struct conf_node *n = read_bytes(text, strlen(text), 0);

	CHECK_STR(told, "");
	return n;
}

/* One finding that begins with `want`, e.g. "f:2:3: error: `x` is here". */
static void refuse(const char *text, const char *want)
{
	struct conf_node *n;
	struct conf_source *s = source_new("f", text, strlen(text));
	struct stoa_errors *e = errors_new();
	char *t;

	n = NULL;
	(void)conf_read(s, 0, false, e, &n);
	t = findings(e);
	if (strncmp(t, want, strlen(want)) != 0)
		fprintf(stderr, "wanted %s\n   got %s", want, t);
	CHECK(strncmp(t, want, strlen(want)) == 0);
	CHECK_INT(errors_count(e), 1);
	free(t);
	node_free(n);
	errors_free(e);
	source_free(s);
}

static void test_values(void)
{
	struct conf_node *n = read_good("a: no\nb: 012\nc: '~'\nd: ~\ne:\nf: \"x\\ty\"\n"
					"g: [1, 'two', three]\nh: {i: {j: k}}\nl: 1:20\n");

	CHECK_STR(node_find(n, "a")->text, "no");
	CHECK_STR(node_find(n, "b")->text, "012");
	CHECK_STR(node_find(n, "l")->text, "1:20");
	CHECK_INT(node_find(n, "c")->kind, CONF_SCALAR);
	CHECK_INT(node_find(n, "d")->kind, CONF_RESET);
	CHECK(!node_get(n, "d"));
	CHECK(node_is_empty(node_find(n, "e")));
	CHECK_STR(node_find(n, "f")->text, "x\ty");
	CHECK_INT(node_find(n, "g")->child_n, 3);
	CHECK_STR(node_find(n, "g")->child[1]->text, "two");
	CHECK_STR(node_find(node_find(node_find(n, "h"), "i"), "j")->text, "k");
	done(n);
}

static void test_places(void)
{
	struct conf_node *n = read_good("# top\na:\n  b: \xc3\xa4\n  \xc3\xa4:  x\n"), *a;

	a = node_find(n, "a");
	CHECK_INT(a->key_at.line, 2);
	CHECK_INT(node_find(a, "b")->at.line, 3);
	CHECK_INT(node_find(a, "b")->at.col, 6);
	CHECK_INT(node_find(a, "\xc3\xa4")->at.col, 7); /* code points, not bytes */
	done(n);
}

static void test_nothing(void)
{
	CHECK(!read_good(""));
	done(NULL);
	CHECK(!read_good("# only a comment\n"));
	done(NULL);
	CHECK(!read_good("---\n"));
	done(NULL);
}

static void test_json(void)
{
	struct conf_node *n = read_good("{\"core\": {\"log-level\": \"info\", \"n\": [1, true]}}");

	CHECK_STR(node_find(node_find(n, "core"), "log-level")->text, "info");
	done(n);
}

static void test_refused_features(void)
{
	refuse("a: &x 1\n", "f:1:4: error: anchors (&x) are not allowed");
	refuse("a: *x\n", "f:1:4: error: aliases (*x) are not allowed");
	refuse("a: !!int 1\n", "f:1:4: error: tags (tag:yaml.org,2002:int) are not allowed");
	refuse("<<: {a: b}\n", "f:1:1: error: merge keys (<<) are not allowed");
	refuse("a: b\n---\nc: d\n", "f:2:1: error: a second document (---)");
	refuse("%YAML 1.1\n---\na: b\n", "f:1:1: error: directives");
	refuse("? [a]\n: b\n", "f:1:3: error: a key must be a word");
	refuse("a: {b: {c: {d: {e: {f: {g: h}}}}}}\n", "f:1:24: error: maps and lists are nested");
	refuse("- a\n", "f:1:1: error: a file of configuration is a map");
	refuse("load:yes\n", "f:1:1: error: a file of configuration is a map");
	refuse("a: 1\nb: 2\na: 3\n",
	       "f:3:1: error: `a` is here a second time (first in line 1): remove one");
	refuse("\"\": 1\n", "f:1:1: error: a key has 1 to 128");
	refuse("a: \"x\\0y\"\n", "f:1:4: error: a NUL byte");
}

static void test_refused_syntax(void)
{
	refuse("a:\n\tb: 1\n", "f:2:1: error: tabs cannot indent YAML: use spaces");
	refuse("a: *:7880\n", "f:1:4: error: put a value that begins with * or & in quotes");
	refuse("a: [::1]:7880\n", "f:1:5: error: this is no list item");
	refuse("a: b: c\n", "f:1:5: error: a second `key: value` on one line");
	refuse("a:\n  b: 1\n c: 2\n", "f:3:2: error: expected `key: value` here");
	refuse("a:\n  b:1\n  c: 2\n", "f:2:3: error: write a space after the colon");
	refuse("a: \"b\n", "f:1:4: error: this quote is never closed");
	refuse("a: [b\n", "f:1:4: error: this [ is never closed");
	refuse("a: {b: c\n", "f:1:4: error: this { is never closed");
	refuse("a: @b\n", "f:1:4: error: a value cannot begin with this character");
	refuse("a: `b\n", "f:1:4: error: a value cannot begin with this character");
	refuse("a: \"\\q\"\n", "f:1:5: error: unknown escape");
	refuse("a: 1\nb\nc: 2\n", "f:2:1: error: this is neither `key: value` nor `- item`");
	refuse("a: \x01\n", "f:1:4: error: a control character");
	refuse("a: 1\nb: \xff\n", "f:2:4: error: not UTF-8");
	refuse("a: %x\n", "f:1:4: error: a value cannot begin with this character");
}

/* A broken file keeps what came before; the text next to the breakage says nothing more. */
static void test_half_a_file(void)
{
	struct conf_node *n = read_bytes("a: 1\nb: 2\n c: 3\n", 16, -EINVAL);

	CHECK(n && node_find(n, "a"));
	CHECK_STR(node_find(n, "a")->text, "1");
	CHECK(!node_find(n, "b") || node_find(n, "b")->kind == CONF_BAD);
	done(n);
}

static void test_limits(void)
{
	struct stoa_buf b = { 0 };
	struct conf_node *n;

	for (int i = 0; i < CONF_ENTRIES_MAX + 1; i++)
		stoa_buf_addf(&b, "k%d: v\n", i);
	n = read_bytes(b.p, b.n, -EINVAL);
	CHECK_HAS(told, "keys in one map");
	CHECK_INT(n->child_n, CONF_ENTRIES_MAX);
	done(n);
	stoa_buf_clear(&b);
	stoa_buf_adds(&b, "a: [");
	for (int i = 0; i < CONF_ENTRIES_MAX + 1; i++)
		stoa_buf_adds(&b, "v,");
	stoa_buf_adds(&b, "]\n");
	n = read_bytes(b.p, b.n, -EINVAL);
	CHECK_HAS(told, "items in one list");
	done(n);
	stoa_buf_free(&b);
}

/* The caret stands below the column, counted in code points; a tab stays a tab. */
static void test_caret(void)
{
	struct conf_node *n = read_bytes("\xc3\xa4\xc3\xb6: {x: *y}\n", 14, 0);

	CHECK_HAS(told, "f:1:9: error: aliases");
	CHECK_HAS(told, "\n    \xc3\xa4\xc3\xb6: {x: *y}\n            ^\n");
	done(n);
}

int main(void)
{
	test_values();
	test_places();
	test_nothing();
	test_json();
	test_refused_features();
	test_refused_syntax();
	test_half_a_file();
	test_limits();
	test_caret();
	return check_done();
}
