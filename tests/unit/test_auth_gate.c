/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c: nothing is freed under a reader, everything is freed in the end. */
#include <pthread.h>
#include <unistd.h>
#include "gate.h"
#include "check.h"

static int freed;

static void count_free(void *p)
{
	freed++;
	free(p);
}

static void test_no_reader(void)
{
	struct gate g = { 0 };

	CHECK(!gate_poll(&g));
	gate_retire(&g, malloc(1), count_free);
	gate_retire(&g, NULL, count_free);
	CHECK(!gate_poll(&g));
	CHECK_INT(freed, 1);
}

static void test_reader_holds(void)
{
	struct gate g = { 0 };
	uint32_t a = gate_enter(&g), b;

	freed = 0;
	gate_retire(&g, malloc(1), count_free);
	for (int i = 0; i < 10; i++)
		CHECK(gate_poll(&g));
	b = gate_enter(&g); /* came later: is not waited for */
	CHECK(b != a);
	gate_retire(&g, malloc(1), count_free); /* while b may hold it */
	gate_leave(&g, a);
	CHECK(gate_poll(&g));
	CHECK_INT(freed, 1);
	for (int i = 0; i < 10; i++)
		CHECK(gate_poll(&g));
	CHECK_INT(freed, 1);
	gate_leave(&g, b);
	while (gate_poll(&g))
		;
	CHECK_INT(freed, 2);
}

static void test_finish(void)
{
	struct gate g = { 0 };

	freed = 0;
	gate_retire(&g, malloc(1), count_free);
	gate_finish(&g);
	CHECK_INT(freed, 1);
	CHECK(!gate_poll(&g));
}

/* ---- readers on threads: what they see is whole, as the sanitizers would tell ---- */

struct thing {
	int a, b; /* always the same; -1 once freed */
};

static struct gate shared;
static struct thing *_Atomic current;
static _Atomic int stop, torn;

static struct thing *make_thing(int v)
{
	struct thing *t = malloc(sizeof(*t));

	*t = (struct thing){ v, v };
	return t;
}

static void free_thing(void *p)
{
	struct thing *t = p;

	t->a = t->b = -1;
	count_free(t);
}

static void *read_much(void *arg)
{
	while (!atomic_load(&stop)) {
		uint32_t side = gate_enter(&shared);
		const struct thing *t = atomic_load(&current);

		if (t->a != t->b || t->a < 0)
			atomic_fetch_add(&torn, 1);
		gate_leave(&shared, side);
	}
	return arg;
}

static void test_threads(void)
{
	enum { CHANGES = 2000, THREADS = 3 };
	pthread_t threads[THREADS];

	freed = 0;
	atomic_store(&current, make_thing(0));
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, read_much, NULL);
	for (int i = 1; i <= CHANGES; i++) {
		gate_retire(&shared, atomic_exchange(&current, make_thing(i)), free_thing);
		gate_poll(&shared);
		if (i % 50 == 0)
			usleep(100);
	}
	while (gate_poll(&shared)) /* ends although readers keep coming */
		usleep(50);
	CHECK_INT(freed, CHANGES);
	atomic_store(&stop, 1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(torn, 0);
	free_thing(atomic_load(&current));
}

int main(void)
{
	test_no_reader();
	test_reader_holds();
	test_finish();
	test_threads();
	return check_done();
}
