/* SPDX-License-Identifier: Apache-2.0 */
/* Layers: order, merging, hiding, masking, --set, --config, --root, and files that cannot be read. */
#include "conf_support.h"

static struct conf_table *table;

static struct conf_snapshot *read_root(const char *const *sets, size_t n, struct stoa_errors *e)
{
	struct conf_layers l = { .root = scratch_dir(), .sets = sets, .sets_n = n };

	return check_layers(&l, table, e);
}

static const struct stoa_conf *section(const struct conf_snapshot *s)
{
	const struct stoa_conf *c = conf_section(s, "mod_all");

	if (!c)
		exit(2);
	return c;
}

/* Each layer sets one more option than the next higher one overrides. */
static void test_order(void)
{
	static const char *const files[] = {
		"usr/share/stoa/stoa.yaml",  "usr/share/stoa/conf.d/90-x.yaml",
		"etc/stoa/stoa.yaml",        "run/stoa/conf.d/90-y.yaml",
		"etc/stoa/conf.d/10-z.yaml",
	};
	static const char *const keys[] = { "title",           "mode", "idle", "buffer",
					    "max-connections", "rate" };
	static const char *const values[] = { "t", "slow", "7s", "7K", "7", "7k" };
	const char *set = "mod_all.rate=9k";
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s;
	struct stoa_buf paths = { 0 };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(files); i++) {
		struct stoa_buf b = { 0 };

		stoa_buf_adds(&b, "modules:\n  mod_all:\n");
		for (size_t j = i; j < STOA_ARRAY_SIZE(keys); j++)
			stoa_buf_addf(&b, "    %s: %s\n", keys[j],
				      j == i  ? values[j]
				      : j < 3 ? "off"
					      : "1000");
		if (i == 0) /* `title: t` and the rest junk-valued, each mended by a later layer */
			stoa_buf_adds(&b, "    load: yes\n");
		scratch_file(files[i], b.p);
		stoa_buf_free(&b);
	}
	s = read_root(&set, 1, e);
	CHECK_INT(errors_count(e), 0);
	CHECK_STR(stoa_conf_string(section(s), "title"), "t");
	CHECK_STR(stoa_conf_string(section(s), "mode"), "slow");
	CHECK_INT(stoa_conf_duration_ms(section(s), "idle"), 7000);
	CHECK_INT(stoa_conf_size(section(s), "buffer"), 7168);
	CHECK_INT(stoa_conf_int(section(s), "max-connections"), 7);
	CHECK_INT(stoa_conf_rate(section(s), "rate"), 9000);
	CHECK(stoa_conf_bool(section(s), "load"));
	conf_paths(conf_snapshot_tree(s), &paths);
	CHECK_HAS(paths.p, "usr/share/stoa/stoa.yaml: read\n");
	stoa_buf_free(&paths);
	conf_snapshot_free(s);
	errors_free(e);
	scratch_remove();
}

static void test_hiding_and_masking(void)
{
	struct stoa_errors *e = errors_new();
	struct stoa_buf paths = { 0 };
	struct conf_snapshot *s;
	char path[600];

	scratch_file("usr/share/stoa/conf.d/10-a.yaml", "modules:\n  mod_all:\n    title: vendor\n"
							"    buffer: 1K\n");
	scratch_file("etc/stoa/conf.d/10-a.yaml", "modules:\n  mod_all:\n    title: admin\n");
	scratch_file("usr/share/stoa/conf.d/20-b.yaml", "modules:\n  mod_all:\n    mode: off\n");
	scratch_file("run/stoa/conf.d/20-b.yaml", "modules:\n  mod_all:\n    mode: slow\n");
	snprintf(path, sizeof(path), "%s/etc/stoa/conf.d/20-b.yaml", scratch_dir());
	CHECK_INT(symlink("/dev/null", path), 0);
	scratch_file("usr/share/stoa/conf.d/30-c.yaml", "modules:\n  mod_all:\n    idle: 7s\n");
	scratch_file("etc/stoa/conf.d/30-c.yaml", "");
	scratch_file("etc/stoa/conf.d/40-d.yaml~", "rubbish");
	scratch_file("etc/stoa/conf.d/.hidden.yaml", "rubbish");
	scratch_file("etc/stoa/conf.d/README", "rubbish");
	scratch_file("etc/stoa/conf.d/50-e.json",
		     "{\"modules\": {\"mod_all\": {\"rate\": \"1k\"}}}");
	s = read_root(NULL, 0, e);
	CHECK_INT(errors_count(e), 0);
	CHECK_STR(stoa_conf_string(section(s), "title"), "admin");
	CHECK_INT(stoa_conf_size(section(s), "buffer"),
		  65536); /* the vendor's file is hidden whole */
	CHECK_STR(stoa_conf_string(section(s), "mode"), "fast");
	CHECK_INT(stoa_conf_duration_ms(section(s), "idle"), 30000);
	CHECK_INT(stoa_conf_rate(section(s), "rate"), 1000);
	conf_paths(conf_snapshot_tree(s), &paths);
	CHECK_HAS(paths.p, "usr/share/stoa/conf.d/10-a.yaml: hidden by ");
	CHECK_HAS(paths.p, "etc/stoa/conf.d/20-b.yaml: empty, masks others of its name\n");
	CHECK_HAS(paths.p, "etc/stoa/conf.d/30-c.yaml: empty");
	CHECK_HAS(paths.p, "40-d.yaml~: ignored");
	CHECK_HAS_NOT(paths.p, ".hidden");
	stoa_buf_free(&paths);
	conf_snapshot_free(s);
	errors_free(e);
	scratch_remove();
}

