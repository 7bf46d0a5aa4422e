/* SPDX-License-Identifier: Apache-2.0 */
/* Checking against option tables: every getter, every kind of mistake, its place and its remedy; and
 * that one run shows them all. */
#include "conf_support.h"

#include <signal.h>
#include <sys/wait.h>

static struct conf_table *table;

/* The findings for the options of mod_all, which begin in line 3 at column 5. */
static char *check_options(const char *options, size_t errors, size_t warnings)
{
	struct stoa_errors *e = errors_new();
	struct stoa_buf b = { 0 };
	struct conf_snapshot *s;
	char *told;

	stoa_buf_addf(&b, "modules:\n  mod_all:\n%s", options);
	s = check_text(b.p, table, e);
	told = findings(e);
	if (errors_count(e) != errors || errors_warnings(e) != warnings)
		fprintf(stderr, "for:\n%s", options);
	CHECK_INT(errors_count(e), errors);
	CHECK_INT(errors_warnings(e), warnings);
	CHECK((conf_section(s, "mod_all") != NULL) == (errors == 0));
	conf_snapshot_free(s);
	errors_free(e);
	stoa_buf_free(&b);
	return told;
}

static void refuse(const char *options, const char *want)
{
	char *told = check_options(options, 1, 0);

	CHECK_HAS(told, want);
	free(told);
}

static void warn(const char *options, const char *want)
{
	char *told = check_options(options, 0, 1);

	CHECK_HAS(told, want);
	free(told);
}

static void test_defaults(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_text("modules:\n  mod_all: {load: yes}\n", table, e);
	const struct stoa_conf *c = conf_section(s, "mod_all");

	CHECK_INT(errors_count(e) + errors_warnings(e), 0);
	CHECK(c != NULL);
	CHECK_STR(stoa_conf_string(c, "listen"), "127.0.0.1:7880");
	CHECK_INT(stoa_conf_int(c, "max-connections"), 1000);
	CHECK_INT(stoa_conf_duration_ms(c, "idle"), 30000);
	CHECK_INT(stoa_conf_size(c, "buffer"), 65536);
	CHECK_INT(stoa_conf_rate(c, "rate"), 0);
	CHECK_STR(stoa_conf_string(c, "title"), "Stoa");
	CHECK_INT(stoa_conf_enum(c, "mode"), 0);
	CHECK_STR(stoa_conf_string(c, "mode"), "fast");
	CHECK_INT(stoa_conf_enum(c, "colour"), -1);
	CHECK_STR(stoa_conf_string(c, "colour"), "");
	CHECK_STR(stoa_conf_string(c, "files"), "/var/lib/stoa/files");
	CHECK_INT(stoa_conf_secret(c, "key").n, 0);
	CHECK_INT(stoa_conf_list_len(c, "origins"), 2);
	CHECK_STR(stoa_conf_list_get(c, "origins", 0), "a");
	CHECK_STR(stoa_conf_list_get(c, "origins", 1), "b");
	CHECK_INT(stoa_conf_map_len(c, "renditions"), 0);
	CHECK(!stoa_conf_bool(c, "tls"));
	CHECK(!stoa_conf_is_set(c, "tls"));
	CHECK(stoa_conf_is_set(c, "load"));
	conf_snapshot_free(s);
	errors_free(e);
}

static void test_unknown(void)
{
	refuse("    max-conections: 5\n",
	       "one.yaml:3:5: error: unknown option `max-conections`: did you mean "
	       "`max-connections`?\n        max-conections: 5\n        ^\n");
	refuse("    banana: 5\n",
	       "3:5: error: unknown option `banana`: remove it; `stoad --print-sample "
	       "mod_all` shows those there are");
	refuse("    renditions:\n      low: {hieght: 5}\n",
	       "4:13: error: unknown option `hieght`: did you mean `height`?");
}

