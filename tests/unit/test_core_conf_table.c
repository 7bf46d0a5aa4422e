/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: older and newer strides, refused tables, lint, and the nearest name. */
#include "conf_support.h"

#include <errno.h>

/* What a module built against a later ABI hands over: the same members, and more behind. */
struct later_opt {
	struct stoa_opt opt;
	const char *more;
	int64_t even_more;
};

static void test_later_stride(void)
{
	static const struct later_opt items[] = {
		{ { .key = "height", .type = STOA_OPT_INT, .dflt = "5", .doc = "H." }, "x", 1 },
		{ { .key = NULL }, NULL, 0 },
	};
	static const struct later_opt opts[] = {
		{ { .key = "a", .type = STOA_OPT_INT, .dflt = "7", .doc = "A." }, "x", 1 },
		{ { .key = "m", .type = STOA_OPT_MAP, .item = &items[0].opt, .doc = "M." },
		  "x",
		  1 },
		{ { .key = "z", .type = STOA_OPT_STRING, .dflt = "end", .doc = "Z." }, "x", 1 },
		{ { .key = NULL }, NULL, 0 },
	};
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s;
	struct conf_table *t;

	CHECK_INT(conf_table_new("mod_later", "1", "Later.", &opts[0].opt, sizeof(opts[0]), &t), 0);
	s = check_text("modules:\n  mod_later: {load: yes, m: {x: {}}}\n", t, e);
	CHECK_INT(errors_count(e), 0);
	CHECK_INT(stoa_conf_int(conf_section(s, "mod_later"), "a"), 7);
	CHECK_STR(stoa_conf_string(conf_section(s, "mod_later"), "z"), "end");
	CHECK_INT(stoa_conf_int(stoa_conf_map_get(conf_section(s, "mod_later"), "m", 0, NULL),
				"height"),
		  5);
	conf_snapshot_free(s);
	conf_table_free(t);
	errors_free(e);
}

static void refuse(const struct stoa_opt *opts, uint32_t size)
{
	struct conf_table *t = NULL;

	CHECK_INT(conf_table_new("mod_bad", "1", "Bad.", opts, size, &t), -EINVAL);
	CHECK(!t);
}

static void test_refused(void)
{
	static const struct stoa_opt good[] = { { .key = "a", .type = STOA_OPT_INT, .doc = "A." },
						STOA_OPT_END };
	static const struct stoa_opt no_choices[] = {
		{ .key = "a", .type = STOA_OPT_ENUM, .doc = "A." }, STOA_OPT_END
	};
	static const struct stoa_opt no_item[] = {
		{ .key = "a", .type = STOA_OPT_MAP, .doc = "A." }, STOA_OPT_END
	};
	static const struct stoa_opt odd_type[] = {
		{ .key = "a", .type = (enum stoa_opt_type)99, .doc = "A." }, STOA_OPT_END
	};
	static struct stoa_opt endless[2]; /* contains itself */
	struct stoa_opt *flood = calloc(TABLE_LEN_MAX + 2, sizeof(*flood));

	endless[0] = (struct stoa_opt){ .key = "a", .type = STOA_OPT_MAP, .item = endless };
	refuse(good, sizeof(good[0]) - 8);
	refuse(good, 8);
	refuse(good, sizeof(good[0]) + 4); /* would misalign */
	refuse(no_choices, sizeof(good[0]));
	refuse(no_item, sizeof(good[0]));
	refuse(odd_type, sizeof(good[0]));
	refuse(endless, sizeof(good[0]));
	for (int i = 0; i < TABLE_LEN_MAX + 1; i++)
		flood[i] = good[0];
	refuse(flood, sizeof(good[0]));
	free(flood);
}

static void test_no_options(void)
{
	struct stoa_errors *e = errors_new();
	struct conf_table *t;
	struct conf_snapshot *s;

	CHECK_INT(conf_table_new("mod_none", "1", "None.", NULL, 0, &t), 0);
	CHECK_STR(conf_table_name(t), "mod_none");
	s = check_text("modules:\n  mod_none:\n    load: yes\n", t, e);
	CHECK_INT(errors_count(e), 0);
	CHECK(stoa_conf_bool(conf_section(s, "mod_none"), "load"));
	conf_snapshot_free(s);
	conf_table_free(t);
	errors_free(e);
}

