/* SPDX-License-Identifier: Apache-2.0 */
/* Tracks: announced by signalling, bound to a section of the publisher's description, taken away.
 * A track has a source on the worker from the moment it is bound. */
#include "model_state.h"
#include <errno.h>
#include <stdlib.h>

#define FEATURES_MAX 16

static void track_free(struct object *o)
{
	struct track *t = (struct track *)(void *)o;

	free(t->cid);
	free(t->name);
	free(t->mime);
	free(t->stream);
	free(t->fmtp);
	free(t->audio_features);
	if (t->owner)
		object_unref(&t->owner->obj);
	free(t);
}

static bool may_publish(const struct participant *p, enum stoa_track_source source)
{
	uint32_t only = p->info.permission.publish_sources;

	return p->info.permission.can_publish && (only == 0 || only & 1u << source);
}

static int fill(struct track *t, const struct stoa_track_info *want)
{
	uint32_t n = want->n_audio_features < FEATURES_MAX ? want->n_audio_features : FEATURES_MAX;
	int err;

	if ((err = text_set(&t->cid, want->cid, TEXT_MAX_BYTES)) < 0 ||
	    (err = text_set(&t->name, want->name, TEXT_MAX_BYTES)) < 0 ||
	    (err = text_set(&t->mime, want->mime, 64)) < 0 ||
	    (err = text_set(&t->stream, want->stream, TEXT_MAX_BYTES)) < 0)
		return err;
	if (n && !(t->audio_features = calloc(n, sizeof(t->audio_features[0]))))
		return -ENOMEM;
	if (n)
		memcpy(t->audio_features, want->audio_features, n * sizeof(t->audio_features[0]));
	t->info = *want;
	t->info.size = sizeof(t->info);
	t->info.sid = t->sid;
	t->info.cid = t->cid;
	t->info.name = t->name;
	t->info.mime = t->mime;
	t->info.stream = t->stream;
	t->info.mid = t->mid;
	t->info.audio_features = t->audio_features;
	t->info.n_audio_features = n;
	t->info.is_live = false;
	if (t->info.n_layers > STOA_LAYERS_MAX)
		t->info.n_layers = STOA_LAYERS_MAX;
	t->codec = want->kind == STOA_AUDIO ? CODEC_OPUS : codec_from_mime(t->mime);
	model_make_sid(want->kind == STOA_AUDIO ? "TR_A" : "TR_V", t->sid);
	return 0;
}

static struct track *find_by_cid(struct participant *p, const char *cid)
{
	struct track *t;

	stoa_list_for_each (t, &p->tracks, struct track, in_owner) {
		if (strcmp(t->cid, cid) == 0)
			return t;
	}
	return NULL;
}

int track_announce(struct participant *p, const struct stoa_track_info *want, stoa_track_id *ret_t)
{
	struct model *m = p->obj.model;
	struct track *t;
	int err;

	if (!want->cid || !want->cid[0] || (unsigned)want->kind > STOA_VIDEO ||
	    (unsigned)want->source > STOA_SOURCE_SCREEN_AUDIO)
		return -EINVAL;
	if (!may_publish(p, want->source))
		return -EACCES;
	if ((t = find_by_cid(p, want->cid))) {
		*ret_t = t->obj.id;
		return 0;
	}
	if (p->n_tracks >= TRACKS_MAX)
		return -EMFILE;
	if (!(t = calloc(1, sizeof(*t))))
		return -ENOMEM;
	stoa_list_init(&t->in_owner);
	stoa_list_init(&t->subscriptions);
	if ((err = fill(t, want)) < 0 ||
	    (err = object_init(m, &t->obj, OBJECT_TRACK, track_free)) < 0) {
		track_free(&t->obj);
		return err;
	}
	t->owner = p;
	p->obj.refs++;
	t->info.id = t->obj.id;
	t->info.participant = p->obj.id;
	stoa_list_append(&p->tracks, &t->in_owner);
	p->n_tracks++;
	model_tell(m, EVENT_TRACK_PUBLISHED, &t->obj);
	if (!p->info.is_publisher) {
		p->info.is_publisher = true;
		participant_changed(p);
	}
	track_subscribe_all(t);
	*ret_t = t->obj.id;
	return 0;
}

