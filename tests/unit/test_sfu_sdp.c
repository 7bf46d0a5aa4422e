/* SPDX-License-Identifier: Apache-2.0 */
/* Offers of Chromium, Firefox, aiortc, GStreamer and FFmpeg as they write them, the parser's
 * limits, and what answers say. */
#include "sdp.h"
#include "answer.h"
#include "check.h"
#include <errno.h>

static char text[SDP_TEXT_MAX + 16];

static struct stoa_sdp *load(const char *name)
{
	char path[512];
	struct stoa_sdp *sdp = NULL;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", SFU_CORPUS, name);
	f = fopen(path, "rb");
	CHECK(f != NULL);
	if (!f)
		exit(EXIT_FAILURE);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	CHECK_INT(sdp_parse(stoa_strn(text, n), &sdp), 0);
	return sdp;
}

static bool has_ext(const struct sdp_section *s, uint8_t id, enum rtp_ext kind)
{
	for (uint32_t i = 0; i < s->n_exts; i++)
		if (s->exts[i].id == id && s->exts[i].kind == kind)
			return true;
	return false;
}

static void test_chromium(void)
{
	struct stoa_sdp *sdp = load("chromium_publish_simulcast.sdp");
	const struct sdp_section *a, *v;
	const struct sdp_codec *c;
	struct peer_dtls dtls;

	CHECK_INT(sdp->n, 9);
	CHECK(sdp->has_bundle);
	CHECK_INT(sdp->s[0].direction, SDP_RECV);
	a = &sdp->s[6];
	CHECK_INT(a->kind, SDP_AUDIO);
	CHECK_INT(a->direction, SDP_SEND);
	CHECK(a->is_bundled && !a->is_rejected && a->has_rtcp_mux && a->is_reduced_size);
	CHECK_INT(a->n_ssrcs, 1);
	CHECK(has_ext(a, 1, RTP_EXT_AUDIO_LEVEL) && has_ext(a, 3, RTP_EXT_TRANSPORT_SEQ) &&
	      has_ext(a, 4, RTP_EXT_MID));
	c = answer_choose_codec(a, CODEC_OPUS, stoa_str(""));
	CHECK(c && c->pt == 111 && c->feedback == SDP_FB_TRANSPORT_CC);
	CHECK(c && stoa_str_is(c->fmtp, "minptime=10;useinbandfec=1"));
	v = &sdp->s[7];
	CHECK_INT(v->n_rids, 3);
	CHECK(stoa_str_is(v->rids[0], "q") && stoa_str_is(v->rids[2], "f"));
	CHECK(has_ext(v, 10, RTP_EXT_RID) && has_ext(v, 11, RTP_EXT_REPAIRED_RID));
	CHECK_INT(v->msid_track.n, 36);
	CHECK_INT(sdp->s[8].kind, SDP_APPLICATION);
	CHECK_INT(sdp->s[8].sctp_port, 5000);
	CHECK_INT(sdp_fingerprint(v->fingerprint_hash, v->fingerprint, &dtls), 0);
	CHECK_INT(dtls.fingerprint_len, 32);
	sdp_free(sdp);
}

static void test_chromium_h264(void)
{
	struct stoa_sdp *sdp = load("chromium_publish_simulcast.sdp");
	const struct sdp_section *v = &sdp->s[7];
	const struct sdp_codec *c = answer_choose_codec(v, CODEC_H264, stoa_str(""));
	struct stoa_str s;

	CHECK(c && sdp_fmtp_get(c->fmtp, "profile-level-id", &s) && stoa_str_is(s, "42e01f"));
	CHECK(c && sdp_fmtp_get(c->fmtp, "packetization-mode", &s) && stoa_str_is(s, "1"));
	CHECK(c && answer_choose_rtx(v, c->pt) != NULL);
	c = answer_choose_codec(v, CODEC_H264,
				stoa_str("packetization-mode=0;profile-level-id=4d001f"));
	CHECK(c && sdp_fmtp_get(c->fmtp, "profile-level-id", &s) && stoa_str_is(s, "4d001f"));
	CHECK(c && sdp_fmtp_get(c->fmtp, "packetization-mode", &s) && stoa_str_is(s, "0"));
	c = answer_choose_codec(v, CODEC_VP8, stoa_str(""));
	CHECK(c && c->pt == 96);
	CHECK(c && (c->feedback & (SDP_FB_NACK | SDP_FB_PLI | SDP_FB_FIR)) ==
			   (SDP_FB_NACK | SDP_FB_PLI | SDP_FB_FIR));
	sdp_free(sdp);
}

