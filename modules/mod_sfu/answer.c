/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing codecs for an answer and rendering its text: pure functions. What goes into an answer is
 * decided in negotiate.c. */
#include "answer.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct stoa_answer *answer_new(uint32_t n)
{
	struct stoa_answer *a = calloc(1, sizeof(*a));

	if (!a || !(a->s = calloc(n, sizeof(a->s[0])))) {
		free(a);
		return NULL;
	}
	a->n = n;
	atomic_init(&a->refs, 1);
	return a;
}

void answer_unref(struct stoa_answer *a)
{
	if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (uint32_t i = 0; i < a->n; i++)
		for (int k = 0; k < ANSWER_CODECS_MAX; k++)
			free(a->s[i].codecs[k].fmtp);
	free(a->fingerprint);
	free(a->addresses);
	free(a->tracks);
	free(a->s);
	free(a);
}

int answer_index_tracks(struct stoa_answer *a)
{
	a->tracks = calloc(a->n, sizeof(a->tracks[0]));
	if (!a->tracks)
		return -ENOMEM;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->s[i].direction & SDP_SEND && a->s[i].track[0])
			a->tracks[a->n_tracks++] =
				(struct stoa_mid_track){ a->s[i].mid, a->s[i].track };
	return 0;
}

/* ---- choosing ---- */

static bool is_named(const struct sdp_codec *c, const char *name)
{
	return c->name.n == strlen(name) && strncasecmp(c->name.p, name, c->name.n) == 0;
}

enum codec answer_codec_of(const struct sdp_codec *c)
{
	if (is_named(c, "opus") && c->clock == 48000 && c->channels == 2)
		return CODEC_OPUS;
	if (is_named(c, "VP8") && c->clock == 90000)
		return CODEC_VP8;
	if (is_named(c, "H264") && c->clock == 90000)
		return CODEC_H264;
	return CODEC_NONE;
}

struct h264 {
	bool is_mode_1;
	unsigned profile; /* profile_idc and constraint flags (RFC 6184 section 8.1) */
};

