/* SPDX-License-Identifier: Apache-2.0 */
/* What is made from the option tables: sample, manual, schema, help, dump, explain; and that it can
 * be read back. */
#include "conf_support.h"

static struct conf_table *table;

static char *print(void (*fn)(const struct conf_table *, struct stoa_buf *),
		   const struct conf_table *t)
{
	struct stoa_buf b = { 0 };

	fn(t, &b);
	CHECK(!b.failed);
	return b.p;
}

/* No mistake in it, as it is and with every option switched on. */
static void check_sample(const struct conf_table *t)
{
	static const struct conf_layers none = { .no_files = true };
	char *sample = print(conf_print_sample, t), *p;
	struct stoa_errors *e = errors_new();
	struct conf_layers l = none;
	struct conf_snapshot *s;
	size_t set = 0;

	l.builtin = sample;
	s = check_layers(&l, t == conf_core_table() ? table : t, e);
	CHECK_INT(errors_count(e) + errors_warnings(e), 0);
	conf_snapshot_free(s);
	for (p = sample; (p = strchr(p, '#')); p++) {
		if (p[1] == ' ' && p[2] != ' ') {
			p = strchr(p, '\n');
			continue;
		}
		memmove(p, p + 1, strlen(p));
	}
	s = check_layers(&l, t == conf_core_table() ? table : t, e);
	p = findings(e);
	CHECK_HAS_NOT(p, "unknown option");
	for (size_t i = 0; i < t->n; i++) {
		const struct conf_section_entry *x = snapshot_entry(s, t->name);

		set += x->fresh->value[i].node != NULL;
	}
	CHECK_INT(set, t->n); /* all of them */
	free(p);
	conf_snapshot_free(s);
	errors_free(e);
	free(sample);
}

static void test_sample(void)
{
	char *sample = print(conf_print_sample, table);

	CHECK_HAS(sample, "# mod_all 1.2.3\n# Has an option of every type.\n");
	CHECK_HAS(sample, "modules:\n  mod_all:\n    load: yes\n");
	CHECK_HAS(sample, "\n    # How long a connection may be silent.\n"
			  "    # duration, 1s to 10m; default 30s\n    #idle: 30s\n");
	CHECK_HAS(sample, "    #origins: [a, b]\n");
	CHECK_HAS(sample, "    #renditions:\n    #  name:\n");
	CHECK_HAS(sample, "    #    height: 720\n");
	free(sample);
	check_sample(table);
	check_sample(conf_core_table());
}

static void test_man(void)
{
	char *man = print(conf_print_man, table);

	CHECK_HAS(man, ".TH STOA\\-MOD_ALL 5 ");
	CHECK_HAS(man, ".SH NAME\nstoa\\-mod_all \\- Has an option of every type\n");
	CHECK_HAS(man, ".TP\n.B max\\-connections\nHow many at most.\n");
	for (const char *p = man; *p; p = strchr(p, '\n') + 1)
		CHECK(*p != '\'' && strchr(p, '\n') != NULL);
	free(man);
}

static void test_help(void)
{
	char *help = print(conf_print_help, table);

	CHECK_HAS(help, "mod_all 1.2.3\n  Has an option of every type.\n");
	CHECK_HAS(help, "\nmode\n  How it works.\n  choice of fast, slow, off; default fast\n");
	CHECK_HAS(help, "    height (integer, 1 to 4320; default 720): Lines of the picture.\n");
	free(help);
}

static const json_t *at(const json_t *j, const char *a, const char *b, const char *c)
{
	j = json_object_get(j, a);
	j = b ? json_object_get(j, b) : j;
	return c ? json_object_get(j, c) : j;
}

static void test_schema(void)
{
	const struct conf_table *const tables[] = { table };
	json_t *schema = conf_schema(tables, 1);
	const json_t *top = at(schema, "properties", NULL, NULL);
	const json_t *all =
		at(at(top, "modules", "properties", "mod_all"), "properties", NULL, NULL);

	CHECK(json_is_false(at(schema, "additionalProperties", NULL, NULL)));
	CHECK(json_is_object(at(top, "core", "properties", "log-level")));
	CHECK_INT(json_object_size(all), table->n + 1); /* and the older name of one */
	CHECK_INT(json_integer_value(at(all, "max-connections", "maximum", NULL)), 100000);
	CHECK_STR(json_string_value(at(all, "idle", "default", NULL)), "30s");
	CHECK(json_is_true(at(all, "connections", "deprecated", NULL)));
	CHECK(json_is_true(at(all, "old-knob", "deprecated", NULL)));
	CHECK(json_is_object(at(all, "renditions", "additionalProperties", "properties")));
	CHECK_INT(json_array_size(at(all, "mode", "enum", NULL)), 4);
	CHECK_STR(json_string_value(at(all, "tls", "description", NULL)),
		  "Whether it is encrypted.");
	json_decref(schema);
}

