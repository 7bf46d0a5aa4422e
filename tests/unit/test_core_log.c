/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <jansson.h>
#include <stoa/loop.h>
#include <unistd.h>

#include "check.h"
#include "log.h"
#include "mod.h"

static char last[4096];
static int lines;

static void keep(enum stoa_log_level level, const char *module, const char *text)
{
	snprintf(last, sizeof(last), "%s %s %s", log_level_name(level), module, text);
	lines++;
}

static void write_one(int i)
{
	stoa_log(NULL, STOA_LOG_INFO, "line %d", i);
}

static void check_rate_limit(void)
{
	static const struct timespec a_window = { 1, 50000000 };
	uint32_t total = 0, told = 0;

	lines = 0;
	for (int i = 0; i < 1000; i++)
		write_one(i);
	CHECK(lines >= 20 && lines <= 41); /* one window; a second if the clock ticked over */
	total = (uint32_t)lines;
	nanosleep(&a_window, NULL);
	lines = 0;
	write_one(1000);
	CHECK_INT(lines, 2);
	CHECK(sscanf(last, "info core %u more lines", &told) == 1);
	CHECK(told <= 1000 - total + 1 && told > 900);
}

static void check_levels(void)
{
	struct stoa_mod m = { .desc.name = "mod_x" };

	log_set_level(STOA_LOG_INFO);
	CHECK(stoa_log_enabled(NULL, STOA_LOG_INFO));
	CHECK(!stoa_log_enabled(NULL, STOA_LOG_DEBUG));
	CHECK(!stoa_log_enabled(&m, STOA_LOG_DEBUG));
	atomic_store(&m.log_level, STOA_LOG_DEBUG);
	CHECK(stoa_log_enabled(&m, STOA_LOG_DEBUG));
	atomic_store(&m.log_level, STOA_LOG_ERROR);
	CHECK(!stoa_log_enabled(&m, STOA_LOG_WARN));
	stoa_log(&m, STOA_LOG_ERROR, "room=%s is full", "r1");
	CHECK_STR(last, "error mod_x room=r1 is full");
	CHECK_INT(log_level_parse(stoa_str("notice")), STOA_LOG_NOTICE);
	CHECK_INT(log_level_parse(stoa_str("loud")), 0);
}

/* What a text from outside holds cannot become a line of its own. */
static void check_escape(void)
{
	char big[5000];

	stoa_log(NULL, STOA_LOG_WARN, "name=%s", "a\nerror core: forged\x1b[31m");
	CHECK_STR(last, "warn core name=a\\x0aerror core: forged\\x1b[31m");
	stoa_log(NULL, STOA_LOG_WARN, "%s", "grüße");
	CHECK_STR(last, "warn core grüße");
	memset(big, '\n', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	stoa_log(NULL, STOA_LOG_WARN, "%s", big);
	CHECK(strlen(last) <= 2048 + strlen("warn core "));
}

static json_t *json_line(const char *text)
{
	char line[8192] = "";
	int p[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	CHECK_INT(pipe(p), 0);
	dup2(p[1], STDERR_FILENO);
	log_set_sink(NULL);
	log_set_format("json");
	stoa_log(NULL, STOA_LOG_WARN, "%s", text);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(p[1]);
	n = read(p[0], line, sizeof(line) - 1);
	close(p[0]);
	CHECK(n > 0 && line[n - 1] == '\n');
	return json_loads(line, 0, NULL);
}

int main(void)
{
	json_t *doc;

	log_set_sink(keep);
	check_levels();
	check_escape();
	check_rate_limit();
	doc = json_line("say \"hi\" \\ \t grüße");
	CHECK_STR(json_string_value(json_object_get(doc, "text")), "say \"hi\" \\ \\x09 grüße");
	CHECK_STR(json_string_value(json_object_get(doc, "level")), "warn");
	CHECK_STR(json_string_value(json_object_get(doc, "module")), "core");
	json_decref(doc);
	return check_done();
}
