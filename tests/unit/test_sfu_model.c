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

static int join_as(const char *identity, struct stoa_permission permission, struct client *ret_c)
{
	struct stoa_participant_info want = { .size = sizeof(want),
					      .identity = identity,
					      .auto_subscribe = true,
					      .permission = permission };
	int err = model_ops.join(w.model, room, &want, &ret_c->id);

	if (err == 0)
		CHECK_INT(model_ops.transport_open(w.model, ret_c->id, &ret_c->transport), 0);
	world_settle(&w);
	return err;
}

/* A publisher (mic "m" in mid 0, camera "c" in mid 1) that is connected. */
static struct client publisher(const char *identity, const char *mime)
{
	struct client c = join(identity);

	announce(&c, "m", STOA_AUDIO, "");
	announce(&c, "c", STOA_VIDEO, mime);
	CHECK_INT(offer(&c,
			HEAD "a=group:BUNDLE 0 1\r\n" AUDIO("0", "sendonly") "a=msid:- m\r\n" VIDEO(
				"1", "sendonly") "a=msid:- c\r\n"),
		  0);
	connect_peer(&c);
	return c;
}

static void test_the_first_answer_may_send(void)
{
	struct client a = publisher("alice", "video/VP8"), b = join("bob");

	CHECK_INT(offer(&b, HEAD "a=group:BUNDLE 0 1 2\r\n" AUDIO("0", "recvonly")
				    VIDEO("1", "recvonly") DATA("2")),
		  0);
	CHECK(section_has("0", "a=sendonly"));
	CHECK(section_has("1", "a=sendonly"));
	CHECK_INT(heard.offers_needed, 0);
	(void)a;
}

static void test_sections_that_are_missing(void)
{
	struct client a = publisher("alice", "video/VP8"), c = publisher("carol", "video/VP8");
	struct client b = join("bob");

	heard.offers_needed = 0;
	CHECK_INT(offer(&b, HEAD "a=group:BUNDLE 0\r\n" AUDIO("0", "recvonly")), 0);
	CHECK_INT(heard.offers_needed, 1);
	CHECK_INT(heard.audios, 1);
	CHECK_INT(heard.videos, 2);
	w.now_us += 1000000; /* an offer that was under way without them: not asked twice at once */
	CHECK_INT(offer(&b, HEAD "a=group:BUNDLE 0 1 2 3\r\n" AUDIO("0", "recvonly") AUDIO(
				    "1", "recvonly") VIDEO("2", "recvonly") VIDEO("3", "recvonly")),
		  0);
	CHECK_INT(heard.answer->n_tracks, 4);
	CHECK_INT(heard.offers_needed, 1);
	/* one publisher goes: ask once more, nothing new needed */
	CHECK_INT(model_ops.leave(w.model, a.id, STOA_LEAVE_CLIENT), 0);
	world_settle(&w);
	CHECK(heard.offers_needed >= 2);
	CHECK_INT(heard.audios, 0);
	CHECK_INT(offer(&b, HEAD "a=group:BUNDLE 0 1 2 3\r\n" AUDIO("0", "recvonly") AUDIO(
				    "1", "recvonly") VIDEO("2", "recvonly") VIDEO("3", "recvonly")),
		  0);
	CHECK_INT(heard.answer->n_tracks, 2);
	(void)c;
}

static void test_asked_again_when_nothing_comes(void)
{
	struct client a, b = join("bob");

	CHECK_INT(offer(&b, HEAD "a=group:BUNDLE 0\r\n" AUDIO("0", "recvonly")), 0);
	a = publisher("alice", "video/VP8");
	CHECK_INT(heard.offers_needed, 1);
	CHECK_INT(heard.videos, 1);
	for (int i = 0; i < 4; i++) {
		w.now_us += 1000000;
		model_tick(w.model);
		world_settle(&w);
	}
	CHECK_INT(heard.offers_needed, 2);
	CHECK_INT(heard.videos, 1);
	(void)a;
}

