/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_LIMIT_H
#define MOD_HTTP_LIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Connections and requests per address (IPv6: per /64), and connections in all. One table for all
 * threads, of fixed size. */

struct limit_table;
struct limit_slot; /* one address; held by each of its connections */

struct limit_table *limit_table_new(void);
void limit_table_free(struct limit_table *t);

/* Counts a connection in. NULL: over one of the limits (0: none). Thread: any. */
struct limit_slot *limit_connect(struct limit_table *t, const struct sockaddr *peer,
				 unsigned connections_max, unsigned per_address);
void limit_disconnect(struct limit_table *t, struct limit_slot *s);

/* May the address make one more request now, at most `per_minute` in a minute with a burst of a
 * sixth of that? Returns 0, or the seconds after which to try again. Lock-free. Thread: any. */
unsigned limit_request(struct limit_slot *s, unsigned per_minute, uint64_t now_ms);

unsigned limit_connections(const struct limit_table *t);

#endif
