/* SPDX-License-Identifier: Apache-2.0 */
/* mod_livekit: the signal socket that LiveKit's clients speak, over the `sfu` interface. It keeps
 * no model of its own: rooms, participants and tracks are the sfu's, here are only the sockets. */
#include "access.h"
#include "conn.h"
#include "events.h"
#include "session.h"
#include "twirp.h"

#include <errno.h>
#include <stdlib.h>

static const struct stoa_opt livekit_options[] = {
	{ .key = "auto-create",
	  .type = STOA_OPT_BOOL,
	  .dflt = "yes",
	  .doc = "Joining a room that does not exist opens it; otherwise the join is refused." },
	{ .key = "empty-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "5m",
	  .min = 1000,
	  .max = 86400000,
	  .doc = "How long a room that was opened by a join stays open while nobody is in it." },
	{ .key = "departure-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "20s",
	  .min = 1000,
	  .max = 86400000,
	  .doc = "How long such a room stays open after the last participant left." },
	{ .key = "max-participants",
	  .type = STOA_OPT_INT,
	  .dflt = "0",
	  .max = 100000,
	  .doc = "Participants that such a room takes; 0 is no limit." },
	{ .key = "ping-interval",
	  .type = STOA_OPT_DURATION,
	  .dflt = "5s",
	  .min = 1000,
	  .max = 60000,
	  .doc = "How often clients are told to ping; whole seconds." },
	{ .key = "ping-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "15s",
	  .min = 2000,
	  .max = 300000,
	  .doc = "After how long without any answer a client resumes on a new socket." },
	{ .key = "message-size",
	  .type = STOA_OPT_SIZE,
	  .dflt = "256K",
	  .min = 16384,
	  .max = 1048576,
	  .doc = "Largest message taken from a client; a larger one closes its socket." },
	{ .key = "send-queue",
	  .type = STOA_OPT_SIZE,
	  .dflt = "4M",
	  .min = 65536,
	  .max = 67108864,
	  .doc = "Bytes that may wait for a slow client before its socket is closed." },
	{ .key = "requests-per-second",
	  .type = STOA_OPT_INT,
	  .dflt = "100",
	  .min = 1,
	  .max = 10000,
	  .doc = "Sustained rate of requests per client; a faster one is disconnected." },
	{ .key = "request-burst",
	  .type = STOA_OPT_INT,
	  .dflt = "1000",
	  .min = 1,
	  .max = 100000,
	  .doc = "Requests that a client may send at once before the rate counts." },
	{ .key = "connect-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "1m",
	  .min = 1000,
	  .max = 600000,
	  .doc = "A participant whose media never connects leaves after this." },
	{ .key = "media-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "30s",
	  .min = 1000,
	  .max = 600000,
	  .doc = "A participant whose media connection was lost and does not come back leaves "
		 "after "
		 "this." },
	{ .key = "token-refresh",
	  .type = STOA_OPT_DURATION,
	  .dflt = "5m",
	  .min = 10000,
	  .max = 3600000,
	  .doc = "How often clients get a fresh access token for reconnecting." },
	{ .key = "token-ttl",
	  .type = STOA_OPT_DURATION,
	  .dflt = "10m",
	  .min = 20000,
	  .max = 86400000,
	  .doc = "How long such a token is valid; longer than token-refresh." },
	{ .key = "remote-unmute",
	  .type = STOA_OPT_BOOL,
	  .dflt = "no",
	  .doc = "The server API may unmute tracks, not only mute them." },
	STOA_OPT_END
};

struct ctx {
	struct livekit *lk;
};

struct livekit *livekit_ref(struct livekit *lk)
{
	atomic_fetch_add(&lk->refs, 1);
	return lk;
}

void livekit_unref(struct livekit *lk)
{
	if (!lk || atomic_fetch_sub(&lk->refs, 1) != 1)
		return;
	stoa_map_free(lk->by_participant);
	stoa_map_free(lk->by_sid);
	stoa_map_free(lk->rooms);
	free(lk);
}