static void test_firefox(void)
{
	struct stoa_sdp *sdp = load("firefox_bundle_only_simulcast.sdp");
	const struct sdp_section *v = &sdp->s[4];
	struct peer_dtls dtls;

	CHECK_INT(sdp->n, 5);
	CHECK(!v->is_rejected && v->is_bundle_only && v->is_bundled); /* port 0 is no refusal */
	CHECK_INT(sdp_fingerprint(v->fingerprint_hash, v->fingerprint, &dtls), 0); /* session's */
	CHECK_INT(v->n_rids, 3);
	CHECK_INT(v->n_ssrcs, 3);
	CHECK_INT(v->ssrcs[1].ssrc, 102);
	CHECK_INT(v->ssrcs[1].rtx, 105);
	CHECK(has_ext(v, 8, RTP_EXT_RID)); /* "8/sendonly" */
	CHECK(stoa_str_is(v->msid_track, "{66666666-7777-4888-8999-aaaaaaaaaaaa}"));
	CHECK(answer_choose_codec(v, CODEC_H264, stoa_str("")) == NULL);
	CHECK(answer_choose_codec(v, CODEC_VP8, stoa_str("")) != NULL);
	CHECK(answer_choose_rtx(v, 120) != NULL);
	sdp_free(sdp);
}

static void test_aiortc_one_id_with_two_meanings(void)
{
	struct stoa_sdp *sdp = load("aiortc_one_id_two_meanings.sdp");
	struct answer_section a = { .n_exts = 0 };

	CHECK(has_ext(&sdp->s[0], 2, RTP_EXT_AUDIO_LEVEL));
	CHECK(has_ext(&sdp->s[1], 2, RTP_EXT_ABS_SEND_TIME));
	CHECK(stoa_str_is(sdp->s[2].protocol, "DTLS/SCTP"));
	answer_put_exts(&a, &sdp->s[1], ANSWER_EXTS, 14);
	for (unsigned i = 0; i < a.n_exts; i++)
		CHECK(a.exts[i].id != 2); /* the answer gives it one meaning only */
	sdp_free(sdp);
}

static void test_gstreamer_and_ffmpeg(void)
{
	struct stoa_sdp *sdp = load("gstreamer_max_bundle.sdp");

	CHECK(stoa_str_is(sdp->s[0].mid, "video0"));
	CHECK(!sdp->s[1].is_rejected);
	CHECK(answer_choose_codec(&sdp->s[1], CODEC_OPUS, stoa_str("")) != NULL); /* "OPUS" */
	CHECK(answer_choose_codec(&sdp->s[0], CODEC_H264, stoa_str("")) != NULL);
	CHECK(stoa_str_is(sdp->s[0].msid_track, "webrtctransceiver0"));
	CHECK_INT(sdp->s[0].ufrag.n, 32);
	sdp_free(sdp);
	sdp = load("ffmpeg_whip_passive.sdp");
	CHECK_INT(sdp->s[0].setup, SDP_SETUP_PASSIVE);
	CHECK(answer_choose_codec(&sdp->s[1], CODEC_H264, stoa_str("")) != NULL);
	sdp_free(sdp);
}

static void test_refused(void)
{
	struct stoa_sdp *sdp;

	CHECK_INT(sdp_parse(stoa_str(""), &sdp), -EINVAL);
	CHECK_INT(sdp_parse(stoa_str("GET / HTTP/1.1\r\n\r\n"), &sdp), -EINVAL);
	CHECK_INT(sdp_parse(stoa_str("v=1\r\nm=audio 9 x 0\r\n"), &sdp), -EINVAL);
	CHECK_INT(sdp_parse(stoa_str("v=0\r\ns=-\r\n"), &sdp), -EINVAL);
	CHECK_INT(sdp_parse(stoa_str("v=0\r\nm=audio x UDP 0\r\n"), &sdp), -EINVAL);
	CHECK_INT(sdp_parse(stoa_str("v=0\r\nm=audio 70000 UDP 0\r\n"), &sdp), -EINVAL);
	memset(text, 'a', sizeof(text));
	CHECK_INT(sdp_parse(stoa_strn(text, SDP_TEXT_MAX + 1), &sdp), -E2BIG);
	CHECK_INT(sdp_parse(stoa_strn(text, SDP_TEXT_MAX), &sdp), -EINVAL);
}

