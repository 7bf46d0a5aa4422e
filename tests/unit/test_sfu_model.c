/* SPDX-License-Identifier: Apache-2.0 */
/* The control model with a real engine behind it: who joins, what is negotiated, what flows. */
#include "check.h"
#include "sfu_world.h"
#include <errno.h>
#include <stoa/testing.h>

static struct world w;

/* ---- a listener that writes down what it hears ---- */

struct heard {
	int opened, closed, joined, updated, left, published, track_updated, unpublished;
	int offers_needed, mutes, speakers, failed;
	uint32_t audios, videos;
	stoa_participant_id offer_from, left_id;
	enum stoa_leave_reason left_why;
	enum stoa_leave_reason closed_why;
	bool live;
	int answers, answer_err;
	struct stoa_answer *answer;
	char text[65536];
};

static struct heard heard;

static void on_opened(const struct stoa_room_info *r, void *user)
{
	(void)r;
	((struct heard *)user)->opened++;
}

static void on_closed(const struct stoa_room_info *r, enum stoa_leave_reason why, void *user)
{
	struct heard *h = user;

	CHECK(r->name[0] != '\0');
	h->closed++;
	h->closed_why = why;
}

static void on_joined(const struct stoa_participant_info *p, void *user)
{
	CHECK(strncmp(p->sid, "PA_", 3) == 0);
	((struct heard *)user)->joined++;
}

static void on_updated(const struct stoa_participant_info *p, void *user)
{
	(void)p;
	((struct heard *)user)->updated++;
}

static void on_left(const struct stoa_participant_info *p, void *user)
{
	struct heard *h = user;

	CHECK_INT(p->state, STOA_PARTICIPANT_GONE);
	h->left++;
	h->left_id = p->id;
	h->left_why = p->leave_reason;
}

static void on_published(const struct stoa_track_info *t, void *user)
{
	CHECK(strncmp(t->sid, "TR_", 3) == 0);
	((struct heard *)user)->published++;
}

static void on_track_updated(const struct stoa_track_info *t, void *user)
{
	((struct heard *)user)->track_updated++;
	((struct heard *)user)->live = t->is_live;
}

static void on_unpublished(const struct stoa_track_info *t, void *user)
{
	(void)t;
	((struct heard *)user)->unpublished++;
}

static void on_offer_needed(stoa_participant_id p, stoa_transport_id t, uint32_t audios,
			    uint32_t videos, void *user)
{
	struct heard *h = user;

	(void)t;
	h->offers_needed++;
	h->offer_from = p;
	h->audios = audios;
	h->videos = videos;
}

static void on_mute_asked(stoa_participant_id p, stoa_track_id t, bool muted, void *user)
{
	(void)p;
	(void)t;
	(void)muted;
	((struct heard *)user)->mutes++;
}

static void on_speakers(stoa_room_id r, const stoa_participant_id *who, const float *levels,
			uint32_t n, void *user)
{
	(void)r;
	(void)who;
	(void)levels;
	((struct heard *)user)->speakers += (int)n;
}

static void on_failed(stoa_participant_id p, stoa_track_id t, int err, void *user)
{
	(void)p;
	(void)t;
	CHECK_INT(err, -ENOTSUP);
	((struct heard *)user)->failed++;
}

static const struct stoa_sfu_events events = {
	.size = sizeof(events),
	.room_opened = on_opened,
	.room_closed = on_closed,
	.participant_joined = on_joined,
	.participant_updated = on_updated,
	.participant_left = on_left,
	.track_published = on_published,
	.track_updated = on_track_updated,
	.track_unpublished = on_unpublished,
	.offer_needed = on_offer_needed,
	.mute_asked = on_mute_asked,
	.speakers_changed = on_speakers,
	.subscription_failed = on_failed,
};

static void on_answer(int err, struct stoa_answer *a, void *user)
{
	struct heard *h = user;
	struct stoa_buf b = { .p = NULL };

	h->answers++;
	h->answer_err = err;
	h->text[0] = '\0';
	answer_unref(h->answer);
	h->answer = a;
	if (!a)
		return;
	CHECK_INT(model_ops.answer_render(w.model, a, &b), 0);
	snprintf(h->text, sizeof(h->text), "%.*s", (int)b.n, b.p);
	stoa_buf_free(&b);
}