static unsigned parse_profile(struct stoa_str v)
{
	unsigned profile = 0;

	for (size_t i = 0; i < 4; i++) {
		char c = v.p[i] | 0x20;

		profile = profile << 4 | (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
	}
	return profile & 0xffff;
}

static struct h264 h264_of(struct stoa_str fmtp)
{
	struct h264 h = { false, 0x4200 }; /* what absent parameters mean */
	struct stoa_str v;

	if (sdp_fmtp_get(fmtp, "packetization-mode", &v))
		h.is_mode_1 = stoa_str_is(v, "1");
	if (sdp_fmtp_get(fmtp, "profile-level-id", &v) && v.n == 6)
		h.profile = parse_profile(v);
	return h;
}

/* Higher is better: constrained baseline (42e0, 42c0), which everything decodes; baseline; main;
 * the rest. */
static int rate_profile(unsigned profile)
{
	if (profile >> 8 == 0x42)
		return profile & 0x40 ? 4 : 3;
	return profile >> 8 == 0x4d ? 2 : 1;
}

static int rate_h264(const struct sdp_codec *c, struct stoa_str like)
{
	struct h264 h = h264_of(c->fmtp), l = h264_of(like);
	int rate = rate_profile(h.profile);

	if (like.n == 0)
		return rate + (h.is_mode_1 ? 10 : 0);
	if (l.is_mode_1 && !h.is_mode_1)
		return 0; /* fragments for a client that knows only single units */
	return rate + (h.is_mode_1 == l.is_mode_1 ? 10 : 0) + (h.profile == l.profile ? 20 : 0);
}

const struct sdp_codec *answer_choose_codec(const struct sdp_section *s, enum codec want,
					    struct stoa_str like)
{
	const struct sdp_codec *best = NULL;
	int best_rate = 0;

	for (uint32_t i = 0; i < s->n_codecs; i++) {
		const struct sdp_codec *c = &s->codecs[i];
		int rate;

		if (answer_codec_of(c) != want || want == CODEC_NONE)
			continue;
		rate = want == CODEC_H264 ? rate_h264(c, like) : 1;
		if (rate > best_rate) {
			best = c;
			best_rate = rate;
		}
	}
	return best;
}

const struct sdp_codec *answer_choose_rtx(const struct sdp_section *s, uint8_t pt)
{
	struct stoa_str v;
	uint64_t apt;

	for (uint32_t i = 0; i < s->n_codecs; i++)
		if (is_named(&s->codecs[i], "rtx") && sdp_fmtp_get(s->codecs[i].fmtp, "apt", &v) &&
		    sdp_number(v, 127, &apt) && apt == pt)
			return &s->codecs[i];
	return NULL;
}

static int put(struct answer_section *a, const struct sdp_codec *c, uint8_t feedback,
	       const char *extra)
{
	struct answer_codec *k = &a->codecs[a->n_codecs++];

	k->pt = c->pt;
	k->clock = c->clock;
	k->channels = c->channels;
	k->feedback = c->feedback & feedback;
	snprintf(k->name, sizeof(k->name), "%.*s", STOA_FMT(c->name));
	if (c->fmtp.n == 0 && !extra[0])
		return 0;
	if (asprintf(&k->fmtp, "%.*s%s%s", STOA_FMT(c->fmtp), c->fmtp.n && extra[0] ? ";" : "",
		     extra) < 0) {
		k->fmtp = NULL;
		return -ENOMEM;
	}
	return 0;
}

int answer_put_codec(struct answer_section *a, const struct sdp_section *s,
		     const struct sdp_codec *c, uint8_t feedback, const char *extra)
{
	const struct sdp_codec *rtx = answer_choose_rtx(s, c->pt);
	int err = put(a, c, feedback, extra);

	if (err < 0 || !rtx || !(a->codecs[0].feedback & SDP_FB_NACK))
		return err;
	err = put(a, rtx, 0, "");
	a->codecs[1].is_rtx = true;
	a->codecs[1].apt = c->pt;
	return err;
}

void answer_put_exts(struct answer_section *a, const struct sdp_section *s, uint32_t wanted,
		     uint8_t id_max)
{
	for (uint32_t i = 0; i < s->n_exts && a->n_exts < RTP_EXTS; i++)
		if (wanted & 1u << s->exts[i].kind && s->exts[i].id <= id_max)
			a->exts[a->n_exts++] = s->exts[i];
}

/* ---- rendering ---- */

static const char *const kinds[] = {
	[SDP_AUDIO] = "audio",
	[SDP_VIDEO] = "video",
	[SDP_APPLICATION] = "application",
	[SDP_OTHER] = "text",
};

static const char *const directions[] = {
	[0] = "inactive",
	[SDP_SEND] = "sendonly",
	[SDP_RECV] = "recvonly",
	[SDP_SEND | SDP_RECV] = "sendrecv",
};

static void render_codec(const struct answer_codec *c, struct stoa_buf *out)
{
	static const struct {
		uint8_t bit;
		const char *text;
	} feedback[] = {
		{ SDP_FB_TRANSPORT_CC, "transport-cc" },
		{ SDP_FB_REMB, "goog-remb" },
		{ SDP_FB_FIR, "ccm fir" },
		{ SDP_FB_NACK, "nack" },
		{ SDP_FB_PLI, "nack pli" },
	};

	stoa_buf_addf(out, "a=rtpmap:%u %s/%u", c->pt, c->name, c->clock);
	if (c->channels > 1)
		stoa_buf_addf(out, "/%u", c->channels);
	stoa_buf_adds(out, "\r\n");
	for (size_t i = 0; i < STOA_ARRAY_SIZE(feedback); i++)
		if (c->feedback & feedback[i].bit)
			stoa_buf_addf(out, "a=rtcp-fb:%u %s\r\n", c->pt, feedback[i].text);
	if (c->fmtp)
		stoa_buf_addf(out, "a=fmtp:%u %s\r\n", c->pt, c->fmtp);
}

static void render_rids(const struct answer_section *s, struct stoa_buf *out)
{
	if (s->n_rids == 0)
		return;
	for (unsigned i = 0; i < s->n_rids; i++)
		stoa_buf_addf(out, "a=rid:%s recv\r\n", s->rids[i]);
	stoa_buf_adds(out, "a=simulcast:recv ");
	for (unsigned i = 0; i < s->n_rids; i++)
		stoa_buf_addf(out, "%s%s", i ? ";" : "", s->rids[i]);
	stoa_buf_adds(out, "\r\n");
}

static void render_sent(const struct answer_section *s, struct stoa_buf *out)
{
	if (!(s->direction & SDP_SEND) || !s->ssrc)
		return;
	stoa_buf_addf(out, "a=msid:%s %s\r\n", s->stream, s->track);
	if (s->rtx_ssrc)
		stoa_buf_addf(out, "a=ssrc-group:FID %u %u\r\n", s->ssrc, s->rtx_ssrc);
	stoa_buf_addf(out, "a=ssrc:%u cname:%s\r\n", s->ssrc, s->cname);
	if (s->rtx_ssrc)
		stoa_buf_addf(out, "a=ssrc:%u cname:%s\r\n", s->rtx_ssrc, s->cname);
}

static void render_addresses(const struct stoa_answer *a, struct stoa_buf *out)
{
	for (uint32_t i = 0; i < a->n_addresses; i++) {
		const struct plane_address *p = &a->addresses[i];
		/* RFC 8445 section 5.1.2.1: host type 126 (TCP lower), local preference by order */
		uint32_t priority = (p->is_tcp ? 90u : 126u) << 24 | (65535u - i) << 8 | 255u;

		stoa_buf_addf(out, "a=candidate:%u 1 %s %u %s %u typ host%s\r\n", i + 1,
			      p->is_tcp ? "tcp" : "udp", priority, p->host, p->port,
			      p->is_tcp ? " tcptype passive" : "");
	}
	stoa_buf_adds(out, "a=end-of-candidates\r\n");
}

static void render_transport(const struct stoa_answer *a, struct stoa_buf *out)
{
	stoa_buf_addf(out, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\na=setup:%s\r\n",
		      a->ufrag, a->pwd, a->fingerprint, a->is_client ? "active" : "passive");
}

static void render_media(const struct answer_section *s, struct stoa_buf *out)
{
	stoa_buf_addf(out, "a=%s\r\na=rtcp-mux\r\n", directions[s->direction & 3]);
	if (s->is_reduced_size)
		stoa_buf_adds(out, "a=rtcp-rsize\r\n");
	for (unsigned i = 0; i < s->n_exts; i++)
		stoa_buf_addf(out, "a=extmap:%u %s\r\n", s->exts[i].id,
			      rtp_ext_uri(s->exts[i].kind));
	for (unsigned i = 0; i < s->n_codecs; i++)
		render_codec(&s->codecs[i], out);
	render_rids(s, out);
	render_sent(s, out);
}

static void render_section(const struct stoa_answer *a, const struct answer_section *s,
			   bool is_first, struct stoa_buf *out)
{
	stoa_buf_addf(out, "m=%s %d %s", kinds[s->kind], s->is_rejected ? 0 : 9, s->protocol);
	for (unsigned i = 0; i < s->n_codecs; i++)
		stoa_buf_addf(out, " %u", s->codecs[i].pt);
	if (s->kind == SDP_APPLICATION)
		stoa_buf_addf(out, s->is_old_sctp ? " %u" : " webrtc-datachannel", s->sctp_port);
	else if (s->n_codecs == 0)
		stoa_buf_adds(out, " 0");
	stoa_buf_adds(out, "\r\nc=IN IP4 0.0.0.0\r\n");
	if (s->mid[0])
		stoa_buf_addf(out, "a=mid:%s\r\n", s->mid);
	if (s->is_rejected) {
		stoa_buf_adds(out, "a=inactive\r\n");
		return;
	}
	if (is_first)
		render_addresses(a, out);
	render_transport(a, out);
	if (s->kind != SDP_APPLICATION)
		render_media(s, out);
	else if (s->is_old_sctp)
		stoa_buf_addf(out, "a=sctpmap:%u webrtc-datachannel 1024\r\n", s->sctp_port);
	else
		stoa_buf_addf(out, "a=sctp-port:%u\r\n", s->sctp_port);
	if (s->kind == SDP_APPLICATION)
		stoa_buf_adds(out, "a=max-message-size:65536\r\n");
}

int answer_render(const struct stoa_answer *a, struct stoa_buf *out)
{
	bool is_first = true;

	stoa_buf_addf(out, "v=0\r\no=- %llu %u IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n",
		      (unsigned long long)a->session, a->version);
	if (a->has_bundle) {
		stoa_buf_adds(out, "a=group:BUNDLE");
		for (uint32_t i = 0; i < a->n; i++)
			if (!a->s[i].is_rejected)
				stoa_buf_addf(out, " %s", a->s[i].mid);
		stoa_buf_adds(out, "\r\n");
	}
	if (a->allows_mixed)
		stoa_buf_adds(out, "a=extmap-allow-mixed\r\n");
	stoa_buf_adds(out, "a=msid-semantic: WMS *\r\n");
	for (uint32_t i = 0; i < a->n; i++) {
		render_section(a, &a->s[i], is_first && !a->s[i].is_rejected, out);
		is_first &= a->s[i].is_rejected;
	}
	return out->failed ? -ENOMEM : 0;
}
