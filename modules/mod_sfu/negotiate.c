/* SPDX-License-Identifier: Apache-2.0 */
/* Applying an offer: checks it as a whole, then walks its sections, binds what is published, places
 * what is wanted, tells the worker, and plans the answer. Nothing is changed by an offer that
 * breaks a rule. */
#include "negotiate.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- checks ---- */

static const struct sdp_section *find_tagged(const struct stoa_sdp *offer)
{
	for (uint32_t i = 0; i < offer->n; i++)
		if (!offer->s[i].is_rejected && offer->s[i].ufrag.n)
			return &offer->s[i];
	return NULL;
}

static int check_section(const struct negotiation *n, const struct sdp_section *s)
{
	if (s->mid.n > MID_MAX)
		return -EPROTO;
	for (size_t i = 0; i < s->mid.n; i++)
		if ((unsigned char)s->mid.p[i] <= ' ' || (unsigned char)s->mid.p[i] > '~')
			return -EPROTO;
	if (s->protocol.n >= sizeof(n->answer->s->protocol))
		return -EPROTO;
	if (!s->is_rejected && s != n->tagged && !s->is_bundled)
		return -EPROTO; /* one transport carries everything */
	return 0;
}

static int check_mids(const struct stoa_sdp *offer)
{
	/* At most 512 short names: quadratic is fine for an offer, and needs no memory. */
	for (uint32_t i = 0; i < offer->n; i++)
		for (uint32_t k = 0; k < i; k++)
			if (offer->s[i].mid.n && stoa_str_eq(offer->s[i].mid, offer->s[k].mid))
				return -EPROTO;
	return 0;
}

static int check_offer(struct negotiation *n)
{
	const struct connection *t = n->t;

	n->tagged = find_tagged(n->offer);
	if (!n->tagged) { /* everything rejected: only fine when a transport exists */
		if (!t->peer)
			return -EPROTO;
		n->dtls = t->dtls;
		return 0;
	}
	if (n->tagged->ufrag.n > ICE_UFRAG_MAX || n->tagged->ufrag.n < 4 || n->tagged->pwd.n < 22 ||
	    sdp_fingerprint(n->tagged->fingerprint_hash, n->tagged->fingerprint, &n->dtls) < 0)
		return -EPROTO;
	n->dtls.is_client = n->tagged->setup == SDP_SETUP_PASSIVE;
	if (t->peer &&
	    (n->dtls.fingerprint_len != t->dtls.fingerprint_len ||
	     memcmp(n->dtls.fingerprint, t->dtls.fingerprint, n->dtls.fingerprint_len) != 0))
		return -EPROTO; /* another certificate is another transport */
	if (n->offer->n < t->n_slots)
		return -EPROTO;
	for (uint32_t i = 0; i < n->offer->n; i++)
		if (check_section(n, &n->offer->s[i]) < 0)
			return -EPROTO;
	return check_mids(n->offer);
}

/* ---- the transport's sections ---- */

