/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of mod_signaling share. Everything runs on ctl.
 *
 * Open calls live in memory and in the database. Each change is an op of one call (op.c): ops of a
 * call run one after the other; an op looks at the memory, stores what is to change under the
 * condition that the database still says the same, and changes the memory when that is on disk.
 * So the two never disagree, and whoever was answered can rely on it. */
#ifndef SIGNALING_H
#define SIGNALING_H

#include <jansson.h>
#include <stoa/event.h>
#include <stoa/iface/auth.h>
#include <stoa/iface/calls.h>
#include <stoa/iface/http.h>
#include <stoa/iface/sfu.h>
#include <stoa/iface/sql.h>
#include <stoa/list.h>
#include <stoa/log.h>
#include <stoa/loop.h>
#include <stoa/metric.h>
#include <stoa/module.h>

#include "state.h"

#define ROOM_PREFIX      "call-"
#define SIGNALING_ROUTES 7
#define OPS_MAX          256   /* waiting for one call  */
#define CALLS_MAX        20000 /* open at the same time */
#define REASON_MAX       255
#define CALL_SIZE_MAX    1000

struct gate_route { /* what a route's handler gets */
	struct signaling *sg;
	stoa_http_fn *fn;
};

struct signaling {
	struct stoa_mod *m;
	struct stoa_http http;
	struct stoa_auth auth;
	struct stoa_sql sql;
	struct stoa_sfu sfu;
	struct gate_route routes[SIGNALING_ROUTES];
	struct stoa_list gate; /* requests that came before it was ready */
	uint32_t n_waiting;
	struct stoa_list all;      /* calls that are open, or have ops  */
	struct stoa_map *calls;    /* id -> struct call, open ones      */
	struct stoa_map *rooms;    /* room name -> struct call          */
	struct stoa_map *presents; /* stoa_participant_id -> presence   */
	struct stoa_list requests; /* not yet answered                  */
	struct stoa_list changes;  /* being stored                      */
	struct stoa_list pages;    /* of reconciliation                 */
	struct stoa_timer *retry;  /* reconciliation is tried again     */
	struct stoa_timer *pulse;  /* says that open calls are alive    */
	bool is_ready, is_draining, is_told;
	uint32_t ring_ms, empty_ms, lost_ms, connect_ms, longest_ms, token_ms, pulse_ms;
	stoa_metric open_calls, started, ended[CALL_STATUS_N], refused;
};

/* ---- call.c ---- */

struct participant {
	struct stoa_list link; /* call.participants, in the order of coming */
	char *user_id, *name;
	enum part_status status;
	int64_t invited_ms, joined_ms, left_ms, present_ms; /* UTC; 0: not */
	uint32_t seconds;                                   /* of stays that are over */
	bool is_sharing;
	/* facts of the media plane, in memory only */
	uint32_t n_present;  /* presences whose media is up  */
	uint32_t n_screens;  /* that they publish            */
	bool is_removed_now; /* was thrown out by an operator */
	uint64_t
		absent_at; /* monotonic: counts as left if no media until then; 0: does not count */
};

struct call {
	struct stoa_list link; /* signaling.all */
	struct signaling *sg;
	char id[STOA_UUID_LEN], room_name[sizeof(ROOM_PREFIX) + STOA_UUID_LEN];
	char *type, *initiator_id, *channel_id /* NULL */, *end_reason /* NULL */;
	json_t *metadata; /* NULL */
	enum call_status status;
	bool is_direct;
	uint32_t max_participants;
	int64_t created_ms, started_ms, ended_ms; /* UTC; 0: not */
	int64_t updated_ms;                       /* of one from the database */
	struct stoa_list participants;
	struct stoa_map *by_user;
	uint32_t n_participants;
	/* while it is open */
	stoa_room_id room;
	bool is_room_gone;
	struct stoa_list presences; /* media.c */
	struct stoa_list ops;
	uint32_t n_ops;
	bool is_dead; /* over, and to be freed when its last op is done */
	struct stoa_timer *timer;
	uint64_t ring_at, empty_at, longest_at, retry_at; /* monotonic; 0: not */
	bool is_review_due;
};

int call_new(struct signaling *sg, const char *id, struct call **ret_call);
void call_free(struct call *c);
STOA_DEFINE_AUTO(struct call, call_free)
struct call *call_find(const struct signaling *sg, struct stoa_str id);
struct call *call_of_room(const struct signaling *sg, struct stoa_str room_name);
/** Puts a call among the open ones. -ENOBUFS past CALLS_MAX, -ENOMEM. */
int call_add(struct call *c);
/** Takes it away: its room is closed and nobody finds it any more. */
void call_remove(struct call *c);
struct participant *call_participant(const struct call *c, struct stoa_str user_id);
/** -ENOMEM. The user must not be in the call yet. */
int call_add_participant(struct call *c, struct stoa_str user_id, struct stoa_str name,
			 struct participant **ret_p);
