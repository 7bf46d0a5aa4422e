/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_STATUS_H
#define STOA_STATUS_H

#include <stoa/base.h>

/*
 * How the daemon is: its phase, and every reason why it is not ready to take new work.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

/** Version of the daemon, "0.1.0". Thread: any. */
STOA_EXPORT const char *stoa_version(void);

/** "starting", "running", "draining" or "stopping". Thread: any. */
STOA_EXPORT const char *stoa_status_phase(void);

/** One reason: the module it is about ("core" for the daemon itself), a short constant ("left-out",
 *  "draining", or what the module gave to stoa_mod_set_ready()), and a sentence. All borrowed. */
typedef void stoa_status_fn(const char *module, const char *what, const char *reason, void *user);

/** True when running and nothing is amiss. Otherwise `each_fn` (may be NULL) gets each reason.
 *  Thread: ctl. */
STOA_EXPORT bool stoa_status_ready(stoa_status_fn *each_fn, void *user);

STOA_END_DECLS

#endif
