/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_IFACE_SFU_H
#define STOA_IFACE_SFU_H

#include <errno.h>
#include <stoa/iface.h>
#include <stoa/util.h>

/*
 * `sfu`: rooms, participants, tracks and who receives what. RTP never crosses this interface.
 *
 * The provider owns the whole model; signalling modules (LiveKit socket, WHIP, calls) change it
 * through these functions and hear of every change through one table of notifications. Objects are
 * named by 64-bit ids that are never used again: a stale id gives -ENOENT, never a crash.
 *
 * Negotiation: the client is always the offerer here. sdp_parse() and answer_render() are pure and
 * run on the edge thread of the socket; applying an offer happens on ctl.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

#define STOA_SFU "sfu/0"

typedef uint64_t stoa_room_id;
typedef uint64_t stoa_participant_id;
typedef uint64_t stoa_track_id;
typedef uint64_t stoa_transport_id;

enum stoa_media_kind { STOA_AUDIO = 0, STOA_VIDEO = 1 };

enum stoa_track_source {
	STOA_SOURCE_UNKNOWN = 0,
	STOA_SOURCE_CAMERA = 1,
	STOA_SOURCE_MICROPHONE = 2,
	STOA_SOURCE_SCREEN = 3,
	STOA_SOURCE_SCREEN_AUDIO = 4,
};

enum stoa_participant_state {
	STOA_PARTICIPANT_JOINING = 0,
	STOA_PARTICIPANT_JOINED = 1, /* signalling is there         */
	STOA_PARTICIPANT_ACTIVE = 2, /* and its transport connected */
	STOA_PARTICIPANT_GONE = 3,
};

enum stoa_leave_reason { /* LiveKit's DisconnectReason numbers */
			 STOA_LEAVE_UNKNOWN = 0,
			 STOA_LEAVE_CLIENT = 1,
			 STOA_LEAVE_DUPLICATE_IDENTITY = 2,
			 STOA_LEAVE_SERVER_SHUTDOWN = 3,
			 STOA_LEAVE_REMOVED = 4,
			 STOA_LEAVE_ROOM_DELETED = 5,
			 STOA_LEAVE_STATE_MISMATCH = 6,
			 STOA_LEAVE_JOIN_FAILURE = 7,
			 STOA_LEAVE_SIGNAL_CLOSE = 9,
			 STOA_LEAVE_ROOM_CLOSED = 10,
			 STOA_LEAVE_CONNECTION_TIMEOUT = 14,
			 STOA_LEAVE_MEDIA_FAILURE = 15,
};

enum stoa_connection_quality {
	STOA_QUALITY_POOR = 0,
	STOA_QUALITY_GOOD = 1,
	STOA_QUALITY_EXCELLENT = 2,
	STOA_QUALITY_LOST = 3,
};

struct stoa_room_info {
	uint32_t size;
	stoa_room_id id;
	const char *name;             /* 1 to 255 bytes of UTF-8             */
	const char *sid;              /* "RM_…", given by the provider       */
	const char *metadata;         /* "" when none                        */
	uint32_t empty_timeout_s;     /* never joined: closed after this     */
	uint32_t departure_timeout_s; /* last one left: closed after this    */
	uint32_t max_participants;    /* 0: no limit of the room's own       */
	int64_t created_ms;           /* UTC                                 */
	uint32_t participants, publishers;
};

struct stoa_permission {
	bool can_subscribe, can_publish, can_publish_data, can_update_own_metadata;
	bool hidden, recorder;
	uint32_t publish_sources; /* bit (1 << stoa_track_source); 0: every source */
};

struct stoa_attribute {
	const char *key, *value;
};

struct stoa_participant_info {
	uint32_t size;
	stoa_participant_id id;
	stoa_room_id room;
	const char *sid;      /* "PA_…", given by the provider    */
	const char *identity; /* 1 to 255 bytes; unique in a room */
	const char *name, *metadata;
	const struct stoa_attribute *attributes;
	uint32_t n_attributes;
	uint32_t kind;                /* LiveKit's ParticipantInfo.Kind number */
	uint32_t client_protocol;     /* relayed as it came                    */
	const uint32_t *capabilities; /* relayed as they came                  */
	uint32_t n_capabilities;
	enum stoa_participant_state state;
	enum stoa_leave_reason leave_reason; /* when gone */
	struct stoa_permission permission;
	int64_t joined_ms;
	uint32_t version; /* rises with every change */
	bool is_publisher;
	bool auto_subscribe;  /* new tracks of others are wanted at once      */
	bool adaptive_stream; /* start low until the client has told a size   */
	float audio_level;    /* as last told by speakers_changed; 0: silent  */
};