static void test_firefox_msid_is_not_the_cid(void)
{
	struct client a = join("alice");
	stoa_track_id first = announce(&a, "x1", STOA_VIDEO, "video/VP8");
	stoa_track_id second = announce(&a, "x2", STOA_VIDEO, "video/VP8");
	const struct stoa_track_info *info;

	CHECK_INT(offer(&a, HEAD
			"a=group:BUNDLE 0 1\r\n" VIDEO("0", "sendonly") "a=msid:{s} {u1}\r\n" VIDEO(
				"1", "sendonly") "a=msid:{s} {u2}\r\n"),
		  0);
	CHECK_INT(model_ops.track_get(w.model, first, &info), 0);
	CHECK_STR(info->mid, "0");
	CHECK_INT(model_ops.track_get(w.model, second, &info), 0);
	CHECK_STR(info->mid, "1");
	/* Taken away by the server; the client still offers its section when the next is announced. */
	CHECK_INT(model_ops.track_unpublish(w.model, first), 0);
	first = announce(&a, "x3", STOA_VIDEO, "video/VP8");
	CHECK_INT(
		offer(&a, HEAD
		      "a=group:BUNDLE 0 1 2\r\n" VIDEO("0", "sendonly") "a=msid:{s} {u1}\r\n" VIDEO(
			      "1", "sendonly") "a=msid:{s} {u2}\r\n" VIDEO("2",
									   "sendonly") "a=msid:{s} "
										       "{u3}\r\n"),
		0);
	CHECK(section_has("0", "a=inactive"));
	CHECK_INT(model_ops.track_get(w.model, first, &info), 0);
	CHECK_STR(info->mid, "2");
}

static void test_who_speaks_is_known(void)
{
	struct client a = join("alice");
	struct notice n = { .type = NOTICE_SPEAKERS, .id = room, .n = 2 };
	const struct stoa_participant_info *info;

	n.who[0] = (struct notice_speaker){ a.id, 0.25f };
	n.who[1] = (struct notice_speaker){ 999999, 0.25f }; /* has left meanwhile */
	model_notice(w.model, &n);
	model_flush(w.model);
	CHECK_INT(heard.speakers, 1);
	CHECK_INT(model_ops.participant_get(w.model, a.id, &info), 0);
	CHECK(info->audio_level == 0.25f);
	n.who[0].level = 0;
	model_notice(w.model, &n);
	CHECK_INT(model_ops.participant_get(w.model, a.id, &info), 0);
	CHECK(info->audio_level == 0);
}

static void test_simulcast_is_echoed(void)
{
	struct client a = join("alice");
	stoa_track_id t = announce(&a, "c", STOA_VIDEO, "video/VP8");
	const struct stoa_track_info *info;
	struct source *s;

	CHECK_INT(offer(&a, HEAD "a=group:BUNDLE 0\r\n" VIDEO(
				    "0", "sendonly") "a=msid:- c\r\na=rid:f send\r\na=rid:q "
						     "send\r\na=rid:h send\r\n"
						     "a=simulcast:send f;q;h\r\n"),
		  0);
	CHECK(section_has("0", "a=rid:q recv\r\n") && section_has("0", "a=rid:f recv\r\n"));
	CHECK(section_has("0", "a=simulcast:recv f;q;h\r\n"));
	CHECK_INT(model_ops.track_get(w.model, t, &info), 0);
	CHECK(info->simulcast);
	CHECK_INT(info->n_layers, 3);
	CHECK_STR(info->layers[0].rid, "q"); /* lowest first, whatever the offer's order */
	CHECK_STR(info->layers[2].rid, "f");
	s = STOA_CONTAINER(w.engine->sources.next, struct source, in_engine);
	CHECK_INT(s->set.n_layers, 3);
	CHECK_STR(a.peer->sections->s[0].rids[0], "q");
}

/* Offers these rids and yields them as the model and the worker order them, "q h f". */
static const char *order_of_rids(const char *rids, const char *ssrcs, struct client *a)
{
	static char text[64];
	const struct stoa_track_info *info;
	const struct section *section;
	char sdp[2048];
	stoa_track_id t;

	*a = join("alice");
	t = announce(a, "c", STOA_VIDEO, "video/VP8");
	snprintf(sdp, sizeof(sdp),
		 HEAD "a=group:BUNDLE 0\r\n" VIDEO("0", "sendonly") "a=msid:- "
								    "c\r\n%sa=simulcast:send "
								    "%s\r\n",
		 ssrcs, rids);
	CHECK_INT(offer(a, sdp), 0);
	CHECK_INT(model_ops.track_get(w.model, t, &info), 0);
	text[0] = '\0';
	section = &a->peer->sections->s[0];
	for (uint32_t i = 0; i < info->n_layers; i++) {
		CHECK_STR(info->layers[i].rid, section->rids[i]);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 info->layers[i].rid);
	}
	return text;
}

