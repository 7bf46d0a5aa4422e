/* SPDX-License-Identifier: Apache-2.0 */
/* add_track, mute: what the client publishes. A refused add_track gets a request_response, though
 * livekit-client of today waits for its own time-out all the same. */
#include "handlers.h"
#include "render.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

/* Codecs by the short names browsers send and the full ones of other clients. */
static const struct {
	const char *brief, *mime;
} codecs[] = {
	{ "vp8", "video/VP8" }, { "h264", "video/H264" }, { "vp9", "video/VP9" },
	{ "av1", "video/AV1" }, { "opus", "audio/opus" },
};

static const char *wanted_mime(const Lk__AddTrackRequest *want)
{
	const char *name = want->n_simulcast_codecs ? want->simulcast_codecs[0]->codec : "";

	for (size_t i = 0; i < STOA_ARRAY_SIZE(codecs); i++)
		if (strcasecmp(name, codecs[i].brief) == 0 || strcasecmp(name, codecs[i].mime) == 0)
			return codecs[i].mime;
	return "";
}

static const char *layer_rid(const Lk__VideoLayer *l)
{
	static const char *const rids[] = { "q", "h", "f" };

	return l->rid[0] || l->quality > 2 ? l->rid : rids[l->quality];
}

static void read_layers(const Lk__AddTrackRequest *want, struct stoa_track_info *t)
{
	size_t n = want->n_layers;
	Lk__VideoLayer **layers = want->layers;

	if (!n && want->n_simulcast_codecs) { /* some clients list them per codec only */
		n = want->simulcast_codecs[0]->n_layers;
		layers = want->simulcast_codecs[0]->layers;
	}
	for (size_t i = 0; i < n && t->n_layers < STOA_LAYERS_MAX; i++) {
		struct stoa_layer_info *to = &t->layers[t->n_layers++];

		to->quality = layers[i]->quality;
		to->width = layers[i]->width;
		to->height = layers[i]->height;
		to->bitrate = layers[i]->bitrate;
		to->ssrc = layers[i]->ssrc;
		if (n > 1)
			snprintf(to->rid, sizeof(to->rid), "%s", layer_rid(layers[i]));
	}
	t->simulcast = t->n_layers > 1;
}

static const char *sync_group(const Lk__AddTrackRequest *want)
{
	bool is_screen = want->source == LK__TRACK_SOURCE__SCREEN_SHARE ||
			 want->source == LK__TRACK_SOURCE__SCREEN_SHARE_AUDIO;

	return want->stream[0] ? want->stream : is_screen ? "screen_share" : "camera";
}

static int announce(struct session *s, const Lk__AddTrackRequest *want, stoa_track_id *ret_track)
{
	struct stoa_track_info t = {
		.size = sizeof(t),
		.cid = want->cid,
		.name = want->name,
		.mime = wanted_mime(want),
		.stream = sync_group(want),
		.kind = want->type == LK__TRACK_TYPE__VIDEO ? STOA_VIDEO : STOA_AUDIO,
		.muted = want->muted,
		.disable_dtx = want->disable_dtx,
		.stereo = want->stereo,
		.disable_red = want->disable_red,
		.encryption = want->encryption,
		.width = want->width,
		.height = want->height,
		.audio_features = want->audio_features,
		.n_audio_features = (uint32_t)want->n_audio_features,
	};

	if (want->type != LK__TRACK_TYPE__AUDIO && want->type != LK__TRACK_TYPE__VIDEO)
		return -EINVAL;
	if ((unsigned)want->source <= STOA_SOURCE_SCREEN_AUDIO)
		t.source = (enum stoa_track_source)want->source;
	if (t.kind == STOA_VIDEO)
		read_layers(want, &t);
	return stoa_sfu_track_announce(&s->lk->sfu, s->participant, &t, ret_track);
}

static void tell_refused(struct session *s, const Lk__AddTrackRequest *want, int err)
{
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__RequestResponse no = LK__REQUEST_RESPONSE__INIT;

	stoa_log(s->lk->mod, STOA_LOG_NOTICE, "participant=%s track \"%.64s\" refused: %s", s->sid,
		 want->cid, strerror(-err));
	no.reason = err == -EACCES   ? LK__REQUEST_RESPONSE__REASON__NOT_ALLOWED
		    : err == -EMFILE ? LK__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED
				     : LK__REQUEST_RESPONSE__REASON__INVALID_REQUEST;
	no.message = strerror(-err);
	no.request_case = LK__REQUEST_RESPONSE__REQUEST_ADD_TRACK;
	no.add_track = (Lk__AddTrackRequest *)(uintptr_t)want;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_REQUEST_RESPONSE;
	msg.request_response = &no;
	session_send(s, &msg);
}

static void tell_published(struct session *s, const char *cid, stoa_track_id id)
{
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(WIRE_ARENA_MAX);
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__TrackPublishedResponse published = LK__TRACK_PUBLISHED_RESPONSE__INIT;
	const struct stoa_track_info *t;

	if (!a || stoa_sfu_track_get(&s->lk->sfu, id, &t) != 0)
		return;
	published.cid = (char *)(uintptr_t)cid;
	published.track = render_track(a, t);
	if (wire_failed(a))
		return;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_TRACK_PUBLISHED;
	msg.track_published = &published;
	session_send(s, &msg);
}

/* The client's own track of that sid. */
static int find_own(struct session *s, const char *sid, stoa_track_id *ret_track)
{
	const struct stoa_track_info *t;
	stoa_track_id id;
	int err = stoa_sfu_track_find(&s->lk->sfu, s->room->id, sid, &id);

	if (!err)
		err = stoa_sfu_track_get(&s->lk->sfu, id, &t);
	if (err)
		return err;
	if (t->participant != s->participant)
		return -EACCES;
	*ret_track = id;
	return 0;
}

void handlers_add_track(struct session *s, const Lk__AddTrackRequest *want)
{
	stoa_track_id id;
	int err;

	if (want->sid[0]) /* another codec for a track that is there: told as it stands */
		err = find_own(s, want->sid, &id);
	else
		err = announce(s, want, &id);
	if (err)
		tell_refused(s, want, err);
	else
		tell_published(s, want->cid, id);
}

void handle_add_track(struct session *s, struct request *r)
{
	handlers_add_track(s, r->msg->add_track);
}

void handle_mute(struct session *s, struct request *r)
{
	stoa_track_id id;

	if (find_own(s, r->msg->mute->sid, &id) == 0)
		(void)stoa_sfu_track_set_muted(&s->lk->sfu, id, r->msg->mute->muted, false);
}
