/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency-Key: stored with the change, taken once, each actor's own, free again after a day. */
#include "suite.h"

static int add_with_key(const char *item, const char *actor, const char *key, uint32_t *ret_failed)
{
	struct stoa_tx *tx = begin();
	const struct outcome *o;

	ADD(tx, ITEM_ADD, STOA_ROWS_ONE, STOA_V_TEXT(item), STOA_V_INT(1));
	CHECK_INT(stoa_tx_remember(&sql, tx, actor, stoa_str(key), stoa_str("hash-of-it"), 201,
				   stoa_str("{\"id\":7}")),
		  0);
	o = run(tx, -1);
	if (ret_failed)
		*ret_failed = o->failed;
	return o->err;
}

static bool has_found;
static char found[64];
static bool is_found;

static void on_found(int err, const struct stoa_sql_result *const *r, uint32_t n, uint32_t failed,
		     void *user)
{
	(void)n, (void)failed, (void)user;
	CHECK_INT(err, 0);
	has_found = stoa_sql_rows(&sql, r[0]) == 1;
	if (has_found)
		snprintf(found, sizeof(found), "%.*s %d %.*s",
			 STOA_FMT(stoa_sql_text(&sql, r[0], 0, 0)),
			 (int)stoa_sql_int(&sql, r[0], 0, 1),
			 STOA_FMT(stoa_sql_text(&sql, r[0], 0, 2)));
	is_found = true;
}

static bool is_answered(void *user)
{
	return *(bool *)user;
}

static bool find(const char *actor, const char *key)
{
	is_found = false;
	CHECK_INT(stoa_sql_recall(&sql, self, actor, stoa_str(key), on_found, NULL), 0);
	CHECK(stoa_test_run_until(is_answered, &is_found, 10000));
	return has_found;
}

static void test_once(void)
{
	char id[64];
	uint32_t failed = 0;

	snprintf(id, sizeof(id), "%s", name("keyed"));
	insert(id, 0);
	CHECK(!find("alice", "key-1"));
	CHECK_INT(add_with_key(id, "alice", "key-1", NULL), 0);
	CHECK_INT(add_with_key(id, "alice", "key-1", &failed), -EEXIST);
	CHECK_INT(failed, UINT32_MAX);
	CHECK_INT(number_of(id), 1); /* the change came once */
	CHECK(find("alice", "key-1"));
	CHECK_STR(found, "hash-of-it 201 {\"id\":7}");
	CHECK_INT(add_with_key(id, "bob", "key-1", NULL), 0);
	CHECK_INT(number_of(id), 2);
}

/* A change that failed leaves its key free. */
static void test_failed(void)
{
	char id[64];

	snprintf(id, sizeof(id), "%s", name("late"));
	CHECK_INT(add_with_key(id, "alice", "key-2", NULL), -ENOENT);
	CHECK(!find("alice", "key-2"));
	insert(id, 0);
	CHECK_INT(add_with_key(id, "alice", "key-2", NULL), 0);
}

static void test_old(void)
{
	char id[64];

	snprintf(id, sizeof(id), "%s", name("old"));
	insert(id, 0);
	CHECK_INT(add_with_key(id, "alice", "key-3", NULL), 0);
	CHECK_INT(RUN_ONE(KEY_AGE, STOA_ROWS_ONE, STOA_V_TEXT("alice"), STOA_V_TEXT("key-3"),
			  STOA_V_TIME(stoa_wall_ms() - 1)),
		  0);
	CHECK(!find("alice", "key-3"));
	CHECK_INT(add_with_key(id, "alice", "key-3", NULL), 0);
	CHECK_INT(number_of(id), 2);
	CHECK(find("alice", "key-3"));
}

static void test_misuse(void)
{
	struct stoa_tx *tx = begin();
	char key[300];

	memset(key, 'k', sizeof(key));
	CHECK_INT(stoa_tx_remember(&sql, tx, "a", stoa_str(""), stoa_str("h"), 200, stoa_str("")),
		  -EINVAL);
	CHECK_INT(run(tx, -1)->err, -EINVAL);
	tx = begin();
	CHECK_INT(stoa_tx_remember(&sql, tx, "a", stoa_strn(key, 256), stoa_str("h"), 200,
				   stoa_str("")),
		  -EINVAL);
	stoa_tx_cancel(&sql, tx);
	tx = begin();
	CHECK_INT(stoa_tx_remember(&sql, tx, "a", stoa_strn(key, 255), stoa_str("h"), 200,
				   stoa_str("")),
		  0);
	CHECK_INT(run(tx, -1)->err, 0);
}

void case_keys(void)
{
	test_once();
	test_failed();
	test_old();
	test_misuse();
}
