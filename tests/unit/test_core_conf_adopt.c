/* SPDX-License-Identifier: Apache-2.0 */
/* Reload: what changed, what must wait for a restart, and that what is borrowed stays valid. */
#include "conf_support.h"

static struct conf_table *table;
static struct stoa_errors *errors;
static struct conf_snapshot *old, *next;

static void begin(const char *before, const char *after)
{
	char text[1024];

	errors = errors_new();
	snprintf(text, sizeof(text), "modules:\n  mod_all:\n    load: yes\n%s", before);
	old = check_text(text, table, errors);
	snprintf(text, sizeof(text), "modules:\n  mod_all:\n    load: yes\n%s", after);
	next = check_text(text, table, errors);
	CHECK_INT(errors_count(errors), 0);
	CHECK_INT(conf_adopt(next, old, errors), 0);
}

static void end(void)
{
	conf_snapshot_free(old);
	conf_snapshot_free(next);
	errors_free(errors);
}

static const struct stoa_conf *was(void)
{
	return conf_section(old, "mod_all");
}

static const struct stoa_conf *now(void)
{
	return conf_section(next, "mod_all");
}

/* The same values: the same object, so that borrowed strings outlive the old snapshot. */
static void test_unchanged(void)
{
	const char *title;

	begin("    title: mine\n", "    # a comment moves the line\n    title: mine\n");
	CHECK(!conf_changed(next, "mod_all"));
	CHECK(was() == now());
	title = stoa_conf_string(was(), "title");
	conf_snapshot_free(old);
	old = NULL;
	CHECK_STR(title, "mine");
	CHECK_STR(stoa_conf_string(now(), "title"), "mine");
	stoa_errors_add(errors, now(), "title", "still has a place");
	CHECK_INT(errors_warnings(errors), 0);
	end();
}

static void test_changed(void)
{
	begin("    title: mine\n    idle: 5s\n", "    title: yours\n    idle: 5s\n");
	CHECK(conf_changed(next, "mod_all"));
	CHECK(was() != now());
	CHECK_STR(stoa_conf_string(was(), "title"), "mine");
	CHECK_STR(stoa_conf_string(now(), "title"), "yours");
	CHECK_INT(stoa_conf_duration_ms(now(), "idle"), 5000);
	CHECK_INT(errors_warnings(errors), 0);
	end();
}

/* From set to default is a change; from default to the same value is none. */
static void test_defaults(void)
{
	begin("    idle: 5s\n", "");
	CHECK(conf_changed(next, "mod_all"));
	CHECK_INT(stoa_conf_duration_ms(now(), "idle"), 30000);
	end();
	begin("", "    idle: 30s\n");
	CHECK(!conf_changed(next, "mod_all"));
	end();
	begin("    idle: 60s\n", "    idle: 1m\n");
	CHECK(!conf_changed(next, "mod_all"));
	end();
}

static void test_needs_restart(void)
{
	struct stoa_buf dump = { 0 };
	char *told;

	begin("    listen: 127.0.0.1:1\n", "    listen: 127.0.0.1:2\n");
	CHECK(!conf_changed(next, "mod_all"));
	CHECK_STR(stoa_conf_string(now(), "listen"), "127.0.0.1:1");
	told = findings(errors);
	CHECK_HAS(told, "one.yaml:4:13: warning: `modules.mod_all.listen` needs restart");
	free(told);
	conf_dump(next, CONF_DUMP_CHANGED, &dump);
	CHECK_HAS(dump.p, "listen: 127.0.0.1:1");
	CHECK_HAS(dump.p, "one.yaml:4:13 says 127.0.0.1:2: needs restart\n");
	stoa_buf_free(&dump);
	end();
}

static void test_mixed(void)
{
	begin("    listen: 127.0.0.1:1\n    title: a\n", "    listen: 127.0.0.1:2\n    title: b\n");
	CHECK(conf_changed(next, "mod_all"));
	CHECK_STR(stoa_conf_string(now(), "listen"), "127.0.0.1:1");
	CHECK_STR(stoa_conf_string(now(), "title"), "b");
	CHECK_INT(errors_warnings(errors), 1);
	end();
}

/* What waits for a restart still waits after the next reload, and stops when the file takes it back. */
static void test_twice(void)
{
	struct conf_snapshot *third;

	begin("    listen: 127.0.0.1:1\n", "    listen: 127.0.0.1:2\n    title: b\n");
	third = check_text("modules:\n  mod_all:\n    load: yes\n    listen: 127.0.0.1:2\n"
			   "    title: c\n",
			   table, errors);
	CHECK_INT(conf_adopt(third, next, errors), 0);
	CHECK_INT(errors_warnings(errors), 2);
	CHECK_STR(stoa_conf_string(conf_section(third, "mod_all"), "listen"), "127.0.0.1:1");
	conf_snapshot_free(next);
	next = check_text("modules:\n  mod_all:\n    load: yes\n    listen: 127.0.0.1:1\n"
			  "    title: c\n",
			  table, errors);
	CHECK_INT(conf_adopt(next, third, errors), 0);
	CHECK_INT(errors_warnings(errors), 2);
	CHECK(!conf_changed(next, "mod_all"));
	conf_snapshot_free(third);
	end();
}

