/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of configuration: a directory of its own, files in it, findings as text. */
#ifndef STOA_TEST_CONF_SUPPORT_H
#define STOA_TEST_CONF_SUPPORT_H

#include "check.h"
#include "conf_section.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[64];

static STOA_UNUSED const char *scratch_dir(void)
{
	if (!scratch[0]) {
		strcpy(scratch, "/tmp/stoa-conf-XXXXXX");
		if (!mkdtemp(scratch))
			exit(2);
	}
	return scratch;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static STOA_UNUSED void scratch_remove(void)
{
	if (scratch[0])
		nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	scratch[0] = '\0';
}

/* Writes a file below the scratch directory, making directories. */
static STOA_UNUSED const char *scratch_file(const char *name, const char *text)
{
	static char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", scratch_dir(), name);
	for (char *p = path + strlen(scratch) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
		perror(path);
		exit(2);
	}
	return path;
}

/* The findings, yours to free. */
static STOA_UNUSED char *findings(const struct stoa_errors *e)
{
	struct stoa_buf b = { 0 };

	errors_print(e, &b);
	return b.p ? b.p : strdup("");
}

#define CHECK_HAS(text, part)                                                                      \
	do {                                                                                       \
		const char *check_t = (text), *check_p = (part);                                   \
		check_count++;                                                                     \
		if (!strstr(check_t, check_p)) {                                                   \
			check_failed++;                                                            \
			fprintf(stderr, "%s:%d: \"%s\" is not in:\n%s\n", __FILE__, __LINE__,      \
				check_p, check_t);                                                 \
		}                                                                                  \
	} while (0)

#define CHECK_HAS_NOT(text, part)                                                                  \
	do {                                                                                       \
		const char *check_t = (text), *check_p = (part);                                   \
		check_count++;                                                                     \
		if (strstr(check_t, check_p)) {                                                    \
			check_failed++;                                                            \
			fprintf(stderr, "%s:%d: \"%s\" is in:\n%s\n", __FILE__, __LINE__, check_p, \
				check_t);                                                          \
		}                                                                                  \
	} while (0)

/* ---- a module of every option type ---- */

static const char *const modes[] = { "fast", "slow", "off", NULL };
static const struct stoa_opt rendition_options[] = {
	{ .key = "height",
	  .type = STOA_OPT_INT,
	  .dflt = "720",
	  .min = 1,
	  .max = 4320,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Lines of the picture." },
	{ .key = "rate", .type = STOA_OPT_RATE, .dflt = "2M", .doc = "Bits per second." },
	STOA_OPT_END
};
static const struct stoa_opt all_options[] = {
	{ .key = "listen",
	  .type = STOA_OPT_ADDRESS,
	  .dflt = "127.0.0.1:7880",
	  .doc = "Where to listen." },
	{ .key = "max-connections",
	  .type = STOA_OPT_INT,
	  .dflt = "1000",
	  .min = 1,
	  .max = 100000,
	  .flags = STOA_OPT_RELOADABLE,
	  .was = "connections",
	  .doc = "How many at most." },
	{ .key = "idle",
	  .type = STOA_OPT_DURATION,
	  .dflt = "30s",
	  .min = 1000,
	  .max = 600000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "How long a connection may be silent." },
	{ .key = "buffer", .type = STOA_OPT_SIZE, .dflt = "64K", .doc = "Bytes of one buffer." },
	{ .key = "rate", .type = STOA_OPT_RATE, .dflt = "0", .doc = "The most to send." },
	{ .key = "title",
	  .type = STOA_OPT_STRING,
	  .dflt = "Stoa",
	  .min = 1,
	  .max = 16,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "What pages are called." },
	{ .key = "mode",
	  .type = STOA_OPT_ENUM,
	  .choices = modes,
	  .dflt = "fast",
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "How it works." },
	{ .key = "colour", .type = STOA_OPT_ENUM, .choices = modes, .doc = "Unset by default." },
	{ .key = "files", .type = STOA_OPT_PATH, .dflt = "files", .doc = "Where files are." },
	{ .key = "key", .type = STOA_OPT_SECRET, .flags = STOA_OPT_RELOADABLE, .doc = "The key." },
	{ .key = "origins",
	  .type = STOA_OPT_LIST,
	  .dflt = "a, b",
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Who may ask." },
	{ .key = "renditions",
	  .type = STOA_OPT_MAP,
	  .item = rendition_options,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "The ladder." },
	{ .key = "tls", .type = STOA_OPT_BOOL, .dflt = "off", .doc = "Whether it is encrypted." },
	{ .key = "old-knob",
	  .type = STOA_OPT_INT,
	  .flags = STOA_OPT_DEPRECATED,
	  .doc = "Does nothing any more." },
	STOA_OPT_END
};

static STOA_UNUSED struct conf_table *all_table(void)
{
	struct conf_table *t = NULL;

	if (conf_table_new("mod_all", "1.2.3", "Has an option of every type.", all_options,
			   sizeof(all_options[0]), &t) < 0)
		exit(2);
	return t;
}

/* Reads one file as --config and checks it against mod_all. */
static STOA_UNUSED struct conf_snapshot *check_layers(const struct conf_layers *l,
						      const struct conf_table *t,
						      struct stoa_errors *e)
{
	static const char *const installed[] = { "mod_all", "mod_other" };
	struct conf_snapshot *s = NULL;
	struct conf_tree *tree = NULL;

	if (conf_tree_load(l, e, &tree) < 0 || conf_check(tree, &t, 1, installed, 2, e, &s) < 0)
		exit(2);
	return s;
}

static STOA_UNUSED struct conf_snapshot *check_text(const char *text, const struct conf_table *t,
						    struct stoa_errors *e)
{
	struct conf_layers l = { .config = scratch_file("one.yaml", text) };

	return check_layers(&l, t, e);
}

#endif
