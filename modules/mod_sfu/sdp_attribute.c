/* SPDX-License-Identifier: Apache-2.0 */
/* What each attribute of an offer says, one function each and a table of them at the end; `v` is
 * what stands behind the colon. What is not understood is skipped. */
#include "sdp_attribute.h"
#include "sdp_word.h"
#include <errno.h>
#include <stdlib.h>

static struct sdp_codec *codec_of(struct sdp_parsing *p, struct stoa_str pt_text)
{
	uint64_t pt;

	if (!sdp_number(pt_text, 127, &pt))
		return NULL;
	return (struct sdp_codec *)sdp_find_pt(p->s, (uint8_t)pt);
}

static void on_mid(struct sdp_parsing *p, struct stoa_str v)
{
	p->s->mid = v;
}

static void on_sendrecv(struct sdp_parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->direction = SDP_SEND | SDP_RECV;
}

static void on_sendonly(struct sdp_parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->direction = SDP_SEND;
}

static void on_recvonly(struct sdp_parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->direction = SDP_RECV;
}

static void on_inactive(struct sdp_parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->direction = 0;
}

static void on_ufrag(struct sdp_parsing *p, struct stoa_str v)
{
	p->s->ufrag = v;
}

static void on_pwd(struct sdp_parsing *p, struct stoa_str v)
{
	p->s->pwd = v;
}

static void on_fingerprint(struct sdp_parsing *p, struct stoa_str v)
{
	struct stoa_str hash = word_take(&v, ' ');
	struct peer_dtls known;

	/* Several may be offered: keep the first we can check. */
	if (sdp_fingerprint(p->s->fingerprint_hash, p->s->fingerprint, &known) == 0 &&
	    p->s->fingerprint.p != p->session.fingerprint.p)
		return;
	p->s->fingerprint_hash = hash;
	p->s->fingerprint = word_trim(v);
}

static void on_setup(struct sdp_parsing *p, struct stoa_str v)
{
	p->s->setup = word_is(v, "active")    ? SDP_SETUP_ACTIVE
		      : word_is(v, "passive") ? SDP_SETUP_PASSIVE
					      : SDP_SETUP_ACTPASS;
}

static void on_rtcp_mux(struct sdp_parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->has_rtcp_mux = true;
}

static void on_rtcp_rsize(struct sdp_parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->is_reduced_size = true;
}

static void on_bundle_only(struct sdp_parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->is_bundle_only = true;
}

static void on_msid(struct sdp_parsing *p, struct stoa_str v)
{
	p->s->msid_stream = word_take(&v, ' ');
	p->s->msid_track = word_take(&v, ' ');
}

static void on_rtpmap(struct sdp_parsing *p, struct stoa_str v)
{
	struct sdp_codec *c = codec_of(p, word_take(&v, ' '));
	uint64_t n;

	if (!c)
		return;
	c->name = word_take(&v, '/');
	if (sdp_number(word_take(&v, '/'), UINT32_MAX, &n))
		c->clock = (uint32_t)n;
	if (sdp_number(word_trim(v), 255, &n))
		c->channels = (uint8_t)n;
}

static void on_fmtp(struct sdp_parsing *p, struct stoa_str v)
{
	struct sdp_codec *c = codec_of(p, word_take(&v, ' '));

	if (c)
		c->fmtp = word_trim(v);
}

static uint8_t feedback_of(struct stoa_str v)
{
	static const struct {
		const char *text;
		uint8_t bit;
	} known[] = {
		{ "nack", SDP_FB_NACK },      { "nack pli", SDP_FB_PLI },
		{ "ccm fir", SDP_FB_FIR },    { "transport-cc", SDP_FB_TRANSPORT_CC },
		{ "goog-remb", SDP_FB_REMB },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(known); i++)
		if (word_is(v, known[i].text))
			return known[i].bit;
	return 0;
}

static void on_rtcp_fb(struct sdp_parsing *p, struct stoa_str v)
{
	struct stoa_str pt = word_take(&v, ' ');
	uint8_t bit = feedback_of(word_trim(v));
	struct sdp_codec *c = codec_of(p, pt);

	if (c)
		c->feedback |= bit;
	for (uint32_t i = 0; word_is(pt, "*") && i < p->s->n_codecs; i++)
		p->s->codecs[i].feedback |= bit;
}

static void on_extmap(struct sdp_parsing *p, struct stoa_str v)
{
	struct stoa_str id_text = word_take(&v, ' ');
	enum rtp_ext kind = rtp_ext_from_uri(word_take(&v, ' '));
	uint64_t id;

	if (p->s == &p->session || kind == RTP_EXT_NONE ||
	    !sdp_number(word_take(&id_text, '/'), RTP_EXT_ID_MAX, &id) || id == 0 || id == 15)
		return;
	for (uint32_t i = 0; i < p->s->n_exts; i++)
		if (p->s->exts[i].id == id || p->s->exts[i].kind == kind)
			return; /* the first counts */
	if (p->s->n_exts == SDP_EXTS_MAX)
		return;
	if (!p->s->exts && !(p->s->exts = calloc(SDP_EXTS_MAX, sizeof(p->s->exts[0])))) {
		p->err = -ENOMEM;
		return;
	}
	p->s->exts[p->s->n_exts++] = (struct sdp_ext){ (uint8_t)id, kind };
}

static void add_rid(struct sdp_section *s, struct stoa_str rid)
{
	if (rid.n == 0 || s->n_rids == SDP_RIDS_MAX)
		return;
	for (uint32_t i = 0; i < s->n_rids; i++)
		if (stoa_str_eq(s->rids[i], rid))
			return;
	s->rids[s->n_rids++] = rid;
}

