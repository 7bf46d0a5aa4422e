/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_MODEL_STATE_H
#define SFU_MODEL_STATE_H

#include "answer.h"
#include "engine_state.h"
#include "model.h"

/*
 * The objects of the control model. All on ctl.
 *
 * Every object has an id and a count: the model holds one reference while the object exists for
 * others, every queued event holds one more, so that an event about something that is gone can
 * still be told. An object that is gone is in no list and cannot be found by id.
 */

#define TRACKS_MAX        64 /* of one participant */
#define SUBSCRIPTIONS_MAX 1024
#define TRANSPORTS_MAX    4
#define LISTENERS_MAX     8
#define CONNECT_LIMIT_MS  60000 /* without a connected transport, then the participant is out */
#define NAME_MAX_BYTES    255
#define TEXT_MAX_BYTES    1024
#define BLOB_MAX_BYTES    65536
#define SID_LEN           20

enum object_type { OBJECT_ROOM = 1, OBJECT_PARTICIPANT, OBJECT_TRACK, OBJECT_TRANSPORT };

struct object {
	uint64_t id;
	enum object_type type;
	uint32_t refs;
	bool is_gone;
	struct model *model;
	void (*free_fn)(struct object *o);
};

struct room {
	struct object obj;
	struct stoa_list in_model;
	struct stoa_list participants;
	struct stoa_room_info info;
	char sid[SID_LEN];
	char *name, *metadata;
	uint32_t worker;
	struct stage *stage;
	uint64_t empty_since_ms; /* 0: somebody is in */
	bool was_joined;
	enum stoa_leave_reason why_closed;
};

struct participant {
	struct object obj;
	struct room *room;
	struct stoa_list in_room;
	struct stoa_participant_info info;
	char sid[SID_LEN];
	char *identity, *name, *metadata;
	struct stoa_attribute *attributes;
	uint32_t *capabilities;
	struct stoa_list tracks, subscriptions, transports;
	uint32_t n_tracks, n_subscriptions, n_transports;
};

struct track {
	struct object obj;
	struct participant *owner;
	struct stoa_list in_owner;
	struct stoa_list subscriptions;
	struct stoa_track_info info;
	char sid[SID_LEN], mid[MID_MAX + 1];
	char *cid, *name, *mime, *stream;
	uint32_t *audio_features;
	char *fmtp; /* of the negotiated codec */
	enum codec codec;
	struct source *source; /* on the worker; NULL until bound to a section */
	struct connection *transport;
};

struct subscription {
	struct stoa_list in_participant, in_track;
	struct participant *participant;
	struct track *track;
	bool is_wanted, has_settings, is_codec_missing;
	struct stoa_track_settings settings;
	struct connection *transport; /* whose section `slot` carries it; NULL: none yet */
	uint32_t slot;
	struct downtrack *downtrack;
};

struct slot { /* what is in an m-section of a transport */
	char mid[MID_MAX + 1];
	enum sdp_kind kind;
	bool is_free_to_receive;           /* the client would receive here and nothing is sent */
	struct track *track;               /* published */
	struct subscription *subscription; /* sent */
	char msid_track[80];               /* of what is or was published here */
};

struct connection {
	struct object obj;
	struct participant *participant;
	struct stoa_list in_participant;
	struct peer *peer; /* on the worker; NULL until the first offer */
	bool is_connected, has_answered;
	uint64_t lost_ms; /* since when it is not connected; opening counts */
	struct peer_ice ice;
	struct peer_dtls dtls;
	uint64_t session;
	uint32_t version;
	uint32_t n_slots;
	struct slot *slots;
	/* sections asked for with offer_needed() and not seen in an offer yet */
	uint32_t asked[2];
	bool is_asked;
	uint64_t asked_ms;
};

struct listener {
	struct stoa_mod *mod;
	const struct stoa_sfu_events *ev;
	void *user;
};

struct model {
	struct stoa_mod *mod;
	const struct plane *plane; /* NULL while detached */
	struct model_settings set;
	bool is_draining;
	uint64_t last_id;
	struct stoa_map *objects; /* id -> struct object */
	struct stoa_map *names;   /* room name -> struct room */
	struct stoa_list rooms;
	uint32_t n_rooms;
	struct listener listeners[LISTENERS_MAX];
	uint32_t n_listeners;
	struct stoa_list queue; /* struct event */
	uint32_t *worker_load;  /* rooms per worker */
};

/* ---- model.c ---- */
int object_init(struct model *m, struct object *o, enum object_type type,
		void (*free_fn)(struct object *));
/** Drops the model's own reference: nobody finds it any more. */
void object_remove(struct object *o);
void object_unref(struct object *o);
struct room *model_room(struct model *m, uint64_t id);
struct participant *model_participant(struct model *m, uint64_t id);
struct track *model_track(struct model *m, uint64_t id);
struct connection *model_connection(struct model *m, uint64_t id);
void model_make_sid(const char *prefix, char out[SID_LEN]);
uint64_t model_now_ms(const struct model *m);
uint32_t model_random32(void);

