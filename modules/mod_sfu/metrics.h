/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of the media plane. Workers count in plain integers of their own and add the differences
 * once per second. */
#ifndef SFU_METRICS_H
#define SFU_METRICS_H

#include "worker.h"

/** In load(). Thread: ctl. */
void metrics_declare(struct stoa_mod *m);
/** Adds what the worker counted since the last call. Thread: the worker's. */
void metrics_count(struct worker *w);

#endif
