/* SPDX-License-Identifier: Apache-2.0 */
/* What modules say about their readiness. */
#include <errno.h>
#include <stdlib.h>

#include <stoa/loop.h>

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

	stoa_assert_thread(STOA_THREAD_CTL);
	stoa_list_for_each_safe (r, tmp, &m->not_ready, struct not_ready, link) {
		if (strcmp(r->what, what) != 0)
			continue;
		if (!reason)
			stoa_log(m, STOA_LOG_NOTICE, "%s is well again", what);
		drop(r);
	}
	if (!reason)
		return;
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->what = strdup(what);
	r->reason = strdup(reason);
	stoa_list_append(&m->not_ready, &r->link);
	if (!r->what || !r->reason)
		drop(r);
	else
		stoa_log(m, STOA_LOG_WARN, "not ready: %s: %s", what, reason);
}