static void test_rids_are_ordered_by_quality(void)
{
	static const struct {
		const char *offered, *lowest_first;
	} cases[] = {
		{ "f;h;q", "q h f" },         { "h;q", "q h" },
		{ "0;1;2", "2 1 0" },         { "0;1", "1 0" },
		{ "r0;r1", "r0 r1" },         { "h;m;l", "l m h" },
		{ "big;small", "small big" }, /* the first is preferred */
		{ "q;h;x", "x h q" },         { "a;b;c;d", "c b a" },
	};
	const struct section *s;
	struct client a;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(cases); i++)
		CHECK_STR(order_of_rids(cases[i].offered, "", &a), cases[i].lowest_first);
	order_of_rids("0;1;2", "a=ssrc:10 cname:x\r\na=ssrc:11 cname:x\r\na=ssrc:12 cname:x\r\n",
		      &a);
	s = &a.peer->sections->s[0];
	CHECK_INT(s->n_ssrcs, 3);
	for (uint32_t i = 0; i < s->n_ssrcs; i++)
		CHECK_INT(s->ssrcs[i].layer,
			  12 - s->ssrcs[i].ssrc); /* 10 is the first rid's: full */
}

static void test_h264_and_a_client_without_it(void)
{
	struct client a = publisher("alice", "video/h264"), b = join("bob"), c = join("carol");
	struct stoa_buf text = { .p = NULL };

	CHECK(strstr(heard.text, "m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n") != NULL);
	CHECK_INT(offer(&b, HEAD "a=group:BUNDLE 0 1\r\n" AUDIO("0", "recvonly")
				    VIDEO("1", "recvonly")),
		  0);
	CHECK(section_has("1", "m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n"));
	CHECK_INT(heard.failed, 0);
	stoa_buf_adds(
		&text,
		HEAD "a=group:BUNDLE 0 1\r\n" AUDIO(
			"0",
			"recvonly") "m=video 9 UDP/TLS/RTP/SAVPF 120\r\na=mid:1\r\na=recvonly\r\n"
				    "a=rtpmap:120 VP8/90000\r\n");
	stoa_buf_add(&text, "", 1);
	CHECK_INT(offer(&c, text.p), 0);
	CHECK(section_has("0", "a=sendonly"));
	CHECK(section_has("1", "a=inactive"));
	CHECK_INT(heard.failed, 1); /* told once, not at every offer */
	CHECK_INT(offer(&c, text.p), 0);
	CHECK_INT(heard.failed, 1);
	CHECK_INT(heard.answer->n_tracks, 1);
	stoa_buf_free(&text);
	(void)a;
}

static void test_opus_parameters(void)
{
	struct client a = join("alice");
	struct stoa_track_info want = { .size = sizeof(want),
					.cid = "m",
					.kind = STOA_AUDIO,
					.source = STOA_SOURCE_MICROPHONE,
					.stereo = true,
					.disable_dtx = true };
	stoa_track_id t;

	CHECK_INT(model_ops.track_announce(w.model, a.id, &want, &t), 0);
	CHECK_INT(offer(&a, HEAD AUDIO("0", "sendonly") "a=msid:- m\r\n"),
		  0); /* alone, no BUNDLE */
	CHECK(section_has("0", "useinbandfec=1;stereo=1;maxaveragebitrate=510000\r\n"));
	CHECK(!section_has("0", "usedtx"));
	CHECK(strstr(heard.text, "a=group:BUNDLE") == NULL);
}