static void test_maps(void)
{
	const struct stoa_conf *low;

	/* entries come and go by the map's flag, which allows it */
	begin("    renditions: {low: {}}\n", "    renditions: {low: {}, mid: {height: 480}}\n");
	CHECK(conf_changed(next, "mod_all"));
	CHECK_INT(stoa_conf_map_len(now(), "renditions"), 2);
	end();
	/* height may change at run time, rate may not: then the whole map waits */
	begin("    renditions: {low: {height: 1}}\n", "    renditions: {low: {height: 2}}\n");
	CHECK(conf_changed(next, "mod_all"));
	end();
	begin("    renditions: {low: {rate: 1k}}\n",
	      "    renditions: {low: {rate: 2k}, mid: {}}\n    title: x\n");
	CHECK(conf_changed(next, "mod_all"));
	CHECK_INT(errors_warnings(errors), 1);
	CHECK_INT(stoa_conf_map_len(now(), "renditions"), 1);
	low = stoa_conf_map_get(now(), "renditions", 0, NULL);
	CHECK_INT(stoa_conf_rate(low, "rate"), 1000);
	conf_snapshot_free(old);
	old = NULL;
	stoa_errors_add(errors, low, "rate", "has a place though the old tree is gone");
	end();
}

static void test_lists_and_secrets(void)
{
	char options[700];

	begin("    origins: [a]\n", "    origins: [a, b]\n");
	CHECK(conf_changed(next, "mod_all"));
	end();
	chmod(scratch_file("key", "one\n"), 0600);
	snprintf(options, sizeof(options), "    key: file:%s/key\n", scratch_dir());
	begin(options, options);
	CHECK(!conf_changed(next, "mod_all"));
	conf_snapshot_free(next);
	chmod(scratch_file("key", "two\n"), 0600); /* the same file, another content */
	{
		char text[900];

		snprintf(text, sizeof(text), "modules:\n  mod_all:\n    load: yes\n%s", options);
		next = check_text(text, table, errors);
	}
	CHECK_INT(conf_adopt(next, old, errors), 0);
	CHECK(conf_changed(next, "mod_all"));
	CHECK_STR(stoa_conf_secret(now(), "key").p, "two");
	CHECK_STR(stoa_conf_secret(was(), "key").p, "one");
	end();
}

/* Modules are loaded at start only; load and required are no change of the module's own. */
static void test_coming_and_going(void)
{
	char *told;

	begin("", "    required: yes\n    log-level: debug\n");
	CHECK(!conf_changed(next, "mod_all"));
	CHECK_INT(errors_warnings(errors), 0);
	end();
	errors = errors_new();
	old = check_text("modules: {mod_all: {load: yes}}\n", table, errors);
	next = check_text("modules: {mod_other: {load: yes}}\n", table, errors);
	CHECK_INT(conf_adopt(next, old, errors), 0);
	told = findings(errors);
	CHECK_HAS(told,
		  "one.yaml:1:11: warning: mod_other needs restart: a module is loaded at start");
	CHECK_HAS(told, "warning: mod_all is no longer loaded by any file and needs restart");
	CHECK_INT(errors_warnings(errors), 2);
	free(told);
	end();
}

/* A module that is no longer loaded runs on with what it has, secrets too, until the restart. */
static void test_going_keeps_all(void)
{
	struct conf_snapshot *third;
	char text[900];

	chmod(scratch_file("key", "one\n"), 0600);
	snprintf(text, sizeof(text), "    title: a\n    key: file:%s/key\n", scratch_dir());
	begin(text, text);
	conf_snapshot_free(next);
	snprintf(text, sizeof(text),
		 "modules:\n  mod_all:\n    load: no\n    title: b\n"
		 "    key: file:%s/key\n",
		 scratch_dir());
	next = check_text(text, table, errors);
	CHECK_INT(conf_adopt(next, old, errors), 0);
	CHECK(!conf_changed(next, "mod_all"));
	CHECK(now() == was());
	CHECK_STR(stoa_conf_secret(now(), "key").p, "one");
	CHECK_INT(errors_warnings(errors), 1);
	/* and when the file takes it back, there is nothing to say but what else changed */
	snprintf(text, sizeof(text),
		 "modules:\n  mod_all:\n    load: yes\n    title: c\n"
		 "    key: file:%s/key\n",
		 scratch_dir());
	third = check_text(text, table, errors);
	CHECK_INT(conf_adopt(third, next, errors), 0);
	CHECK(conf_changed(third, "mod_all"));
	CHECK_STR(stoa_conf_string(conf_section(third, "mod_all"), "title"), "c");
	CHECK_INT(errors_warnings(errors), 1);
	conf_snapshot_free(third);
	end();
}

/* reload() failed: the module goes on with what it had. */
static void test_keep(void)
{
	const struct stoa_conf *kept;

	begin("    title: a\n", "    title: b\n");
	kept = was();
	conf_keep(next, old, "mod_all");
	conf_snapshot_free(old);
	old = NULL;
	CHECK(now() == kept);
	CHECK_STR(stoa_conf_string(kept, "title"), "a");
	end();
}

static void test_diff(void)
{
	struct stoa_buf diff = { 0 };

	begin("    title: a\n    origins: [x]\n",
	      "    title: b\n    listen: 127.0.0.1:9\n    origins: [x, y]\n");
	conf_diff(old, next, &diff);
	CHECK_HAS(diff.p, "modules.mod_all.title: a -> b (");
	CHECK_HAS(diff.p, "modules.mod_all.listen: 127.0.0.1:7880 -> 127.0.0.1:9 (");
	CHECK_HAS(diff.p, "one.yaml:5:13), needs restart\n");
	CHECK_HAS(diff.p, "modules.mod_all.origins: [x] -> [x, y] (");
	stoa_buf_free(&diff);
	end();
}

int main(void)
{
	table = all_table();
	test_unchanged();
	test_changed();
	test_defaults();
	test_needs_restart();
	test_mixed();
	test_twice();
	test_maps();
	test_lists_and_secrets();
	test_coming_and_going();
	test_going_keeps_all();
	test_keep();
	test_diff();
	conf_table_free(table);
	scratch_remove();
	return check_done();
}
