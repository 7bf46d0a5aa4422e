/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of one module's life. What start() opened through the host and stop() did not close
 * is named here and removed; a debug build ends instead, so that nobody gets used to it. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <stoa/loop.h>
#include <stoa/util.h>

#include "control.h"
#include "event.h"
#include "hook.h"
#include "host.h"
#include "iface.h"
#include "loop.h"
#include "metric.h"

#define JOBS_TELL_MS 5000

#ifdef NDEBUG
bool host_aborts_on_leftovers = false;
#else
bool host_aborts_on_leftovers = true;
#endif

int mod_load(struct stoa_mod *m)
{
	int r = m->ops.load ? m->ops.load(m) : 0;

	if (r == 0) {
		m->state = MOD_LOADED;
		m->is_loaded = true;
	}
	return r;
}

int mod_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	return m->ops.check ? m->ops.check(m, c, e) : 0;
}

int mod_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	uint64_t began = loop_callback_begin();
	int r = m->ops.start ? m->ops.start(m, c) : 0;

	loop_callback_end(began, m, "start()");
	if (r == 0)
		m->state = MOD_RUNNING;
	return r;
}

/* ---- after stop() ---- */

static const char *const kind_names[OWNED_KINDS] = { "timer", "watched descriptor", "thread",
						     "listener" };

static void remove_one(struct stoa_mod *m, enum owned_kind kind)
{
	void *o = owned_first(m, kind); /* `owned` is the first member of each */

	switch (kind) {
	case OWNED_TIMER:
		stoa_timer_free(o);
		break;
	case OWNED_FD:
		stoa_fd_free(o);
		break;
	case OWNED_LOOP:
		stoa_loop_join(o);
		break;
	case OWNED_LISTENER:
		stoa_listener_free(o);
		break;
	case OWNED_KINDS:
		break;
	}
}

/* Threads first: with them go the timers and descriptors on their loops. */
static void remove_leftovers(struct stoa_mod *m, bool is_after_failed_start)
{
	static const enum owned_kind order[] = { OWNED_LOOP, OWNED_LISTENER, OWNED_FD,
						 OWNED_TIMER };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(order); i++) {
		size_t n = owned_count(m, order[i]);

		if (!n)
			continue;
		if (!is_after_failed_start) {
			stoa_log(m, STOA_LOG_ERROR, "stop() left %zu %s%s behind", n,
				 kind_names[order[i]], n == 1 ? "" : "s");
			if (host_aborts_on_leftovers)
				abort();
		}
		while (n--)
			remove_one(m, order[i]);
	}
}

/* Jobs in the pool end by themselves; their done_fn belongs to a module that still exists. There is
 * no end to this patience: the process waits for the pool's threads in any case. */
static void wait_for_jobs(struct stoa_mod *m)
{
	uint64_t tell_at = stoa_now_ms() + JOBS_TELL_MS;

	while (atomic_load(&m->jobs)) {
		loop_turn_ctl(5);
		if (stoa_now_ms() < tell_at)
			continue;
		tell_at = UINT64_MAX;
		stoa_log(m, STOA_LOG_WARN, "stop() waits for %u jobs in the pool",
			 atomic_load(&m->jobs));
	}
}

void mod_stop(struct stoa_mod *m)
{
	bool is_running = m->state == MOD_RUNNING;

	hook_remove_of(m);
	if (is_running && m->ops.stop)
		m->ops.stop(m);
	/* from here on nothing may reach it; only what it asked for before may still come back */
	event_remove_of(m);
	control_withdraw(m);
	metric_remove_callbacks_of(m);
	wait_for_jobs(m);
	control_remove_of(m);
	remove_leftovers(m, !is_running);
	stoa_loop_run_posted(stoa_ctl()); /* what its threads, now gone, had still to say */
	if (m->state != MOD_OUT)
		m->state = MOD_STOPPED;
}

void mod_unload(struct stoa_mod *m)
{
	control_remove_of(m); /* added in load(), and the module never started */
	if (m->is_loaded && m->ops.unload)
		m->ops.unload(m);
	m->is_loaded = false;
	iface_withdraw(m);
	if (m->state != MOD_OUT)
		m->state = MOD_OPENED;
}
