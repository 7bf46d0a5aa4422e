/* SPDX-License-Identifier: Apache-2.0 */
/* From the sfu's model to LiveKit's messages: field by field, nothing is decided here but what
 * clients insist on (a complete track list each time, codecs[0] with the negotiated codec). */
#include "render.h"

#include <errno.h>

/* Allocates a message and initialises it; the generated initialisers are not uniform functions. */
#define NEW(a, type, init)                                                                         \
	__extension__({                                                                            \
		type *new_ = wire_alloc((a), sizeof(*new_));                                       \
		if (new_)                                                                          \
			init(new_);                                                                \
		new_;                                                                              \
	})

static char *text(const char *s) /* protobuf-c wants non-const, and never writes */
{
	return (char *)(uintptr_t)(s ? s : "");
}

Lk__Room *render_room(struct wire_arena *a, const struct stoa_room_info *room)
{
	Lk__Room *r = NEW(a, Lk__Room, lk__room__init);

	if (!r)
		return NULL;
	r->sid = text(room->sid);
	r->name = text(room->name);
	r->metadata = text(room->metadata);
	r->empty_timeout = room->empty_timeout_s;
	r->departure_timeout = room->departure_timeout_s;
	r->max_participants = room->max_participants;
	r->creation_time = room->created_ms / 1000;
	r->creation_time_ms = room->created_ms;
	r->num_participants = room->participants;
	r->num_publishers = room->publishers;
	return r;
}

static Lk__VideoLayer **render_layers(struct wire_arena *a, const struct stoa_track_info *t,
				      size_t *ret_n)
{
	Lk__VideoLayer **layers = wire_alloc(a, sizeof(*layers) * STOA_LAYERS_MAX);

	*ret_n = 0;
	for (uint32_t i = 0; layers && i < t->n_layers && i < STOA_LAYERS_MAX; i++) {
		const struct stoa_layer_info *l = &t->layers[i];
		Lk__VideoLayer *v = NEW(a, Lk__VideoLayer, lk__video_layer__init);

		if (!v)
			return layers;
		v->quality = l->quality;
		v->width = l->width;
		v->height = l->height;
		v->bitrate = l->bitrate;
		v->ssrc = l->ssrc;
		v->rid = text(l->rid);
		layers[(*ret_n)++] = v;
	}
	return layers;
}

static Lk__SimulcastCodecInfo **render_codecs(struct wire_arena *a, const struct stoa_track_info *t,
					      const Lk__TrackInfo *r, size_t *ret_n)
{
	Lk__SimulcastCodecInfo **codecs = wire_alloc(a, sizeof(*codecs));
	Lk__SimulcastCodecInfo *c = NEW(a, Lk__SimulcastCodecInfo, lk__simulcast_codec_info__init);

	*ret_n = 0;
	if (!codecs || !c)
		return NULL;
	c->mime_type = r->mime_type;
	c->mid = r->mid;
	c->cid = text(t->cid);
	c->n_layers = r->n_layers;
	c->layers = r->layers;
	c->video_layer_mode = t->kind == STOA_VIDEO
				      ? LK__VIDEO_LAYER__MODE__ONE_SPATIAL_LAYER_PER_STREAM
				      : LK__VIDEO_LAYER__MODE__MODE_UNUSED;
	codecs[0] = c;
	*ret_n = 1;
	return codecs;
}

static uint32_t *copy_numbers(struct wire_arena *a, const uint32_t *from, size_t n)
{
	uint32_t *to = n ? wire_alloc(a, n * sizeof(*to)) : NULL;

	if (to)
		memcpy(to, from, n * sizeof(*to));
	return to;
}

Lk__TrackInfo *render_track(struct wire_arena *a, const struct stoa_track_info *t)
{
	Lk__TrackInfo *r = NEW(a, Lk__TrackInfo, lk__track_info__init);

	if (!r)
		return NULL;
	r->sid = text(t->sid);
	r->type = t->kind == STOA_VIDEO ? LK__TRACK_TYPE__VIDEO : LK__TRACK_TYPE__AUDIO;
	r->name = text(t->name);
	r->muted = t->muted;
	r->width = t->width;
	r->height = t->height;
	r->simulcast = t->simulcast;
	r->disable_dtx = t->disable_dtx;
	r->source = (Lk__TrackSource)t->source;
	r->mime_type = text(t->mime);
	r->mid = text(t->mid);
	r->stereo = t->stereo;
	r->disable_red = t->disable_red;
	r->encryption = t->encryption;
	r->stream = text(t->stream);
	r->layers = render_layers(a, t, &r->n_layers);
	r->audio_features =
		(Lk__AudioTrackFeature *)copy_numbers(a, t->audio_features, t->n_audio_features);
	r->n_audio_features = r->audio_features ? t->n_audio_features : 0;
	if (t->mime && t->mime[0])
		r->codecs = render_codecs(a, t, r, &r->n_codecs);
	return r;
}

static Lk__ParticipantPermission *render_permission(struct wire_arena *a,
						    const struct stoa_permission *p)
{
	Lk__ParticipantPermission *r =
		NEW(a, Lk__ParticipantPermission, lk__participant_permission__init);
	size_t max = STOA_SOURCE_SCREEN_AUDIO + 1;

	if (!r)
		return NULL;
	r->can_subscribe = p->can_subscribe;
	r->can_publish = p->can_publish;
	r->can_publish_data = p->can_publish_data;
	r->can_update_metadata = p->can_update_own_metadata;
	r->hidden = p->hidden;
	r->recorder = p->recorder;
	r->can_publish_sources = wire_alloc(a, max * sizeof(*r->can_publish_sources));
	for (size_t i = 0; r->can_publish_sources && i < max; i++)
		if (p->publish_sources & (1u << i))
			r->can_publish_sources[r->n_can_publish_sources++] = (Lk__TrackSource)i;
	return r;
}