/** A command of this type for a room's worker; fill it in, then model_post(). NULL when out of
 *  memory. */
struct command *command_new(enum command_type type);
void model_post(struct model *m, const struct room *r, struct command *c);

/** Replaces a string. -EINVAL: over `max` bytes or not UTF-8; -ENOMEM. NULL counts as "". */
int text_set(char **field, const char *value, size_t max);

/* ---- events.c: the queue ---- */
enum event_type {
	EVENT_ROOM_OPENED,
	EVENT_ROOM_UPDATED,
	EVENT_ROOM_CLOSED,
	EVENT_PARTICIPANT_JOINED,
	EVENT_PARTICIPANT_UPDATED,
	EVENT_PARTICIPANT_LEFT,
	EVENT_TRACK_PUBLISHED,
	EVENT_TRACK_UPDATED,
	EVENT_TRACK_UNPUBLISHED,
	EVENT_OFFER_NEEDED,
	EVENT_MUTE_ASKED,
	EVENT_TRANSPORT_STATE,
	EVENT_SPEAKERS,
	EVENT_QUALITY,
	EVENT_SUBSCRIPTION_FAILED,
	EVENT_ANSWER,
};
/** About a room, participant or track. */
void model_tell(struct model *m, enum event_type type, struct object *o);
void model_tell_offer_needed(struct connection *t, uint32_t audios, uint32_t videos);
void model_tell_mute_asked(struct track *t, bool muted);
void model_tell_transport_state(struct connection *t, bool is_connected);
void model_tell_speakers(struct model *m, const struct notice *n);
void model_tell_quality(struct participant *p, float score);
void model_tell_subscription_failed(struct subscription *s, int err);
/** -ENOMEM: `fn` will not be called. Takes the answer in every case; if the transport closes before
 *  it is told, `fn` gets -ECANCELED. */
int model_tell_answer(struct connection *t, int err, struct stoa_answer *answer_take,
		      stoa_sfu_answer_fn *fn, void *user);
void model_drop_queue(struct model *m);

/* ---- room.c, participant.c, track.c, subscription.c, connection.c: behind model_ops ---- */
int room_open(struct model *m, const struct stoa_room_info *want, stoa_room_id *ret_room);
void room_close(struct room *r, enum stoa_leave_reason why);
void room_check_timeout(struct room *r, uint64_t now_ms);
const struct stoa_room_info *room_info(struct room *r);

int participant_join(struct model *m, struct room *r, const struct stoa_participant_info *want,
		     stoa_participant_id *ret_p);
void participant_leave(struct participant *p, enum stoa_leave_reason why);
int participant_update(struct participant *p, const struct stoa_participant_info *changed);
void participant_changed(struct participant *p);
void participant_check_active(struct participant *p);
struct participant *room_find_participant(struct room *r, const char *identity);

int track_announce(struct participant *p, const struct stoa_track_info *want, stoa_track_id *ret_t);
void track_unpublish(struct track *t);
void track_set_muted(struct track *t, bool muted, bool by_server);
/** Binds to a section of the publisher's description; the source goes to the worker. */
int track_bind(struct track *t, struct connection *transport, const struct section *w,
	       const struct sdp_codec *c);

struct subscription *subscription_find(struct participant *p, const struct track *t);
int subscription_want(struct participant *p, struct track *t, bool wanted);
int subscription_set(struct participant *p, struct track *t, const struct stoa_track_settings *s);
/** Takes what is sent away from its section; stays wanted. */
void subscription_detach(struct subscription *s);
void subscription_free(struct subscription *s);
/** Everybody in the room who subscribes by themselves wants it. */
void track_subscribe_all(struct track *t);
void participant_subscribe_all(struct participant *p);
/** Puts it into a section: the downtrack goes to the worker. */
int subscription_attach(struct subscription *s, struct connection *t, uint32_t slot,
			const struct sdp_section *offered, const struct sdp_codec *c,
			struct stoa_answer *answer);

int connection_open(struct participant *p, stoa_transport_id *ret_t);
void connection_close(struct connection *t);
/** The subscriber's client must offer again if anything is wanted that has no section, or sent no
 *  longer: told once until the next offer. */
void connection_check_sections(struct connection *t, bool is_changed);
void participant_check_sections(struct participant *p, bool is_changed);

/* ---- model_control.c ---- */
int model_add_commands(struct model *m, struct stoa_mod *mod);

/* ---- negotiate.c ---- */
int connection_apply_offer(struct connection *t, const struct stoa_sdp *offer,
			   struct stoa_answer **ret_answer);

#endif
