/* SPDX-License-Identifier: Apache-2.0 */
/* So many per minute from one address: a bounded table of token buckets. Thread: ctl. */
#ifndef MOD_AUTH_LIMIT_H
#define MOD_AUTH_LIMIT_H

#include <stoa/util.h>

#define LIMIT_ADDRESSES_MAX 8192

struct limit;

struct limit *limit_new(void);
void limit_free(struct limit *l);

/** Takes one of `per_minute` (which is also how many may come at once). 0, or the seconds after
 *  which to try again. `peer` is an address as text; IPv6 counts by its /64. */
uint32_t limit_take(struct limit *l, const char *peer, int64_t per_minute, uint64_t now_ms);

#endif
