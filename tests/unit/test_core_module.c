/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake: descriptors and option tables of other sizes, other ABI versions, nonsense. */
#include <errno.h>

#include "check.h"
#include "loop.h"
#include "mod.h"

/* What a later minor might be: members behind those of today. */
struct newer_opt {
	struct stoa_opt opt;
	const char *unit;
	int64_t step;
};

struct newer_ops {
	struct stoa_mod_ops ops;
	void (*later_fn)(struct stoa_mod *m);
};

struct newer_desc {
	struct stoa_mod_desc desc;
	const char *const *later;
};

static int loads;

static int on_load(struct stoa_mod *m)
{
	(void)m;
	loads++;
	return 0;
}

#define PLAIN_DESC                                                                                 \
	.abi_major = STOA_ABI_MAJOR, .abi_minor = STOA_ABI_MINOR,                                  \
	.size = sizeof(struct stoa_mod_desc), .opt_size = sizeof(struct stoa_opt),                 \
	.name = "mod_x", .version = "1.0.0", .summary = "For this test."

static struct stoa_mod *make(const struct stoa_mod_desc *d, char why[512])
{
	struct stoa_buf text = { 0 };
	struct stoa_mod *m = NULL;

	why[0] = '\0';
	if (mod_new(d, "/lib/mod_x.so", &text, &m) < 0)
		m = NULL;
	if (text.p)
		snprintf(why, 512, "%s", text.p);
	stoa_buf_free(&text);
	return m;
}

/* A module of an older host: its descriptor ends earlier, its ops end at start(). */
static void check_smaller(void)
{
	struct stoa_mod_ops ops = { .size = offsetof(struct stoa_mod_ops, reload),
				    .load = on_load };
	struct stoa_mod_desc d = { PLAIN_DESC, .ctx_size = 40, .ops = &ops };
	struct stoa_mod *m;
	char why[512];

	ops.reload = (int (*)(struct stoa_mod *, const struct stoa_conf *))(void (*)(void))on_load;
	m = make(&d, why); /* what lies behind the size is not looked at */
	CHECK(m != NULL);
	CHECK(m->ops.load == on_load);
	CHECK(m->ops.reload == NULL);
	CHECK(stoa_mod_ctx(m) != NULL);
	CHECK_STR(stoa_mod_name(m), "mod_x");
	mod_free(m);
}

/* A module whose structs are larger than ours, within a minor that we have. */
static void check_larger(void)
{
	static const struct newer_opt opts[] = {
		{ .opt = { .key = "one", .type = STOA_OPT_STRING, .doc = "One." }, .unit = "px" },
		{ .opt = { .key = "two", .type = STOA_OPT_INT, .dflt = "2", .doc = "Two." },
		  .step = 9 },
		{ .opt = STOA_OPT_END },
	};
	struct newer_ops ops = { .ops = { .size = sizeof(ops), .load = on_load } };
	struct newer_desc d = { .desc = { PLAIN_DESC, .options = &opts[0].opt, .ops = &ops.ops } };
	struct stoa_buf sample = { 0 };
	struct stoa_mod *m;
	char why[512];

	d.desc.size = sizeof(d);
	d.desc.opt_size = sizeof(opts[0]);
	m = make(&d.desc, why);
	CHECK(m != NULL);
	conf_print_sample(m->table, &sample);
	CHECK(strstr(sample.p, "#one:") && strstr(sample.p, "#two: 2"));
	stoa_buf_free(&sample);
	mod_free(m);
}

static void check_versions(void)
{
	struct stoa_mod_desc d = { PLAIN_DESC };
	char why[512], ours[32], theirs[32];

	snprintf(ours, sizeof(ours), "%u.%u", STOA_ABI_MAJOR, STOA_ABI_MINOR);
	d.abi_minor = STOA_ABI_MINOR + 1;
	snprintf(theirs, sizeof(theirs), "%u.%u", STOA_ABI_MAJOR, STOA_ABI_MINOR + 1);
	CHECK(make(&d, why) == NULL);
	CHECK(strstr(why, ours) && strstr(why, theirs) && strstr(why, "/lib/mod_x.so"));
	d.abi_minor = STOA_ABI_MINOR;
	d.abi_major = STOA_ABI_MAJOR + 1;
	snprintf(theirs, sizeof(theirs), "%u.%u", STOA_ABI_MAJOR + 1, STOA_ABI_MINOR);
	CHECK(make(&d, why) == NULL);
	CHECK(strstr(why, ours) && strstr(why, theirs));
}

static void refuse(const struct stoa_mod_desc *d, const char *want)
{
	char why[512];

	CHECK(make(d, why) == NULL);
	CHECK(strstr(why, want) != NULL);
}

static void check_nonsense(void)
{
	static const struct stoa_mod_desc good = { PLAIN_DESC };
	static const struct stoa_opt no_options[] = { STOA_OPT_END };
	static const char *const names[] = { "x", "mod_", "mod_../etc", "mod_X", NULL };
	struct stoa_mod_desc d = good;

	d.flags = 1;
	refuse(&d, "flags");
	d = good;
	d.size = 8;
	refuse(&d, "too small");
	d = good;
	for (size_t i = 0; i < STOA_ARRAY_SIZE(names); i++) {
		d.name = names[i];
		refuse(&d, "name");
	}
	d = good;
	d.version = NULL;
	refuse(&d, "version");
	d = good;
	d.summary = "";
	refuse(&d, "summary");
	d = good;
	d.options = no_options;
	d.opt_size = 4;
	refuse(&d, "option table");
}

static void check_open(void)
{
	struct stoa_buf why = { 0 };
	struct stoa_mod *m;

	CHECK_INT(mod_open("/nonexistent/mod_x.so", &why, &m), -ENOEXEC);
	CHECK(strstr(why.p, "/nonexistent/mod_x.so") != NULL);
	stoa_buf_free(&why);
	CHECK_INT(mod_open("libc.so.6", &why, &m), -EINVAL); /* a library, no module */
	CHECK(strstr(why.p, "stoa_module") != NULL);
	stoa_buf_free(&why);
}

int main(void)
{
	CHECK_INT(loop_init_ctl(), 0);
	check_smaller();
	check_larger();
	check_versions();
	check_nonsense();
	check_open();
	CHECK_INT(loads, 0); /* nothing is called by opening */
	loop_free_all();
	return check_done();
}