static void test_types(void)
{
	refuse("    idle: 5\n", "3:11: error: `idle`: 5 has no unit");
	refuse("    idle: [5s]\n", "3:11: error: `idle`: a duration is expected, not a list");
	refuse("    idle: {a: 5s}\n", "3:11: error: `idle`: a duration is expected, not a map");
	refuse("    idle:\n", "3:10: error: `idle`: nothing stands behind the colon");
	refuse("    origins: x\n", "3:14: error: `origins`: a list is expected: write [x]");
	refuse("    origins:\n      a: b\n", "4:7: error: `origins`: a list is expected");
	refuse("    origins: [a, {b: c}]\n", "3:18: error: `origins`: each item");
	refuse("    origins: [a, ~]\n", "3:18: error: `origins`: each item");
	refuse("    renditions: [low]\n",
	       "3:17: error: `renditions`: a map of names is expected, not a list");
	refuse("    renditions: low\n", "3:17: error: `renditions`: a map of names is expected");
	refuse("    renditions:\n      low: 240\n",
	       "4:12: error: `low`: an entry is a map of options");
	refuse("    renditions:\n      low: {height: 0}\n",
	       "4:21: error: `height`: 0 is too small");
	refuse("    mode: fsat\n", "did you mean fast?");
	refuse("    load: maybe\n", "3:11: error: `load`: \"maybe\" is not a boolean");
	refuse("    log-level: verbose\n", "`log-level`: \"verbose\" is not one of error, warn");
	refuse("    load:yes\n",
	       "3:5: error: `modules.mod_all`: options are expected here: write a "
	       "space after the colon");
	refuse("    - load\n",
	       "`modules.mod_all`: options are expected here: write `key: value` lines");
}

static void test_old_names(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s;

	warn("    connections: 7\n",
	     "3:5: warning: `connections` is now called `max-connections`: rename it");
	refuse("    connections: 7\n    max-connections: 8\n",
	       "3:5: error: `connections` is the older name of `max-connections`, which is set "
	       "too");
	warn("    old-knob: 7\n", "3:5: warning: `old-knob` is deprecated: Does nothing any more.");
	s = check_text("modules:\n  mod_all: {connections: 7}\n", table, e);
	CHECK_INT(stoa_conf_int(conf_section(s, "mod_all"), "max-connections"), 7);
	conf_snapshot_free(s);
	errors_free(e);
}

static void test_required(void)
{
	static const struct stoa_opt opts[] = { { .key = "domain",
						  .type = STOA_OPT_STRING,
						  .flags = STOA_OPT_REQUIRED,
						  .doc = "The name clients know." },
						STOA_OPT_END };
	struct conf_table *t;
	static const struct {
		const char *text;
		size_t errors;
	} cases[] = {
		{ "modules:\n  mod_need:\n    load: yes\n", 1 },
		{ "modules:\n  mod_need:\n    load: yes\n    domain: ~\n", 1 },
		{ "modules:\n  mod_need:\n    load: yes\n    domain: x\n", 0 },
		{ "modules:\n  mod_need:\n    load: no\n", 0 },
		/* what is missing may stand in the part of the file that could not be read */
		{ "modules:\n  mod_need:\n    load: yes\n\tdomain: x\n", 1 },
	};

	CHECK_INT(conf_table_new("mod_need", "1", "Needs.", opts, sizeof(opts[0]), &t), 0);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(cases); i++) {
		struct stoa_errors *e = errors_new();
		struct conf_snapshot *s = check_text(cases[i].text, t, e);
		char *told = findings(e);

		CHECK_INT(errors_count(e), cases[i].errors);
		if (i < 2)
			CHECK_HAS(told, "one.yaml:2:3: error: modules.mod_need: `domain` must be "
					"set: The name clients know.");
		free(told);
		conf_snapshot_free(s);
		errors_free(e);
	}
	conf_table_free(t);
}

static void whole(const char *text, size_t errors, size_t warnings, const char *want)
{
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_text(text, table, e);
	char *told = findings(e);

	CHECK_INT(errors_count(e), errors);
	CHECK_INT(errors_warnings(e), warnings);
	CHECK_HAS(told, want);
	free(told);
	conf_snapshot_free(s);
	errors_free(e);
}

