/* SPDX-License-Identifier: Apache-2.0 */
/* What goes in comes out: every type, its extremes, NULL. */
#include "suite.h"

static const struct stoa_sql_value null = { STOA_SQL_NULL, 0, 0, { NULL, 0 } };

static struct stoa_sql_value bytes(const void *p, size_t n)
{
	return (struct stoa_sql_value){ STOA_SQL_BYTES, 0, 0, stoa_strn(p, n) };
}

static struct stoa_sql_value real(double f)
{
	return (struct stoa_sql_value){ STOA_SQL_REAL, 0, f, { NULL, 0 } };
}

/* Writes a row and checks that it reads as `want` (without the id). */
static void round_trip(const struct stoa_sql_value v[7], json_t *want)
{
	const char *id = name("type");
	const struct outcome *o;
	json_t *got;

	CHECK(want != NULL);
	CHECK_INT(RUN_ONE(ITEM_INSERT_ALL, STOA_ROWS_ONE, STOA_V_TEXT(id), v[0], v[1], v[2], v[3],
			  v[4], v[5], v[6]),
		  0);
	o = ASK(ITEM_GET, STOA_V_TEXT(id));
	got = json_deep_copy(json_array_get(o->cells, 0));
	json_array_remove(got, 0);
	CHECK(json_equal(got, want));
	if (!json_equal(got, want)) {
		json_dumpf(got, stderr, 0);
		json_dumpf(want, stderr, 0);
	}
	json_decref(got);
	json_decref(want);
}

static void test_values(void)
{
	static const char raw[] = { 0, 1, 2, (char)0xff, 0, 'a' };
	struct stoa_sql_value plain[] = { STOA_V_TEXT("Zoë 🎥"),
					  STOA_V_INT(42),
					  real(0.1),
					  STOA_V_BOOL(true),
					  STOA_V_TIME(1767323045678),
					  STOA_V_JSON(stoa_str("{\"a\":[1,2.5,\"x\"],\"b\":null}")),
					  bytes(raw, sizeof(raw)) };
	struct stoa_sql_value least[] = { STOA_V_TEXT(""), STOA_V_INT(0),
					  real(-1e300),    STOA_V_BOOL(false),
					  STOA_V_TIME(0),  STOA_V_JSON(stoa_str("[]")),
					  bytes("", 0) };
	struct stoa_sql_value most[] = { STOA_V_TEXT("a'b\"c\\d\n--;"),
					 STOA_V_INT(INT64_MAX),
					 real(1.7976931348623157e308),
					 STOA_V_BOOL(7),
					 STOA_V_TIME(253402300799999),
					 STOA_V_JSON(stoa_str("\"text\"")),
					 bytes("\x7f", 1) };
	struct stoa_sql_value nothing[] = { STOA_V_TEXT("n"), null, null, null, null, null, null };

	round_trip(plain,
		   json_pack("[s, I, f, b, I, {s:[i,f,s], s:n}, s]", "Zoë 🎥", (json_int_t)42, 0.1,
			     1, (json_int_t)1767323045678, "a", 1, 2.5, "x", "b", "000102ff0061"));
	round_trip(least, json_pack("[s, I, f, b, I, [], s]", "", (json_int_t)0, -1e300, 0,
				    (json_int_t)0, ""));
	round_trip(most,
		   json_pack("[s, I, f, b, I, s, s]", "a'b\"c\\d\n--;", (json_int_t)INT64_MAX,
			     1.7976931348623157e308, 1, (json_int_t)253402300799999, "text", "7f"));
	round_trip(nothing, json_pack("[s, n, n, n, n, n, n]", "n"));
}

/* Times compare as times, to the millisecond. */
static void test_time_order(void)
{
	static const int64_t at[] = { 0, 999, 1000, 1767323045677, 1767323045678, 253402300799999 };
	char owner[64];

	snprintf(owner, sizeof(owner), "%s", name("times"));
	for (size_t i = 0; i < STOA_ARRAY_SIZE(at); i++)
		CHECK_INT(RUN_ONE(ITEM_INSERT_ALL, STOA_ROWS_ONE, STOA_V_TEXT(name("time")),
				  STOA_V_TEXT(owner), null, null, null, STOA_V_TIME(at[i]), null,
				  null),
			  0);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(at); i++)
		CHECK_INT(json_array_size(
				  ASK(ITEM_AFTER, STOA_V_TEXT(owner), STOA_V_TIME(at[i]))->cells),
			  STOA_ARRAY_SIZE(at) - 1 - i);
}

static void test_large(void)
{
	static char text[1 << 20];
	const char *id = name("large");
	const struct outcome *o;

	memset(text, 'x', sizeof(text));
	memcpy(text, "\"", 1);
	text[sizeof(text) - 1] = '"';
	CHECK_INT(RUN_ONE(ITEM_INSERT_ALL, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_TEXT(""), null,
			  null, null, null, STOA_V_JSON(stoa_strn(text, sizeof(text))), null),
		  0);
	o = ASK(ITEM_GET, STOA_V_TEXT(id));
	CHECK_INT(json_string_length(json_array_get(json_array_get(o->cells, 0), 6)),
		  sizeof(text) - 2);
}

static void test_json(void)
{
	const char *id = name("json"), *bad = name("bad-json");
	const struct outcome *o;

	CHECK_INT(RUN_ONE(ITEM_INSERT_ALL, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_TEXT(""), null,
			  null, null, null, STOA_V_JSON(stoa_str("{\"a\":\"deep\"}")), null),
		  0);
	o = ASK(ITEM_JSON_MEMBER, STOA_V_TEXT(id));
	CHECK_STR(json_string_value(json_array_get(json_array_get(o->cells, 0), 0)), "deep");
	CHECK_INT(RUN_ONE(ITEM_INSERT_ALL, STOA_ROWS_ONE, STOA_V_TEXT(bad), STOA_V_TEXT(""), null,
			  null, null, null, STOA_V_JSON(stoa_str("{not json")), null),
		  -EINVAL);
	CHECK_INT(number_of(bad), -1);
}

void case_types(void)
{
	test_values();
	test_time_order();
	test_large();
	test_json();
}
