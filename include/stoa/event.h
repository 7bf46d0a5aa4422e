/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_EVENT_H
#define STOA_EVENT_H

#include <jansson.h>
#include <stoa/base.h>

/*
 * Events: it happened. Names are past tense ("call.ended"), the body is an immutable JSON object,
 * so that scripts, webhooks and sockets see one shape. Events are queued on ctl and delivered in
 * order after the call that emitted them returned. A change in the database carries its events
 * through stoa_tx_emit() of <stoa/iface/sql.h>, so that nobody hears of what was rolled back.
 *
 * The bodies are described in docs/events.md. Jansson's json_t is the one
 * type of another library in the public headers, here and in <stoa/control.h>.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

struct stoa_mod;

struct stoa_event {
	uint32_t size;
	const char *name;
	int64_t time_ms;    /* UTC, milliseconds since 1970 */
	const json_t *data; /* an object; borrowed, immutable; json_incref() to keep (on ctl) */
};

typedef void stoa_event_fn(const struct stoa_event *ev, void *user);

/** Listens to a name, or to a prefix ("call.*"), or to all ("*"). Removed at stop(). Thread: ctl.
 */
STOA_EXPORT int stoa_event_listen(struct stoa_mod *m, const char *name, stoa_event_fn *fn,
				  void *user);

/** Queues an event; takes the reference to `data`, an object, in every case. -ENOBUFS when 65536
 * are waiting (counted; nothing was kept). Thread: ctl. */
STOA_EXPORT int stoa_event_emit(struct stoa_mod *m, const char *name, json_t *data_take);

STOA_END_DECLS

#endif
