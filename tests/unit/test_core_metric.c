/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics from many threads (run it under TSan as well), and their text. */
#include <stoa/util.h>
#include <time.h>

#include "check.h"
#include "loop.h"
#include "metric.h"

#define THREADS    4
#define PER_THREAD 100000

static stoa_metric hits, level, sizes;
static struct stoa_mod mod = { .desc.name = "mod_demo" };

static void *count(void *arg)
{
	for (int i = 0; i < PER_THREAD; i++) {
		stoa_metric_add(hits, 1);
		stoa_metric_add(level, i % 2 ? -3 : 4);
		stoa_metric_observe(sizes, i % 4);
	}
	return arg;
}

static void check_threads(void)
{
	pthread_t t[THREADS];
	int64_t sum = -1;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, count, NULL);
	for (int i = 0; i < 100; i++) { /* reading meanwhile never goes back */
		int64_t now = stoa_metric_read(hits);

		CHECK(now >= sum);
		sum = now;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	CHECK_INT(stoa_metric_read(hits), THREADS * PER_THREAD); /* the threads are gone */
	CHECK_INT(stoa_metric_read(level), THREADS * PER_THREAD / 2);
}

static double give_seven(void *user)
{
	(void)user;
	return 7.5;
}

static void check_text(void)
{
	size_t n;
	char *text = stoa_metric_text_dup(&n);

	CHECK_INT(strlen(text), n);
	CHECK(strstr(text, "# HELP stoa_demo_hits_total Hits.\n"
			   "# TYPE stoa_demo_hits_total counter\n"
			   "stoa_demo_hits_total 400000\n"));
	/* one head, both series below it although another was declared between */
	CHECK(strstr(text, "# TYPE stoa_demo_drops_total counter\n"
			   "stoa_demo_drops_total{why=\"late\"} 2\n"
			   "stoa_demo_drops_total{why=\"full\"} 0\n"));
	CHECK(strstr(text, "# TYPE stoa_demo_sizes histogram\n"
			   "stoa_demo_sizes_bucket{le=\"0.5\"} 100000\n"
			   "stoa_demo_sizes_bucket{le=\"2\"} 300000\n"
			   "stoa_demo_sizes_bucket{le=\"+Inf\"} 400000\n"
			   "stoa_demo_sizes_sum 600000\n"
			   "stoa_demo_sizes_count 400000\n"));
	CHECK(strstr(text, "stoa_demo_seven{a=\"b\"} 7.5\n"));
	CHECK(strstr(text, "stoa_core_own 1\n"));
	stoa_metric_text_free(text);
}

int main(void)
{
	static const double bounds[] = { 0.5, 2 };
	stoa_metric late, full;
	struct timespec t0, t1;

	CHECK_INT(loop_init_ctl(), 0);
	hits = stoa_metric_counter(&mod, "hits_total", NULL, "Hits.");
	late = stoa_metric_counter(&mod, "drops_total", "why=\"late\"", "Drops.");
	level = stoa_metric_gauge(&mod, "level", NULL, "A level.");
	full = stoa_metric_counter(&mod, "drops_total", "why=\"full\"", "Drops.");
	sizes = stoa_metric_histogram(&mod, "sizes", NULL, "Sizes.", bounds, 2);
	CHECK(stoa_metric_callback(&mod, "seven", "a=\"b\"", "Seven.", give_seven, NULL) != 0);
	stoa_metric_add(stoa_metric_gauge(NULL, "own", NULL, "The core's."), 1);
	CHECK(hits && late && level && full && sizes && late != full);
	CHECK_INT(stoa_metric_counter(&mod, "hits_total", NULL, "Hits."),
		  hits); /* a second start */
	CHECK_INT(stoa_metric_counter(&mod, "nohelp_total", NULL, ""), 0);
	stoa_metric_add(0, 5); /* none: does nothing */
	stoa_metric_add(UINT32_MAX, 5);
	stoa_metric_add(late, 2);
	check_threads();
	check_text();
	metric_remove_callbacks_of(&mod);
	stoa_metric_text_free(stoa_metric_text_dup(NULL));

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t0);
	for (int i = 0; i < 10000000; i++)
		stoa_metric_add(hits, 1);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t1);
	printf("stoa_metric_add: %.2f ns\n",
	       ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) / 1e7);
	for (int i = 0; i < 2000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "m%d", i);
		full = stoa_metric_counter(&mod, name, NULL, "One of many.");
	}
	CHECK_INT(full, 0); /* the table is bounded */
	metric_reset();
	loop_free_all();
	return check_done();
}