/* ---- clients ---- */

struct client {
	stoa_participant_id id;
	stoa_transport_id transport;
	struct peer *peer;
};

static stoa_room_id room;

static struct client join(const char *identity)
{
	struct stoa_participant_info want = {
		.size = sizeof(want),
		.identity = identity,
		.auto_subscribe = true,
		.permission = { .can_publish = true, .can_subscribe = true },
	};
	struct client c = { 0 };

	CHECK_INT(model_ops.join(w.model, room, &want, &c.id), 0);
	CHECK_INT(model_ops.transport_open(w.model, c.id, &c.transport), 0);
	world_settle(&w);
	return c;
}

static stoa_track_id announce(struct client *c, const char *cid, enum stoa_media_kind kind,
			      const char *mime)
{
	struct stoa_track_info want = {
		.size = sizeof(want),
		.cid = cid,
		.mime = mime,
		.kind = kind,
		.source = kind == STOA_AUDIO ? STOA_SOURCE_MICROPHONE : STOA_SOURCE_CAMERA,
	};
	stoa_track_id t = 0;

	CHECK_INT(model_ops.track_announce(w.model, c->id, &want, &t), 0);
	world_settle(&w);
	return t;
}

#define HEAD                                                                                       \
	"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"                                      \
	"a=extmap-allow-mixed\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"         \
	"a=setup:actpass\r\na=fingerprint:sha-256 "                                                \
	"01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:"  \
	"1E:1F:20\r\n"
#define AUDIO(mid, way)                                                                            \
	"m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:" mid "\r\na=" way                            \
	"\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\n"                          \
	"a=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"                  \
	"a=rtpmap:63 red/48000/2\r\n"                                                              \
	"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"                               \
	"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n" \
	"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
#define VIDEO(mid, way)                                                                            \
	"m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103\r\na=mid:" mid "\r\na=" way                     \
	"\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 transport-cc\r\n" \
	"a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\n"                   \
	"a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:102 H264/90000\r\n"                 \
	"a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"    \
	"a=rtcp-fb:102 nack\r\na=rtcp-fb:102 nack pli\r\n"                                         \
	"a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n"                                         \
	"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n" \
	"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"                                       \
	"a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"                            \
	"a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"
#define DATA(mid)                                                                                  \
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:" mid "\r\na=sctp-port:"        \
									 "5000\r\n"

static int offer(struct client *c, const char *text)
{
	struct stoa_sdp *sdp;
	int err = model_ops.sdp_parse(w.model, stoa_str(text), &sdp);

	CHECK_INT(err, 0);
	if (err < 0)
		return err;
	heard.answer_err = 1;
	CHECK_INT(model_ops.transport_offer(w.model, c->transport, sdp, on_answer, &heard), 0);
	CHECK_INT(heard.answer_err, 1); /* never within the call */
	world_settle(&w);
	c->peer = world_peer(&w, c->transport);
	return heard.answer_err;
}

static void connect_peer(struct client *c)
{
	engine_peer_connected(w.engine, c->peer, w.now_us);
	world_settle(&w);
}

/* The m-section of an answer with this mid, up to the next one. */
static const char *section(const char *mid)
{
	static char out[8192];
	char want[32];
	const char *at = heard.text, *m = NULL, *end;

	snprintf(want, sizeof(want), "a=mid:%s\r\n", mid);
	at = strstr(heard.text, want);
	if (!at)
		return "";
	for (const char *s = heard.text; (s = strstr(s, "m=")) && s < at; s++)
		m = s;
	end = strstr(at, "\r\nm=");
	snprintf(out, sizeof(out), "%.*s", (int)(end ? end - m : (long)strlen(m)), m);
	return out;
}

static bool section_has(const char *mid, const char *what)
{
	return strstr(section(mid), what) != NULL;
}

/* ---- RTP ---- */

