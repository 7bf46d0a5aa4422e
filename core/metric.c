/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics. Each thread has an array of slots of its own; an id is the number of its first slot.
 * The owner of a slot is its only writer, so adding is a relaxed load and store: a few
 * nanoseconds, no locked instruction. Readers sum over threads; what an ended thread counted
 * moves to `retired`. The arrays are mapped, not allocated: only pages in use cost memory. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <stoa/metric.h>
#include <stoa/util.h>

#include "loop.h"
#include "metric.h"

#define METRICS_MAX 1024
#define SLOTS_MAX   8192

struct thread_slots {
	struct stoa_list link;
	_Atomic int64_t v[SLOTS_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct stoa_list threads = STOA_LIST_INIT(threads);
static int64_t *retired;
static struct metric *metrics;
static size_t n_metrics;
static uint32_t next_slot = 1;
static struct metric *_Atomic histogram_of[SLOTS_MAX];
static pthread_key_t thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static __attribute__((tls_model("initial-exec"))) _Thread_local struct thread_slots *own;

static int64_t load(const struct thread_slots *t, uint32_t slot)
{
	return atomic_load_explicit(&t->v[slot], memory_order_relaxed);
}

double metric_as_double(int64_t bits)
{
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static int64_t as_bits(double d)
{
	int64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

static bool is_sum_slot(uint32_t slot)
{
	const struct metric *m = atomic_load_explicit(&histogram_of[slot], memory_order_relaxed);

	return m && slot == m->slot + m->n_bounds + 1;
}

/* Sum of one slot over the living and the dead, with the lock held. */
static int64_t sum_slot(uint32_t slot)
{
	bool is_double = is_sum_slot(slot);
	int64_t n = retired ? retired[slot] : 0;
	double d = metric_as_double(n);
	struct thread_slots *t;

	stoa_list_for_each (t, &threads, struct thread_slots, link) {
		if (is_double)
			d += metric_as_double(load(t, slot));
		else
			n += load(t, slot);
	}
	return is_double ? as_bits(d) : n;
}

static void retire(void *arg)
{
	struct thread_slots *t = arg;

	own = NULL;
	pthread_mutex_lock(&lock);
	for (uint32_t i = 1; retired && i < next_slot; i++) {
		if (is_sum_slot(i))
			retired[i] = as_bits(metric_as_double(retired[i]) +
					     metric_as_double(load(t, i)));
		else
			retired[i] += load(t, i);
	}
	stoa_list_unlink(&t->link);
	pthread_mutex_unlock(&lock);
	munmap(t, sizeof(*t));
}

static void *map_zeroed(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void init(void)
{
	pthread_key_create(&thread_end, retire);
	retired = map_zeroed(SLOTS_MAX * sizeof(*retired));
	metrics = map_zeroed(METRICS_MAX * sizeof(*metrics));
}

/* The calling thread's slots, made at its first count; NULL when out of memory. */
static struct thread_slots *attach(void)
{
	struct thread_slots *t;

	pthread_once(&once, init);
	t = map_zeroed(sizeof(*t));
	if (!t)
		return NULL;
	pthread_setspecific(thread_end, t);
	pthread_mutex_lock(&lock);
	stoa_list_append(&threads, &t->link);
	pthread_mutex_unlock(&lock);
	own = t;
	return t;
}

static inline void bump(struct thread_slots *t, uint32_t slot, int64_t n)
{
	atomic_store_explicit(&t->v[slot], load(t, slot) + n, memory_order_relaxed);
}

void stoa_metric_add(stoa_metric id, int64_t n)
{
	struct thread_slots *t = own;

	if (id == 0 || id >= SLOTS_MAX || (!t && !(t = attach())))
		return;
	bump(t, id, n);
}

void stoa_metric_observe(stoa_metric id, double value)
{
	const struct metric *m;
	struct thread_slots *t = own;
	uint32_t i = 0;

	if (id == 0 || id >= SLOTS_MAX || (!t && !(t = attach())))
		return;
	m = atomic_load_explicit(&histogram_of[id], memory_order_acquire);
	if (!m || isnan(value))
		return;
	while (i < m->n_bounds && value > m->bounds[i])
		i++;
	bump(t, id + i, 1);
	i = id + (uint32_t)m->n_bounds + 1;
	atomic_store_explicit(&t->v[i], as_bits(metric_as_double(load(t, i)) + value),
			      memory_order_relaxed);
}

int64_t stoa_metric_read(stoa_metric id)
{
	int64_t n;

	if (id == 0 || id >= SLOTS_MAX)
		return 0;
	pthread_once(&once, init);
	pthread_mutex_lock(&lock);
	n = sum_slot(id);
	pthread_mutex_unlock(&lock);
	return n;
}

/* ---- declaring ---- */

static bool is_same(const struct metric *a, const struct stoa_mod *m, const char *name,
		    const char *labels)
{
	return a->mod == m && strcmp(a->name, name) == 0 &&
	       strcmp(a->labels, labels ? labels : "") == 0;
}

static struct metric *declare(struct stoa_mod *m, enum metric_kind kind, const char *name,
			      const char *labels, const char *help, uint32_t slots)
{
	struct metric *x;

	stoa_assert_thread(STOA_THREAD_CTL);
	pthread_once(&once, init);
	for (size_t i = 0; metrics && i < n_metrics; i++) {
		if (is_same(&metrics[i], m, name, labels)) /* a second start of the module */
			return &metrics[i];
	}
	if (!metrics || !help || !*help || n_metrics == METRICS_MAX ||
	    next_slot + slots > SLOTS_MAX) {
		stoa_log(m, STOA_LOG_ERROR, "metric %s is not counted: %s", name,
			 help && *help ? "the table is full" : "it has no help text");
		return NULL;
	}
	x = &metrics[n_metrics];
	*x = (struct metric){ .kind = kind, .mod = m, .slot = next_slot };
	x->name = strdup(name);
	x->labels = strdup(labels ? labels : "");
	x->help = strdup(help);
	if (!x->name || !x->labels || !x->help)
		return NULL;
	pthread_mutex_lock(&lock);
	next_slot += slots;
	n_metrics++;
	pthread_mutex_unlock(&lock);
	return x;
}

stoa_metric stoa_metric_counter(struct stoa_mod *m, const char *name, const char *labels,
				const char *help)
{
	const struct metric *x = declare(m, METRIC_COUNTER, name, labels, help, 1);

	return x ? x->slot : 0;
}

stoa_metric stoa_metric_gauge(struct stoa_mod *m, const char *name, const char *labels,
			      const char *help)
{
	const struct metric *x = declare(m, METRIC_GAUGE, name, labels, help, 1);

	return x ? x->slot : 0;
}

stoa_metric stoa_metric_callback(struct stoa_mod *m, const char *name, const char *labels,
				 const char *help, stoa_metric_fn *fn, void *user)
{
	struct metric *x = declare(m, METRIC_CALLBACK, name, labels, help, 1);

	if (!x)
		return 0;
	x->fn = fn;
	x->user = user;
	return x->slot;
}

stoa_metric stoa_metric_histogram(struct stoa_mod *m, const char *name, const char *labels,
				  const char *help, const double *bounds, size_t n_bounds)
{
	struct metric *x;

	if (n_bounds > METRIC_BOUNDS_MAX)
		return 0;
	x = declare(m, METRIC_HISTOGRAM, name, labels, help, (uint32_t)n_bounds + 2);
	if (!x)
		return 0;
	x->n_bounds = n_bounds;
	memcpy(x->bounds, bounds, n_bounds * sizeof(*bounds));
	for (uint32_t i = 0; i < n_bounds + 2; i++)
		atomic_store_explicit(&histogram_of[x->slot + i], x, memory_order_release);
	return x->slot;
}

void metric_remove_callbacks_of(const struct stoa_mod *m)
{
	for (size_t i = 0; i < n_metrics; i++) {
		if (metrics[i].mod == m)
			metrics[i].fn = NULL;
	}
}

const struct metric *metric_at(size_t i)
{
	return i < n_metrics ? &metrics[i] : NULL;
}

void metric_reset(void)
{
	struct thread_slots *t;

	pthread_once(&once, init);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_metrics; i++) {
		free(metrics[i].name);
		free(metrics[i].labels);
		free(metrics[i].help);
	}
	for (uint32_t i = 1; i < next_slot; i++) {
		atomic_store(&histogram_of[i], NULL);
		retired[i] = 0;
		stoa_list_for_each (t, &threads, struct thread_slots, link)
			atomic_store(&t->v[i], 0);
	}
	n_metrics = 0;
	next_slot = 1;
	pthread_mutex_unlock(&lock);
}
