/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness: what modules say about themselves, what was left out, and the phase of the host. */
#include <errno.h>
#include <stdlib.h>

#include <stoa/loop.h>
#include <stoa/status.h>

#include "host.h"

static void drop(struct not_ready *r)
{
	stoa_list_unlink(&r->link);
	free(r->what);
	free(r->reason);
	free(r);
}

void stoa_mod_set_ready(struct stoa_mod *m, const char *what, const char *reason)
{
	struct not_ready *r, *tmp;
	bool was_told = false;

	stoa_assert_thread(STOA_THREAD_CTL);
	stoa_list_for_each_safe (r, tmp, &m->not_ready, struct not_ready, link) {
		if (strcmp(r->what, what) != 0)
			continue;
		was_told = true;
		drop(r);
	}
	if (!reason) {
		if (was_told)
			stoa_log(m, STOA_LOG_NOTICE, "%s is well again", what);
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->what = strdup(what);
	r->reason = strdup(reason);
	stoa_list_append(&m->not_ready, &r->link);
	if (!r->what || !r->reason)
		drop(r);
	else if (!was_told)
		stoa_log(m, STOA_LOG_WARN, "not ready: %s: %s", what, reason);
}

const char *stoa_version(void)
{
	return STOA_VERSION;
}

const char *stoa_status_phase(void)
{
	static const char *const names[] = { "starting", "running", "draining", "stopping" };

	return names[atomic_load(&host.phase)];
}

struct teller {
	stoa_status_fn *each_fn;
	void *user;
	bool is_ready;
};

static void tell(struct teller *t, const char *module, const char *what, const char *reason)
{
	t->is_ready = false;
	if (t->each_fn)
		t->each_fn(module, what, reason, t->user);
}

static void tell_of_module(struct teller *t, const struct stoa_mod *m)
{
	const struct not_ready *r;

	if (m->is_named && m->state == MOD_OUT)
		tell(t, m->desc.name, "left-out", m->why);
	stoa_list_for_each (r, &m->not_ready, struct not_ready, link)
		tell(t, m->desc.name, r->what, r->reason);
}

bool stoa_status_ready(stoa_status_fn *each_fn, void *user)
{
	static const char *const phases[] = { "modules are being started", NULL,
					      "no new work is taken", "the daemon is ending" };
	struct teller t = { each_fn, user, true };
	const struct host_missing *x;
	enum host_phase phase = atomic_load(&host.phase);

	stoa_assert_thread(STOA_THREAD_CTL);
	if (phases[phase])
		tell(&t, "core", stoa_status_phase(), phases[phase]);
	stoa_list_for_each (x, &host.missing, struct host_missing, link)
		tell(&t, x->name, "left-out", x->why);
	for (size_t i = 0; i < host.n_mods; i++)
		tell_of_module(&t, host.mods[i]);
	return t.is_ready;
}
