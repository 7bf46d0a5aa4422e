/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stoa/util.h>

#include "check.h"

#define THREADS    4
#define PER_THREAD 5000

static char ids[THREADS][PER_THREAD][STOA_UUID_LEN];

static void *make_ids(void *arg)
{
	char(*mine)[STOA_UUID_LEN] = arg;

	for (int i = 0; i < PER_THREAD; i++)
		stoa_uuid7(mine[i]);
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void check_threads(void)
{
	pthread_t t[THREADS];
	int unsorted = 0, twice = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, make_ids, ids[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < THREADS; i++) {
		for (int k = 1; k < PER_THREAD; k++)
			unsorted += strcmp(ids[i][k - 1], ids[i][k]) >= 0;
	}
	qsort(ids, (size_t)THREADS * PER_THREAD, STOA_UUID_LEN, by_text);
	for (int i = 1; i < THREADS * PER_THREAD; i++)
		twice += strcmp((*ids)[i - 1], (*ids)[i]) == 0;
	CHECK_INT(unsorted, 0);
	CHECK_INT(twice, 0);
}

int main(void)
{
	char id[STOA_UUID_LEN], prefix[14];
	uint8_t a[32] = { 0 }, b[32] = { 0 };
	int64_t before = stoa_wall_ms();
	long long ms;

	stoa_uuid7(id);
	CHECK_INT(strlen(id), 36);
	CHECK(stoa_uuid_valid(stoa_str(id)));
	CHECK_INT(id[14], '7');                /* version */
	CHECK(strchr("89ab", id[19]) != NULL); /* variant */
	snprintf(prefix, sizeof(prefix), "%.8s%.4s", id, id + 9);
	ms = strtoll(prefix, NULL, 16);
	CHECK(ms >= before && ms <= stoa_wall_ms() + 1000);
	CHECK(stoa_uuid_valid(stoa_str("018F0000-0000-7000-8000-00000000ABCD")));
	CHECK(!stoa_uuid_valid(stoa_str("018f0000-0000-7000-8000-00000000abc")));
	CHECK(!stoa_uuid_valid(stoa_str("018f0000-0000-7000-8000-00000000abcg")));
	CHECK(!stoa_uuid_valid(stoa_str("018f0000x0000-7000-8000-00000000abcd")));
	CHECK(!stoa_uuid_valid(stoa_str("018f-00000000-7000-8000-00000000abcd")));
	CHECK(!stoa_uuid_valid(stoa_str("")));
	check_threads();
	stoa_random(a, sizeof(a));
	stoa_random(b, sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	return check_done();
}