static void test_lint(void)
{
	static const struct stoa_opt items[] = { { .key = "inner", .type = STOA_OPT_INT },
						 STOA_OPT_END };
	static const struct stoa_opt opts[] = {
		{ .key = "no-doc", .type = STOA_OPT_INT },
		{ .key = "no-stop", .type = STOA_OPT_INT, .doc = "No full stop" },
		{ .key = "Under_score", .type = STOA_OPT_INT, .doc = "D." },
		{ .key = "dflt", .type = STOA_OPT_INT, .dflt = "x", .doc = "D." },
		{ .key = "range",
		  .type = STOA_OPT_INT,
		  .dflt = "9",
		  .min = 1,
		  .max = 5,
		  .doc = "D." },
		{ .key = "swapped", .type = STOA_OPT_INT, .min = 5, .max = 1, .doc = "D." },
		{ .key = "both",
		  .type = STOA_OPT_INT,
		  .dflt = "1",
		  .flags = STOA_OPT_REQUIRED,
		  .doc = "D." },
		{ .key = "twice", .type = STOA_OPT_INT, .doc = "D." },
		{ .key = "twice", .type = STOA_OPT_INT, .doc = "D." },
		{ .key = "load", .type = STOA_OPT_BOOL, .doc = "D." },
		{ .key = "renamed", .type = STOA_OPT_INT, .was = "twice", .doc = "D." },
		{ .key = "flags", .type = STOA_OPT_INT, .flags = 1u << 20, .doc = "D." },
		{ .key = "map", .type = STOA_OPT_MAP, .item = items, .doc = "D." },
		STOA_OPT_END
	};
	static const char *const wants[] = {
		"mod_bad: no summary\n",
		"mod_bad.no-doc: no doc: write one sentence\n",
		"mod_bad.no-stop: doc is not a sentence",
		"mod_bad.Under_score: a key is made of a-z",
		"mod_bad.dflt: default: \"x\" is not an integer",
		"mod_bad.range: default: 9 is too large",
		"mod_bad.swapped: min is larger than max",
		"mod_bad.both: an option with a default cannot be required",
		"mod_bad.twice: the key is in the table twice",
		"mod_bad.load: the key is in the table twice", /* every module has it already */
		"mod_bad.renamed: its older name twice is another option",
		"mod_bad.flags: unknown flags",
		"mod_bad.map.inner: no doc",
	};
	struct stoa_buf out = { 0 };
	struct conf_table *t;

	CHECK_INT(conf_table_new("mod_bad", "1", NULL, opts, sizeof(opts[0]), &t), 0);
	CHECK_INT(conf_table_lint(t, &out), STOA_ARRAY_SIZE(wants));
	for (size_t i = 0; i < STOA_ARRAY_SIZE(wants); i++)
		CHECK_HAS(out.p, wants[i]);
	conf_table_free(t);
	stoa_buf_free(&out);
}

static void test_own_tables_are_good(void)
{
	struct conf_table *t = all_table();
	struct stoa_buf out = { 0 };

	CHECK_INT(conf_table_lint(conf_core_table(), &out), 0);
	CHECK_INT(conf_table_lint(t, &out), 0);
	if (out.p)
		fputs(out.p, stderr);
	stoa_buf_free(&out);
	conf_table_free(t);
}

static void test_near(void)
{
	static const char *const names[] = { "listen", "log-level", "max-connections", "tls",
					     "ab" };

	CHECK_STR(conf_near("lisen", names, 5), "listen");
	CHECK_STR(conf_near("ilsten", names, 5), "listen"); /* swapped letters count once */
	CHECK_STR(conf_near("loglevel", names, 5), "log-level");
	CHECK_STR(conf_near("max-conections", names, 5), "max-connections");
	CHECK_STR(conf_near("tsl", names, 5), "tls");
	CHECK(!conf_near("xyz", names, 5));
	CHECK(!conf_near("port", names, 5));
	CHECK(!conf_near("", names, 5));
	CHECK(!conf_near("x", NULL, 0));
	CHECK(!conf_near(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		names, 5));
}

int main(void)
{
	test_later_stride();
	test_refused();
	test_no_options();
	test_lint();
	test_own_tables_are_good();
	test_near();
	scratch_remove();
	return check_done();
}