static void test_sections(void)
{
	whole("module:\n", 1, 0, "1:1: error: unknown section `module`: did you mean `modules`?");
	whole("banana:\n", 1, 0,
	      "1:1: error: unknown section `banana`: write core, modules or bind");
	whole("mod_all:\n  load: yes\n", 1, 0,
	      "1:1: error: `mod_all` stands at the top: indent it below `modules:`");
	whole("modules:\n  - mod_all\n", 1, 0, "a map of modules is expected");
	whole("modules: mod_all\n", 1, 0, "1:10: error: `modules`: a map of modules is expected");
	whole("modules:\ncore:\nbind:\n", 0, 0, "");
	whole("core: 5\n", 1, 0, "`core`: options are expected here");
	whole("core:\n  log-levl: info\n", 1, 0, "2:3: error: unknown option `log-levl`: did you");
	whole("core:\n  state-dir: here\n", 1, 0, "\"here\" is relative to nothing");
	whole("modules:\n  mod_al: {load: yes}\n", 1, 0,
	      "2:3: error: unknown module `mod_al`: did you mean `mod_all`?");
	whole("modules:\n  sfu: {load: yes}\n", 1, 0,
	      "2:3: error: unknown module `sfu`: the name of a module begins with mod_");
	whole("modules:\n  mod_hls: {load: yes, x: 1}\n", 0, 1,
	      "2:3: warning: mod_hls is not installed, its options are not checked: install the "
	      "package stoa-mod-hls");
	whole("modules:\n  mod_hls: {load: yes, required: yes}\n", 1, 0,
	      "2:3: error: mod_hls is required and not installed");
	whole("modules:\n  mod_third_party: {load: yes}\n", 0, 1, "install its module file");
}

static void test_bind(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_text("bind: {sql/0: mod_all, auth: mod_all}\n"
					     "modules: {mod_all: {load: yes}}\n",
					     table, e);
	struct conf_origin at;

	CHECK_INT(errors_count(e), 0);
	CHECK_STR(conf_tree_bind(conf_snapshot_tree(s), "sql/0", &at), "mod_all");
	CHECK_INT(at.col, 15);
	CHECK_STR(conf_tree_bind(conf_snapshot_tree(s), "auth/0", NULL), "mod_all");
	CHECK(!conf_tree_bind(conf_snapshot_tree(s), "http/0", NULL));
	conf_snapshot_free(s);
	errors_free(e);
	whole("bind: {sql: mod_al}\nmodules: {mod_all: {load: yes}}\n", 1, 0,
	      "1:13: error: `bind.sql`: mod_al is not among the `modules:`; did you mean mod_all?");
	whole("bind: {sql: [mod_all]}\n", 1, 0, "`bind.sql`: write the one module");
	whole("bind: [sql]\n", 1, 0, "`bind`: a map is expected");
}

static void test_modules_of_a_tree(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_layers l = { .config = scratch_file(
					 "m.yaml", "modules:\n  mod_b: {load: yes, required: on,"
						   " log-level: debug, x: 1}\n  mod_a:\n"
						   "  mod_c: ~\n  mod_d: {load: banana}\n") };
	struct conf_tree *t;
	struct conf_module m;

	CHECK_INT(conf_tree_load(&l, e, &t), 0);
	CHECK(conf_tree_module(t, 0, &m));
	CHECK_STR(m.name, "mod_a");
	CHECK(!m.load && !m.required && !m.has_options);
	CHECK(conf_tree_module(t, 1, &m));
	CHECK_STR(m.name, "mod_b");
	CHECK(m.load && m.required && m.has_options);
	CHECK_INT(m.log_level, 7);
	CHECK_INT(m.at.line, 2);
	CHECK(conf_tree_module(t, 2, &m));
	CHECK_STR(m.name, "mod_d");
	CHECK(!m.load);
	CHECK(!conf_tree_module(t, 3, &m));
	conf_tree_free(t);
	errors_free(e);
}

/* Everything in one run, in the order of the files. */
static void test_all_at_once(void)
{
	static const char *const wants[] = {
		"one.yaml:2:3:",  "one.yaml:5:11:",  "one.yaml:6:5:",
		"one.yaml:7:14:", "one.yaml:10:19:", "one.yaml:11:1:",
	};
	char *told = NULL, *p;
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_text("core:\n  log-levl: info\nmodules:\n  mod_all:\n"
					     "    mode: fsat\n    banana: 1\n    origins: x\n"
					     "    renditions:\n      low:\n          height: -1\n"
					     "banana: 1\n",
					     table, e);

	CHECK_INT(errors_count(e), STOA_ARRAY_SIZE(wants));
	p = told = findings(e);
	for (size_t i = 0; p && i < STOA_ARRAY_SIZE(wants); i++) {
		CHECK_HAS(p, wants[i]);
		p = strstr(p, wants[i]);
	}
	free(told);
	conf_snapshot_free(s);
	errors_free(e);
}