static size_t make_rtp(uint8_t *b, uint8_t pt, uint16_t seq, uint32_t ts, uint32_t ssrc,
		       const char *mid, uint8_t mid_id, const char *payload, size_t n)
{
	struct stoa_wcursor c = stoa_wcur(b, 1500);
	struct rtp_header h = {
		.pt = pt, .seq = seq, .timestamp = ts, .ssrc = ssrc, .marker = true
	};
	struct rtp_write_ext x = { mid_id, (uint8_t)strlen(mid), (const uint8_t *)mid };

	rtp_write(&c, &h, &x, 1);
	stoa_wcur_bytes(&c, payload, n);
	return stoa_wcur_len(&c);
}

#define VP8_KEY "\x90\x80\x81\x01\x10\x02\x00\x9d\x01\x2a" /* key frame with picture id 0x101 */

/* ---- tests ---- */

static void test_a_call(void)
{
	struct client a = join("alice"), b = join("bob");
	const struct stoa_track_info *info;
	stoa_track_id mic, cam;
	uint8_t bytes[1500];
	uint32_t before;

	CHECK_INT(heard.joined, 2);
	CHECK_INT(offer(&a, HEAD "a=group:BUNDLE 0 1 2\r\n" AUDIO("0", "recvonly")
				    VIDEO("1", "recvonly") DATA("2")),
		  0);
	CHECK(section_has("0", "a=inactive"));
	CHECK(section_has("0", "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
	CHECK(section_has("2", "a=sctp-port:5000"));
	CHECK(section_has("2", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"));
	CHECK(strstr(heard.text, "a=ice-lite\r\n") != NULL);
	CHECK(strstr(heard.text, "a=group:BUNDLE 0 1 2\r\n") != NULL);
	CHECK(section_has("0", "a=setup:passive"));
	CHECK(section_has("0", "typ host"));
	connect_peer(&a);
	CHECK_INT(offer(&b, HEAD "a=group:BUNDLE 0 1 2\r\n" AUDIO("0", "recvonly")
				    VIDEO("1", "recvonly") DATA("2")),
		  0);
	connect_peer(&b);

	mic = announce(&a, "mic-cid", STOA_AUDIO, "");
	cam = announce(&a, "cam-cid", STOA_VIDEO, "video/VP8");
	CHECK_INT(heard.published, 2);
	CHECK_INT(heard.offers_needed, 0); /* nothing is bound yet */
	CHECK_INT(offer(&a, HEAD "a=group:BUNDLE 0 1 2 3 4\r\n" AUDIO("0", "recvonly")
				    VIDEO("1", "recvonly") DATA("2")
					    AUDIO("3", "sendonly") "a=msid:- mic-cid\r\n" VIDEO(
						    "4", "sendonly") "a=msid:- cam-cid\r\n"),
		  0);
	CHECK(section_has("3", "a=recvonly"));
	CHECK(section_has("3", "useinbandfec=1;usedtx=1"));
	CHECK(section_has("3", "a=rtcp-fb:111 transport-cc"));
	CHECK(section_has("4", "a=recvonly"));
	CHECK(section_has("4", "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"));
	CHECK(section_has("4", "a=rtcp-fb:96 nack pli"));
	CHECK_INT(heard.offers_needed, 1);
	CHECK_INT(heard.offer_from, b.id);
	CHECK_INT(heard.audios, 0); /* the free sections suffice */
	CHECK_INT(heard.videos, 0);

	CHECK_INT(offer(&b, HEAD "a=group:BUNDLE 0 1 2\r\n" AUDIO("0", "recvonly")
				    VIDEO("1", "recvonly") DATA("2")),
		  0);
	CHECK(section_has("0", "a=sendonly"));
	CHECK(section_has("1", "a=sendonly"));
	CHECK(section_has("1", "a=ssrc-group:FID"));
	CHECK_INT(model_ops.track_get(w.model, cam, &info), 0);
	CHECK(section_has("1", info->sid));
	CHECK_INT(heard.answer->n_tracks, 2);
	CHECK_STR(heard.answer->tracks[1].mid, "1");
	CHECK_STR(heard.answer->tracks[1].track_sid, info->sid);
	CHECK(!info->is_live);

	before = w.n_out;
	world_rtp(&w, a.peer, bytes, make_rtp(bytes, 111, 100, 960, 0x1111, "3", 4, "\x78opus", 5));
	CHECK_INT(w.n_out - before, 1);
	CHECK_INT(w.out[before].peer_id, b.transport);
	before = w.n_out;
	world_rtp(&w, a.peer, bytes,
		  make_rtp(bytes, 96, 7, 3000, 0x2222, "4", 4, VP8_KEY "rest", 14));
	world_settle(&w);
	CHECK_INT(w.n_out - before, 1);
	CHECK_INT(w.out[before].bytes[1] & 0x7f, 96);
	CHECK(info->is_live);
	(void)mic;

	/* mute: nothing flows; unmute: a key frame is asked for */
	CHECK_INT(model_ops.track_set_muted(w.model, cam, true, false), 0);
	before = w.n_out;
	world_rtp(&w, a.peer, bytes,
		  make_rtp(bytes, 96, 8, 6000, 0x2222, "4", 4, VP8_KEY "rest", 14));
	CHECK_INT(w.n_out, before);
	w.now_us += 5000000;
	CHECK_INT(model_ops.track_set_muted(w.model, cam, false, false), 0);
	CHECK_INT(w.n_out - before, 1);
	CHECK(w.out[before].is_rtcp && w.out[before].bytes[1] == RTCP_PSFB);
	CHECK_INT(model_ops.track_set_muted(w.model, cam, true, true), 0);
	world_settle(&w);
	CHECK_INT(heard.mutes, 1);

	/* unpublish: the section goes inactive, the others must offer again */
	heard.offers_needed = 0;
	CHECK_INT(offer(&a, HEAD "a=group:BUNDLE 0 1 2 3 4\r\n" AUDIO("0", "recvonly")
				    VIDEO("1", "recvonly") DATA("2")
					    AUDIO("3", "sendonly") "a=msid:- mic-cid\r\n" VIDEO(
						    "4", "inactive") "a=msid:- cam-cid\r\n"),
		  0);
	CHECK(section_has("4", "a=inactive"));
	CHECK(section_has("3", "a=recvonly"));
	CHECK_INT(heard.unpublished, 1);
	CHECK_INT(heard.offers_needed, 1);
	CHECK_INT(offer(&b, HEAD "a=group:BUNDLE 0 1 2\r\n" AUDIO("0", "recvonly")
				    VIDEO("1", "recvonly") DATA("2")),
		  0);
	CHECK(section_has("0", "a=sendonly"));
	CHECK(section_has("1", "a=inactive"));
	CHECK_INT(heard.answer->n_tracks, 1);

	CHECK_INT(model_ops.leave(w.model, a.id, STOA_LEAVE_CLIENT), 0);
	world_settle(&w);
	CHECK_INT(heard.left, 1);
	CHECK_INT(heard.left_why, STOA_LEAVE_CLIENT);
	CHECK_INT(model_ops.participant_get(w.model, a.id,
					    &(const struct stoa_participant_info *){ 0 }),
		  -ENOENT);
	CHECK_INT(model_ops.leave(w.model, b.id, STOA_LEAVE_CLIENT), 0);
	world_settle(&w);
}

static void open_room(const char *name)
{
	struct stoa_room_info want = { .size = sizeof(want), .name = name };

	memset(&heard, 0, sizeof(heard));
	CHECK_INT(model_ops.room_open(w.model, &want, &room), 0);
	world_settle(&w);
}

static void close_room(void)
{
	model_ops.room_close(w.model, room, STOA_LEAVE_ROOM_DELETED);
	world_settle(&w);
	answer_unref(stoa_take(heard.answer));
}

int main(void)
{
	stoa_test_begin();
	world_open(&w);
	CHECK_INT(model_ops.listen(w.model, NULL, &events, &heard), 0);
	open_room("lobby");
	CHECK_INT(heard.opened, 1);
	test_a_call();
	close_room();
	CHECK_INT(heard.closed, 1);
	world_close(&w);
	stoa_test_end();
	return check_done();
}
