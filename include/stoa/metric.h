/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_METRIC_H
#define STOA_METRIC_H

#include <stoa/base.h>

/*
 * Metrics: declared once at load() or start(), added to from any thread without a lock or an atomic
 * read-modify-write (each thread writes a slot of its own), summed when read. Shown by /metrics as
 * stoa_<module without mod_>_<name>.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

struct stoa_mod;

typedef uint32_t stoa_metric; /* 0 is "none": adding to it does nothing */

/** `name` ends in _total for counters; `labels` is NULL or a constant `reason="overrun",way="in"`.
 *  `help` is one sentence, mandatory. At most 1024 in the process: past that 0. Thread: ctl. */
STOA_EXPORT stoa_metric stoa_metric_counter(struct stoa_mod *m, const char *name,
					    const char *labels, const char *help);
/** A gauge: the sum of what all threads added and subtracted. */
STOA_EXPORT stoa_metric stoa_metric_gauge(struct stoa_mod *m, const char *name, const char *labels,
					  const char *help);
/** Adds; counters only up. A few nanoseconds. Thread: any. */
STOA_EXPORT void stoa_metric_add(stoa_metric id, int64_t n);
/** Sum over threads. Thread: ctl. */
STOA_EXPORT int64_t stoa_metric_read(stoa_metric id);
/** A gauge whose value is asked for when read, on ctl. */
typedef double stoa_metric_fn(void *user);
STOA_EXPORT stoa_metric stoa_metric_callback(struct stoa_mod *m, const char *name,
					     const char *labels, const char *help,
					     stoa_metric_fn *fn, void *user);
/** A histogram with fixed upper bounds (ascending, at most 16); observe from any thread. */
STOA_EXPORT stoa_metric stoa_metric_histogram(struct stoa_mod *m, const char *name,
					      const char *labels, const char *help,
					      const double *bounds, size_t n_bounds);
STOA_EXPORT void stoa_metric_observe(stoa_metric id, double value);

/** The whole registry as Prometheus text 0.0.4; malloc'd, free() through stoa_metric_text_free().
 * Thread: ctl. */
STOA_EXPORT char *stoa_metric_text_dup(size_t *ret_len);
STOA_EXPORT void stoa_metric_text_free(char *text);

STOA_END_DECLS

#endif
