/* SPDX-License-Identifier: Apache-2.0 */
/* What a client publishes: which announced track a section is, its codec, its layers, and what the
 * worker must know to recognise its packets. */
#include "negotiate.h"
#include <errno.h>
#include <stdio.h>

static struct track *find_announced(struct connection *t, const struct sdp_section *s,
				    const struct slot *slot)
{
	enum stoa_media_kind kind = s->kind == SDP_AUDIO ? STOA_AUDIO : STOA_VIDEO;
	struct track *k, *oldest = NULL;

	stoa_list_for_each (k, &t->participant->tracks, struct track, in_owner) {
		if (k->source || k->info.kind != kind)
			continue;
		if (stoa_str_is(s->msid_track, k->cid))
			return k;
		if (!oldest)
			oldest = k;
	}
	/* Firefox's msid is not the cid: the oldest that waits. But not for what was published here
	 * before and taken away since: its client may not have heard of that yet. */
	return s->msid_track.n && stoa_str_is(s->msid_track, slot->msid_track) ? NULL : oldest;
}

const struct sdp_codec *negotiate_any_codec(const struct sdp_section *s)
{
	static const enum codec order[] = { CODEC_OPUS, CODEC_VP8, CODEC_H264 };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(order); i++) {
		const struct sdp_codec *c = answer_choose_codec(s, order[i], stoa_str(""));

		if (c)
			return c;
	}
	return NULL;
}

static const struct sdp_codec *choose_uplink(const struct track *t, const struct sdp_section *s)
{
	const struct sdp_codec *c = NULL;

	if (t->source)
		return answer_choose_codec(s, t->codec, stoa_str(t->fmtp));
	if (t->codec != CODEC_NONE)
		c = answer_choose_codec(s, t->codec, stoa_str(""));
	return c ? c : negotiate_any_codec(s);
}

#define RID_NAMES_MAX 3

static bool has_rid(const struct sdp_section *s, const char *name)
{
	for (uint32_t i = 0; i < s->n_rids; i++)
		if (stoa_str_is(s->rids[i], name))
			return true;
	return false;
}

/* Fills in the offered ones of `names`, lowest first; false when others are offered too. */
static bool take_known(const struct sdp_section *s, const char *const *names, struct section *w)
{
	w->n_rids = 0;
	for (unsigned k = 0; k < RID_NAMES_MAX; k++)
		if (has_rid(s, names[k]))
			snprintf(w->rids[w->n_rids++], sizeof(w->rids[0]), "%s", names[k]);
	return w->n_rids == s->n_rids;
}

/* Rids by rising quality. Nothing in an offer says which is the largest, but some clients' names
 * do, in whatever order they stand: browsers write them lowest first. For all other names the order
 * of the offer counts, where the first is preferred (RFC 8853 section 5.2), that is: the highest. */
static void sort_rids(const struct sdp_section *s, struct section *w)
{
	static const char *const known[][RID_NAMES_MAX] = {
		{ "q", "h", "f" },    /* LiveKit: quarter, half, full */
		{ "2", "1", "0" },    /* OBS: 0 is full size */
		{ "r0", "r1", "r2" }, /* mediasoup-client */
		{ "l", "m", "h" },    /* Janus: low, medium, high */
	};
	uint32_t n = s->n_rids < SECTION_RIDS_MAX ? s->n_rids : SECTION_RIDS_MAX;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(known); i++)
		if (take_known(s, known[i], w))
			return;
	w->n_rids = (uint8_t)n;
	for (uint32_t i = 0; i < n; i++)
		snprintf(w->rids[n - 1 - i], sizeof(w->rids[0]), "%.*s", STOA_FMT(s->rids[i]));
}

/* The layer of the offer's i-th rid, which is also that of its i-th SSRC; SECTION_RIDS_MAX: none. */
static uint8_t layer_of(const struct sdp_section *s, const struct section *w, uint32_t i)
{
	uint8_t layer = 0;

	if (s->n_rids < 2)
		return 0;
	if (i >= s->n_rids)
		return SECTION_RIDS_MAX;
	while (layer < w->n_rids && !stoa_str_is(s->rids[i], w->rids[layer]))
		layer++;
	return layer < w->n_rids ? layer : SECTION_RIDS_MAX;
}

/* What the worker must know to recognise the packets of this section. */
static void fill_worker_section(struct section *w, const struct sdp_section *s,
				const struct answer_section *a, struct source *source)
{
	w->source = source;
	for (unsigned i = 0; i < a->n_codecs; i++) {
		const struct answer_codec *c = &a->codecs[i];

		w->pts[w->n_pts++] = (struct section_pt){
			.pt = c->pt,
			.codec = (uint8_t)source->set.codec,
			.is_rtx = c->is_rtx,
			.repair = c->apt,
		};
	}
	for (unsigned i = 0; i < a->n_exts; i++)
		w->ext_kinds[a->exts[i].id] = (uint8_t)a->exts[i].kind;
	for (uint32_t i = 0; i < s->n_ssrcs && w->n_ssrcs + 1 < SECTION_SSRCS_MAX; i++) {
		uint8_t layer = layer_of(s, w, i);

		if (layer >= source->set.n_layers)
			continue;
		w->ssrcs[w->n_ssrcs++] = (struct section_ssrc){ s->ssrcs[i].ssrc, layer, false };
		if (s->ssrcs[i].rtx)
			w->ssrcs[w->n_ssrcs++] =
				(struct section_ssrc){ s->ssrcs[i].rtx, layer, true };
	}
}

static const char *opus_extra(const struct track *t)
{
	if (t->info.kind != STOA_AUDIO)
		return "";
	if (t->info.stereo)
		return t->info.disable_dtx ? "stereo=1;maxaveragebitrate=510000"
					   : "usedtx=1;stereo=1;maxaveragebitrate=510000";
	return t->info.disable_dtx ? "" : "usedtx=1";
}

int negotiate_uplink(struct negotiation *n, uint32_t i)
{
	const struct sdp_section *s = &n->offer->s[i];
	struct answer_section *a = &n->answer->s[i];
	struct slot *slot = &n->t->slots[i];
	struct section *w = &n->sections->s[i];
	struct track *t = slot->track;
	const struct sdp_codec *c;
	int err;

	if (!t && !(t = find_announced(n->t, s, slot)))
		return 0; /* nobody announced it: inactive */
	if (!(c = choose_uplink(t, s)))
		return 0;
	sort_rids(s, w);
	if (!t->source && (err = track_bind(t, n->t, w, c)) < 0)
		return err;
	slot->track = t;
	snprintf(slot->msid_track, sizeof(slot->msid_track), "%.*s", STOA_FMT(s->msid_track));
	a->direction |= SDP_RECV;
	answer_put_exts(a, s, ANSWER_EXTS, answer_id_max(n->answer));
	if ((err = answer_put_codec(a, s, c, UPLINK_FEEDBACK, opus_extra(t))) < 0)
		return err;
	for (uint32_t k = 0; k < s->n_rids; k++)
		snprintf(a->rids[a->n_rids++], sizeof(a->rids[0]), "%.*s", STOA_FMT(s->rids[k]));
	fill_worker_section(w, s, a, t->source);
	return 0;
}
