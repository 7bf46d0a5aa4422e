/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_sql DRIVER.so NAME OPTIONS: runs the suite against the driver module of that name,
 * with its options as a YAML flow map ("{ load: yes, … }"; "@" stands for a temporary directory). */
#include "suite.h"

#include <dlfcn.h>
#include <ftw.h>
#include <unistd.h>

int check_failed, check_count;
static const struct stoa_mod_desc *driver;
static char yaml[4096], dir[] = "/tmp/stoa-conformance-XXXXXX";

static void on_event(const struct stoa_event *ev, void *user)
{
	(void)user;
	if (n_heard < STOA_ARRAY_SIZE(heard))
		snprintf(heard[n_heard++], sizeof(heard[0]), "%s:%s", ev->name,
			 json_string_value(json_object_get(ev->data, "tag")));
}

static int suite_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	int err = stoa_sql_bind(m, &sql);

	(void)c;
	self = m;
	if (!err)
		err = stoa_sql_statements(&sql, m, stmts, STMT_N);
	return err ? err : stoa_event_listen(m, "item.*", on_event, NULL);
}

static const struct stoa_mod_ops suite_ops = { .size = sizeof(suite_ops), .start = suite_start };

static const struct stoa_mod_desc suite_module = {
	.abi_major = STOA_ABI_MAJOR,
	.abi_minor = STOA_ABI_MINOR,
	.size = sizeof(suite_module),
	.opt_size = sizeof(struct stoa_opt),
	.name = "mod_suite",
	.version = "1.0.0",
	.summary = "Runs the suite.",
	.license = "Apache-2.0",
	.needs = (const char *const[]){ STOA_SQL, NULL },
	.ops = &suite_ops,
};

static void open_host(void)
{
	stoa_test_begin();
	CHECK(stoa_test_add(driver) != NULL);
	CHECK(stoa_test_add(&suite_module) != NULL);
	CHECK_INT(stoa_test_start(yaml), 0);
}

void reopen(void)
{
	stoa_test_end();
	open_host();
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb, (void)flag, (void)ftw;
	return remove(path);
}

static void write_yaml(const char *driver_name, const char *options)
{
	size_t n = (size_t)snprintf(yaml, sizeof(yaml),
				    "core: { state-dir: %s }\nmodules:\n  mod_suite: { load: yes "
				    "}\n  %s: ",
				    dir, driver_name);

	for (; *options && n < sizeof(yaml) - sizeof(dir) - 1; options++)
		if (*options == '@')
			n += (size_t)snprintf(yaml + n, sizeof(yaml) - n, "%s", dir);
		else
			yaml[n++] = *options;
	yaml[n++] = '\n';
	yaml[n] = '\0';
}

int main(int argc, char **argv)
{
	void *so = argc == 4 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;

	if (!so) {
		fprintf(stderr, "%s\n", argc == 4 ? dlerror() : "DRIVER.so NAME OPTIONS");
		return EXIT_FAILURE;
	}
	driver = dlsym(so, "stoa_module");
	if (!driver || !mkdtemp(dir))
		return EXIT_FAILURE;
	write_yaml(argv[2], argv[3]);
	open_host();
	case_types();
	case_statements();
	case_transactions();
	case_events();
	case_concurrency();
	case_keys();
	case_paging();
	case_life();
	stoa_test_end();
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return check_done();
}
