/* SPDX-License-Identifier: Apache-2.0 */
/* Who wants what. A subscription is wanted first, gets a section of its client's description when
 * there is one, and then has a downtrack on the worker. */
#include "model_state.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct subscription *subscription_find(struct participant *p, const struct track *t)
{
	struct subscription *s;

	stoa_list_for_each (s, &p->subscriptions, struct subscription, in_participant) {
		if (s->track == t)
			return s;
	}
	return NULL;
}

static int get(struct participant *p, struct track *t, struct subscription **ret_s)
{
	struct subscription *s = subscription_find(p, t);

	if (!s) {
		if (p->n_subscriptions >= SUBSCRIPTIONS_MAX)
			return -EMFILE;
		if (!(s = calloc(1, sizeof(*s))))
			return -ENOMEM;
		s->participant = p;
		s->track = t;
		stoa_list_init(&s->in_participant);
		stoa_list_init(&s->in_track);
		stoa_list_append(&p->subscriptions, &s->in_participant);
		stoa_list_append(&t->subscriptions, &s->in_track);
		p->n_subscriptions++;
	}
	*ret_s = s;
	return 0;
}

void subscription_detach(struct subscription *s)
{
	struct command *c;

	if (!s->transport)
		return;
	s->transport->slots[s->slot].subscription = NULL;
	s->transport = NULL;
	if ((c = command_new(COMMAND_DOWNTRACK_REMOVE))) {
		c->downtrack = s->downtrack;
		model_post(s->participant->obj.model, s->participant->room, c);
	}
	s->downtrack = NULL;
}

void subscription_free(struct subscription *s)
{
	subscription_detach(s);
	stoa_list_unlink(&s->in_participant);
	stoa_list_unlink(&s->in_track);
	s->participant->n_subscriptions--;
	free(s);
}

int subscription_want(struct participant *p, struct track *t, bool wanted)
{
	struct subscription *s;
	int err;

	if (t->owner == p || t->owner->room != p->room)
		return -EINVAL;
	if (!wanted) {
		s = subscription_find(p, t);
		if (s && s->is_wanted) {
			s->is_wanted = false;
			subscription_detach(s);
			participant_check_sections(p, true);
		}
		return 0;
	}
	if (!p->info.permission.can_subscribe)
		return -EACCES;
	if ((err = get(p, t, &s)) < 0 || s->is_wanted)
		return err;
	s->is_wanted = true;
	participant_check_sections(p, false);
	return 0;
}

/* The smallest layer that fills the size asked for (nine tenths will do), or the one of that
 * quality; layers whose size is not known count as large enough. */
static uint32_t highest_layer(const struct subscription *s)
{
	const struct stoa_track_info *t = &s->track->info;

	if (!s->has_settings)
		return STOA_LAYERS_MAX - 1;
	if (s->settings.width == 0)
		return s->settings.quality < STOA_LAYERS_MAX ? s->settings.quality
							     : STOA_LAYERS_MAX - 1;
	for (uint32_t i = 0; i < t->n_layers; i++) {
		uint32_t side = t->layers[i].width > t->layers[i].height ? t->layers[i].width
									 : t->layers[i].height;
		uint32_t want = s->settings.width > s->settings.height ? s->settings.width
								       : s->settings.height;

		if (side == 0 || (uint64_t)side * 10 >= (uint64_t)want * 9)
			return i;
	}
	return STOA_LAYERS_MAX - 1;
}

static void post_settings(struct subscription *s)
{
	struct command *c;

	if (!s->downtrack || !s->has_settings || !(c = command_new(COMMAND_DOWNTRACK_SET)))
		return;
	c->downtrack = s->downtrack;
	c->flag = s->settings.disabled;
	c->number = highest_layer(s);
	model_post(s->participant->obj.model, s->participant->room, c);
}

int subscription_set(struct participant *p, struct track *t, const struct stoa_track_settings *set)
{
	struct subscription *s;
	int err;

	if (t->owner == p || t->owner->room != p->room)
		return -EINVAL;
	if ((err = get(p, t, &s)) < 0)
		return err;
	s->settings = *set;
	s->has_settings = true;
	post_settings(s);
	return 0;
}

