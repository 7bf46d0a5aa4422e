/* SPDX-License-Identifier: Apache-2.0 */
/* Drain: no new work, and an end when every module is done or the deadline has passed. */
#include <errno.h>

#include <stoa/loop.h>
#include <stoa/util.h>

#include "host.h"
#include "loop.h"

static bool ends_loop_when_drained;

bool host_is_drained(void)
{
	if (host.phase != HOST_DRAINING)
		return false;
	for (size_t i = 0; i < host.n_order; i++) {
		const struct stoa_mod *m = host.order[i];

		if (m->state == MOD_RUNNING && !m->is_drained)
			return false;
	}
	return true;
}

uint64_t host_drain_timeout_ms(void)
{
	return (uint64_t)stoa_conf_duration_ms(conf_section(host.conf, "core"), "drain-timeout");
}

static void on_deadline(void *user)
{
	(void)user;
	for (size_t i = 0; i < host.n_order; i++) {
		const struct stoa_mod *m = host.order[i];

		if (m->state == MOD_RUNNING && !m->is_drained)
			stoa_log(m, STOA_LOG_WARN, "drain deadline passed, ending what is left");
	}
	loop_end_ctl();
}

static void tell_modules(uint64_t deadline_ms)
{
	host.phase = HOST_DRAINING;
	stoa_log(NULL, STOA_LOG_NOTICE, "draining: no new work is taken");
	for (size_t i = host.n_order; i-- > 0;) {
		struct stoa_mod *m = host.order[i];

		if (m->state != MOD_RUNNING)
			continue;
		m->is_drained = !m->ops.drain;
		if (m->ops.drain)
			m->ops.drain(m, deadline_ms);
	}
}

void host_drain(uint64_t deadline_ms, bool ends_loop)
{
	if (host.phase == HOST_RUNNING)
		tell_modules(deadline_ms);
	if (!ends_loop)
		return;
	ends_loop_when_drained = true;
	if (!host.drain_timer)
		host.drain_timer = stoa_timer_new(NULL, on_deadline, NULL);
	if (!host.drain_timer || host_is_drained())
		loop_end_ctl();
	else
		stoa_timer_set(host.drain_timer, deadline_ms);
}

int host_undrain(const char **ret_who)
{
	*ret_who = NULL;
	if (host.phase != HOST_DRAINING || ends_loop_when_drained)
		return -EALREADY;
	for (size_t i = 0; i < host.n_order; i++) {
		const struct stoa_mod *m = host.order[i];

		if (m->state == MOD_RUNNING && m->ops.drain && !m->ops.undrain) {
			*ret_who = m->desc.name;
			return -ENOTSUP;
		}
	}
	host.phase = HOST_RUNNING;
	for (size_t i = 0; i < host.n_order; i++) {
		struct stoa_mod *m = host.order[i];

		m->is_drained = false;
		if (m->state == MOD_RUNNING && m->ops.undrain)
			m->ops.undrain(m);
	}
	stoa_log(NULL, STOA_LOG_NOTICE, "drain called off");
	return 0;
}

void stoa_mod_drained(struct stoa_mod *m)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	m->is_drained = true;
	if (ends_loop_when_drained && host_is_drained())
		loop_end_ctl();
}

void drain_reset(void)
{
	stoa_timer_free(host.drain_timer);
	host.drain_timer = NULL;
	ends_loop_when_drained = false;
}
