/* SPDX-License-Identifier: Apache-2.0 */
/* mod_metrics: /metrics in Prometheus' text format, /healthz and /readyz for supervisors and load
 * balancers. All three are answered on ctl, so that an answer also proves that ctl turns. */
#include <stoa/iface/http_json.h>
#include <stoa/metric.h>
#include <stoa/module.h>
#include <stoa/status.h>

#include "module.h"

#define TEXT_FORMAT "text/plain; version=0.0.4; charset=utf-8"

static const char *const access_choices[] = { "local", "token", "all", NULL };

static const struct stoa_opt metrics_options[] = {
	{ .key = "access",
	  .type = STOA_OPT_ENUM,
	  .dflt = "local",
	  .choices = access_choices,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Who may read /metrics: `local` requests from this machine that no proxy "
		 "forwarded, "
		 "`token` those with the bearer token, or `all`." },
	{ .key = "token",
	  .type = STOA_OPT_SECRET,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "The bearer token for `access: token`." },
	STOA_OPT_END
};

struct metrics {
	struct stoa_http http;
	enum access access;
	struct stoa_str token; /* borrowed from the configuration in force */
	stoa_metric refused;
};

/* ---- /metrics ---- */

static bool may_read(const struct metrics *x, const struct stoa_http_req *rq)
{
	struct asker a = {
		.peer = stoa_http_req_peer(rq),
		.forwarded = stoa_http_req_header(rq, "x-forwarded-for"),
		.authorization = stoa_http_req_header(rq, "authorization"),
	};

	if (!a.forwarded.n)
		a.forwarded = stoa_http_req_header(rq, "forwarded");
	return access_check(x->access, x->token, &a);
}

static void on_metrics(struct stoa_http_req *rq, void *user)
{
	static const struct stoa_header no_store[] = { { "Cache-Control", "no-store" },
						       { NULL, NULL } };
	struct stoa_http_answer answer = { .size = sizeof(answer),
					   .status = 200,
					   .content_type = TEXT_FORMAT,
					   .headers = no_store };
	struct metrics *x = user;
	struct stoa_buf out = { 0 };
	size_t n;
	char *text;

	if (!may_read(x, rq)) {
		stoa_metric_add(x->refused, 1);
		stoa_http_problem(rq, x->access == ACCESS_TOKEN ? 401 : 403, "metrics_refused",
				  "The option access of mod_metrics says who may read this.");
		return;
	}
	text = stoa_metric_text_dup(&n);
	if (text)
		stoa_buf_add(&out, text, n);
	stoa_metric_text_free(text);
	process_add(&out);
	if (!text || out.failed) {
		stoa_http_problem(rq, 500, "internal", "Out of memory.");
	} else {
		answer.body = out.p;
		answer.body_len = out.n;
		stoa_http_answer(rq, &answer);
	}
	stoa_buf_free(&out);
}

/* ---- /healthz and /readyz ---- */

static void on_health(struct stoa_http_req *rq, void *user)
{
	(void)user;
	stoa_http_answer_json(rq, 200,
			      json_pack("{s:s, s:s}", "status", "ok", "version", stoa_version()));
}

static void add_reason(const char *module, const char *what, const char *reason, void *user)
{
	json_array_append_new(user, json_pack("{s:s, s:s, s:s}", "module", module, "what", what,
					      "reason", reason));
}

static void on_ready(struct stoa_http_req *rq, void *user)
{
	json_t *reasons = json_array();
	bool is_ready = stoa_status_ready(add_reason, reasons);

	(void)user;
	stoa_http_answer_json(rq, is_ready ? 200 : 503,
			      json_pack("{s:b, s:s, s:o}", "ready", is_ready, "phase",
					stoa_status_phase(), "reasons", reasons));
}

/* ---- life cycle ---- */

static void take_options(struct metrics *x, const struct stoa_conf *c)
{
	x->access = (enum access)stoa_conf_enum(c, "access");
	x->token = stoa_conf_secret(c, "token");
}

static int metrics_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	(void)m;
	if (stoa_conf_enum(c, "access") == ACCESS_TOKEN && !stoa_conf_is_set(c, "token"))
		stoa_errors_add(e, c, "access",
				"`access: token` needs a token: set the option "
				"token to file:PATH or cred:NAME");
	return 0;
}

static int metrics_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	static const struct {
		const char *path;
		stoa_http_fn *fn;
	} routes[] = {
		{ "/metrics", on_metrics },
		{ "/healthz", on_health },
		{ "/readyz", on_ready },
	};
	struct metrics *x = stoa_mod_ctx(m);
	int r = stoa_http_bind(m, &x->http);

	take_options(x, c);
	x->refused = stoa_metric_counter(m, "refused_total", NULL,
					 "Requests for metrics that were not allowed.");
	for (size_t i = 0; r == 0 && i < STOA_ARRAY_SIZE(routes); i++) {
		struct stoa_http_route route = { .size = sizeof(route),
						 .methods = STOA_HTTP_GET,
						 .path = routes[i].path,
						 .flags = STOA_HTTP_CTL,
						 .fn = routes[i].fn,
						 .user = x };

		r = stoa_http_route_add(&x->http, m, &route);
	}
	if (r < 0 && x->http.ops)
		stoa_http_remove(&x->http, m); /* stop() is for what has started */
	return r;
}

static int metrics_reload(struct stoa_mod *m, const struct stoa_conf *c)
{
	take_options(stoa_mod_ctx(m), c);
	return 0;
}

static void metrics_stop(struct stoa_mod *m)
{
	struct metrics *x = stoa_mod_ctx(m);

	stoa_http_remove(&x->http, m);
}

static const struct stoa_mod_ops metrics_ops = {
	.size = sizeof(metrics_ops),
	.check = metrics_check,
	.start = metrics_start,
	.reload = metrics_reload,
	.stop = metrics_stop,
};

STOA_MODULE(mod_metrics, .version = "0.1.0",
	    .summary = "Metrics for Prometheus, health and readiness.",
	    .needs = STOA_NAMES(STOA_HTTP), .ctx_size = sizeof(struct metrics),
	    .options = metrics_options, .ops = &metrics_ops);
