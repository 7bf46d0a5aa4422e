/* SPDX-License-Identifier: Apache-2.0 */
/* mod_signaling: the life of calls, from initiate to the last row. Requests come by HTTP, time-outs
 * by one timer per call, media by the sfu's notifications; all of them become ops of the call. */
#include "signaling.h"

#include <stdlib.h>

static const struct stoa_opt signaling_options[] = {
	{ .key = "ring-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "45s",
	  .min = 1000,
	  .max = 600000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "How long a call rings before it counts as missed." },
	{ .key = "empty-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "20s",
	  .min = 0,
	  .max = 3600000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "How long a group call stays open with nobody in it." },
	{ .key = "lost-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "30s",
	  .min = 1000,
	  .max = 600000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "When a participant whose media is gone counts as having left." },
	{ .key = "connect-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "60s",
	  .min = 1000,
	  .max = 600000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "When a participant of an active call whose media never came counts as having "
		 "left." },
	{ .key = "max-duration",
	  .type = STOA_OPT_DURATION,
	  .dflt = "24h",
	  .min = 1000,
	  .max = 7 * 24 * 3600 * 1000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Longest duration of a call, counted from the first answer." },
	{ .key = "token-lifetime",
	  .type = STOA_OPT_DURATION,
	  .dflt = "24h",
	  .min = 60000,
	  .max = 7 * 24 * 3600 * 1000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "How long the media token of a join grant may be used to connect." },
	{ .key = "pulse",
	  .type = STOA_OPT_DURATION,
	  .dflt = "10s",
	  .min = 1000,
	  .max = 600000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "How often open calls get a sign of life in the database: a call cut off by a "
		 "crash is ended at the last one." },
	STOA_OPT_END
};

static const struct {
	uint32_t methods;
	const char *path;
	stoa_http_fn *fn;
} routes[SIGNALING_ROUTES] = {
	{ STOA_HTTP_POST, "/api/calls/initiate", verb_initiate },
	{ STOA_HTTP_POST, "/api/calls/{id}/join", verb_join },
	{ STOA_HTTP_POST, "/api/calls/{id}/decline", verb_decline },
	{ STOA_HTTP_POST, "/api/calls/{id}/leave", verb_leave },
	{ STOA_HTTP_POST, "/api/calls/{id}/end", verb_end },
	{ STOA_HTTP_GET, "/api/calls/{id}", verb_get },
	{ STOA_HTTP_GET, "/api/calls", verb_list },
};

#define BODY_MAX 400000 /* 999 user ids of 255 bytes and the metadata */

/* ---- helpers ---- */

static void declare_metrics(struct signaling *sg)
{
	static const char *const labels[CALL_STATUS_N] = {
		[CALL_ENDED] = "status=\"ended\"",   [CALL_DECLINED] = "status=\"declined\"",
		[CALL_MISSED] = "status=\"missed\"", [CALL_CANCELLED] = "status=\"cancelled\"",
		[CALL_FAILED] = "status=\"failed\"",
	};

	sg->open_calls = stoa_metric_gauge(sg->m, "calls", NULL, "Calls that are open.");
	sg->started = stoa_metric_counter(sg->m, "calls_started_total", NULL,
					  "Calls that began to ring.");
	sg->refused = stoa_metric_counter(sg->m, "requests_refused_total", NULL,
					  "Requests answered with a problem.");
	for (int i = 0; i < CALL_STATUS_N; i++)
		if (labels[i])
			sg->ended[i] = stoa_metric_counter(sg->m, "calls_over_total", labels[i],
							   "Calls that are over, by how.");
}

static int bind_all(struct signaling *sg)
{
	int err;

	if ((err = stoa_http_bind(sg->m, &sg->http)) || (err = stoa_auth_bind(sg->m, &sg->auth)) ||
	    (err = stoa_sql_bind(sg->m, &sg->sql)) || (err = stoa_sfu_bind(sg->m, &sg->sfu)))
		return err;
	err = stoa_sql_statements(&sg->sql, sg->m, store_statements, store_n_statements);
	if (err)
		return err;
	return stoa_sfu_listen(&sg->sfu, sg->m, &media_events, sg);
}

static int add_routes(struct signaling *sg)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(routes); i++) {
		struct stoa_http_route r = {
			.size = sizeof(r),
			.methods = routes[i].methods,
			.path = routes[i].path,
			.flags = STOA_HTTP_CTL | STOA_HTTP_CORS,
			.body_max = BODY_MAX,
			.fn = gate_enter,
			.user = &sg->routes[i],
		};
		int err;

		sg->routes[i] = (struct gate_route){ sg, routes[i].fn };
		err = stoa_http_route_add(&sg->http, sg->m, &r);
		if (err)
			return err;
	}
	return 0;
}