struct stoa_layer_info {
	uint32_t quality; /* 0 low, 1 medium, 2 high */
	uint32_t width, height, bitrate;
	char rid[17]; /* "" when none */
	uint32_t ssrc;
};

#define STOA_LAYERS_MAX 3

struct stoa_track_info {
	uint32_t size;
	stoa_track_id id;
	stoa_participant_id participant;
	const char *sid; /* "TR_…", given by the provider */
	const char *cid; /* the client's id               */
	const char *name;
	const char *mime; /* "video/VP8"; in announce() the wanted codec or "" */
	const char *mid;
	const char *stream; /* sync group */
	enum stoa_media_kind kind;
	enum stoa_track_source source;
	bool muted, simulcast, disable_dtx, stereo, disable_red;
	uint32_t encryption; /* relayed */
	uint32_t width, height;
	struct stoa_layer_info layers[STOA_LAYERS_MAX];
	uint32_t n_layers;
	const uint32_t *audio_features; /* relayed */
	uint32_t n_audio_features;
	bool is_live; /* bound to a section of the publisher's description */
};

struct stoa_track_settings { /* a subscriber's wish for one track */
	uint32_t size;
	bool disabled;
	uint32_t quality; /* used when width is 0 */
	uint32_t width, height, fps, priority;
};

struct stoa_sdp;    /* a parsed description; immutable once parsed */
struct stoa_answer; /* a planned answer; immutable, counted        */

struct stoa_mid_track {
	const char *mid, *track_sid;
};

/** An answer was planned (the reference is the receiver's), or `err` is a negative errno. */
typedef void stoa_sfu_answer_fn(int err, struct stoa_answer *answer, void *user);

/* Notifications, all on ctl, after the call that caused them returned. Infos are borrowed for the
 * call. Unset members are skipped. */
struct stoa_sfu_events {
	uint32_t size;
	void (*room_opened)(const struct stoa_room_info *room, void *user);
	void (*room_updated)(const struct stoa_room_info *room, void *user);
	void (*room_closed)(const struct stoa_room_info *room, enum stoa_leave_reason why,
			    void *user);
	void (*participant_joined)(const struct stoa_participant_info *p, void *user);
	void (*participant_updated)(const struct stoa_participant_info *p, void *user);
	void (*participant_left)(const struct stoa_participant_info *p, void *user);
	void (*track_published)(const struct stoa_track_info *t, void *user);
	void (*track_updated)(const struct stoa_track_info *t, void *user);
	void (*track_unpublished)(const struct stoa_track_info *t, void *user);
	/* The subscriber's client must offer again, with this many more receive-only sections. */
	void (*offer_needed)(stoa_participant_id p, stoa_transport_id t, uint32_t audios,
			     uint32_t videos, void *user);
	/* The server muted or unmuted a track: tell its publisher. */
	void (*mute_asked)(stoa_participant_id p, stoa_track_id t, bool muted, void *user);
	void (*transport_state)(stoa_transport_id t, stoa_participant_id p, bool is_connected,
				void *user);
	/* Only those that changed; level 0..1, 0: stopped. */
	void (*speakers_changed)(stoa_room_id room, const stoa_participant_id *who,
				 const float *levels, uint32_t n, void *user);
	void (*quality_changed)(stoa_participant_id p, enum stoa_connection_quality q, float score,
				void *user);
	/* A wanted track cannot be carried to `p`. -ENOTSUP: its client lacks the codec. */
	void (*subscription_failed)(stoa_participant_id p, stoa_track_id t, int err, void *user);
};

struct stoa_sfu_ops {
	uint32_t size;
	int (*listen)(void *self, struct stoa_mod *m, const struct stoa_sfu_events *ev, void *user);

	int (*room_open)(void *self, const struct stoa_room_info *want, stoa_room_id *ret_room);
	int (*room_find)(void *self, const char *name, stoa_room_id *ret_room);
	int (*room_get)(void *self, stoa_room_id room, const struct stoa_room_info **ret_info);
	int (*room_next)(void *self, stoa_room_id after, stoa_room_id *ret_room);
	int (*room_set_metadata)(void *self, stoa_room_id room, const char *metadata);
	int (*room_close)(void *self, stoa_room_id room, enum stoa_leave_reason why);