static void test_ice_restart(void)
{
	static const char other[] =
		"v=0\r\na=group:BUNDLE 0\r\na=ice-ufrag:wxyz\r\n"
		"a=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 "
		"01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:"
		"16:17:18:19:1A:1B:1C:1D:1E:1F:20\r\n" AUDIO("0", "recvonly");
	struct client a = join("alice");
	char former[64], *at;

	CHECK_INT(offer(&a, HEAD "a=group:BUNDLE 0\r\n" AUDIO("0", "recvonly")), 0);
	at = strstr(heard.text, "a=ice-ufrag:");
	snprintf(former, sizeof(former), "%.20s", at);
	CHECK_INT(offer(&a, HEAD "a=group:BUNDLE 0\r\n" AUDIO("0", "recvonly")), 0);
	CHECK(strstr(heard.text, former) != NULL); /* nothing changed */
	CHECK_INT(offer(&a, other), 0);
	CHECK(strstr(heard.text, former) == NULL);
	CHECK(strstr(heard.text, "a=ice-ufrag:") != NULL);
}

static void test_offers_that_break_rules(void)
{
	static const char *const bad[] = {
		"v=0\r\n" AUDIO("0", "recvonly"),                   /* no credentials */
		HEAD AUDIO("0", "recvonly") VIDEO("1", "recvonly"), /* not bundled */
		HEAD "a=group:BUNDLE 0 0\r\n" AUDIO("0", "recvonly") VIDEO("0", "recvonly"),
		HEAD "a=group:BUNDLE 0\r\n" AUDIO("12345678901234567", "recvonly"),
		HEAD "a=fingerprint:md5 00\r\na=group:BUNDLE 0\r\n"
		     "m=audio 9 U 111\r\na=mid:0\r\na=fingerprint:md5 00\r\n",
	};
	struct client a = join("alice");
	struct stoa_sdp *sdp;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad) - 1; i++)
		CHECK_INT(offer(&a, bad[i]), -EPROTO);
	CHECK_INT(w.engine->n_peers, 0); /* and nothing was done */
	CHECK_INT(offer(&a, HEAD "a=group:BUNDLE 0 1\r\n" AUDIO("0", "recvonly")
				    VIDEO("1", "recvonly")),
		  0);
	CHECK_INT(offer(&a, HEAD "a=group:BUNDLE 0\r\n" AUDIO("0", "recvonly")),
		  -EPROTO); /* lost one */
	CHECK_INT(model_ops.sdp_parse(w.model, stoa_str(HEAD AUDIO("0", "recvonly")), &sdp), 0);
	CHECK_INT(model_ops.transport_offer(w.model, 99999, sdp, on_answer, &heard), -ENOENT);
	CHECK_INT(
		model_ops.transport_candidate(w.model, a.transport, stoa_str("candidate:1 1 udp")),
		0);
	CHECK_INT(model_ops.transport_candidate(w.model, a.transport, stoa_str("")), 0);
	CHECK_INT(model_ops.transport_candidate(w.model, a.transport, stoa_str("<html>")), -EINVAL);
}

static void test_closed_before_the_answer(void)
{
	struct client a = join("alice");
	struct stoa_sdp *sdp;

	CHECK_INT(model_ops.sdp_parse(w.model, stoa_str(HEAD AUDIO("0", "recvonly")), &sdp), 0);
	CHECK_INT(model_ops.transport_offer(w.model, a.transport, sdp, on_answer, &heard), 0);
	CHECK_INT(model_ops.transport_close(w.model, a.transport), 0);
	world_settle(&w);
	CHECK_INT(heard.answers, 1);
	CHECK_INT(heard.answer_err, -ECANCELED);
	CHECK(heard.answer == NULL);
}

static void test_a_recycled_section(void)
{
	struct client a = publisher("alice", "video/VP8");
	stoa_track_id t;

	CHECK_INT(heard.unpublished, 0);
	/* the transceiver of mid 1 was stopped and its place taken by a new one */
	t = announce(&a, "c2", STOA_VIDEO, "video/VP8");
	CHECK_INT(offer(&a,
			HEAD "a=group:BUNDLE 0 7\r\n" AUDIO("0", "sendonly") "a=msid:- m\r\n" VIDEO(
				"7", "sendonly") "a=msid:- c2\r\n"),
		  0);
	CHECK_INT(heard.unpublished, 1);
	CHECK(section_has("7", "a=recvonly"));
	(void)t;
}

