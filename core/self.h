/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_SELF_H
#define STOA_CORE_SELF_H

#include <stoa/metric.h>

/* The core's own metrics: 0, which counts nothing, until self_declare(). */
extern struct self_metrics {
	stoa_metric events, events_dropped, hook_denials, hook_errors, slow_callbacks;
} self_metrics;

/** Declares them; again after metric_reset(). Thread: ctl. */
void self_declare(void);

#endif