static const char full[] = "core:\n  log-level: debug\nbind:\n  sql/0: mod_all\n"
			   "modules:\n  mod_all:\n    load: yes\n    listen: \"[::1]:80\"\n"
			   "    title: \"a: b #'\\\"\\\\\"\n    origins: [\"*\", \"x, y\", z]\n"
			   "    idle: 60s\n    tls: on\n    mode: slow\n    max-connections: 1000\n"
			   "    renditions:\n      low: {height: 240}\n      \"odd: name\": {}\n";

/* A dump read back gives the same dump, in YAML and in JSON. */
static void test_dump_round_trip(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_text(full, table, e), *again;
	struct stoa_buf one = { 0 }, two = { 0 };
	json_t *j = conf_dump_json(s, 0);
	char *text = json_dumps(j, JSON_INDENT(1));

	conf_dump(s, 0, &one);
	again = check_text(one.p, table, e);
	conf_dump(again, 0, &two);
	CHECK_STR(two.p, one.p);
	conf_snapshot_free(again);
	stoa_buf_clear(&two);
	again = check_text(text, table, e);
	conf_dump(again, 0, &two);
	CHECK_HAS(two.p, "title: \"a: b #'\\\"\\\\\"\n");
	CHECK_HAS(two.p, "origins: [\"*\", \"x, y\", z]\n");
	{
		json_t *k = conf_dump_json(again, 0);

		CHECK(json_equal(j, k));
		json_decref(k);
	}
	conf_snapshot_free(again);
	CHECK_INT(errors_count(e), 0);
	stoa_buf_free(&one);
	stoa_buf_free(&two);
	free(text);
	json_decref(j);
	conf_snapshot_free(s);
	errors_free(e);
}

static void test_dump_flags(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_text(full, table, e);
	struct stoa_buf b = { 0 };
	json_t *j;

	conf_dump(s, CONF_DUMP_CHANGED, &b);
	CHECK_HAS(b.p, "mode: slow");
	CHECK_HAS(b.p, "idle: 60s");
	CHECK_HAS_NOT(b.p, "max-connections"); /* set, but to its default */
	CHECK_HAS_NOT(b.p, "buffer");
	stoa_buf_clear(&b);
	conf_dump(s, CONF_DUMP_ORIGIN, &b);
	CHECK_HAS(b.p, "one.yaml:8:13\n");
	CHECK_HAS(b.p, "    buffer: 64K                             # default\n");
	stoa_buf_free(&b);
	j = conf_dump_json(s, CONF_DUMP_ORIGIN | CONF_DUMP_CHANGED);
	CHECK_STR(json_string_value(at(at(j, "modules", "mod_all", "mode"), "value", NULL, NULL)),
		  "slow");
	CHECK(!at(j, "modules", "mod_all", "max-connections"));
	json_decref(j);
	conf_snapshot_free(s);
	errors_free(e);
}

static void test_secret_is_not_dumped(void)
{
	struct stoa_errors *e = errors_new();
	struct stoa_buf b = { 0 };
	struct conf_snapshot *s;
	char text[700];
	json_t *j;
	char *p;

	chmod(scratch_file("key", "hunter2\n"), 0600);
	snprintf(text, sizeof(text), "modules:\n  mod_all:\n    load: yes\n    key: file:%s/key\n",
		 scratch_dir());
	s = check_text(text, table, e);
	CHECK_STR(stoa_conf_secret(conf_section(s, "mod_all"), "key").p, "hunter2");
	conf_dump(s, CONF_DUMP_ORIGIN, &b);
	conf_explain(s, "mod_all.key", &b);
	CHECK_HAS(b.p, "key: <file:/");
	CHECK_HAS_NOT(b.p, "hunter2");
	j = conf_dump_json(s, 0);
	p = json_dumps(j, 0);
	CHECK_HAS_NOT(p, "hunter2");
	free(p);
	json_decref(j);
	stoa_buf_free(&b);
	conf_snapshot_free(s);
	errors_free(e);
}

