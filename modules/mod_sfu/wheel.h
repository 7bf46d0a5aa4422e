/* SPDX-License-Identifier: Apache-2.0 */
/* A timer wheel: a worker's thousands of coarse deadlines (handshakes, consent) at the price of a
 * list operation each. Two levels, ticks of 10 ms; a timer fires up to one tick late, never early.
 * One thread; the caller gives the time. */
#ifndef SFU_WHEEL_H
#define SFU_WHEEL_H

#include <stoa/list.h>

#define WHEEL_TICK_US 10000
#define WHEEL_NEAR    256                            /* slots of one tick         */
#define WHEEL_FAR     64                             /* slots of WHEEL_NEAR ticks */
#define WHEEL_SPAN    (WHEEL_NEAR * (WHEEL_FAR - 1)) /* ticks */

struct wheel_timer;
typedef void wheel_fn(struct wheel_timer *t, uint64_t now_us);

struct wheel_timer { /* a member of what it wakes; wheel_timer_init() first */
	struct stoa_list link;
	uint64_t due; /* tick; 0: not set */
	wheel_fn *fn;
};

struct wheel {
	uint64_t tick; /* all before and this one have fired */
	uint32_t n;    /* timers set                         */
	uint64_t bits[WHEEL_NEAR / 64];
	struct stoa_list near[WHEEL_NEAR], far[WHEEL_FAR];
};

void wheel_init(struct wheel *w, uint64_t now_us);
void wheel_timer_init(struct wheel_timer *t, wheel_fn *fn);

/** Sets or moves a timer. */
void wheel_set(struct wheel *w, struct wheel_timer *t, uint64_t due_us);
void wheel_cancel(struct wheel *w, struct wheel_timer *t);

/** Fires what is due. A function may set and cancel any timer, its own too. */
void wheel_run(struct wheel *w, uint64_t now_us);

/** When wheel_run() is worth calling next (it may find nothing then); UINT64_MAX: no timer. */
uint64_t wheel_next(const struct wheel *w);

#endif