	int (*join)(void *self, stoa_room_id room, const struct stoa_participant_info *want,
		    stoa_participant_id *ret_p);
	int (*leave)(void *self, stoa_participant_id p, enum stoa_leave_reason why);
	int (*participant_get)(void *self, stoa_participant_id p,
			       const struct stoa_participant_info **ret_info);
	int (*participant_find)(void *self, stoa_room_id room, const char *identity,
				stoa_participant_id *ret_p);
	int (*participant_next)(void *self, stoa_room_id room, stoa_participant_id after,
				stoa_participant_id *ret_p);
	int (*participant_update)(void *self, const struct stoa_participant_info *changed);

	int (*track_announce)(void *self, stoa_participant_id p, const struct stoa_track_info *want,
			      stoa_track_id *ret_t);
	int (*track_unpublish)(void *self, stoa_track_id t);
	int (*track_get)(void *self, stoa_track_id t, const struct stoa_track_info **ret_info);
	int (*track_find)(void *self, stoa_room_id room, const char *sid, stoa_track_id *ret_t);
	int (*track_next)(void *self, stoa_participant_id p, stoa_track_id after,
			  stoa_track_id *ret_t);
	int (*track_set_muted)(void *self, stoa_track_id t, bool muted, bool by_server);

	int (*subscribe)(void *self, stoa_participant_id p, stoa_track_id t, bool wanted);
	int (*set_track_settings)(void *self, stoa_participant_id p, stoa_track_id t,
				  const struct stoa_track_settings *s);

	int (*sdp_parse)(void *self, struct stoa_str text, struct stoa_sdp **ret_sdp);
	void (*sdp_free)(void *self, struct stoa_sdp *sdp);
	int (*transport_open)(void *self, stoa_participant_id p, stoa_transport_id *ret_t);
	int (*transport_close)(void *self, stoa_transport_id t);
	int (*transport_offer)(void *self, stoa_transport_id t, struct stoa_sdp *offer_take,
			       stoa_sfu_answer_fn *fn, void *user);
	int (*transport_candidate)(void *self, stoa_transport_id t, struct stoa_str candidate);
	int (*answer_render)(void *self, const struct stoa_answer *a, struct stoa_buf *out);
	const struct stoa_mid_track *(*answer_tracks)(void *self, const struct stoa_answer *a,
						      uint32_t *ret_n);
	void (*answer_unref)(void *self, struct stoa_answer *a);
	void (*unlisten)(void *self, struct stoa_mod *m);
};

/** What consumers hold. Bind in start(). */
struct stoa_sfu {
	const struct stoa_sfu_ops *ops;
	void *self;
};

/** Binds the provider. Errors of stoa_iface_bind(). Thread: ctl. */
static inline int stoa_sfu_bind(struct stoa_mod *m, struct stoa_sfu *ret_sfu)
{
	struct stoa_iface i;
	int err = stoa_iface_bind(m, STOA_SFU, &i);

	if (err)
		return err;
	ret_sfu->ops = (const struct stoa_sfu_ops *)i.ops;
	ret_sfu->self = i.self;
	return 0;
}

/*
 * Wrappers: what modules call. Every function runs on ctl unless it says otherwise. Every one that
 * returns int answers -ENOTSUP when the provider is older than the function, and -ENOENT for an id
 * that is not, or no longer, in use. Strings and structs passed in are copied; infos handed out are
 * borrowed until the calling code returns to the loop or changes the model, whichever is first.
 *
 * Changes are told to all listeners, the caller included, after the call returned, in order.
 */

/** Hears of changes from now on, until stoa_sfu_unlisten(). `ev` is borrowed until then and may leave
 *  members unset. -ENOSPC past 8 listeners. */
static inline int stoa_sfu_listen(const struct stoa_sfu *s, struct stoa_mod *m,
				  const struct stoa_sfu_events *ev, void *user)
{
	return STOA_HAS(s->ops, listen) ? s->ops->listen(s->self, m, ev, user) : -ENOTSUP;
}

/** Hears nothing any more, of what is queued neither. A listener calls it in stop(): what goes on in
 *  the rooms does not end with it. */
static inline void stoa_sfu_unlisten(const struct stoa_sfu *s, struct stoa_mod *m)
{
	if (s->ops && STOA_HAS(s->ops, unlisten))
		s->ops->unlisten(s->self, m);
}

/* ---- rooms ---- */