static void free_calls(struct signaling *sg)
{
	while (!stoa_list_empty(&sg->all)) {
		struct call *c = STOA_CONTAINER(sg->all.next, struct call, link);

		media_close_room(c);
		call_free(c);
	}
}

/* ---- life ---- */

static int signaling_load(struct stoa_mod *m)
{
	struct signaling *sg = stoa_mod_ctx(m);

	sg->m = m;
	stoa_list_init(&sg->gate);
	stoa_list_init(&sg->all);
	stoa_list_init(&sg->requests);
	stoa_list_init(&sg->changes);
	stoa_list_init(&sg->pages);
	declare_metrics(sg);
	return stoa_iface_publish(m, STOA_CALLS, &provide_ops, sg);
}

static int signaling_reload(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct signaling *sg = stoa_mod_ctx(m);

	sg->ring_ms = (uint32_t)stoa_conf_duration_ms(c, "ring-timeout");
	sg->empty_ms = (uint32_t)stoa_conf_duration_ms(c, "empty-timeout");
	sg->lost_ms = (uint32_t)stoa_conf_duration_ms(c, "lost-timeout");
	sg->connect_ms = (uint32_t)stoa_conf_duration_ms(c, "connect-timeout");
	sg->longest_ms = (uint32_t)stoa_conf_duration_ms(c, "max-duration");
	sg->token_ms = (uint32_t)stoa_conf_duration_ms(c, "token-lifetime");
	sg->pulse_ms = (uint32_t)stoa_conf_duration_ms(c, "pulse");
	return 0;
}

static void signaling_stop(struct stoa_mod *m);

static int start(struct signaling *sg)
{
	int err;

	sg->calls = stoa_map_new();
	sg->rooms = stoa_map_new();
	sg->presents = stoa_map_new();
	sg->retry = stoa_timer_new(sg->m, reconcile_start, sg);
	sg->pulse = stoa_timer_new(sg->m, reconcile_pulse, sg);
	if (!sg->calls || !sg->rooms || !sg->presents || !sg->retry || !sg->pulse)
		return -ENOMEM;
	if ((err = bind_all(sg)) || (err = add_routes(sg)))
		return err;
	reconcile_start(sg);
	return 0;
}

static int signaling_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct signaling *sg = stoa_mod_ctx(m);
	int err;

	signaling_reload(m, c);
	sg->is_ready = sg->is_draining = false;
	err = start(sg);
	if (err)
		signaling_stop(m);
	return err;
}

/* A call in which nobody is left need not wait for somebody to come back: the daemon goes. */
static void signaling_drain(struct stoa_mod *m, uint64_t deadline_ms)
{
	struct signaling *sg = stoa_mod_ctx(m);
	struct call *c;

	(void)deadline_ms;
	sg->is_draining = true;
	stoa_list_for_each (c, &sg->all, struct call, link) {
		if (!c->is_dead && c->empty_at) {
			c->empty_at = stoa_now_ms();
			review_arm(c);
		}
	}
	if (!stoa_map_len(sg->calls))
		stoa_mod_drained(m);
}

static void signaling_undrain(struct stoa_mod *m)
{
	struct signaling *sg = stoa_mod_ctx(m);

	sg->is_draining = false;
}

/* Calls that are open stay so in the database; the next start ends them. */
static void signaling_stop(struct stoa_mod *m)
{
	struct signaling *sg = stoa_mod_ctx(m);

	if (sg->http.ops)
		stoa_http_remove(&sg->http, m);
	stoa_sfu_unlisten(&sg->sfu, m);
	if (sg->sql.ops)
		stoa_sql_forget(&sg->sql, m);
	gate_close(sg);
	while (!stoa_list_empty(&sg->requests))
		request_free(STOA_CONTAINER(sg->requests.next, struct request, waiting));
	change_free_all(sg);
	reconcile_free(sg);
	free_calls(sg);
	stoa_timer_free(sg->retry);
	stoa_timer_free(sg->pulse);
	stoa_map_free(sg->calls);
	stoa_map_free(sg->rooms);
	stoa_map_free(sg->presents);
	sg->calls = sg->rooms = sg->presents = NULL;
	sg->retry = sg->pulse = NULL;
}

static const struct stoa_mod_ops signaling_ops = {
	.size = sizeof(signaling_ops),
	.load = signaling_load,
	.start = signaling_start,
	.reload = signaling_reload,
	.drain = signaling_drain,
	.undrain = signaling_undrain,
	.stop = signaling_stop,
};

STOA_MODULE(
	mod_signaling, .version = "0.1.0",
	.summary = "Calls: initiate, ring, join, decline, leave, end; who takes part and how long.",
	.ctx_size = sizeof(struct signaling), .provides = STOA_NAMES(STOA_CALLS),
	.needs = STOA_NAMES(STOA_HTTP, STOA_AUTH, STOA_SQL, STOA_SFU), .options = signaling_options,
	.ops = &signaling_ops);