static void render_attributes(struct wire_arena *a, const struct stoa_participant_info *p,
			      Lk__ParticipantInfo *r)
{
	r->attributes = wire_alloc(a, (p->n_attributes + 1) * sizeof(*r->attributes));
	for (uint32_t i = 0; r->attributes && i < p->n_attributes; i++) {
		Lk__ParticipantInfo__AttributesEntry *e =
			NEW(a, Lk__ParticipantInfo__AttributesEntry,
			    lk__participant_info__attributes_entry__init);

		if (!e)
			return;
		e->key = text(p->attributes[i].key);
		e->value = text(p->attributes[i].value);
		r->attributes[r->n_attributes++] = e;
	}
}

bool render_is_visible(const struct stoa_track_info *t)
{
	return t->is_live || t->muted; /* muted from the start: there will be no first packet */
}

static void render_tracks(struct wire_arena *a, const struct livekit *lk, stoa_participant_id p,
			  Lk__ParticipantInfo *r)
{
	const struct stoa_track_info *t;
	stoa_track_id id = 0;
	size_t n = 0;

	while (stoa_sfu_track_next(&lk->sfu, p, id, &id) == 0)
		n++;
	r->tracks = n ? wire_alloc(a, n * sizeof(*r->tracks)) : NULL;
	id = 0;
	while (r->tracks && r->n_tracks < n && stoa_sfu_track_next(&lk->sfu, p, id, &id) == 0) {
		if (stoa_sfu_track_get(&lk->sfu, id, &t) != 0 || !render_is_visible(t))
			continue;
		r->tracks[r->n_tracks] = render_track(a, t);
		if (!r->tracks[r->n_tracks])
			return;
		r->n_tracks++;
	}
}

Lk__ParticipantInfo *render_participant(struct wire_arena *a, const struct livekit *lk,
					const struct stoa_participant_info *p)
{
	Lk__ParticipantInfo *r = NEW(a, Lk__ParticipantInfo, lk__participant_info__init);

	if (!r)
		return NULL;
	r->sid = text(p->sid);
	r->identity = text(p->identity);
	r->name = text(p->name);
	r->metadata = text(p->metadata);
	r->state = (Lk__ParticipantInfo__State)p->state;
	r->version = p->version;
	r->joined_at = p->joined_ms / 1000;
	r->joined_at_ms = p->joined_ms;
	r->is_publisher = p->is_publisher;
	r->kind = p->kind;
	r->client_protocol = (int32_t)p->client_protocol;
	r->capabilities =
		(Lk__ClientInfo__Capability *)copy_numbers(a, p->capabilities, p->n_capabilities);
	r->n_capabilities = r->capabilities ? p->n_capabilities : 0;
	r->permission = render_permission(a, &p->permission);
	render_attributes(a, p, r);
	if (p->state == STOA_PARTICIPANT_GONE)
		r->disconnect_reason = (Lk__DisconnectReason)p->leave_reason;
	else
		render_tracks(a, lk, p->id, r);
	return r;
}

Lk__SpeakerInfo *render_speaker(struct wire_arena *a, const struct stoa_participant_info *p,
				float level)
{
	Lk__SpeakerInfo *s = NEW(a, Lk__SpeakerInfo, lk__speaker_info__init);

	if (!s)
		return NULL;
	s->sid = text(p->sid);
	s->level = level;
	s->active = level > 0;
	return s;
}

Lk__ServerInfo *render_server(struct wire_arena *a)
{
	Lk__ServerInfo *s = NEW(a, Lk__ServerInfo, lk__server_info__init);

	if (!s)
		return NULL;
	s->version = text(LK_VERSION);
	s->protocol = LK_PROTOCOL;
	return s;
}

static Lk__ICEServer *render_ice_server(struct wire_arena *a, const struct stoa_ice_server *from)
{
	Lk__ICEServer *s = NEW(a, Lk__ICEServer, lk__iceserver__init);
	size_t n = 0;

	while (s && from->urls[n])
		n++;
	if (!s || !(s->urls = wire_alloc(a, (n + 1) * sizeof(*s->urls))))
		return NULL;
	for (; s->n_urls < n; s->n_urls++) /* copied: the list is freed before packing */
		s->urls[s->n_urls] = wire_dup(a, from->urls[s->n_urls]);
	s->username = wire_dup(a, from->username);
	s->credential = wire_dup(a, from->credential);
	return s;
}

Lk__ICEServer **render_ice_servers(struct wire_arena *a, const struct livekit *lk,
				   const char *identity, size_t *ret_n)
{
	const struct stoa_ice_server *servers = NULL;
	Lk__ICEServer **list = NULL;
	int64_t expires_ms;
	uint32_t n = 0;

	*ret_n = 0;
	if (stoa_auth_ice_servers(&lk->auth, identity, &servers, &n, &expires_ms) != 0)
		return NULL;
	list = n ? wire_alloc(a, n * sizeof(Lk__ICEServer *)) : NULL;
	for (uint32_t i = 0; list && i < n; i++) {
		list[*ret_n] = render_ice_server(a, &servers[i]);
		if (!list[*ret_n])
			break;
		(*ret_n)++;
	}
	stoa_auth_ice_servers_free(&lk->auth, servers, n);
	return list;
}