/** Opens a room, or finds the one that has this name already (its settings stay as they are).
 *  Of `want` only name, metadata, empty_timeout_s, departure_timeout_s and max_participants count;
 * a timeout of 0 takes the provider's default. The event room_opened tells a new one. -EINVAL: name
 * empty, over 255 bytes or not UTF-8, or metadata over 64 KB. -EMFILE: no more rooms. -ESHUTDOWN:
 * draining. */
static inline int stoa_sfu_room_open(const struct stoa_sfu *s, const struct stoa_room_info *want,
				     stoa_room_id *ret_room)
{
	return STOA_HAS(s->ops, room_open) ? s->ops->room_open(s->self, want, ret_room) : -ENOTSUP;
}

/** Finds a room by its name. */
static inline int stoa_sfu_room_find(const struct stoa_sfu *s, const char *name,
				     stoa_room_id *ret_room)
{
	return STOA_HAS(s->ops, room_find) ? s->ops->room_find(s->self, name, ret_room) : -ENOTSUP;
}

/** What is known of a room. */
static inline int stoa_sfu_room_get(const struct stoa_sfu *s, stoa_room_id room,
				    const struct stoa_room_info **ret_info)
{
	return STOA_HAS(s->ops, room_get) ? s->ops->room_get(s->self, room, ret_info) : -ENOTSUP;
}

/** Walks the rooms in the order they were opened: start with 0, -ENOENT at the end. Opening and
 *  closing between steps is fine. */
static inline int stoa_sfu_room_next(const struct stoa_sfu *s, stoa_room_id after,
				     stoa_room_id *ret_room)
{
	return STOA_HAS(s->ops, room_next) ? s->ops->room_next(s->self, after, ret_room) : -ENOTSUP;
}

/** Replaces the metadata (at most 64 KB, else -EINVAL); NULL clears it. */
static inline int stoa_sfu_room_set_metadata(const struct stoa_sfu *s, stoa_room_id room,
					     const char *metadata)
{
	return STOA_HAS(s->ops, room_set_metadata)
		       ? s->ops->room_set_metadata(s->self, room, metadata)
		       : -ENOTSUP;
}

/** Closes a room at once: everybody in it leaves with the reason `why`. */
static inline int stoa_sfu_room_close(const struct stoa_sfu *s, stoa_room_id room,
				      enum stoa_leave_reason why)
{
	return STOA_HAS(s->ops, room_close) ? s->ops->room_close(s->self, room, why) : -ENOTSUP;
}

/* ---- participants ---- */

/** Adds a participant (state JOINED). Of `want` count identity, name, metadata, attributes, kind,
 *  client_protocol, capabilities, permission, auto_subscribe and adaptive_stream. Somebody with the
 *  same identity in the room leaves first, with STOA_LEAVE_DUPLICATE_IDENTITY.
 *  -EINVAL: identity empty, over 255 bytes or not UTF-8, or a text over its limit (name 1 KB,
 *  metadata and attributes 64 KB each). -EUSERS: the room is full (max_participants; whoever
 * replaces their own identity still gets in). -ESHUTDOWN: draining. */
static inline int stoa_sfu_join(const struct stoa_sfu *s, stoa_room_id room,
				const struct stoa_participant_info *want,
				stoa_participant_id *ret_p)
{
	return STOA_HAS(s->ops, join) ? s->ops->join(s->self, room, want, ret_p) : -ENOTSUP;
}

/** Ends a participation with its transports, tracks and subscriptions. The event participant_left
 *  carries `why`; the info stays readable inside it, the id is gone afterwards. */
static inline int stoa_sfu_leave(const struct stoa_sfu *s, stoa_participant_id p,
				 enum stoa_leave_reason why)
{
	return STOA_HAS(s->ops, leave) ? s->ops->leave(s->self, p, why) : -ENOTSUP;
}

/** What is known of a participant. */
static inline int stoa_sfu_participant_get(const struct stoa_sfu *s, stoa_participant_id p,
					   const struct stoa_participant_info **ret_info)
{
	return STOA_HAS(s->ops, participant_get) ? s->ops->participant_get(s->self, p, ret_info)
						 : -ENOTSUP;
}

/** Finds a participant of a room by identity. */
static inline int stoa_sfu_participant_find(const struct stoa_sfu *s, stoa_room_id room,
					    const char *identity, stoa_participant_id *ret_p)
{
	return STOA_HAS(s->ops, participant_find)
		       ? s->ops->participant_find(s->self, room, identity, ret_p)
		       : -ENOTSUP;
}