static void test_limits(void)
{
	struct stoa_buf b = { .p = NULL };
	struct stoa_sdp *sdp;

	stoa_buf_adds(&b, "v=0\r\n");
	for (int i = 0; i < SDP_SECTIONS_MAX; i++)
		stoa_buf_adds(&b, "m=audio 9 UDP 1\n");
	CHECK_INT(sdp_parse(stoa_strn(b.p, b.n), &sdp), 0);
	sdp_free(sdp);
	stoa_buf_adds(&b, "m=audio 9 UDP 1\n");
	CHECK_INT(sdp_parse(stoa_strn(b.p, b.n), &sdp), -E2BIG);
	stoa_buf_clear(&b);
	stoa_buf_adds(&b, "v=0\r\nm=video 9 UDP");
	for (int i = 0; i < 128; i++)
		stoa_buf_addf(&b, " %d", i);
	for (int i = 0; i < 1000; i++)
		stoa_buf_addf(&b, "\na=ssrc:%d cname:x\na=rid:r%d send", i, i);
	CHECK_INT(sdp_parse(stoa_strn(b.p, b.n), &sdp), 0);
	CHECK_INT(sdp->s[0].n_codecs, SDP_CODECS_MAX);
	CHECK_INT(sdp->s[0].n_ssrcs, SDP_SSRCS_MAX);
	CHECK_INT(sdp->s[0].n_rids, SDP_RIDS_MAX);
	sdp_free(sdp);
	stoa_buf_free(&b);
}

static void test_fingerprints(void)
{
	struct peer_dtls d;

	CHECK_INT(sdp_fingerprint(stoa_str("SHA-1"),
				  stoa_str("00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:01:02:"
					   "03:04"),
				  &d),
		  0);
	CHECK(d.hash == PEER_HASH_SHA1 && d.fingerprint[10] == 0xaa && d.fingerprint_len == 20);
	CHECK_INT(sdp_fingerprint(stoa_str("sha-256"), stoa_str("00:11"), &d), -EINVAL);
	CHECK_INT(sdp_fingerprint(stoa_str("md5"), stoa_str("00:11"), &d), -EINVAL);
	CHECK_INT(sdp_fingerprint(stoa_str(""), stoa_str(""), &d), -EINVAL);
	CHECK_INT(sdp_fingerprint(stoa_str("SHA-1"),
				  stoa_str("00-11-22-33-44-55-66-77-88-99-aa-bb-cc-dd-ee-ff-01-02-"
					   "03-04"),
				  &d),
		  -EINVAL);
}

static void test_simulcast_lines(void)
{
	struct stoa_sdp *sdp;

	CHECK_INT(sdp_parse(stoa_str("v=0\nm=video 9 U 96\na=rid:b send\na=rid:a send\n"
				     "a=simulcast:recv x send a,c;~b\n"),
			    &sdp),
		  0);
	CHECK_INT(sdp->s[0].n_rids, 2);
	CHECK(stoa_str_is(sdp->s[0].rids[0], "a") && stoa_str_is(sdp->s[0].rids[1], "b"));
	sdp_free(sdp);
	CHECK_INT(sdp_parse(stoa_str("v=0\nm=video 9 U 96\na=rid:b send\na=rid:a recv\n"), &sdp),
		  0);
	CHECK_INT(sdp->s[0].n_rids, 1);
	sdp_free(sdp);
}

static void test_fmtp(void)
{
	struct stoa_str v;

	CHECK(sdp_fmtp_get(stoa_str("a=1; apt = 96 ;b"), "apt", &v) && stoa_str_is(v, "96"));
	CHECK(sdp_fmtp_get(stoa_str("APT=96"), "apt", &v));
	CHECK(sdp_fmtp_get(stoa_str("x;b"), "b", &v) && v.n == 0);
	CHECK(!sdp_fmtp_get(stoa_str("xapt=96"), "apt", &v));
	CHECK(!sdp_fmtp_get(stoa_str(""), "apt", &v));
}

int main(void)
{
	test_chromium();
	test_chromium_h264();
	test_firefox();
	test_aiortc_one_id_with_two_meanings();
	test_gstreamer_and_ffmpeg();
	test_refused();
	test_limits();
	test_fingerprints();
	test_simulcast_lines();
	test_fmtp();
	return check_done();
}
