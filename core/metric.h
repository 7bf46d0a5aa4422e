/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_METRIC_H
#define STOA_CORE_METRIC_H

#include <stoa/metric.h>

#include "mod.h"

#define METRIC_BOUNDS_MAX 16

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_CALLBACK, METRIC_HISTOGRAM };

struct metric {
	enum metric_kind kind;
	struct stoa_mod *mod;
	char *name, *labels, *help;
	uint32_t slot;
	stoa_metric_fn *fn;
	void *user;
	size_t n_bounds; /* slots: one per bucket, one for +Inf, one for the sum (a double) */
	double bounds[METRIC_BOUNDS_MAX];
};

/** The i-th that was declared; NULL past the last. Thread: ctl. */
const struct metric *metric_at(size_t i);
/** The sum slot of a histogram holds the bits of a double. */
double metric_as_double(int64_t bits);

/** After a module's stop(): its callbacks are not called any more; its counts stay readable. */
void metric_remove_callbacks_of(const struct stoa_mod *m);
/** Forgets everything declared; no other thread may count any more. Tests and exit. */
void metric_reset(void);

#endif