static void test_merging(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s;
	const struct stoa_conf *low;
	const char *name;

	scratch_file("etc/stoa/stoa.yaml",
		     "modules:\n  mod_all:\n    origins: [x, y, z]\n    title: mine\n"
		     "    renditions:\n      low: {height: 240}\n      mid: {height: 480}\n"
		     "      high:\n  mod_other:\n    load: yes\n");
	scratch_file("etc/stoa/conf.d/50-a.yaml",
		     "modules:\n  mod_all:\n    origins: [only]\n    title: ~\n"
		     "    renditions:\n      low: {rate: 100k}\n      mid: ~\n  mod_other: ~\n");
	s = read_root(NULL, 0, e);
	CHECK_INT(errors_count(e) + errors_warnings(e), 0);
	CHECK_INT(stoa_conf_list_len(section(s), "origins"), 1);
	CHECK_STR(stoa_conf_list_get(section(s), "origins", 0), "only");
	CHECK(!stoa_conf_list_get(section(s), "origins", 1));
	CHECK_STR(stoa_conf_string(section(s), "title"), "Stoa"); /* ~ is the default */
	CHECK(!stoa_conf_is_set(section(s), "title"));
	CHECK_INT(stoa_conf_map_len(section(s), "renditions"), 2);
	stoa_conf_map_get(section(s), "renditions", 0, &name);
	CHECK_STR(name, "high");
	low = stoa_conf_map_get(section(s), "renditions", 1, &name);
	CHECK_STR(name, "low");
	CHECK_INT(stoa_conf_int(low, "height"), 240);
	CHECK_INT(stoa_conf_rate(low, "rate"), 100000);
	CHECK(!stoa_conf_map_get(section(s), "renditions", 2, &name));
	conf_snapshot_free(s);
	errors_free(e);
	scratch_remove();
}

static void test_set(void)
{
	static const char *const sets[] = {
		"mod_all.title=a=b: [c",
		"modules.mod_all.origins=[p, \"q r\"]",
		"mod_all.renditions.low.height=99",
		"mod_all.renditions.\"x.y\".height=7",
		"core.log-level=debug",
		"mod_all.idle=~",
		"mod_all.listen=*:80",
	};
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s;
	const char *name;
	char *told;

	scratch_file("etc/stoa/stoa.yaml", "modules:\n  mod_all:\n    idle: 9s\n");
	s = read_root(sets, STOA_ARRAY_SIZE(sets), e);
	told = findings(e);
	CHECK_STR(told, "");
	free(told);
	CHECK_STR(stoa_conf_string(section(s), "title"), "a=b: [c");
	CHECK_INT(stoa_conf_list_len(section(s), "origins"), 2);
	CHECK_STR(stoa_conf_list_get(section(s), "origins", 1), "q r");
	CHECK_INT(stoa_conf_map_len(section(s), "renditions"), 2);
	stoa_conf_map_get(section(s), "renditions", 1, &name);
	CHECK_STR(name, "x.y");
	CHECK_STR(stoa_conf_string(conf_section(s, "core"), "log-level"), "debug");
	CHECK_INT(stoa_conf_duration_ms(section(s), "idle"), 30000);
	CHECK_STR(stoa_conf_string(section(s), "listen"), "*:80");
	conf_snapshot_free(s);
	errors_free(e);
	scratch_remove();
}

