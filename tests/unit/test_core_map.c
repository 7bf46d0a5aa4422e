/* SPDX-License-Identifier: Apache-2.0 */
#include <stoa/util.h>

#include "check.h"

#define KEYS 20000

static struct stoa_str key_of(int i, char buf[16])
{
	snprintf(buf, 16, "key-%d", i);
	return stoa_str(buf);
}

static void *value_of(int i)
{
	return (void *)(intptr_t)(i + 1);
}

static void fill(struct stoa_map *t)
{
	char buf[16];
	int failed = 0;

	for (int i = 0; i < KEYS; i++)
		failed += stoa_map_set(t, key_of(i, buf), value_of(i), NULL) != 0;
	CHECK_INT(failed, 0);
	CHECK_INT(stoa_map_len(t), KEYS);
}

/* Keys come and go for long without the table growing: dead slots are reclaimed. */
static void check_churn(struct stoa_map *t)
{
	char buf[16];
	int wrong = 0;

	for (int i = 0; i < 300000; i++) {
		wrong += stoa_map_set(t, key_of(i, buf), value_of(i), NULL) != 0;
		if (i >= 10)
			wrong += stoa_map_remove(t, key_of(i - 10, buf)) != value_of(i - 10);
	}
	CHECK_INT(wrong, 0);
	CHECK_INT(stoa_map_len(t), 10);
}

static void check_removal_in_walk(struct stoa_map *t)
{
	size_t pos = 0, seen = 0, kept = 0;
	struct stoa_str key;
	void *value;

	while (stoa_map_next(t, &pos, &key, &value)) {
		seen++;
		if ((intptr_t)value % 2)
			CHECK(stoa_map_remove(t, key) == value);
		else
			kept++;
	}
	CHECK_INT(seen, KEYS);
	CHECK_INT(stoa_map_len(t), kept);
	for (pos = 0; stoa_map_next(t, &pos, NULL, &value);)
		CHECK((intptr_t)value % 2 == 0);
}

int main(void)
{
	struct stoa_map *t = stoa_map_new();
	void *old = &old;
	char buf[16];

	CHECK(stoa_map_get(t, stoa_str("x")) == NULL);
	CHECK(stoa_map_remove(t, stoa_str("x")) == NULL);
	CHECK_INT(stoa_map_set(t, stoa_str("x"), value_of(1), &old), 0);
	CHECK(old == NULL);
	CHECK_INT(stoa_map_set(t, stoa_str("x"), value_of(2), &old), 0);
	CHECK(old == value_of(1));
	CHECK_INT(stoa_map_set(t, stoa_strn("x\0y", 3), value_of(3), NULL), 0);
	CHECK_INT(stoa_map_set(t, stoa_str(""), value_of(4), NULL), 0);
	CHECK(stoa_map_get(t, stoa_str("x")) == value_of(2));
	CHECK(stoa_map_get(t, stoa_strn("x\0y", 3)) == value_of(3));
	CHECK(stoa_map_get(t, stoa_str("")) == value_of(4));
	stoa_map_free(t);

	t = stoa_map_new();
	fill(t);
	CHECK(stoa_map_get(t, key_of(777, buf)) == value_of(777));
	CHECK(stoa_map_get(t, stoa_str("key-20000")) == NULL);
	check_removal_in_walk(t);
	stoa_map_free(t);

	t = stoa_map_new();
	check_churn(t);
	stoa_map_free(t);
	stoa_map_free(NULL);
	return check_done();
}