static int grow_slots(struct connection *t, const struct stoa_sdp *offer)
{
	struct slot *slots;

	if (offer->n <= t->n_slots)
		return 0;
	slots = realloc(t->slots, offer->n * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	memset(slots + t->n_slots, 0, (offer->n - t->n_slots) * sizeof(*slots));
	t->slots = slots;
	t->n_slots = offer->n;
	return 0;
}

/* ---- what is sent ---- */

static const struct sdp_codec *choose_downlink(const struct subscription *s,
					       const struct sdp_section *offered)
{
	return answer_choose_codec(offered, s->track->codec, stoa_str(s->track->fmtp));
}

static struct subscription *find_waiting(struct connection *t, const struct sdp_section *offered,
					 const struct sdp_codec **ret_codec)
{
	enum stoa_media_kind kind = offered->kind == SDP_AUDIO ? STOA_AUDIO : STOA_VIDEO;
	struct subscription *s;

	stoa_list_for_each (s, &t->participant->subscriptions, struct subscription,
			    in_participant) {
		if (!s->is_wanted || s->transport || !s->track->source ||
		    s->track->info.kind != kind)
			continue;
		if ((*ret_codec = choose_downlink(s, offered))) {
			s->is_codec_missing = false;
			return s;
		}
		if (!s->is_codec_missing) {
			s->is_codec_missing = true;
			model_tell_subscription_failed(s, -ENOTSUP);
		}
	}
	return NULL;
}

static int plan_downlink(struct negotiation *n, uint32_t i)
{
	const struct sdp_section *offered = &n->offer->s[i];
	struct answer_section *a = &n->answer->s[i];
	struct slot *slot = &n->t->slots[i];
	struct subscription *s = slot->subscription;
	const struct sdp_codec *c = s ? choose_downlink(s, offered) : NULL;
	int err;

	if (a->direction & SDP_RECV)
		return 0; /* published here: what is received has sections of its own */
	if (s && !c) {
		subscription_detach(s);
		s = NULL;
	}
	slot->is_free_to_receive = true;
	if (!s && !(s = find_waiting(n->t, offered, &c)))
		return 0;
	if ((err = subscription_attach(s, n->t, i, offered, c, n->answer)) < 0)
		return err;
	a->direction |= SDP_SEND;
	return 0;
}

/* ---- sections ---- */

static void vacate(struct slot *slot)
{
	if (slot->track)
		track_unpublish(slot->track);
	if (slot->subscription)
		subscription_detach(slot->subscription);
	slot->track = NULL;
	slot->subscription = NULL;
	slot->is_free_to_receive = false;
}

/* A section in which nothing flows still lists a codec, or it would count as refused; and all the
 * extensions: Chromium offers in later sections only what earlier answers left in use. */
static int plan_inactive(const struct negotiation *n, const struct sdp_section *s,
			 struct answer_section *a)
{
	const struct sdp_codec *c = negotiate_any_codec(s);

	if (!c) {
		a->is_rejected = true;
		return 0;
	}
	answer_put_exts(a, s, ANSWER_EXTS, answer_id_max(n->answer));
	return answer_put_codec(a, s, c, UPLINK_FEEDBACK, "");
}

static int plan_media(struct negotiation *n, uint32_t i)
{
	const struct sdp_section *s = &n->offer->s[i];
	struct answer_section *a = &n->answer->s[i];
	struct slot *slot = &n->t->slots[i];
	int err = 0;

	a->is_reduced_size = s->is_reduced_size;
	if (slot->track && !(s->direction & SDP_SEND)) {
		track_unpublish(slot->track); /* clears the slot */
		slot->track = NULL;
	}
	if (slot->subscription && !(s->direction & SDP_RECV))
		subscription_detach(slot->subscription);
	slot->is_free_to_receive = false;
	if (s->direction & SDP_SEND)
		err = negotiate_uplink(n, i);
	if (err == 0 && s->direction & SDP_RECV)
		err = plan_downlink(n, i);
	if (err == 0 && a->direction == 0)
		err = plan_inactive(n, s, a);
	return err;
}

static int plan_section(struct negotiation *n, uint32_t i)
{
	const struct sdp_section *s = &n->offer->s[i];
	struct answer_section *a = &n->answer->s[i];
	struct section *w = &n->sections->s[i];
	struct slot *slot = &n->t->slots[i];

	a->kind = s->kind;
	snprintf(a->protocol, sizeof(a->protocol), "%.*s", STOA_FMT(s->protocol));
	snprintf(a->mid, sizeof(a->mid), "%.*s", STOA_FMT(s->mid));
	memcpy(w->mid, a->mid, sizeof(w->mid));
	w->mid_len = (uint8_t)s->mid.n;
	if (slot->mid[0] && strcmp(slot->mid, a->mid) != 0)
		vacate(slot); /* a recycled section: something else from now on */
	memcpy(slot->mid, a->mid, sizeof(slot->mid));
	slot->kind = s->kind;
	if (s->is_rejected || s->kind == SDP_OTHER) {
		a->is_rejected = true;
		vacate(slot);
		return 0;
	}
	if (s->kind == SDP_APPLICATION) {
		a->sctp_port = 5000;
		a->is_old_sctp = stoa_str_is(s->protocol, "DTLS/SCTP");
		return 0;
	}
	return plan_media(n, i);
}

static int plan_head(struct negotiation *n)
{
	const struct plane *plane = n->t->obj.model->plane;
	uint32_t worker = n->t->participant->room->worker;
	uint32_t count = plane->n_addresses[worker];
	struct stoa_answer *a = n->answer;

	a->session = n->t->session;
	a->version = ++n->t->version;
	a->has_bundle = n->offer->has_bundle;
	a->is_client = n->t->dtls.is_client;
	memcpy(a->ufrag, n->t->ice.local_ufrag, sizeof(a->ufrag));
	memcpy(a->pwd, n->t->ice.local_pwd, sizeof(a->pwd));
	a->fingerprint = strdup(plane->fingerprint);
	a->addresses = calloc(count ? count : 1, sizeof(a->addresses[0]));
	if (!a->fingerprint || !a->addresses)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		if (!plane->addresses[worker][i].is_tcp || n->t->obj.model->set.allow_tcp)
			a->addresses[a->n_addresses++] = plane->addresses[worker][i];
	return 0;
}

static void count_receiving(const struct connection *t, uint32_t count[2])
{
	count[0] = count[1] = 0;
	for (uint32_t i = 0; i < t->n_slots; i++)
		if (t->slots[i].kind <= SDP_VIDEO &&
		    (t->slots[i].is_free_to_receive || t->slots[i].subscription))
			count[t->slots[i].kind]++;
}

/* Sections that were asked for and have come. */
static void settle_asked(struct connection *t, const uint32_t before[2])
{
	uint32_t now[2];

	count_receiving(t, now);
	for (int k = 0; k < 2; k++) {
		uint32_t more = now[k] > before[k] ? now[k] - before[k] : 0;

		t->asked[k] = t->asked[k] > more ? t->asked[k] - more : 0;
	}
	t->is_asked = t->asked[0] || t->asked[1];
	connection_check_sections(t, false);
}

static void check_subscribers(struct connection *t)
{
	struct participant *p;

	stoa_list_for_each (p, &t->participant->room->participants, struct participant, in_room) {
		if (p != t->participant)
			participant_check_sections(p, false);
	}
}

static int plan_all(struct negotiation *n)
{
	int err = grow_slots(n->t, n->offer);

	if (err == 0)
		err = negotiate_peer(n);
	n->sections->reduced_size = n->offer->n > 0;
	for (uint32_t i = 0; i < n->offer->n && err == 0; i++) {
		err = plan_section(n, i);
		if (n->offer->s[i].kind <= SDP_VIDEO && !n->offer->s[i].is_reduced_size)
			n->sections->reduced_size = false;
	}
	if (err == 0)
		err = plan_head(n);
	if (err == 0)
		err = answer_index_tracks(n->answer);
	return err;
}

int connection_apply_offer(struct connection *t, const struct stoa_sdp *offer,
			   struct stoa_answer **ret_answer)
{
	struct negotiation n = { .t = t, .offer = offer };
	struct command *c = NULL;
	uint32_t before[2];
	int err = check_offer(&n);

	if (err < 0)
		return err;
	n.answer = answer_new(offer->n);
	n.sections = sections_new(offer->n);
	if (n.answer)
		n.answer->allows_mixed = offer->allows_mixed;
	c = command_new(COMMAND_SECTIONS);
	count_receiving(t, before);
	if (!n.answer || !n.sections || !c)
		err = -ENOMEM;
	else
		err = plan_all(&n);
	if (err < 0) {
		answer_unref(n.answer);
		free(n.sections);
		command_finish(c);
		return err;
	}
	c->peer = t->peer;
	c->sections = n.sections;
	model_post(t->obj.model, t->participant->room, c);
	t->has_answered = true;
	settle_asked(t, before);
	check_subscribers(t);
	*ret_answer = n.answer;
	return 0;
}