static void test_bad_set(void)
{
	static const char *const bad[] = { "core",      "=x",        ".x=1",
					   "core.=1",   "core..x=1", "a.b.c.d.e.f.g=1",
					   "core.\"x=1" };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		struct stoa_errors *e = errors_new();
		struct conf_snapshot *s = read_root(&bad[i], 1, e);
		char *told = findings(e);

		CHECK_INT(errors_count(e), 1);
		CHECK_HAS(told, "write --set key=value");
		free(told);
		conf_snapshot_free(s);
		errors_free(e);
	}
	scratch_remove();
}

static void test_config(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_layers l = { .builtin =
					 "modules:\n  mod_all:\n    title: built\n    idle: 8s\n" };
	struct conf_snapshot *s;

	scratch_file("own/stoa.yaml", "modules:\n  mod_all:\n    title: own\n");
	scratch_file("own/conf.d/10-x.yaml", "modules:\n  mod_all:\n    mode: slow\n");
	l.config = scratch_file("own/ignored.yaml", "rubbish");
	*strrchr(l.config, '/') = '\0';
	s = check_layers(&l, table, e);
	CHECK_INT(errors_count(e), 0);
	CHECK_STR(stoa_conf_string(section(s), "title"), "own");
	CHECK_STR(stoa_conf_string(section(s), "mode"), "slow");
	CHECK_INT(stoa_conf_duration_ms(section(s), "idle"), 8000);
	conf_snapshot_free(s);
	errors_free(e);
	scratch_remove();
}

static void expect(const struct conf_layers *l, const char *want)
{
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_layers(l, table, e);
	char *told = findings(e);

	CHECK_INT(errors_count(e), 1);
	CHECK_HAS(told, want);
	free(told);
	conf_snapshot_free(s);
	errors_free(e);
}

static void test_unreadable(void)
{
	struct conf_layers l = { .config = "/nonexistent/x.yaml" };
	struct stoa_buf b = { 0 };
	const char *path;

	expect(&l, "/nonexistent/x.yaml:1:1: error: the file cannot be read: No such file");
	for (unsigned i = 0; i < CONF_FILE_MAX; i += 16)
		stoa_buf_adds(&b, "# fifteen bytes\n");
	stoa_buf_adds(&b, "#");
	l.config = scratch_file("large.yaml", b.p);
	stoa_buf_free(&b);
	expect(&l, "large.yaml:1:1: error: the file is larger than 1 MiB: split it");
	l = (struct conf_layers){ .root = scratch_dir() };
	scratch_file("etc/stoa/conf.d/10-dir.yaml/x", "");
	expect(&l, "conf.d/10-dir.yaml:1:1: error: not a regular file");
	scratch_remove();
	l.root = scratch_dir();
	path = scratch_file("etc/stoa/conf.d/10-fifo.yaml", "");
	unlink(path);
	CHECK_INT(mkfifo(path, 0600), 0);
	expect(&l, "10-fifo.yaml:1:1: error: not a regular file"); /* and does not hang */
	scratch_remove();
	if (geteuid() == 0) {
		fprintf(stderr, "skipped: root can read every file\n");
		return;
	}
	l.root = scratch_dir();
	chmod(scratch_file("etc/stoa/stoa.yaml", "core:\n"), 0);
	expect(&l, "stoa.yaml:1:1: error: the file cannot be read: Permission denied");
	scratch_remove();
}

static void test_writable_by_all(void)
{
	struct conf_layers l = { .config = scratch_file("w.yaml", "core:\n") };
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s;
	char *told;

	chmod(l.config, 0646);
	s = check_layers(&l, table, e);
	told = findings(e);
	CHECK_INT(errors_count(e), 0);
	CHECK_HAS(told, "w.yaml:1:1: warning: everybody may write this file: chmod o-w");
	free(told);
	conf_snapshot_free(s);
	errors_free(e);
	scratch_remove();
}

static void test_many_files(void)
{
	struct conf_layers l = { .root = scratch_dir() };
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s;
	char name[64], *told;

	for (int i = 0; i < CONF_FILES_MAX + 1; i++) {
		snprintf(name, sizeof(name), "etc/stoa/conf.d/%04d.yaml", i);
		scratch_file(name, "core:\n");
	}
	s = check_layers(&l, table, e);
	told = findings(e);
	CHECK_INT(errors_count(e), 1);
	CHECK_HAS(told, "0512.yaml:1:1: error: more than 512 files");
	free(told);
	conf_snapshot_free(s);
	errors_free(e);
	scratch_remove();
}

int main(void)
{
	table = all_table();
	test_order();
	test_hiding_and_masking();
	test_merging();
	test_set();
	test_bad_set();
	test_config();
	test_unreadable();
	test_writable_by_all();
	test_many_files();
	conf_table_free(table);
	return check_done();
}