void track_subscribe_all(struct track *t)
{
	struct participant *p;

	stoa_list_for_each (p, &t->owner->room->participants, struct participant, in_room) {
		if (p != t->owner && p->info.auto_subscribe && p->info.permission.can_subscribe)
			subscription_want(p, t, true);
	}
}

void participant_subscribe_all(struct participant *p)
{
	struct participant *other;
	struct track *t;

	if (!p->info.auto_subscribe || !p->info.permission.can_subscribe)
		return;
	stoa_list_for_each (other, &p->room->participants, struct participant, in_room) {
		if (other == p)
			continue;
		stoa_list_for_each (t, &other->tracks, struct track, in_owner)
			subscription_want(p, t, true);
	}
}

/* ---- into a section ---- */

static struct downtrack_settings settings_of(const struct subscription *s,
					     const struct answer_section *a)
{
	struct downtrack_settings set = {
		.track = s->track->obj.id,
		.ssrc = a->ssrc,
		.rtx_ssrc = a->rtx_ssrc,
		.first_seq = (uint16_t)(model_random32() & 0x7fff),
		.first_rtx_seq = (uint16_t)(model_random32() & 0x7fff),
		.codec = s->track->codec,
		.clock = a->codecs[0].clock,
		.pt = a->codecs[0].pt,
		.rtx_pt = a->n_codecs > 1 ? a->codecs[1].pt : 0,
		.has_nack = a->codecs[0].feedback & SDP_FB_NACK,
		.mid_len = (uint8_t)strlen(a->mid),
	};

	for (unsigned i = 0; i < a->n_exts; i++)
		set.ext_ids[a->exts[i].kind] = a->exts[i].id;
	memcpy(set.mid, a->mid, sizeof(set.mid));
	snprintf(set.cname, sizeof(set.cname), "%s", a->cname);
	return set;
}

/* What the answer says about a track that is sent; the same again for every answer. */
static int describe(const struct subscription *s, const struct sdp_section *offered,
		    const struct sdp_codec *c, struct answer_section *a, uint8_t id_max)
{
	bool is_stereo = s->track->info.stereo;

	answer_put_exts(a, offered, ANSWER_EXTS, id_max);
	snprintf(a->stream, sizeof(a->stream), "%s|%s", s->track->owner->sid, s->track->sid);
	snprintf(a->track, sizeof(a->track), "%s", s->track->sid);
	snprintf(a->cname, sizeof(a->cname), "%s", s->track->owner->sid);
	return answer_put_codec(a, offered, c, SDP_FB_NACK | SDP_FB_PLI | SDP_FB_FIR,
				is_stereo ? "stereo=1" : "");
}

int subscription_attach(struct subscription *s, struct connection *t, uint32_t slot,
			const struct sdp_section *offered, const struct sdp_codec *c,
			struct stoa_answer *answer)
{
	struct answer_section *a = &answer->s[slot];
	struct downtrack_settings set;
	struct command *add;
	int err = describe(s, offered, c, a, answer_id_max(answer));

	if (err < 0)
		return err;
	if (s->downtrack) { /* goes on as it is */
		a->ssrc = s->downtrack->set.ssrc;
		a->rtx_ssrc = s->downtrack->set.rtx_ssrc;
		return 0;
	}
	a->ssrc = model_random32();
	a->rtx_ssrc = a->n_codecs > 1 ? model_random32() : 0;
	set = settings_of(s, a);
	if (!(add = command_new(COMMAND_DOWNTRACK_ADD)))
		return -ENOMEM;
	s->downtrack = downtrack_new(&set, s->track->source, t->peer);
	if (!s->downtrack) {
		command_finish(add);
		return -ENOMEM;
	}
	s->transport = t;
	s->slot = slot;
	t->slots[slot].subscription = s;
	add->downtrack = s->downtrack;
	model_post(t->obj.model, s->participant->room, add);
	post_settings(s);
	return 0;
}
