/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of offers. Runs on the edge thread of the client's socket: pure, no state but the
 * result. Attributes are handled by a table; session-level ones are inherited by every section. */
#include "sdp.h"
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

struct parsing {
	struct stoa_sdp *sdp;
	struct sdp_section session; /* what sections start from */
	struct sdp_section *s;      /* where attributes go now  */
	uint32_t cap;
	bool has_version;
	struct stoa_str bundle; /* mids of the BUNDLE group */
	int err;
};

/* ---- words ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Takes what stands before `sep` (a space means any run of blanks) off the front. */
static struct stoa_str take_until(struct stoa_str *s, char sep)
{
	struct stoa_str word = *s;
	size_t i = 0;

	while (i < s->n && !(sep == ' ' ? is_space(s->p[i]) : s->p[i] == sep))
		i++;
	word.n = i;
	if (i < s->n)
		i++;
	while (sep == ' ' && i < s->n && is_space(s->p[i]))
		i++;
	if (i) {
		s->p += i;
		s->n -= i;
	}
	return word;
}

static struct stoa_str trim(struct stoa_str s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && (is_space(s.p[s.n - 1]) || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

bool sdp_number(struct stoa_str s, uint64_t max, uint64_t *ret_n)
{
	uint64_t n = 0;

	if (s.n == 0 || s.n > 19)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	if (n > max)
		return false;
	*ret_n = n;
	return true;
}

static bool is_word(struct stoa_str s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

bool sdp_fmtp_get(struct stoa_str fmtp, const char *key, struct stoa_str *ret_value)
{
	while (fmtp.n) {
		struct stoa_str value = trim(take_until(&fmtp, ';'));
		struct stoa_str name = take_until(&value, '=');

		if (is_word(trim(name), key)) {
			*ret_value = trim(value);
			return true;
		}
	}
	return false;
}

const struct sdp_codec *sdp_find_pt(const struct sdp_section *s, uint8_t pt)
{
	for (uint32_t i = 0; i < s->n_codecs; i++)
		if (s->codecs[i].pt == pt)
			return &s->codecs[i];
	return NULL;
}

static struct sdp_codec *codec_of(struct parsing *p, struct stoa_str pt_text)
{
	uint64_t pt;

	if (!sdp_number(pt_text, 127, &pt))
		return NULL;
	return (struct sdp_codec *)sdp_find_pt(p->s, (uint8_t)pt);
}

/* ---- attributes: `v` is what stands behind the colon ---- */

static void on_mid(struct parsing *p, struct stoa_str v)
{
	p->s->mid = v;
}

static void on_sendrecv(struct parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->direction = SDP_SEND | SDP_RECV;
}

static void on_sendonly(struct parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->direction = SDP_SEND;
}

static void on_recvonly(struct parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->direction = SDP_RECV;
}

static void on_inactive(struct parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->direction = 0;
}

static void on_ufrag(struct parsing *p, struct stoa_str v)
{
	p->s->ufrag = v;
}

static void on_pwd(struct parsing *p, struct stoa_str v)
{
	p->s->pwd = v;
}

static void on_fingerprint(struct parsing *p, struct stoa_str v)
{
	struct stoa_str hash = take_until(&v, ' ');
	struct peer_dtls known;

	/* Several may be offered: keep the first we can check. */
	if (sdp_fingerprint(p->s->fingerprint_hash, p->s->fingerprint, &known) == 0 &&
	    p->s->fingerprint.p != p->session.fingerprint.p)
		return;
	p->s->fingerprint_hash = hash;
	p->s->fingerprint = trim(v);
}

static void on_setup(struct parsing *p, struct stoa_str v)
{
	p->s->setup = is_word(v, "active")    ? SDP_SETUP_ACTIVE
		      : is_word(v, "passive") ? SDP_SETUP_PASSIVE
					      : SDP_SETUP_ACTPASS;
}

static void on_rtcp_mux(struct parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->has_rtcp_mux = true;
}

static void on_rtcp_rsize(struct parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->is_reduced_size = true;
}

static void on_bundle_only(struct parsing *p, struct stoa_str v)
{
	(void)v;
	p->s->is_bundle_only = true;
}

static void on_msid(struct parsing *p, struct stoa_str v)
{
	p->s->msid_stream = take_until(&v, ' ');
	p->s->msid_track = take_until(&v, ' ');
}

static void on_rtpmap(struct parsing *p, struct stoa_str v)
{
	struct sdp_codec *c = codec_of(p, take_until(&v, ' '));
	uint64_t n;

	if (!c)
		return;
	c->name = take_until(&v, '/');
	if (sdp_number(take_until(&v, '/'), UINT32_MAX, &n))
		c->clock = (uint32_t)n;
	if (sdp_number(trim(v), 255, &n))
		c->channels = (uint8_t)n;
}

static void on_fmtp(struct parsing *p, struct stoa_str v)
{
	struct sdp_codec *c = codec_of(p, take_until(&v, ' '));

	if (c)
		c->fmtp = trim(v);
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
		if (is_word(v, known[i].text))
			return known[i].bit;
	return 0;
}

static void on_rtcp_fb(struct parsing *p, struct stoa_str v)
{
	struct stoa_str pt = take_until(&v, ' ');
	uint8_t bit = feedback_of(trim(v));
	struct sdp_codec *c = codec_of(p, pt);

	if (c)
		c->feedback |= bit;
	for (uint32_t i = 0; is_word(pt, "*") && i < p->s->n_codecs; i++)
		p->s->codecs[i].feedback |= bit;
}

static void on_extmap(struct parsing *p, struct stoa_str v)
{
	struct stoa_str id_text = take_until(&v, ' ');
	enum rtp_ext kind = rtp_ext_from_uri(take_until(&v, ' '));
	uint64_t id;

	if (p->s == &p->session || kind == RTP_EXT_NONE ||
	    !sdp_number(take_until(&id_text, '/'), RTP_EXT_ID_MAX, &id) || id == 0 || id == 15)
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

static void on_rid(struct parsing *p, struct stoa_str v)
{
	struct stoa_str rid = take_until(&v, ' ');

	if (!p->s->has_simulcast && is_word(take_until(&v, ' '), "send"))
		add_rid(p->s, rid);
}

/* "send q;h;f" or "send q;~h recv x": alternatives after a comma are not used. */
static void on_simulcast(struct parsing *p, struct stoa_str v)
{
	while (v.n) {
		struct stoa_str way = take_until(&v, ' '), list = take_until(&v, ' ');

		if (!is_word(way, "send"))
			continue;
		p->s->has_simulcast = true;
		p->s->n_rids = 0;
		while (list.n) {
			struct stoa_str alternatives = take_until(&list, ';');
			struct stoa_str rid = take_until(&alternatives, ',');

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

static void on_ssrc(struct parsing *p, struct stoa_str v)
{
	struct stoa_str key;
	uint64_t ssrc;

	if (!sdp_number(take_until(&v, ' '), UINT32_MAX, &ssrc))
		return;
	ssrc_of(p->s, (uint32_t)ssrc);
	key = take_until(&v, ':');
	if (is_word(key, "msid") && p->s->msid_track.n == 0) /* Plan B's way; some still write it */
		on_msid(p, v);
}

static void on_ssrc_group(struct parsing *p, struct stoa_str v)
{
	struct stoa_str semantics = take_until(&v, ' ');
	uint64_t ssrc, rtx;
	struct sdp_ssrc *s;

	if (!is_word(semantics, "FID") || !sdp_number(take_until(&v, ' '), UINT32_MAX, &ssrc) ||
	    !sdp_number(take_until(&v, ' '), UINT32_MAX, &rtx))
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

static void on_allow_mixed(struct parsing *p, struct stoa_str v)
{
	(void)v;
	p->sdp->allows_mixed |= p->s == &p->session;
}

static void on_sctp_port(struct parsing *p, struct stoa_str v)
{
	uint64_t n;

	if (sdp_number(v, UINT16_MAX, &n))
		p->s->sctp_port = (uint16_t)n;
}

static void on_group(struct parsing *p, struct stoa_str v)
{
	if (is_word(take_until(&v, ' '), "BUNDLE") && !p->sdp->has_bundle) {
		p->sdp->has_bundle = true;
		p->bundle = v;
	}
}

typedef void attribute_fn(struct parsing *p, struct stoa_str value);

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

static void parse_attribute(struct parsing *p, struct stoa_str v)
{
	struct stoa_str name = take_until(&v, ':');

	for (size_t i = 0; i < STOA_ARRAY_SIZE(attributes); i++) {
		if (stoa_str_is(name, attributes[i].name)) {
			attributes[i].fn(p, trim(v));
			return;
		}
	}
}

/* ---- lines ---- */

static enum sdp_kind kind_of(struct stoa_str s)
{
	return is_word(s, "audio")         ? SDP_AUDIO
	       : is_word(s, "video")       ? SDP_VIDEO
	       : is_word(s, "application") ? SDP_APPLICATION
					   : SDP_OTHER;
}

static int add_codecs(struct sdp_section *s, struct stoa_str formats)
{
	s->codecs = calloc(SDP_CODECS_MAX, sizeof(s->codecs[0]));
	if (!s->codecs)
		return -ENOMEM;
	while (formats.n && s->n_codecs < SDP_CODECS_MAX) {
		uint64_t pt;

		if (sdp_number(take_until(&formats, ' '), 127, &pt) && !sdp_find_pt(s, (uint8_t)pt))
			s->codecs[s->n_codecs++] =
				(struct sdp_codec){ .pt = (uint8_t)pt, .channels = 1 };
	}
	return 0;
}

static int grow(struct parsing *p)
{
	uint32_t cap = p->cap ? p->cap * 2 : 16;
	struct sdp_section *s;

	if (p->sdp->n < p->cap)
		return 0;
	if (p->sdp->n >= SDP_SECTIONS_MAX)
		return -E2BIG;
	s = realloc(p->sdp->s, cap * sizeof(*s));
	if (!s)
		return -ENOMEM;
	p->sdp->s = s;
	p->cap = cap;
	return 0;
}

static int parse_media(struct parsing *p, struct stoa_str v)
{
	enum sdp_kind kind = kind_of(take_until(&v, ' '));
	struct stoa_str port_text = take_until(&v, ' ');
	uint64_t port = 0;
	int err = grow(p);

	if (err < 0)
		return err;
	if (!sdp_number(take_until(&port_text, '/'), UINT16_MAX, &port))
		return -EINVAL;
	p->s = &p->sdp->s[p->sdp->n++];
	*p->s = p->session;
	p->s->kind = kind;
	p->s->is_rejected = port == 0; /* taken back by a=bundle-only: see finish() */
	p->s->protocol = take_until(&v, ' ');
	return kind == SDP_AUDIO || kind == SDP_VIDEO ? add_codecs(p->s, v) : 0;
}

static int parse_line(struct parsing *p, struct stoa_str line)
{
	struct stoa_str v;

	if (line.n == 0)
		return 0;
	if (line.n < 2 || line.p[1] != '=')
		return -EINVAL;
	v = stoa_strn(line.p + 2, line.n - 2);
	if (!p->has_version) {
		p->has_version = line.p[0] == 'v' && stoa_str_is(trim(v), "0");
		return p->has_version ? 0 : -EINVAL;
	}
	if (line.p[0] == 'm')
		return parse_media(p, trim(v));
	if (line.p[0] == 'a')
		parse_attribute(p, v);
	return p->err;
}

static void finish(struct parsing *p)
{
	for (uint32_t i = 0; i < p->sdp->n; i++) {
		struct sdp_section *s = &p->sdp->s[i];
		struct stoa_str mids = p->bundle;

		if (s->is_bundle_only)
			s->is_rejected = false;
		while (s->mid.n && mids.n && !s->is_bundled)
			s->is_bundled = stoa_str_eq(take_until(&mids, ' '), s->mid);
	}
}

int sdp_parse(struct stoa_str text, struct stoa_sdp **ret_sdp)
{
	struct parsing p = { .session = { .direction = SDP_SEND | SDP_RECV } };
	struct stoa_str rest;
	int err = 0;

	if (text.n > SDP_TEXT_MAX)
		return -E2BIG;
	p.sdp = calloc(1, sizeof(*p.sdp));
	if (!p.sdp || !(p.sdp->text = malloc(text.n + 1))) {
		free(p.sdp);
		return -ENOMEM;
	}
	if (text.n)
		memcpy(p.sdp->text, text.p, text.n);
	p.sdp->text[text.n] = '\0';
	p.s = &p.session;
	rest = stoa_strn(p.sdp->text, text.n);
	while (rest.n && err == 0)
		err = parse_line(&p, trim(take_until(&rest, '\n')));
	if (err == 0 && p.sdp->n == 0)
		err = -EINVAL;
	if (err < 0) {
		sdp_free(p.sdp);
		return err;
	}
	finish(&p);
	*ret_sdp = p.sdp;
	return 0;
}

void sdp_free(struct stoa_sdp *sdp)
{
	if (!sdp)
		return;
	for (uint32_t i = 0; i < sdp->n; i++) {
		free(sdp->s[i].codecs);
		free(sdp->s[i].exts);
	}
	free(sdp->s);
	free(sdp->text);
	free(sdp);
}

/* ---- fingerprints ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int sdp_fingerprint(struct stoa_str hash, struct stoa_str text, struct peer_dtls *ret_dtls)
{
	static const struct {
		const char *name;
		enum peer_hash hash;
		uint8_t len;
	} hashes[] = {
		{ "sha-256", PEER_HASH_SHA256, 32 },
		{ "sha-384", PEER_HASH_SHA384, 48 },
		{ "sha-512", PEER_HASH_SHA512, 64 },
		{ "sha-1", PEER_HASH_SHA1, 20 },
	};
	struct peer_dtls d = { .fingerprint_len = 0 };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(hashes); i++) {
		if (is_word(hash, hashes[i].name)) {
			d.hash = hashes[i].hash;
			d.fingerprint_len = hashes[i].len;
		}
	}
	if (!d.fingerprint_len || text.n != (size_t)d.fingerprint_len * 3 - 1)
		return -EINVAL;
	for (size_t i = 0; i < d.fingerprint_len; i++) {
		int hi = hex_digit(text.p[i * 3]), lo = hex_digit(text.p[i * 3 + 1]);

		if (hi < 0 || lo < 0 || (i + 1 < d.fingerprint_len && text.p[i * 3 + 2] != ':'))
			return -EINVAL;
		d.fingerprint[i] = (uint8_t)(hi << 4 | lo);
	}
	*ret_dtls = d;
	return 0;
}
