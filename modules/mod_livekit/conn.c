/* SPDX-License-Identifier: Apache-2.0 */
/* The edge half of a signal socket: upgrade, limits, parsing, pings. Everything here runs on the
 * socket's edge thread and touches no model; what asks for the model goes to ctl in one hop,
 * parsed. Descriptions are parsed here too: they are the costly part of a join. */
#include "conn.h"

#include "access.h"
#include "frame.h"
#include "handlers.h"
#include "session.h"

#include <jansson.h>
#include <stdlib.h>

struct conn *conn_ref(struct conn *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void conn_unref(struct conn *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	stoa_ws_unref(c->ws);
	stoa_auth_media_unref(&c->lk->auth, c->grant);
	stoa_sfu_sdp_free(&c->lk->sfu, c->offer);
	join_free(c->join);
	livekit_unref(c->lk);
	free(c);
}

STOA_DEFINE_AUTO(struct conn, conn_unref)

void conn_send_frame(struct conn *c, struct stoa_bytes *frame)
{
	/* a socket that is gone or too slow closes by itself, and says so through close() */
	if (frame && c->ws)
		(void)stoa_ws_send_frames(c->ws, frame);
}

void conn_send(struct conn *c, const Lk__SignalResponse *r)
{
	struct stoa_bytes *frame = frame_render(r);

	if (!frame) {
		conn_close(c, 1011, "out of memory");
		return;
	}
	conn_send_frame(c, frame);
	stoa_bytes_unref(frame);
}

void conn_close(struct conn *c, int code, const char *reason)
{
	if (c->ws)
		stoa_ws_close(c->ws, code, reason);
}

/* ---- upgrade ---- */

static bool refuse(struct stoa_http_req *req, struct livekit *lk, int status, const char *text)
{
	stoa_metric_add(lk->metrics.refused, 1);
	access_answer(req, status, text);
	return false;
}

/* The join request and the offer in it; answers the request and yields false when they are bad. */
static bool read_join(struct conn *c, struct stoa_http_req *req)
{
	bool found;
	struct stoa_str text = stoa_http_req_query(req, "join_request", &found);
	const Lk__SessionDescription *offer;

	if (!found && stoa_str_is(stoa_http_req_path(req), "/rtc"))
		return refuse(req, c->lk, 404,
			      "two peer connections are not served here: use /rtc/v1");
	if (!found || join_parse(text, &c->join) != 0)
		return refuse(req, c->lk, 400, "join_request is missing or malformed");
	offer = c->join->msg->publisher_offer;
	if (offer && offer->sdp[0] &&
	    stoa_sfu_sdp_parse(&c->lk->sfu, stoa_str(offer->sdp), &c->offer) != 0)
		return refuse(req, c->lk, 400, "the offer in join_request is malformed");
	return true;
}

static int conn_accept(struct stoa_http_req *req, void *user, void **ret_session)
{
	struct livekit *lk = user;
	stoa_auto(conn_unref) struct conn *c = NULL;
	const struct stoa_media_grant *grant;
	struct refusal refusal;

	stoa_assert_thread(STOA_THREAD_NET);
	if (atomic_load(&lk->is_draining)) {
		refuse(req, lk, 503, "the server is shutting down");
		return 1;
	}
	if (!access_check(lk, req, &grant, &refusal)) {
		refuse(req, lk, refusal.status, refusal.text);
		return 1;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		stoa_auth_media_unref(&lk->auth, grant);
		refuse(req, lk, 503, "out of memory");
		return 1;
	}
	c->refs = 1;
	c->lk = livekit_ref(lk);
	c->grant = grant;
	c->bucket = (struct bucket){ stoa_now_ms(), lk->set.request_burst };
	if (!read_join(c, req))
		return 1;
	*ret_session = stoa_take(c);
	return 0;
}

static void tell_opened(struct stoa_task *t) /* ctl */
{
	struct conn *c = STOA_CONTAINER(t, struct conn, opened);

	session_begin(c);
	conn_unref(c);
}

static void tell_closed(struct stoa_task *t) /* ctl */
{
	struct conn *c = STOA_CONTAINER(t, struct conn, closed);

	session_socket_closed(c);
	conn_unref(c);
}

static void conn_open(struct stoa_ws *ws, void *session)
{
	struct conn *c = session;

	c->ws = stoa_ws_ref(ws);
	c->opened.fn = tell_opened;
	conn_ref(c);
	if (stoa_post_task(stoa_ctl(), &c->opened) != 0)
		conn_unref(c);
}

static void conn_closed(struct stoa_ws *ws, void *session, int code)
{
	struct conn *c = session; /* the edge's reference travels with the task */

	(void)ws;
	c->close_code = code;
	c->closed.fn = tell_closed;
	if (!c->ws || stoa_post_task(stoa_ctl(), &c->closed) != 0)
		conn_unref(c);
}

/* ---- messages ---- */

static bool bucket_take(struct bucket *b, uint32_t per_second, uint32_t burst)
{
	uint64_t now = stoa_now_ms(), gained = (now - b->at_ms) * per_second / 1000;

	if (gained) {
		b->tokens = gained > burst - b->tokens ? burst : b->tokens + (uint32_t)gained;
		b->at_ms = now;
	}
	if (!b->tokens)
		return false;
	b->tokens--;
	return true;
}

static void give_up(struct conn *c, int code, const char *why)
{
	c->is_refused = true;
	stoa_log(c->lk->mod, STOA_LOG_NOTICE, "room=%s identity=%s socket closed: %s",
		 c->grant->room, c->grant->identity, why);
	conn_close(c, code, why);
}

static void answer_ping(struct conn *c, int64_t timestamp, bool is_new)
{
	Lk__SignalResponse r = LK__SIGNAL_RESPONSE__INIT;
	Lk__Pong pong = LK__PONG__INIT;

	pong.last_ping_timestamp = timestamp;
	pong.timestamp = stoa_wall_ms();
	if (is_new) {
		r.message_case = LK__SIGNAL_RESPONSE__MESSAGE_PONG_RESP;
		r.pong_resp = &pong;
	} else {
		r.message_case = LK__SIGNAL_RESPONSE__MESSAGE_PONG;
		r.pong = pong.timestamp;
	}
	conn_send(c, &r);
}

/* The candidate line in the JSON of an RTCIceCandidateInit; empty when there is none. */
static struct stoa_str read_candidate(struct wire_arena *a, const char *text)
{
	size_t n = strlen(text);
	json_t *init = n <= LK_CANDIDATE_MAX ? json_loadb(text, n, 0, NULL) : NULL;
	const char *line = json_string_value(json_object_get(init, "candidate"));
	struct stoa_str r = stoa_str(line ? wire_dup(a, line) : NULL);

	json_decref(init);
	return r;
}

static void request_free(struct request *r)
{
	atomic_fetch_sub(&r->conn->pending, 1);
	stoa_sfu_sdp_free(&r->conn->lk->sfu, r->sdp);
	wire_arena_free(r->arena);
	conn_unref(r->conn);
	free(r);
}

STOA_DEFINE_AUTO(struct request, request_free)

static void apply_request(struct stoa_task *t) /* ctl */
{
	struct request *r = STOA_CONTAINER(t, struct request, task);

	handlers_apply(r);
	request_free(r);
}

/* Parses what can be parsed without the model. */
static int read_request(struct request *r, const void *p, size_t n)
{
	ProtobufCMessage *m;
	int err = wire_parse(r->arena, &lk__signal_request__descriptor, p, n, &m);

	if (err)
		return err;
	r->msg = (Lk__SignalRequest *)m;
	if (r->msg->message_case == LK__SIGNAL_REQUEST__MESSAGE_OFFER)
		return stoa_sfu_sdp_parse(&r->conn->lk->sfu, stoa_str(r->msg->offer->sdp), &r->sdp);
	if (r->msg->message_case == LK__SIGNAL_REQUEST__MESSAGE_TRICKLE)
		r->candidate = read_candidate(r->arena, r->msg->trickle->candidate_init);
	return 0;
}

/* Requests that need no model are answered here; the others go to ctl. */
static void route_request(struct request *take)
{
	stoa_auto(request_free) struct request *r = take;

	switch (r->msg->message_case) {
	case LK__SIGNAL_REQUEST__MESSAGE__NOT_SET: /* newer than we are */
		return;
	case LK__SIGNAL_REQUEST__MESSAGE_PING:
		answer_ping(r->conn, r->msg->ping, false);
		return;
	case LK__SIGNAL_REQUEST__MESSAGE_PING_REQ:
		answer_ping(r->conn, r->msg->ping_req->timestamp, true);
		return;
	default:
		r->task.fn = apply_request;
		if (stoa_post_task(stoa_ctl(), &r->task) == 0)
			stoa_take(r);
	}
}

static struct request *request_new(struct conn *c)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->arena = wire_arena_new(WIRE_ARENA_MAX);
	if (!r->arena) {
		free(r);
		return NULL;
	}
	r->conn = conn_ref(c);
	atomic_fetch_add(&c->pending, 1);
	return r;
}

static void conn_message(struct stoa_ws *ws, void *session, bool is_text, const void *p, size_t n)
{
	struct conn *c = session;
	stoa_auto(request_free) struct request *r = NULL;

	(void)ws;
	if (c->is_refused)
		return;
	stoa_metric_add(c->lk->metrics.requests, 1);
	if (!bucket_take(&c->bucket, c->lk->set.requests_per_second, c->lk->set.request_burst) ||
	    atomic_load(&c->pending) >= LK_PENDING_MAX) {
		stoa_metric_add(c->lk->metrics.flooded, 1);
		give_up(c, 1008, "too many requests");
		return;
	}
	if (is_text) {
		give_up(c, 1003, "text frames are not spoken here");
		return;
	}
	r = request_new(c);
	if (!r) {
		give_up(c, 1011, "out of memory");
		return;
	}
	if (read_request(r, p, n) != 0) {
		stoa_metric_add(c->lk->metrics.bad_requests, 1);
		give_up(c, 1007, "malformed request");
		return;
	}
	route_request(stoa_take(r));
}

const struct stoa_ws_ops conn_ws_ops = {
	.size = sizeof(conn_ws_ops),
	.accept = conn_accept,
	.open = conn_open,
	.message = conn_message,
	.close = conn_closed,
};