uint32_t call_count(const struct call *c, enum part_status status);
/** Whole seconds the participant was in the call, the present stay included. */
uint32_t participant_seconds(const struct participant *p, int64_t now_ms);

/* ---- op.c ---- */

struct op;
typedef void op_fn(struct op *op);

struct op { /* first member of what a verb needs to remember */
	struct stoa_list link;
	struct call *call;
	op_fn *run_fn;  /* its turn has come                                   */
	op_fn *free_fn; /* frees the whole thing                               */
};

/** Runs it now, or when the ops before it are done. -ENOBUFS: too many wait, the op was freed. */
int op_submit(struct call *c, struct op *op);
/** The op is over: frees it and lets the next one run. The call may be gone afterwards. */
void op_done(struct op *op);

/* ---- request.c: who asks, for what, and under which key ---- */

struct request {
	struct op op;             /* op.call NULL while it belongs to no call     */
	struct stoa_list waiting; /* signaling.requests                           */
	struct signaling *sg;
	struct stoa_http_req *http; /* NULL once answered */
	const struct stoa_user *user;
	char *key; /* Idempotency-Key, or NULL */
	char hash[65];
	json_t *body;     /* an object, or NULL */
	char *reason;     /* decline, leave, end: NULL when none was given */
	bool is_repeated; /* the key was used: what was stored is answered */
	bool is_let_in;   /* the open call that is loaded may be seen, whatever the token lists */
	char call_id[STOA_UUID_LEN];
	struct call *draft; /* initiate: not yet among the open ones */
	op_fn *then_fn;     /* after the key, or the call, was looked up */
	op_fn *run_fn, *repeat_fn;
	char target[STOA_UUID_LEN]; /* of the path */
	int refusal_status;
	char refusal[200];
	/* list */
	uint32_t limit;
	struct call **page;
	uint32_t n_page;
};

#define REQUEST_BODY 1u /* has a JSON body (an empty one is {}) */

/** Checks token, draining, key and body; NULL when it was answered with a problem. */
struct request *request_new(struct signaling *sg, struct stoa_http_req *http, uint32_t flags);
void request_free(struct request *rq);
void request_problem(struct request *rq, int status, const char *error, const char *detail);
/** The storage refused or is away: 503 or 500. */
void request_storage_problem(struct request *rq, int err);
/** Answers with JSON; takes `body`. */
void request_answer(struct request *rq, int status, json_t *body_take);
/** If the request carries a key: looks it up, then then_fn runs with is_repeated and call_id set,
 * or the request is answered because the key belongs to another one. Without a key then_fn runs
 * now. */
void request_look_up_key(struct request *rq, op_fn *then_fn);
/** Stores the key with the transaction that does what was asked for. */
void request_remember(struct request *rq, struct stoa_tx *tx, const char *call_id, int status);
/** decline, leave, end: {"reason"?: text}. False: answered with a problem. */
bool request_read_reason(struct request *rq);
/** As whom the caller's calls are read: the user, or NULL (the daemon) where only the statement's
 *  own predicate can tell. */
const char *request_reader(const struct request *rq);
/** ["a", "b"] as text for the statements with the access predicate. */
char *request_channels(const struct request *rq);
bool request_is_staff(const struct request *rq);

/* ---- access.c ---- */

/** May the user know of the call? */
bool access_may_see(const struct request *rq, const struct call *c);
bool access_may_join(const struct request *rq, const struct call *c);
bool access_may_end(const struct request *rq, const struct call *c);

/* ---- gate.c ---- */

void gate_enter(struct stoa_http_req *http, void *route);
void gate_open(struct signaling *sg);
void gate_close(struct signaling *sg);

/* ---- verbs, one file each ---- */
void verb_initiate(struct stoa_http_req *http, void *sg);
void verb_join(struct stoa_http_req *http, void *sg);
void verb_decline(struct stoa_http_req *http, void *sg);
void verb_leave(struct stoa_http_req *http, void *sg);
void verb_end(struct stoa_http_req *http, void *sg);
void verb_get(struct stoa_http_req *http, void *sg);
void verb_list(struct stoa_http_req *http, void *sg);
/** What the verbs on one call have in common: finds it (404, 409 for one that is over) and queues
 *  the request; run_fn runs when its turn has come and the key is not used. `repeat_fn` answers a
 *  request whose key is. */
void verb_on_call(struct request *rq, op_fn *run_fn, op_fn *repeat_fn);
/** Loads a call from the database, as far as the user may see it, into rq->draft; then_fn runs with
 *  it, or the request was answered with 404 or 503. */
void verb_load(struct request *rq, const char *id, op_fn *then_fn);
/** The call a request is about, open or loaded. */
const struct call *verb_call(const struct request *rq);
struct change;
/** Commits a change with the request's key; fn(err, rq). */
void verb_commit(struct request *rq, struct change *ch, void (*fn)(int err, void *user));
void verb_answer_change(int err, void *rq);
void verb_answer_call(struct op *op); /* repeat_fn: 200 and the call as it is now */