/** Walks a room's participants in the order they joined, hidden ones too: start with 0, -ENOENT at
 *  the end. */
static inline int stoa_sfu_participant_next(const struct stoa_sfu *s, stoa_room_id room,
					    stoa_participant_id after, stoa_participant_id *ret_p)
{
	return STOA_HAS(s->ops, participant_next)
		       ? s->ops->participant_next(s->self, room, after, ret_p)
		       : -ENOTSUP;
}

/** Sets name, metadata, attributes (the whole list) and permission of `changed->id`; the other
 * members are ignored, so start from the result of participant_get(). Revoking can_publish
 * unpublishes, revoking can_subscribe ends the subscriptions. -EINVAL as for join(). */
static inline int stoa_sfu_participant_update(const struct stoa_sfu *s,
					      const struct stoa_participant_info *changed)
{
	return STOA_HAS(s->ops, participant_update) ? s->ops->participant_update(s->self, changed)
						    : -ENOTSUP;
}

/* ---- tracks ---- */

/** Announces a track that the client is about to publish; the next offer with a matching section
 *  (msid's track id is the cid; else the oldest unbound announcement of that kind) binds it.
 *  The event track_published comes now, is_live in a track_updated when it is bound and its first
 *  packet was seen. Announcing the same cid again yields the same track.
 *  -EACCES: the permission forbids publishing, or this source. -EINVAL: cid empty or a text over 1
 * KB. -EMFILE: more than 64 tracks of this participant. */
static inline int stoa_sfu_track_announce(const struct stoa_sfu *s, stoa_participant_id p,
					  const struct stoa_track_info *want, stoa_track_id *ret_t)
{
	return STOA_HAS(s->ops, track_announce) ? s->ops->track_announce(s->self, p, want, ret_t)
						: -ENOTSUP;
}

/** Takes a track away: subscribers are asked to offer again. The publisher's section is answered
 *  inactive at its next offer. */
static inline int stoa_sfu_track_unpublish(const struct stoa_sfu *s, stoa_track_id t)
{
	return STOA_HAS(s->ops, track_unpublish) ? s->ops->track_unpublish(s->self, t) : -ENOTSUP;
}

/** What is known of a track. */
static inline int stoa_sfu_track_get(const struct stoa_sfu *s, stoa_track_id t,
				     const struct stoa_track_info **ret_info)
{
	return STOA_HAS(s->ops, track_get) ? s->ops->track_get(s->self, t, ret_info) : -ENOTSUP;
}

/** Finds a track of a room by its sid ("TR_…"). */
static inline int stoa_sfu_track_find(const struct stoa_sfu *s, stoa_room_id room, const char *sid,
				      stoa_track_id *ret_t)
{
	return STOA_HAS(s->ops, track_find) ? s->ops->track_find(s->self, room, sid, ret_t)
					    : -ENOTSUP;
}

/** Walks a participant's tracks in the order they were announced: start with 0, -ENOENT at the end.
 */
static inline int stoa_sfu_track_next(const struct stoa_sfu *s, stoa_participant_id p,
				      stoa_track_id after, stoa_track_id *ret_t)
{
	return STOA_HAS(s->ops, track_next) ? s->ops->track_next(s->self, p, after, ret_t)
					    : -ENOTSUP;
}

/** Mutes or unmutes. `by_server` asks the publisher through mute_asked() besides. While muted,
 * packets are not forwarded; unmuting video asks for a key frame. Repeats change nothing. */
static inline int stoa_sfu_track_set_muted(const struct stoa_sfu *s, stoa_track_id t, bool muted,
					   bool by_server)
{
	return STOA_HAS(s->ops, track_set_muted)
		       ? s->ops->track_set_muted(s->self, t, muted, by_server)
		       : -ENOTSUP;
}

/** Wants or no longer wants a track of somebody else. Idempotent. -EACCES: can_subscribe is not
 *  granted. -EINVAL: it is the participant's own track or another room's.
 *  The track flows once a section of the client's next answer carries it: see offer_needed(). */
static inline int stoa_sfu_subscribe(const struct stoa_sfu *s, stoa_participant_id p,
				     stoa_track_id t, bool wanted)
{
	return STOA_HAS(s->ops, subscribe) ? s->ops->subscribe(s->self, p, t, wanted) : -ENOTSUP;
}

/** A subscriber's wish for one track: forward or not, and the largest layer that is of use. Kept
 * also for a track that is not (yet) subscribed. -ENOENT when either is unknown. */