static void remove_source(struct track *t)
{
	struct command *c;

	if (!t->source)
		return;
	if ((c = command_new(COMMAND_SOURCE_REMOVE))) {
		c->source = t->source;
		model_post(t->obj.model, t->owner->room, c);
	}
	t->source = NULL;
}

void track_unpublish(struct track *t)
{
	struct participant *p = t->owner;
	struct connection *tr = t->transport;

	if (t->obj.is_gone)
		return;
	while (!stoa_list_empty(&t->subscriptions)) {
		struct subscription *s =
			STOA_CONTAINER(t->subscriptions.next, struct subscription, in_track);
		struct participant *subscriber = s->participant;

		subscription_free(s);
		participant_check_sections(subscriber, true);
	}
	remove_source(t);
	for (uint32_t i = 0; tr && i < tr->n_slots; i++)
		if (tr->slots[i].track == t)
			tr->slots[i].track = NULL;
	t->transport = NULL;
	stoa_list_unlink(&t->in_owner);
	p->n_tracks--;
	model_tell(t->obj.model, EVENT_TRACK_UNPUBLISHED, &t->obj);
	if (p->n_tracks == 0 && p->info.is_publisher) {
		p->info.is_publisher = false;
		participant_changed(p);
	}
	object_remove(&t->obj);
}

void track_set_muted(struct track *t, bool muted, bool by_server)
{
	struct command *c;

	if (by_server && t->info.muted != muted)
		model_tell_mute_asked(t, muted);
	if (t->info.muted == muted)
		return;
	t->info.muted = muted;
	if (t->source && (c = command_new(COMMAND_SOURCE_MUTE))) {
		c->source = t->source;
		c->flag = muted;
		model_post(t->obj.model, t->owner->room, c);
	}
	model_tell(t->obj.model, EVENT_TRACK_UPDATED, &t->obj);
}

static int by_quality(const void *a, const void *b)
{
	const struct stoa_layer_info *x = a, *y = b;

	return (x->quality > y->quality) - (x->quality < y->quality);
}

/* Layers, lowest first, get the names they have in the description, which are sorted likewise. */
static void set_layers(struct track *t, const struct section *w)
{
	t->info.simulcast = w->n_rids > 1;
	while (t->info.n_layers < w->n_rids)
		t->info.layers[t->info.n_layers] =
			(struct stoa_layer_info){ .quality = t->info.n_layers },
		t->info.n_layers++;
	qsort(t->info.layers, t->info.n_layers, sizeof(t->info.layers[0]), by_quality);
	for (uint32_t i = 0; i < w->n_rids; i++)
		memcpy(t->info.layers[i].rid, w->rids[i], sizeof(t->info.layers[i].rid));
}

int track_bind(struct track *t, struct connection *transport, const struct section *w,
	       const struct sdp_codec *c)
{
	struct source_settings set = {
		.track = t->obj.id,
		.participant = t->owner->obj.id,
		.codec = answer_codec_of(c),
		.clock = c->clock,
		.n_layers = w->n_rids ? w->n_rids : 1,
		.has_nack = c->feedback & SDP_FB_NACK,
		.has_pli = c->feedback & SDP_FB_PLI,
		.has_fir = c->feedback & SDP_FB_FIR,
	};
	struct command *add = command_new(COMMAND_SOURCE_ADD), *mute = NULL;
	int err = -ENOMEM;

	t->source = add ? source_new(&set, t->owner->room->stage, transport->peer) : NULL;
	if (!t->source || !(t->fmtp = strndup(c->fmtp.n ? c->fmtp.p : "", c->fmtp.n)) ||
	    (err = text_set(&t->mime, codec_mime(set.codec), 64)) < 0) {
		source_free(stoa_take(t->source));
		command_finish(add);
		return err;
	}
	t->info.mime = t->mime;
	t->codec = set.codec;
	t->transport = transport;
	memcpy(t->mid, w->mid, sizeof(t->mid));
	set_layers(t, w);
	add->source = t->source;
	model_post(t->obj.model, t->owner->room, add);
	if (t->info.muted && (mute = command_new(COMMAND_SOURCE_MUTE))) {
		mute->source = t->source;
		mute->flag = true;
		model_post(t->obj.model, t->owner->room, mute);
	}
	model_tell(t->obj.model, EVENT_TRACK_UPDATED, &t->obj);
	return 0;
}