static void read_settings(struct lk_settings *s, const struct stoa_conf *c)
{
	s->auto_create = stoa_conf_bool(c, "auto-create");
	s->empty_timeout_s = (uint32_t)(stoa_conf_duration_ms(c, "empty-timeout") / 1000);
	s->departure_timeout_s = (uint32_t)(stoa_conf_duration_ms(c, "departure-timeout") / 1000);
	s->max_participants = (uint32_t)stoa_conf_int(c, "max-participants");
	s->ping_interval_s = (uint32_t)(stoa_conf_duration_ms(c, "ping-interval") / 1000);
	s->ping_timeout_s = (uint32_t)(stoa_conf_duration_ms(c, "ping-timeout") / 1000);
	s->message_max = (uint32_t)stoa_conf_size(c, "message-size");
	s->send_queue_max = (uint32_t)stoa_conf_size(c, "send-queue");
	s->requests_per_second = (uint32_t)stoa_conf_int(c, "requests-per-second");
	s->request_burst = (uint32_t)stoa_conf_int(c, "request-burst");
	s->connect_timeout_ms = (uint64_t)stoa_conf_duration_ms(c, "connect-timeout");
	s->media_timeout_ms = (uint64_t)stoa_conf_duration_ms(c, "media-timeout");
	s->token_refresh_ms = (uint64_t)stoa_conf_duration_ms(c, "token-refresh");
	s->token_ttl_ms = (uint64_t)stoa_conf_duration_ms(c, "token-ttl");
	s->remote_unmute = stoa_conf_bool(c, "remote-unmute");
}

static double count_sessions(void *user)
{
	const struct ctx *ctx = user;

	return ctx->lk ? (double)stoa_map_len(ctx->lk->by_participant) : 0;
}

static void declare_metrics(struct stoa_mod *m, struct lk_metrics *x)
{
	x->joins = stoa_metric_counter(m, "joins_total", NULL, "Participants that joined.");
	x->resumes = stoa_metric_counter(m, "resumes_total", "result=\"resumed\"",
					 "Sockets that asked to resume a session.");
	x->resumes_unknown = stoa_metric_counter(m, "resumes_total", "result=\"unknown\"",
						 "Sockets that asked to resume a session.");
	x->refused = stoa_metric_counter(m, "refused_total", NULL,
					 "Sockets refused before they opened.");
	x->requests = stoa_metric_counter(m, "requests_total", NULL, "Messages of clients.");
	x->bad_requests = stoa_metric_counter(m, "bad_requests_total", NULL,
					      "Messages of clients that were malformed.");
	x->flooded = stoa_metric_counter(m, "flooded_total", NULL,
					 "Sockets closed for sending too many messages.");
	x->calls = stoa_metric_counter(m, "server_calls_total", "result=\"done\"",
				       "Calls of the server API.");
	x->calls_refused = stoa_metric_counter(m, "server_calls_total", "result=\"refused\"",
					       "Calls of the server API.");
	stoa_metric_callback(m, "sessions", NULL, "Participants with a signal session.",
			     count_sessions, stoa_mod_ctx(m));
}

static int livekit_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	(void)m;
	if (stoa_conf_duration_ms(c, "ping-timeout") <= stoa_conf_duration_ms(c, "ping-interval"))
		stoa_errors_add(
			e, c, "ping-timeout",
			"must be longer than ping-interval, or every client resumes all the "
			"time");
	if (stoa_conf_duration_ms(c, "token-ttl") <= stoa_conf_duration_ms(c, "token-refresh"))
		stoa_errors_add(
			e, c, "token-ttl",
			"must be longer than token-refresh, or clients hold expired tokens");
	return 0;
}

static int add_routes(struct livekit *lk)
{
	static const char *const sockets[] = { "/rtc", "/rtc/v1" };
	static const char *const validates[] = { "/rtc/validate", "/rtc/v1/validate" };
	struct stoa_ws_route ws = {
		.size = sizeof(ws),
		.flags = STOA_HTTP_NET,
		.message_max = lk->set.message_max,
		.send_queue_max = lk->set.send_queue_max,
		.ping_interval_s = 10,
		.ops = &conn_ws_ops,
		.user = lk,
	};
	struct stoa_http_route validate = {
		.size = sizeof(validate),
		.methods = STOA_HTTP_GET,
		.flags = STOA_HTTP_CTL,
		.fn = access_validate,
		.user = lk,
	};
	int err = 0;

	for (size_t i = 0; !err && i < STOA_ARRAY_SIZE(sockets); i++) {
		ws.path = sockets[i];
		err = stoa_http_ws_route_add(&lk->http, lk->mod, &ws);
		validate.path = validates[i];
		if (!err)
			err = stoa_http_route_add(&lk->http, lk->mod, &validate);
	}
	return err;
}