static inline int stoa_sfu_set_track_settings(const struct stoa_sfu *s, stoa_participant_id p,
					      stoa_track_id t, const struct stoa_track_settings *st)
{
	return STOA_HAS(s->ops, set_track_settings) ? s->ops->set_track_settings(s->self, p, t, st)
						    : -ENOTSUP;
}

/* ---- transports and descriptions ---- */

/** Parses an offer. Pure. At most 256 KB and 512 sections.
 *  -EINVAL: not a session description. -E2BIG: past a limit. -ENOMEM. Thread: any. */
static inline int stoa_sfu_sdp_parse(const struct stoa_sfu *s, struct stoa_str text,
				     struct stoa_sdp **ret_sdp)
{
	return STOA_HAS(s->ops, sdp_parse) ? s->ops->sdp_parse(s->self, text, ret_sdp) : -ENOTSUP;
}

/** Frees a description that was not handed to transport_offer(). NULL is fine. Thread: any. */
static inline void stoa_sfu_sdp_free(const struct stoa_sfu *s, struct stoa_sdp *sdp)
{
	if (STOA_HAS(s->ops, sdp_free))
		s->ops->sdp_free(s->self, sdp);
}

/** Opens a transport (one RTCPeerConnection of the client). -EMFILE: more than 4 of this
 *  participant. */
static inline int stoa_sfu_transport_open(const struct stoa_sfu *s, stoa_participant_id p,
					  stoa_transport_id *ret_t)
{
	return STOA_HAS(s->ops, transport_open) ? s->ops->transport_open(s->self, p, ret_t)
						: -ENOTSUP;
}

/** Closes a transport; what it published is unpublished. */
static inline int stoa_sfu_transport_close(const struct stoa_sfu *s, stoa_transport_id t)
{
	return STOA_HAS(s->ops, transport_close) ? s->ops->transport_close(s->self, t) : -ENOTSUP;
}

/** Applies an offer and plans its answer. Takes `offer_take` in every case. `fn` runs on ctl after
 * this call returned, exactly once if it returned 0, in order with the events (so
 * participant_joined of somebody comes before the answer that carries their media), or never after
 * an error. Errors of this call: -ENOENT. Errors given to `fn`: -EPROTO: the description breaks a
 * rule (no ICE credentials or fingerprint, sections removed or reordered, not bundled); -E2BIG;
 * -ECANCELED: the transport closed meanwhile. */
static inline int stoa_sfu_transport_offer(const struct stoa_sfu *s, stoa_transport_id t,
					   struct stoa_sdp *offer_take, stoa_sfu_answer_fn *fn,
					   void *user)
{
	return STOA_HAS(s->ops, transport_offer)
		       ? s->ops->transport_offer(s->self, t, offer_take, fn, user)
		       : -ENOTSUP;
}

/** A trickled candidate of the client ("candidate:…", or empty for the end of candidates). An
 * ICE-lite server learns addresses from checks, so it is only looked at for its shape. -EINVAL. */
static inline int stoa_sfu_transport_candidate(const struct stoa_sfu *s, stoa_transport_id t,
					       struct stoa_str candidate)
{
	return STOA_HAS(s->ops, transport_candidate)
		       ? s->ops->transport_candidate(s->self, t, candidate)
		       : -ENOTSUP;
}

/** Appends the text of an answer. Pure. -ENOMEM. Thread: any. */
static inline int stoa_sfu_answer_render(const struct stoa_sfu *s, const struct stoa_answer *a,
					 struct stoa_buf *out)
{
	return STOA_HAS(s->ops, answer_render) ? s->ops->answer_render(s->self, a, out) : -ENOTSUP;
}

/** Which section carries which forwarded track: the full list, for LiveKit's mid_to_track_id.
 *  NULL and 0 when there is none. Borrowed as long as the answer. Thread: any. */
static inline const struct stoa_mid_track *stoa_sfu_answer_tracks(const struct stoa_sfu *s,
								  const struct stoa_answer *a,
								  uint32_t *ret_n)
{
	return STOA_HAS(s->ops, answer_tracks) ? s->ops->answer_tracks(s->self, a, ret_n) : NULL;
}

/** Drops the reference that stoa_sfu_answer_fn received. NULL is fine. Thread: any. */
static inline void stoa_sfu_answer_unref(const struct stoa_sfu *s, struct stoa_answer *a)
{
	if (STOA_HAS(s->ops, answer_unref))
		s->ops->answer_unref(s->self, a);
}

STOA_END_DECLS

#endif
