/* SPDX-License-Identifier: Apache-2.0 */
/* Text to typed value and back, for every type: limits, units, refusals with their remedy. */
#include "conf_support.h"

#include <errno.h>

static const struct value_env env = { .root = "", .state_dir = "/state" };

static int64_t num(const struct stoa_opt *o, const char *text)
{
	struct conf_value v = { .opt = o };
	struct stoa_buf why = { 0 };
	int r = value_parse(o, text, &env, &v, &why);
	int64_t got;

	if (r < 0)
		fprintf(stderr, "\"%s\": %s\n", text, why.p ? why.p : "?");
	CHECK_INT(r, 0);
	got = v.num;
	value_clear(&v);
	stoa_buf_free(&why);
	return got;
}

static void refuse(const struct stoa_opt *o, const char *text, const char *want)
{
	struct conf_value v = { .opt = o };
	struct stoa_buf why = { 0 };

	CHECK_INT(value_parse(o, text, &env, &v, &why), -EINVAL);
	CHECK_HAS(why.p ? why.p : "", want);
	value_clear(&v);
	stoa_buf_free(&why);
}

static void text_is(const struct stoa_opt *o, const char *text, const char *want)
{
	struct conf_value v = { .opt = o };
	struct stoa_buf why = { 0 };

	CHECK_INT(value_parse(o, text, &env, &v, &why), 0);
	CHECK_STR(v.text, want);
	value_clear(&v);
	stoa_buf_free(&why);
}

static void test_bool(void)
{
	static const struct stoa_opt o = { .key = "k", .type = STOA_OPT_BOOL };

	CHECK_INT(num(&o, "yes") + num(&o, "true") + num(&o, "on"), 3);
	CHECK_INT(num(&o, "no") + num(&o, "false") + num(&o, "off"), 0);
	refuse(&o, "Yes", "\"Yes\" is not a boolean: write yes or no");
	refuse(&o, "1", "write yes or no");
}

static void test_int(void)
{
	static const struct stoa_opt any = { .key = "k", .type = STOA_OPT_INT };
	static const struct stoa_opt o = { .key = "k", .type = STOA_OPT_INT, .min = 1, .max = 64 };
	static const struct stoa_opt low = {
		.key = "k", .type = STOA_OPT_INT, .min = -5, .max = 5
	};

	CHECK_INT(num(&any, "0"), 0);
	CHECK_INT(num(&any, "-12"), -12);
	CHECK_INT(num(&any, "012"), 12);
	CHECK_INT(num(&any, "9223372036854775807"), INT64_MAX);
	CHECK_INT(num(&o, "1"), 1);
	CHECK_INT(num(&o, "64"), 64);
	CHECK_INT(num(&low, "-5"), -5);
	refuse(&o, "0", "0 is too small: write 1 to 64");
	refuse(&o, "65", "65 is too large: write 1 to 64");
	refuse(&low, "-6", "too small: write -5 to 5");
	refuse(&any, "9223372036854775808", "is not an integer: write digits only");
	refuse(&any, "12k", "write digits only");
	refuse(&any, "0x10", "write digits only");
	refuse(&any, " 1", "write digits only");
	refuse(&any, "+1", "write digits only");
	refuse(&any, "-", "write digits only");
	refuse(&any, "1.5", "write digits only");
}

static void test_units(void)
{
	static const struct stoa_opt d = { .key = "k", .type = STOA_OPT_DURATION };
	static const struct stoa_opt d2 = {
		.key = "k", .type = STOA_OPT_DURATION, .min = 1000, .max = 10000
	};
	static const struct stoa_opt s = { .key = "k", .type = STOA_OPT_SIZE };
	static const struct stoa_opt r = { .key = "k", .type = STOA_OPT_RATE };

	CHECK_INT(num(&d, "250ms"), 250);
	CHECK_INT(num(&d, "4s"), 4000);
	CHECK_INT(num(&d, "5m"), 300000);
	CHECK_INT(num(&d, "2h"), 7200000);
	CHECK_INT(num(&d, "7d"), 604800000);
	CHECK_INT(num(&d, "0"), 0);
	refuse(&d, "5", "5 has no unit: write a number with ms, s, m, h or d");
	refuse(&d, "5sec", "\"5sec\" has the unknown unit \"sec\"");
	refuse(&d, "-5s", "is not a duration");
	refuse(&d, "9223372036854775807d", "is not a duration");
	refuse(&d2, "999ms", "999ms is too small: write 1s to 10s");
	refuse(&d2, "11s", "too large: write 1s to 10s");
	refuse(&d2, "0", "too small");
	CHECK_INT(num(&s, "512"), 512);
	CHECK_INT(num(&s, "64K"), 65536);
	CHECK_INT(num(&s, "10M"), 10 << 20);
	CHECK_INT(num(&s, "1G"), 1 << 30);
	refuse(&s, "10MB", "unknown unit \"MB\": write bytes");
	refuse(&s, "64k", "unknown unit \"k\"");
	CHECK_INT(num(&r, "500k"), 500000);
	CHECK_INT(num(&r, "2M"), 2000000);
	refuse(&r, "2Mbit", "unknown unit \"Mbit\"");
}

