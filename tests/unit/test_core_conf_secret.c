/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: what is read, what is refused, and that a literal one is shown nowhere. */
#include "conf_support.h"

#include <errno.h>

static const struct stoa_opt option = { .key = "key", .type = STOA_OPT_SECRET };

static const char *reference(const char *name)
{
	static char text[600];

	snprintf(text, sizeof(text), "file:%s/%s", scratch_dir(), name);
	return text;
}

static void put(const char *name, const char *content, mode_t mode)
{
	if (chmod(scratch_file(name, content), mode) < 0)
		exit(2);
}

static void accept(const char *text, const char *want)
{
	struct value_env env = { .root = "" };
	struct conf_value v = { .opt = &option };
	struct stoa_buf why = { 0 };

	CHECK_INT(secret_parse(text, &env, &v, &why), 0);
	CHECK_STR(v.text, want);
	CHECK_INT(v.n, strlen(want));
	value_clear(&v);
	stoa_buf_free(&why);
}

static void refuse(const char *text, const char *want)
{
	struct value_env env = { .root = "" };
	struct conf_value v = { .opt = &option };
	struct stoa_buf why = { 0 };

	CHECK_INT(secret_parse(text, &env, &v, &why), -EINVAL);
	CHECK_HAS(why.p ? why.p : "", want);
	CHECK(!v.text);
	stoa_buf_free(&why);
}

static void test_files(void)
{
	put("good", "s3cret\n", 0600);
	accept(reference("good"), "s3cret");
	put("group", "s3cret\n\n", 0640);
	accept(reference("group"), "s3cret\n"); /* one newline only */
	put("bare", "s3cret", 0400);
	accept(reference("bare"), "s3cret");
	put("open", "s3cret", 0644);
	refuse(reference("open"), "has mode 0644 and others may read or change it: chmod 0640");
	put("writable", "s3cret", 0660);
	refuse(reference("writable"), "has mode 0660");
	put("empty", "", 0600);
	refuse(reference("empty"), "is empty: write the secret into it");
	refuse(reference("absent"), "No such file or directory; create the file with mode 0640");
	mkdir(reference("dir") + strlen("file:"), 0700);
	refuse(reference("dir"), "is not a regular file");
}

static void test_large(void)
{
	struct stoa_buf b = { 0 };

	for (int i = 0; i < 70000; i++)
		stoa_buf_adds(&b, "x");
	put("large", b.p, 0600);
	refuse(reference("large"), "that is not a secret");
	stoa_buf_free(&b);
}

static void test_owner(void)
{
	if (geteuid() != 0) {
		fprintf(stderr, "skipped: another user's secret needs root to make\n");
		return;
	}
	put("theirs", "s3cret", 0600);
	if (chown(reference("theirs") + strlen("file:"), 12345, 12345) < 0)
		exit(2);
	refuse(reference("theirs"), "belongs to user 12345");
}

static void test_unreadable(void)
{
	if (geteuid() == 0) {
		fprintf(stderr, "skipped: root can read every file\n");
		return;
	}
	put("closed", "s3cret", 0000);
	refuse(reference("closed"), "Permission denied; let the user that runs stoad read it");
}

static void test_literal(void)
{
	refuse("hunter2", "a secret is not written in configuration: write file:/path");
	refuse("file:relative", "a secret is not written in configuration");
	refuse("", "a secret is not written in configuration");
}

static void test_credentials(void)
{
	unsetenv("CREDENTIALS_DIRECTORY");
	refuse("cred:turn", "set LoadCredential=turn:/path in the unit");
	setenv("CREDENTIALS_DIRECTORY", scratch_dir(), 1);
	accept("cred:good", "s3cret");
	refuse("cred:absent", "No such file");
	refuse("cred:../good", "is not the name of a credential");
	refuse("cred:", "is not the name of a credential");
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* A literal must not reach the terminal by way of the source line, nor a log. */
static void test_literal_is_not_shown(void)
{
	struct conf_table *t = all_table();
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s =
		check_text("modules:\n  mod_all:\n    load: yes\n    key: hunter2 # x\n", t, e);
	char *told = findings(e);

	CHECK_INT(errors_count(e), 1);
	CHECK_HAS(told, "one.yaml:4:10: error: `key`: a secret is not written");
	CHECK_HAS_NOT(told, "hunter2");
	CHECK_HAS(told, "    key: (not shown)\n");
	free(told);
	errors_free(e);
	conf_snapshot_free(s);
	conf_table_free(t);
}

/* A module that is not loaded need not have its keys on this machine. */
static void test_not_loaded(void)
{
	struct conf_table *t = all_table();
	struct stoa_errors *e = errors_new();
	struct conf_snapshot *s = check_text("modules:\n  mod_all:\n    key: file:/absent\n", t, e);

	CHECK_INT(errors_count(e), 0);
	errors_free(e);
	conf_snapshot_free(s);
	conf_table_free(t);
}

static void test_root(void)
{
	struct value_env env = { .root = scratch_dir() };
	struct conf_value v = { .opt = &option };
	struct stoa_buf why = { 0 };

	CHECK_INT(secret_parse("file:/good", &env, &v, &why), 0);
	CHECK_STR(v.text, "s3cret");
	value_clear(&v);
}

int main(void)
{
	test_files();
	test_large();
	test_owner();
	test_unreadable();
	test_literal();
	test_credentials();
	test_literal_is_not_shown();
	test_not_loaded();
	test_root();
	scratch_remove();
	return check_done();
}
