/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines that cannot break out, problem documents, dates, entity tags. */
#include "answer.h"
#include "check.h"

static void test_lines(void)
{
	struct answer a;

	answer_init(&a, 200);
	CHECK(answer_add(&a, "X-A", "b"));
	CHECK(!answer_add(&a, "X-A", "b\r\nX-B: c"));
	CHECK(!answer_add(&a, "X-A", "b\n"));
	CHECK(!answer_add(&a, "X A", "b"));
	CHECK(!answer_add(&a, "X:A", "b"));
	CHECK(!answer_add(&a, "", "b"));
	CHECK_STR(a.lines.p, "X-A: b\r\n");
	answer_clear(&a);
}

static void test_problem(void)
{
	const struct stoa_http_field fields[] = { { "na\"me", "is missing" }, { "b", "c\n" } };
	struct stoa_http_problem p = { .size = sizeof(p),
				       .status = 400,
				       .error = "bad_input",
				       .detail = "Not \xff valid",
				       .fields = fields,
				       .n_fields = 2 };
	struct answer a;

	answer_init(&a, 0);
	answer_problem(&a, &p);
	CHECK_STR((const char *)a.body->p,
		  "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
		  "\"detail\":\"Not \xef\xbf\xbd valid\",\"error\":\"bad_input\",\"errors\":["
		  "{\"field\":\"na\\\"me\",\"reason\":\"is missing\"},"
		  "{\"field\":\"b\",\"reason\":\"c\\u000a\"}]}\n");
	answer_clear(&a);
	p.status = 401;
	p.n_fields = 0;
	p.retry_after_s = 7;
	answer_problem(&a, &p);
	CHECK(strstr(a.lines.p, "WWW-Authenticate: Bearer\r\n") != NULL);
	CHECK(strstr(a.lines.p, "Retry-After: 7\r\n") != NULL);
	answer_clear(&a);
}

static void test_dates(void)
{
	char text[ANSWER_DATE_LEN];
	int64_t t;

	answer_date(784111777, text); /* the example of RFC 9110 section 5.6.7 */
	CHECK_STR(text, "Sun, 06 Nov 1994 08:49:37 GMT");
	CHECK_INT(answer_date_parse(stoa_str(text), &t), 0);
	CHECK_INT(t, 784111777);
	CHECK(answer_date_parse(stoa_str("Sun, 31 Feb 1994 08:49:37 GMT"), &t) < 0);
	CHECK(answer_date_parse(stoa_str("Sun, 06 Nov 1994 08:49:37 CET"), &t) < 0);
	CHECK(answer_date_parse(stoa_str("Sunday, 06-Nov-94 08:49:37 GMT"), &t) < 0);
	CHECK(answer_date_parse(stoa_str(""), &t) < 0);
}

static void test_etags(void)
{
	struct stoa_str tag = stoa_str("\"abc\"");

	CHECK(answer_etag_matches(stoa_str("\"abc\""), tag));
	CHECK(answer_etag_matches(stoa_str("\"x,y\", W/\"abc\""), tag));
	CHECK(answer_etag_matches(stoa_str("*"), tag));
	CHECK(!answer_etag_matches(stoa_str("\"abcd\""), tag));
	CHECK(!answer_etag_matches(stoa_str("abc"), tag));
	CHECK(!answer_etag_matches(stoa_str("\"abc"), tag));
	CHECK(!answer_etag_matches(stoa_str(""), tag));
}

int main(void)
{
	test_lines();
	test_problem();
	test_dates();
	test_etags();
	return check_done();
}