static void test_a_refused_section(void)
{
	struct client a = publisher("alice", "video/VP8");

	CHECK_INT(offer(&a, HEAD "a=group:BUNDLE 0\r\n" AUDIO(
				    "0", "sendonly") "a=msid:- m\r\n"
						     "m=video 0 UDP/TLS/RTP/SAVPF "
						     "96\r\na=mid:1\r\na=inactive\r\n"),
		  0);
	CHECK_INT(heard.unpublished, 1);
	CHECK(section_has("1", "m=video 0 "));
	CHECK(strstr(heard.text, "a=group:BUNDLE 0\r\n") != NULL);
}

static void test_duplicate_identity(void)
{
	struct client a = publisher("alice", "video/VP8"), b;

	heard.left = 0;
	b = join("alice");
	CHECK_INT(heard.left, 1);
	CHECK_INT(heard.left_id, a.id);
	CHECK_INT(heard.left_why, STOA_LEAVE_DUPLICATE_IDENTITY);
	CHECK_INT(heard.unpublished, 2);
	CHECK_INT(model_ops.leave(w.model, a.id, STOA_LEAVE_CLIENT), -ENOENT);
	CHECK(b.id > a.id);
	CHECK(stoa_list_empty(&w.engine->sources));
}

static void test_permissions(void)
{
	struct stoa_permission listener = { .can_subscribe = true };
	struct stoa_permission mic_only = { .can_publish = true,
					    .publish_sources = 1u << STOA_SOURCE_MICROPHONE };
	struct stoa_track_info want = { .cid = "c",
					.kind = STOA_VIDEO,
					.source = STOA_SOURCE_CAMERA };
	const struct stoa_participant_info *info;
	struct stoa_participant_info change;
	struct client a = publisher("alice", "video/VP8"), b, c;
	stoa_track_id t;

	CHECK_INT(join_as("bob", listener, &b), 0);
	CHECK_INT(model_ops.track_announce(w.model, b.id, &want, &t), -EACCES);
	CHECK_INT(join_as("carol", mic_only, &c), 0);
	CHECK_INT(model_ops.track_announce(w.model, c.id, &want, &t), -EACCES);
	CHECK_INT(model_ops.track_next(w.model, a.id, 0, &t), 0);
	CHECK_INT(model_ops.subscribe(w.model, c.id, t, true), -EACCES);
	CHECK_INT(model_ops.subscribe(w.model, b.id, t, true), 0); /* is already: idempotent */
	CHECK_INT(model_ops.subscribe(w.model, a.id, t, true), -EINVAL); /* one's own */
	/* revoked: the tracks go */
	heard.unpublished = 0;
	CHECK_INT(model_ops.participant_get(w.model, a.id, &info), 0);
	change = *info;
	change.permission.can_publish = false;
	change.name = "Alice";
	CHECK_INT(model_ops.participant_update(w.model, &change), 0);
	world_settle(&w);
	CHECK_INT(heard.unpublished, 2);
	CHECK_INT(model_ops.participant_get(w.model, a.id, &info), 0);
	CHECK_STR(info->name, "Alice");
	CHECK(!info->is_publisher);
}