static void explain(const struct conf_snapshot *s, const char *key, bool found, const char *want)
{
	struct stoa_buf b = { 0 };

	CHECK_INT(conf_explain(s, key, &b) == 0, found);
	CHECK_HAS(b.p ? b.p : "", want);
	stoa_buf_free(&b);
}

static void test_explain(void)
{
	static const char *const sets[] = { "mod_all.title=from set" };
	struct conf_layers l = { .builtin = "modules: {mod_all: {title: built in, idle: ~}}",
				 .config = scratch_file("x.yaml", full),
				 .sets = sets,
				 .sets_n = 1 };
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_layers(&l, table, e);

	explain(s, "mod_all.title", true,
		"modules.mod_all.title = \"from set\"\n  from --set:1:15\n  hides ");
	explain(s, "mod_all.title", true, "  hides <builtin>:1:28: \"built in\"\n");
	explain(s, "modules.mod_all.idle", true, "  hides <builtin>:1:44: ~\n");
	explain(s, "mod_all.idle", true,
		"  duration, 1s to 10m; default 30s\n  How long a connection may be silent.\n");
	explain(s, "mod_all.buffer", true, "modules.mod_all.buffer = 64K\n  from default\n");
	explain(s, "mod_all.colour", true, "colour = unset\n");
	explain(s, "core.log-level", true, "core.log-level = debug\n");
	explain(s, "mod_all", true,
		"modules.mod_all\n  Has an option of every type.\n  load = yes\n");
	explain(s, "mod_all.renditions", true, "renditions = 2 entries\n");
	explain(s, "mod_all.renditions.low.height", true, "renditions.low.height = 240\n");
	explain(s, "mod_all.renditions.\"odd: name\".height", true, "height = 720\n");
	explain(s, "mod_all.renditions.no.height", false, "there is no `no` in renditions");
	explain(s, "mod_all.titel", false, "did you mean `title`?");
	explain(s, "mod_al.title", false,
		"there is no `mod_al` in modules; did you mean `mod_all`?");
	explain(s, "cor.x", false, "did you mean `core`?");
	explain(s, "", false, "write a key such as");
	explain(s, "core.", false, "write a key such as");
	explain(s, "modules", true, "modules.mod_all: Has an option of every type.\n");
	conf_snapshot_free(s);
	errors_free(e);
}

static void command(const struct conf_snapshot *s, const char *verb, const char *arg,
		    const char *member, const char *want)
{
	const char *argv[] = { verb, arg };
	json_t *j = conf_command(s, s, arg ? 2 : 1, argv);
	const char *text = json_string_value(json_object_get(j, member));

	CHECK_HAS(text ? text : "", want);
	json_decref(j);
}

static void test_command(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_text(full, table, e);

	command(s, "dump", NULL, "text", "modules:\n  mod_all:\n");
	command(s, "dump", "--origin", "text", "# default\n");
	command(s, "dump", "--json", "text", "\"mod_all\": {\n");
	command(s, "dump", "--bad", "error", "config dump [--changed]");
	command(s, "explain", "core.log-level", "text", "core.log-level = debug");
	command(s, "explain", "core.log-levl", "error", "did you mean `log-level`?");
	command(s, "explain", NULL, "error", "config explain KEY");
	command(s, "paths", NULL, "text", "one.yaml: read\n");
	command(s, "diff", NULL, "text", "");
	command(s, "banana", NULL, "error", "config paths | dump");
	conf_snapshot_free(s);
	errors_free(e);
}

/* The demonstration's layer has no mistake whatever is installed. */
static void test_builtin(void)
{
	static const char *const installed[] = { "mod_all", "mod_storage_pg" };
	struct stoa_errors *e = errors_new();
	struct stoa_buf b = { 0 };
	struct conf_layers l = { .no_files = true };
	struct conf_snapshot *s;

	conf_builtin_demo(installed, 2, 21000, "/keys", &b);
	CHECK_HAS_NOT(b.p, "mod_storage_pg");
	l.builtin = b.p;
	s = check_layers(&l, table, e);
	CHECK_INT(errors_count(e) + errors_warnings(e), 0);
	CHECK(stoa_conf_bool(conf_section(s, "mod_all"), "load"));
	conf_snapshot_free(s);
	errors_free(e);
	stoa_buf_free(&b);
}

int main(void)
{
	table = all_table();
	test_sample();
	test_man();
	test_help();
	test_schema();
	test_dump_round_trip();
	test_dump_flags();
	test_secret_is_not_dumped();
	test_explain();
	test_command();
	test_builtin();
	conf_table_free(table);
	scratch_remove();
	return check_done();
}