/* ---- change.c: changes of a call, first in the database, then in memory ---- */

struct change;
typedef void change_done_fn(int err, void *user);

/** A change in the making: until change_commit() or change_free() the memory shows the call as it
 *  will be, so nothing else may run in between. NULL: out of memory. */
struct change *change_new(struct call *c);
void change_free(struct change *ch);
/** At stop: those that are being stored. Their functions do not run. */
void change_free_all(struct signaling *sg);
bool change_is_empty(const struct change *ch);
/** For statements of the caller's own, such as an Idempotency-Key. */
struct stoa_tx *change_tx(struct change *ch);
/** A participant goes on, then the call if that follows: answered, declined, cancelled, left.
 *  `p` may be a new one, not yet stored (PART_NONE). -EPERM: forbidden now. */
int change_participant(struct change *ch, struct participant *p, enum part_event ev,
		       const char *reason);
/** The call goes on; when it is over, so is everybody's part in it. `reason` NULL: the event's own.
 *  -EPERM: forbidden now. */
int change_call(struct change *ch, enum call_event ev, const char *reason);
/** When it happened, if not now. */
void change_set_time(struct change *ch, int64_t wall_ms);
void change_sharing(struct change *ch, struct participant *p, bool is_sharing);
/** Stores; then applies, emits events and calls fn(0, user). fn(err, user): nothing changed. Never
 *  inside this call. Consumes `ch`; an error here: nothing happened and fn will not run. */
int change_commit(struct change *ch, change_done_fn *fn, void *user);

/* ---- review.c: what time and media ask for ---- */

/** Sets the call's timer to the next deadline. After every change. */
void review_arm(struct call *c);
/** Looks again soon: a fact changed. */
void review_soon(struct call *c);
void review_timer(void *call);

/* ---- media.c: the media plane's news ---- */
extern const struct stoa_sfu_events media_events;
/** -errno of the media plane. */
int media_open_room(struct call *c);
/** Closes it and forgets who was in it. */
void media_close_room(struct call *c);
void media_remove(struct call *c, const char *user_id); /* throws a participant out of the room */

/* ---- render.c ---- */
json_t *render_call(const struct call *c);
json_t *render_participant(const struct participant *p, int64_t now_ms);
json_t *render_participants(const struct call *c);

/* ---- grant.c ---- */
/** The join grant for the asking user; negative errno when no token could be signed. */
int grant_render(const struct request *rq, const struct call *c, json_t **ret_grant);

/* ---- store.c ---- */
extern const struct stoa_sql_stmt store_statements[];
extern const size_t store_n_statements;
enum store_statement { /* index into store_statements */
		       STORE_CALL_INSERT,
		       STORE_CALL_STATUS,
		       STORE_CALL_CLOSE,
		       STORE_CALL_GET,
		       STORE_CALL_LIST,
		       STORE_CALL_LIST_ALL,
		       STORE_CALLS_OPEN,
		       STORE_CALLS_PULSE,
		       STORE_PART_INSERT,
		       STORE_PARTS_RING,
		       STORE_PART_JOIN,
		       STORE_PART_STATUS,
		       STORE_PART_LEAVE,
		       STORE_PART_SHARING,
		       STORE_PARTS_MISS,
		       STORE_PARTS_OF,
		       STORE_PARTS_OF_MANY,
		       STORE_CONN_INSERT,
		       STORE_CONN_CONNECTED,
		       STORE_CONN_QUALITY,
		       STORE_CONN_CLOSE,
		       STORE_CONNS_CLOSE,
		       STORE_N
};
void store_run(struct signaling *sg, struct stoa_tx *tx, enum store_statement s,
	       const struct stoa_sql_value *v, uint32_t n, enum stoa_sql_expect expect);
int store_query(struct signaling *sg, const char *actor, enum store_statement s,
		const struct stoa_sql_value *v, uint32_t n, stoa_sql_done_fn *fn, void *user);
/** A call from a row of CALL_GET, CALL_LIST or CALLS_OPEN. */
int store_read_call(struct signaling *sg, const struct stoa_sql_result *r, uint32_t row,
		    struct call **ret_call);
/** A participant from a row of PARTS_OF or PARTS_OF_MANY (whose first column is the call's id). */
int store_read_participant(struct signaling *sg, const struct stoa_sql_result *r, uint32_t row,
			   struct call *c);
#define STORE_TIME(ms) ((ms) ? STOA_V_TIME(ms) : STOA_V_NULL)
#define STORE_TEXT(s)  ((s) ? STOA_V_TEXT(s) : STOA_V_NULL)

/* ---- reconcile.c ---- */
/** Ends what a crash left open, then lets requests in. Called again by sg->retry. */
void reconcile_start(void *sg);
void reconcile_pulse(void *sg);
void reconcile_free(struct signaling *sg);

/* ---- provide.c ---- */
extern const struct stoa_calls_ops provide_ops;

#endif