static void test_format(void)
{
	static const struct {
		enum stoa_opt_type type;
		int64_t num;
		const char *want;
	} cases[] = {
		{ STOA_OPT_DURATION, 0, "0s" },
		{ STOA_OPT_DURATION, 250, "250ms" },
		{ STOA_OPT_DURATION, 90000, "90s" },
		{ STOA_OPT_DURATION, 120000, "2m" },
		{ STOA_OPT_DURATION, 86400000, "1d" },
		{ STOA_OPT_SIZE, 65536, "64K" },
		{ STOA_OPT_SIZE, 1000, "1000" },
		{ STOA_OPT_RATE, 2000000, "2M" },
		{ STOA_OPT_RATE, 0, "0" },
		{ STOA_OPT_INT, -3, "-3" },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(cases); i++) {
		struct stoa_opt o = { .key = "k", .type = cases[i].type };
		struct stoa_buf b = { 0 };

		value_format(&o, cases[i].num, &b);
		CHECK_STR(b.p, cases[i].want);
		CHECK_INT(num(&o, b.p), cases[i].num); /* and back */
		stoa_buf_free(&b);
	}
}

static void test_string_enum(void)
{
	static const char *const choices[] = { "warn", "info", "debug", NULL };
	static const struct stoa_opt s = {
		.key = "k", .type = STOA_OPT_STRING, .min = 1, .max = 4
	};
	static const struct stoa_opt e = { .key = "k", .type = STOA_OPT_ENUM, .choices = choices };

	text_is(&s, "abcd", "abcd");
	refuse(&s, "", "the text has 0 bytes: write 1 to 4 bytes");
	refuse(&s, "abcde", "the text has 5 bytes");
	CHECK_INT(num(&e, "debug"), 2);
	refuse(&e, "dbug", "\"dbug\" is not one of warn, info, debug; did you mean debug?");
	refuse(&e, "zzz", "\"zzz\" is not one of warn, info, debug");
}

static void test_address(void)
{
	static const struct stoa_opt o = { .key = "k", .type = STOA_OPT_ADDRESS };

	text_is(&o, "127.0.0.1:7880", "127.0.0.1:7880");
	text_is(&o, "[::1]:7880", "[::1]:7880");
	text_is(&o, "*:0", "*:0");
	text_is(&o, "[2001:db8::1]:65535", "[2001:db8::1]:65535");
	refuse(&o, "7880", "a port alone is no address: write \"*:7880\"");
	refuse(&o, "127.0.0.1", "has no port");
	refuse(&o, "[::1]", "has no port");
	refuse(&o, "::1:7880", "is not an address");
	refuse(&o, "localhost:7880", "is not an address");
	refuse(&o, "1.2.3:80", "is not an address");
	refuse(&o, "127.0.0.1:65536", "\"65536\" is not a port: write a number up to 65535");
	refuse(&o, "127.0.0.1:-1", "is not a port");
	refuse(&o, "127.0.0.1:http", "is not a port");
	refuse(&o, "", "has no port");
}

static void test_path(void)
{
	static const struct stoa_opt o = { .key = "k", .type = STOA_OPT_PATH };
	struct value_env rooted = { .root = "/image", .state_dir = "/image/var/lib/stoa" };
	struct conf_value v = { .opt = &o };
	struct stoa_buf why = { 0 };
	char longer[5000];

	text_is(&o, "/a/b", "/a/b");
	text_is(&o, "db/calls", "/state/db/calls");
	refuse(&o, "", "an empty path");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	refuse(&o, longer, "write at most 4095");
	CHECK_INT(value_parse(&o, "/a", &rooted, &v, &why), 0);
	CHECK_STR(v.text, "/image/a");
	value_clear(&v);
}

static void test_lists_and_maps_are_no_text(void)
{
	static const struct stoa_opt l = { .key = "k", .type = STOA_OPT_LIST };

	refuse(&l, "a", "a list is expected");
}

int main(void)
{
	test_bool();
	test_int();
	test_units();
	test_format();
	test_string_enum();
	test_address();
	test_path();
	test_lists_and_maps_are_no_text();
	return check_done();
}
