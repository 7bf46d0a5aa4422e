/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_METRIC_H
#define STOA_CORE_METRIC_H

#include <stoa/metric.h>

/** After a module's stop(): its callbacks are not called any more; its counts stay readable. */
void metric_remove_callbacks_of(const struct stoa_mod *m);
/** Forgets everything declared; no other thread may count any more. Tests and exit. */
void metric_reset(void);

#endif
