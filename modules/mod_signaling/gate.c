/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that come while the calls of before a restart are still being closed wait here: a client
 * that connects the moment the port is open sees a slow answer, not an error. */
#include "signaling.h"

#include <stdlib.h>

#define WAITING_MAX 1024

struct waiting {
	struct stoa_list link; /* signaling.gate */
	struct stoa_http_req *http;
	stoa_http_fn *fn;
};

static void wait_for_it(struct signaling *sg, struct stoa_http_req *http, stoa_http_fn *fn)
{
	struct waiting *w = sg->n_waiting < WAITING_MAX ? calloc(1, sizeof(*w)) : NULL;

	if (!w) {
		stoa_http_problem(http, 503, "starting", "The server has just started.");
		return;
	}
	w->http = http;
	w->fn = fn;
	stoa_list_append(&sg->gate, &w->link);
	sg->n_waiting++;
}

void gate_enter(struct stoa_http_req *http, void *route)
{
	const struct gate_route *r = route;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (r->sg->is_ready)
		r->fn(http, r->sg);
	else
		wait_for_it(r->sg, http, r->fn);
}

void gate_open(struct signaling *sg)
{
	sg->is_ready = true;
	while (!stoa_list_empty(&sg->gate)) {
		struct waiting *w = STOA_CONTAINER(sg->gate.next, struct waiting, link);
		struct stoa_http_req *http = w->http;
		stoa_http_fn *fn = w->fn;

		stoa_list_unlink(&w->link);
		free(w);
		sg->n_waiting--;
		fn(http, sg);
	}
}

void gate_close(struct signaling *sg)
{
	sg->is_ready = false;
	while (!stoa_list_empty(&sg->gate)) {
		struct waiting *w = STOA_CONTAINER(sg->gate.next, struct waiting, link);

		stoa_http_problem(w->http, 503, "shutting_down", "The server is stopping.");
		stoa_list_unlink(&w->link);
		free(w);
		sg->n_waiting--;
	}
}