/* Far more mistakes than anybody reads: counted, not kept. */
static void test_flood(void)
{
	struct stoa_buf b = { 0 };
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s;
	char *told;

	stoa_buf_adds(&b, "modules:\n  mod_all:\n");
	for (int i = 0; i < 1000; i++)
		stoa_buf_addf(&b, "    banana%d: 1\n", i);
	s = check_text(b.p, table, e);
	told = findings(e);
	CHECK_INT(errors_count(e), 1000);
	CHECK_HAS(told, "and 800 more\n");
	free(told);
	conf_snapshot_free(s);
	errors_free(e);
	stoa_buf_free(&b);
}

/* What a module's check() adds points at the option, or at its section. */
static void test_modules_own_findings(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_text("modules:\n  mod_all:\n    load: yes\n    title: x\n"
					     "    renditions:\n      low: {height: 5}\n",
					     table, e);
	const struct stoa_conf *c = conf_section(s, "mod_all"), *low;
	json_t *j;
	char *told;

	low = stoa_conf_map_get(c, "renditions", 0, NULL);
	stoa_errors_add(e, c, "title", "%s is no title", stoa_conf_string(c, "title"));
	stoa_errors_add(e, c, "idle", "a default");
	stoa_errors_add(e, low, "height", "not five");
	stoa_errors_add(e, low, NULL, "the entry");
	told = findings(e);
	CHECK_HAS(told, "one.yaml:2:3: error: a default\n");
	CHECK_HAS(told,
		  "one.yaml:4:12: error: x is no title\n        title: x\n               ^\n");
	CHECK_HAS(told, "one.yaml:6:21: error: not five\n");
	CHECK_HAS(told, "one.yaml:6:7: error: the entry\n");
	CHECK_INT(errors_count(e), 4);
	j = errors_json(e);
	CHECK_INT(json_array_size(j), 4);
	CHECK_INT(json_integer_value(json_object_get(json_array_get(j, 1), "column")), 12);
	CHECK_STR(json_string_value(json_object_get(json_array_get(j, 1), "severity")), "error");
	json_decref(j);
	errors_collect(e);
	stoa_errors_add(NULL, c, "title", "in start()");
	CHECK_INT(errors_count(e), 5);
	free(told);
	conf_snapshot_free(s);
	errors_free(e); /* also lets go of being the collector */
	stoa_errors_add(NULL, NULL, NULL, "goes to the log");
}

static int ends_by(void (*fn)(const struct stoa_conf *), const struct stoa_conf *c)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fclose(stderr);
		fn(c);
		_exit(0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void ask_undeclared(const struct stoa_conf *c)
{
	(void)stoa_conf_int(c, "no-such-option");
}

static void ask_wrong_type(const struct stoa_conf *c)
{
	(void)stoa_conf_int(c, "title");
}

static void ask_undeclared_is_set(const struct stoa_conf *c)
{
	(void)stoa_conf_is_set(c, "no-such-option");
}

/* Debug builds abort, which keeps option tables complete; release builds answer 0. */
static void test_getters_of_what_is_not_declared(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_text("modules: {mod_all: {load: yes}}\n", table, e);
	const struct stoa_conf *c = conf_section(s, "mod_all");
#ifdef NDEBUG
	int want = 0;
#else
	int want = SIGABRT;
#endif

	CHECK_INT(ends_by(ask_undeclared, c), want);
	CHECK_INT(ends_by(ask_wrong_type, c), want);
	CHECK_INT(ends_by(ask_undeclared_is_set, c), want);
	CHECK(!conf_section(s, "mod_absent"));
	conf_snapshot_free(s);
	errors_free(e);
}

int main(void)
{
	table = all_table();
	test_defaults();
	test_unknown();
	test_types();
	test_old_names();
	test_required();
	test_sections();
	test_bind();
	test_modules_of_a_tree();
	test_all_at_once();
	test_flood();
	test_modules_own_findings();
	test_getters_of_what_is_not_declared();
	conf_table_free(table);
	scratch_remove();
	return check_done();
}