static void test_subscribing_and_not(void)
{
	struct client a = publisher("alice", "video/VP8"), b = join("bob");
	struct stoa_track_settings small = { .size = sizeof(small), .width = 320, .height = 180 };
	stoa_track_id mic, cam;
	uint8_t bytes[1500];
	struct downtrack *d;

	CHECK_INT(model_ops.track_next(w.model, a.id, 0, &mic), 0);
	CHECK_INT(model_ops.track_next(w.model, a.id, mic, &cam), 0);
	CHECK_INT(model_ops.track_next(w.model, a.id, cam, &cam), -ENOENT);
	CHECK_INT(model_ops.set_track_settings(w.model, b.id, cam, &small),
		  0); /* before any section */
	CHECK_INT(offer(&b, HEAD "a=group:BUNDLE 0 1\r\n" AUDIO("0", "recvonly")
				    VIDEO("1", "recvonly")),
		  0);
	connect_peer(&b);
	CHECK_INT(b.peer->n_downtracks, 2);
	heard.offers_needed = 0;
	CHECK_INT(model_ops.subscribe(w.model, b.id, mic, false), 0);
	world_settle(&w);
	CHECK_INT(b.peer->n_downtracks, 1);
	CHECK_INT(heard.offers_needed, 1);
	d = STOA_CONTAINER(b.peer->downtracks.next, struct downtrack, in_peer);
	small.disabled = true;
	CHECK_INT(model_ops.set_track_settings(w.model, b.id, cam, &small), 0);
	CHECK(d->is_paused);
	w.n_out = 0;
	world_rtp(&w, a.peer, bytes, make_rtp(bytes, 96, 7, 3000, 0x2222, "1", 4, VP8_KEY "x", 11));
	CHECK_INT(w.n_out, 0);
	CHECK_INT(model_ops.subscribe(w.model, b.id, mic, true), 0);
	CHECK_INT(offer(&b, HEAD "a=group:BUNDLE 0 1\r\n" AUDIO("0", "recvonly")
				    VIDEO("1", "recvonly")),
		  0);
	CHECK(section_has("0", "a=sendonly"));
	CHECK_INT(b.peer->n_downtracks, 2);
}

static void test_limits_of_rooms(void)
{
	struct model_settings set = { .max_rooms = 2 };
	struct stoa_room_info want = { .size = sizeof(want),
				       .name = "small",
				       .max_participants = 1 };
	struct stoa_permission hidden = { .hidden = true };
	stoa_room_id lobby = room, other, third;
	struct client a, b;
	char long_name[300];

	model_configure(w.model, &set);
	CHECK_INT(model_ops.room_open(w.model, &want, &other), 0);
	want.name = "third";
	CHECK_INT(model_ops.room_open(w.model, &want, &third), -EMFILE);
	want.name = "";
	CHECK_INT(model_ops.room_open(w.model, &want, &third), -EINVAL);
	memset(long_name, 'x', sizeof(long_name));
	long_name[256] = '\0';
	want.name = long_name;
	CHECK_INT(model_ops.room_open(w.model, &want, &third), -EINVAL);
	want.name = "small";
	CHECK_INT(model_ops.room_open(w.model, &want, &third), 0); /* there already */
	CHECK_INT(third, other);
	room = other;
	a = join("alice");
	CHECK_INT(join_as("bob", (struct stoa_permission){ .can_publish = true }, &b), -EUSERS);
	CHECK_INT(join_as("recorder", hidden, &b), 0); /* does not count */
	a = join("alice");                             /* replaces, though the room is full */
	CHECK_INT(join_as("", hidden, &b), -EINVAL);
	CHECK_INT(join_as("\xff", hidden, &b), -EINVAL);
	model_ops.room_close(w.model, other, STOA_LEAVE_ROOM_DELETED);
	world_settle(&w);
	room = lobby;
	set.max_rooms = 0;
	model_configure(w.model, &set);
	(void)a;
}

static void run_for(uint64_t ms)
{
	for (; ms; ms -= 1000) {
		w.now_us += 1000000;
		model_tick(w.model);
		world_settle(&w);
	}
}

static void test_rooms_that_nobody_needs(void)
{
	struct stoa_room_info want = { .size = sizeof(want),
				       .name = "brief",
				       .empty_timeout_s = 10,
				       .departure_timeout_s = 3 };
	stoa_room_id lobby = room, id;
	struct client a;

	CHECK_INT(model_ops.room_open(w.model, &want, &room), 0);
	run_for(9000);
	CHECK_INT(model_ops.room_find(w.model, "brief", &id), 0);
	run_for(2000);
	CHECK_INT(model_ops.room_find(w.model, "brief", &id), -ENOENT);
	CHECK_INT(heard.closed_why, STOA_LEAVE_ROOM_CLOSED);
	CHECK_INT(model_ops.room_open(w.model, &want, &room), 0);
	a = join("alice");
	run_for(20000);
	CHECK_INT(model_ops.room_find(w.model, "brief", &id), 0); /* somebody is in */
	model_ops.leave(w.model, a.id, STOA_LEAVE_CLIENT);
	run_for(2000);
	CHECK_INT(model_ops.room_find(w.model, "brief", &id), 0);
	run_for(2000);
	CHECK_INT(model_ops.room_find(w.model, "brief", &id), -ENOENT);
	room = lobby;
}