static int bind_interfaces(struct livekit *lk)
{
	int err = stoa_http_bind(lk->mod, &lk->http);

	if (!err)
		err = stoa_auth_bind(lk->mod, &lk->auth);
	if (!err)
		err = stoa_sfu_bind(lk->mod, &lk->sfu);
	if (stoa_calls_bind(lk->mod, &lk->calls) != 0)
		lk->calls.ops = NULL; /* rooms without calls */
	return err;
}

static struct livekit *livekit_new(struct stoa_mod *m)
{
	struct livekit *lk = calloc(1, sizeof(*lk));

	if (!lk)
		return NULL;
	lk->refs = 1;
	lk->mod = m;
	stoa_list_init(&lk->sessions);
	lk->by_participant = stoa_map_new();
	lk->by_sid = stoa_map_new();
	lk->rooms = stoa_map_new();
	if (lk->by_participant && lk->by_sid && lk->rooms)
		return lk;
	livekit_unref(lk);
	return NULL;
}

static void livekit_stop(struct stoa_mod *m)
{
	struct ctx *ctx = stoa_mod_ctx(m);
	struct livekit *lk = stoa_take(ctx->lk);
	struct session *s, *next;

	if (!lk)
		return;
	stoa_list_for_each_safe (s, next, &lk->sessions, struct session, in_all) {
		session_end(s, STOA_LEAVE_SERVER_SHUTDOWN);
		session_gone(s, STOA_LEAVE_SERVER_SHUTDOWN);
	}
	stoa_sfu_unlisten(&lk->sfu, m);
	lk->is_stopped = true; /* what is still on its way to ctl does nothing */
	stoa_http_remove(&lk->http, m);
	stoa_timer_free(lk->tick);
	stoa_timer_free(lk->flush);
	livekit_unref(lk);
}

static int livekit_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct ctx *ctx = stoa_mod_ctx(m);
	struct livekit *lk = livekit_new(m);
	int err = lk ? 0 : -ENOMEM;

	ctx->lk = lk;
	if (err)
		return err;
	read_settings(&lk->set, c);
	declare_metrics(m, &lk->metrics);
	lk->tick = stoa_timer_new(m, session_tick, lk);
	lk->flush = stoa_timer_new(m, room_flush_all, lk);
	err = lk->tick && lk->flush ? bind_interfaces(lk) : -ENOMEM;
	if (!err)
		err = stoa_sfu_listen(&lk->sfu, m, &livekit_events, lk);
	if (!err)
		err = stoa_event_listen(m, "token.revoked", session_revoked, lk);
	if (!err)
		err = add_routes(lk);
	if (!err)
		err = twirp_add_routes(lk);
	if (err) {
		livekit_stop(m);
		return err;
	}
	stoa_timer_set(lk->tick, 1000);
	return 0;
}

static void livekit_drain(struct stoa_mod *m, uint64_t deadline_ms)
{
	struct ctx *ctx = stoa_mod_ctx(m);

	(void)deadline_ms;
	atomic_store(&ctx->lk->is_draining, true);
	if (stoa_list_empty(&ctx->lk->sessions))
		stoa_mod_drained(m);
}

static void livekit_undrain(struct stoa_mod *m)
{
	struct ctx *ctx = stoa_mod_ctx(m);

	atomic_store(&ctx->lk->is_draining, false);
}

static const struct stoa_mod_ops livekit_ops = {
	.size = sizeof(livekit_ops),
	.check = livekit_check,
	.start = livekit_start,
	.drain = livekit_drain,
	.undrain = livekit_undrain,
	.stop = livekit_stop,
};

STOA_MODULE(mod_livekit, .version = "0.1.0",
	    .summary = "LiveKit's signal protocol for its unmodified clients.",
	    .ctx_size = sizeof(struct ctx), .needs = STOA_NAMES("http/0", "auth/0", "sfu/0"),
	    .wants = STOA_NAMES("calls/0"), .options = livekit_options, .ops = &livekit_ops);