static void on_rid(struct sdp_parsing *p, struct stoa_str v)
{
	struct stoa_str rid = word_take(&v, ' ');

	if (!p->s->has_simulcast && word_is(word_take(&v, ' '), "send"))
		add_rid(p->s, rid);
}

/* "send q;h;f" or "send q;~h recv x": alternatives after a comma are not used. */
static void on_simulcast(struct sdp_parsing *p, struct stoa_str v)
{
	while (v.n) {
		struct stoa_str way = word_take(&v, ' '), list = word_take(&v, ' ');

		if (!word_is(way, "send"))
			continue;
		p->s->has_simulcast = true;
		p->s->n_rids = 0;
		while (list.n) {
			struct stoa_str alternatives = word_take(&list, ';');
			struct stoa_str rid = word_take(&alternatives, ',');

			if (rid.n && rid.p[0] == '~') { /* paused for now */
				rid.p++;
				rid.n--;
			}
			add_rid(p->s, rid);
		}
	}
}

static struct sdp_ssrc *ssrc_of(struct sdp_section *s, uint32_t ssrc)
{
	for (uint32_t i = 0; i < s->n_ssrcs; i++)
		if (s->ssrcs[i].ssrc == ssrc || s->ssrcs[i].rtx == ssrc)
			return &s->ssrcs[i];
	if (s->n_ssrcs == SDP_SSRCS_MAX)
		return NULL;
	s->ssrcs[s->n_ssrcs] = (struct sdp_ssrc){ .ssrc = ssrc };
	return &s->ssrcs[s->n_ssrcs++];
}

static void on_ssrc(struct sdp_parsing *p, struct stoa_str v)
{
	struct stoa_str key;
	uint64_t ssrc;

	if (!sdp_number(word_take(&v, ' '), UINT32_MAX, &ssrc))
		return;
	ssrc_of(p->s, (uint32_t)ssrc);
	key = word_take(&v, ':');
	if (word_is(key, "msid") && p->s->msid_track.n == 0) /* Plan B's way; some still write it */
		on_msid(p, v);
}

static void on_ssrc_group(struct sdp_parsing *p, struct stoa_str v)
{
	struct stoa_str semantics = word_take(&v, ' ');
	uint64_t ssrc, rtx;
	struct sdp_ssrc *s;

	if (!word_is(semantics, "FID") || !sdp_number(word_take(&v, ' '), UINT32_MAX, &ssrc) ||
	    !sdp_number(word_take(&v, ' '), UINT32_MAX, &rtx))
		return;
	s = ssrc_of(p->s, (uint32_t)ssrc);
	if (!s || s->ssrc != ssrc)
		return;
	s->rtx = (uint32_t)rtx;
	for (uint32_t i = 0; i < p->s->n_ssrcs;
	     i++) { /* it may have had a line of its own before */
		if (p->s->ssrcs[i].ssrc != rtx)
			continue;
		p->s->n_ssrcs--;
		memmove(&p->s->ssrcs[i], &p->s->ssrcs[i + 1],
			(p->s->n_ssrcs - i) * sizeof(p->s->ssrcs[0]));
	}
}

static void on_allow_mixed(struct sdp_parsing *p, struct stoa_str v)
{
	(void)v;
	p->sdp->allows_mixed |= p->s == &p->session;
}

static void on_sctp_port(struct sdp_parsing *p, struct stoa_str v)
{
	uint64_t n;

	if (sdp_number(v, UINT16_MAX, &n))
		p->s->sctp_port = (uint16_t)n;
}

static void on_group(struct sdp_parsing *p, struct stoa_str v)
{
	if (word_is(word_take(&v, ' '), "BUNDLE") && !p->sdp->has_bundle) {
		p->sdp->has_bundle = true;
		p->bundle = v;
	}
}

typedef void attribute_fn(struct sdp_parsing *p, struct stoa_str value);

static const struct {
	const char *name;
	attribute_fn *fn;
} attributes[] = {
	{ "rtcp-fb", on_rtcp_fb },
	{ "rtpmap", on_rtpmap },
	{ "fmtp", on_fmtp },
	{ "extmap", on_extmap },
	{ "ssrc", on_ssrc },
	{ "mid", on_mid },
	{ "sendrecv", on_sendrecv },
	{ "sendonly", on_sendonly },
	{ "recvonly", on_recvonly },
	{ "inactive", on_inactive },
	{ "ice-ufrag", on_ufrag },
	{ "ice-pwd", on_pwd },
	{ "setup", on_setup },
	{ "fingerprint", on_fingerprint },
	{ "msid", on_msid },
	{ "rtcp-mux", on_rtcp_mux },
	{ "rid", on_rid },
	{ "simulcast", on_simulcast },
	{ "group", on_group },
	{ "rtcp-rsize", on_rtcp_rsize },
	{ "ssrc-group", on_ssrc_group },
	{ "sctp-port", on_sctp_port },
	{ "bundle-only", on_bundle_only },
	{ "extmap-allow-mixed", on_allow_mixed },
};

void sdp_attribute_apply(struct sdp_parsing *p, struct stoa_str v)
{
	struct stoa_str name = word_take(&v, ':');

	for (size_t i = 0; i < STOA_ARRAY_SIZE(attributes); i++) {
		if (stoa_str_is(name, attributes[i].name)) {
			attributes[i].fn(p, word_trim(v));
			return;
		}
	}
}