static void test_a_transport_that_never_connects(void)
{
	struct client a = join("alice"), b = publisher("bob", "video/VP8");

	CHECK_INT(offer(&a, HEAD "a=group:BUNDLE 0\r\n" AUDIO("0", "recvonly")), 0);
	heard.left = 0;
	run_for(59000);
	CHECK_INT(heard.left, 0);
	run_for(2000);
	CHECK_INT(heard.left, 1);
	CHECK_INT(heard.left_id, a.id);
	CHECK_INT(heard.left_why, STOA_LEAVE_JOIN_FAILURE);
	engine_peer_lost(w.engine, b.peer, PEER_LOSS_ICE_TIMEOUT, w.now_us);
	world_settle(&w);
	run_for(61000);
	CHECK_INT(heard.left, 2);
	CHECK_INT(heard.left_why, STOA_LEAVE_CONNECTION_TIMEOUT);
}

static void test_draining(void)
{
	struct stoa_room_info want = { .size = sizeof(want), .name = "late" };
	struct stoa_permission any = { .can_publish = true };
	struct client a = join("alice"), b;
	stoa_room_id id;

	model_drain(w.model);
	CHECK(!model_is_idle(w.model));
	CHECK_INT(model_ops.room_open(w.model, &want, &id), -ESHUTDOWN);
	CHECK_INT(join_as("bob", any, &b), -ESHUTDOWN);
	model_ops.leave(w.model, a.id, STOA_LEAVE_CLIENT);
	CHECK(model_is_idle(w.model));
	w.model->is_draining = false;
}

static void test_walks(void)
{
	stoa_participant_id p = 0;
	stoa_room_id r = 0;
	int people = 0, rooms = 0;

	join("a");
	join("b");
	join("c");
	while (model_ops.participant_next(w.model, room, p, &p) == 0) {
		if (++people == 2)
			model_ops.leave(w.model, p, STOA_LEAVE_CLIENT); /* under one's feet */
	}
	CHECK_INT(people, 3);
	while (model_ops.room_next(w.model, r, &r) == 0)
		rooms++;
	CHECK_INT(rooms, 1);
	CHECK_INT(model_ops.participant_find(w.model, room, "c", &p), 0);
	CHECK_INT(model_ops.participant_find(w.model, room, "b", &p), -ENOENT);
	CHECK_INT(model_ops.participant_find(w.model, 12345678, "b", &p), -ENOENT);
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

static void run(void (*test)(void))
{
	open_room("lobby");
	CHECK_INT(heard.opened, 1);
	test();
	close_room();
	CHECK(heard.closed >= 1);
	CHECK_INT(stoa_map_len(w.model->objects), 0);
	CHECK_INT(w.engine->n_peers, 0);
	CHECK_INT(packet_pool_used(w.pool), 0);
	w.n_out = w.n_peers = 0;
}

int main(void)
{
	stoa_test_begin();
	world_open(&w);
	CHECK_INT(model_ops.listen(w.model, NULL, &events, &heard), 0);
	run(test_a_call);
	run(test_the_first_answer_may_send);
	run(test_sections_that_are_missing);
	run(test_asked_again_when_nothing_comes);
	run(test_firefox_msid_is_not_the_cid);
	run(test_who_speaks_is_known);
	run(test_simulcast_is_echoed);
	run(test_rids_are_ordered_by_quality);
	run(test_h264_and_a_client_without_it);
	run(test_opus_parameters);
	run(test_ice_restart);
	run(test_offers_that_break_rules);
	run(test_closed_before_the_answer);
	run(test_a_recycled_section);
	run(test_a_refused_section);
	run(test_duplicate_identity);
	run(test_permissions);
	run(test_subscribing_and_not);
	run(test_limits_of_rooms);
	run(test_rooms_that_nobody_needs);
	run(test_a_transport_that_never_connects);
	run(test_draining);
	run(test_walks);
	world_close(&w);
	stoa_test_end();
	return check_done();
}
