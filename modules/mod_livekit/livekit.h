/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_LIVEKIT_H
#define LIVEKIT_LIVEKIT_H

#include <stdatomic.h>
#include <stoa/iface/auth.h>
#include <stoa/iface/calls.h>
#include <stoa/iface/http.h>
#include <stoa/iface/sfu.h>
#include <stoa/list.h>
#include <stoa/metric.h>
#include <stoa/module.h>

/*
 * What the files of the module share: its context, and the limits that clients meet.
 *
 * Two threads meet here. An edge thread owns each socket (conn.c): it checks tokens, parses and
 * renders, counts. ctl owns the sessions (session.c), rooms (room.c) and everything said to the
 * sfu. Between them travel requests and answers, each handed over whole.
 */

#define LK_VERSION  "1.13.5" /* what clients gate their features on */
#define LK_PROTOCOL 17

#define LK_PENDING_MAX   1024u /* requests of one socket that wait for ctl             */
#define LK_OFFERS_MAX    4u    /* offers of one session that wait for their answer     */
#define LK_SIDS_MAX      4096u /* track ids in one subscription request                */
#define LK_CANDIDATE_MAX 4096u /* bytes of one trickled candidate                      */

struct lk_settings { /* from the options; frozen while the module runs */
	bool auto_create, remote_unmute;
	uint32_t empty_timeout_s, departure_timeout_s, max_participants;
	uint32_t ping_interval_s, ping_timeout_s;
	uint32_t message_max, send_queue_max, requests_per_second, request_burst;
	uint64_t connect_timeout_ms, media_timeout_ms;
	uint64_t token_refresh_ms, token_ttl_ms;
};

struct lk_metrics {
	stoa_metric joins, resumes, resumes_unknown, refused, requests, bad_requests, flooded;
	stoa_metric calls, calls_refused; /* of the server API */
};

struct livekit { /* counted: the module and every socket hold it */
	atomic_uint refs;
	struct stoa_mod *mod;
	struct stoa_http http;
	struct stoa_sfu sfu;
	struct stoa_auth auth;
	struct stoa_calls calls; /* ops NULL: no module has calls */
	struct lk_settings set;
	struct lk_metrics metrics;
	atomic_bool is_draining;

	/* ctl only */
	bool is_stopped;
	struct stoa_map *by_participant, *by_sid; /* to struct session */
	struct stoa_map *rooms;                   /* room id to struct room */
	struct stoa_list sessions;
	struct stoa_timer *tick;  /* time-outs and tokens, once a second         */
	struct stoa_timer *flush; /* participant updates, at the end of the turn */
};

struct livekit *livekit_ref(struct livekit *lk);
void livekit_unref(struct livekit *lk);

/* A 64-bit id as a map key. */
static inline struct stoa_str id_key(const uint64_t *id)
{
	return stoa_strn(id, sizeof(*id));
}

#endif
