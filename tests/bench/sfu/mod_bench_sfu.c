/* SPDX-License-Identifier: Apache-2.0 */
/* mod_bench_sfu: signalling for benchmarks, never installed. Opens one room through the `sfu`
 * interface with one publisher and many subscribers, whose offers it makes up itself, and writes
 * every answer to a file. What happens afterwards is the media plane's work alone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/iface/sfu.h>
#include <stoa/log.h>
#include <stoa/module.h>
#include <stoa/util.h>

static const struct stoa_opt bench_options[] = {
	{ .key = "subscribers",
	  .type = STOA_OPT_INT,
	  .dflt = "1",
	  .min = 1,
	  .max = 4000,
	  .doc = "How many subscribers join." },
	{ .key = "kind",
	  .type = STOA_OPT_STRING,
	  .dflt = "video",
	  .doc = "What is published: audio or video." },
	{ .key = "fingerprint",
	  .type = STOA_OPT_STRING,
	  .dflt = "",
	  .doc = "SHA-256 of the clients' certificate, as in a description." },
	{ .key = "answers",
	  .type = STOA_OPT_PATH,
	  .dflt = "answers",
	  .doc = "The file that gets the answers." },
	STOA_OPT_END
};

struct bench {
	struct stoa_mod *mod;
	struct stoa_sfu sfu;
	const char *fingerprint, *path;
	bool is_video;
	uint32_t wanted, made; /* answers */
	stoa_room_id room;
	struct stoa_buf out;
};

static const char audio_section[] =
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"
	"a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"
	"a=fmtp:111 minptime=10;useinbandfec=1\r\n"
	"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
static const char video_section[] =
	"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"
	"a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 nack\r\n"
	"a=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\na=rtpmap:97 rtx/90000\r\n"
	"a=fmtp:97 apt=96\r\n";
static const char shared_lines[] =
	"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
	"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
	"a=mid:0\r\na=ice-ufrag:them\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n";

static void make_offer(const struct bench *b, bool is_publisher, struct stoa_buf *out)
{
	stoa_buf_adds(out, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
			   "a=group:BUNDLE 0\r\na=extmap-allow-mixed\r\n");
	stoa_buf_adds(out, b->is_video ? video_section : audio_section);
	stoa_buf_adds(out, shared_lines);
	stoa_buf_addf(out, "a=fingerprint:%s\r\n", b->fingerprint);
	stoa_buf_adds(out, is_publisher ? "a=sendonly\r\na=msid:- cid\r\n" : "a=recvonly\r\n");
}

static void write_answers(struct bench *b)
{
	char tmp[4096];
	FILE *f;

	snprintf(tmp, sizeof(tmp), "%s.new", b->path);
	f = fopen(tmp, "w");
	if (!f || fwrite(b->out.p, 1, b->out.n, f) != b->out.n || fclose(f) || rename(tmp, b->path))
		stoa_log(b->mod, STOA_LOG_ERROR, "cannot write %s: %s", b->path, strerror(errno));
}

static int join_next(struct bench *b);

static void on_answer(int err, struct stoa_answer *answer, void *user)
{
	struct bench *b = user;

	if (!err) {
		err = stoa_sfu_answer_render(&b->sfu, answer, &b->out);
		stoa_sfu_answer_unref(&b->sfu, answer);
	}
	stoa_buf_adds(&b->out, "end of answer\r\n");
	if (!err && ++b->made < b->wanted)
		err = join_next(b);
	if (err)
		stoa_log(b->mod, STOA_LOG_ERROR, "client %u: %s", b->made, strerror(-err));
	else if (b->made == b->wanted)
		write_answers(b);
}

static int announce(struct bench *b, stoa_participant_id p)
{
	struct stoa_track_info t = {
		.size = sizeof(t),
		.cid = "cid",
		.name = "bench",
		.mime = b->is_video ? "video/VP8" : "",
		.kind = b->is_video ? STOA_VIDEO : STOA_AUDIO,
		.source = b->is_video ? STOA_SOURCE_CAMERA : STOA_SOURCE_MICROPHONE,
	};
	stoa_track_id id;

	return stoa_sfu_track_announce(&b->sfu, p, &t, &id);
}

static int join_next(struct bench *b)
{
	char name[32];
	struct stoa_participant_info want = {
		.size = sizeof(want),
		.identity = name,
		.name = name,
		.metadata = "",
		.permission = { .can_subscribe = true, .can_publish = true },
		.auto_subscribe = b->made > 0,
	};
	struct stoa_buf text = { 0 };
	stoa_participant_id p;
	stoa_transport_id t;
	struct stoa_sdp *sdp;
	int err;

	snprintf(name, sizeof(name), "client-%u", b->made);
	if ((err = stoa_sfu_join(&b->sfu, b->room, &want, &p)) ||
	    (b->made == 0 && (err = announce(b, p))) ||
	    (err = stoa_sfu_transport_open(&b->sfu, p, &t)))
		return err;
	make_offer(b, b->made == 0, &text);
	err = stoa_sfu_sdp_parse(&b->sfu, stoa_strn(text.p, text.n), &sdp);
	stoa_buf_free(&text);
	return err ? err : stoa_sfu_transport_offer(&b->sfu, t, sdp, on_answer, b);
}

static int bench_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct stoa_room_info room = { .size = sizeof(room), .name = "bench", .metadata = "" };
	struct bench *b = stoa_mod_ctx(m);
	int err;

	b->mod = m;
	b->fingerprint = stoa_conf_string(c, "fingerprint");
	b->path = stoa_conf_string(c, "answers");
	b->is_video = strcmp(stoa_conf_string(c, "kind"), "video") == 0;
	b->wanted = 1 + (uint32_t)stoa_conf_int(c, "subscribers");
	if ((err = stoa_sfu_bind(m, &b->sfu)) ||
	    (err = stoa_sfu_room_open(&b->sfu, &room, &b->room)))
		return err;
	return join_next(b);
}

static void bench_unload(struct stoa_mod *m)
{
	struct bench *b = stoa_mod_ctx(m);

	stoa_buf_free(&b->out);
}

static const struct stoa_mod_ops bench_ops = {
	.size = sizeof(bench_ops),
	.start = bench_start,
	.unload = bench_unload,
};

STOA_MODULE(mod_bench_sfu, .version = "0.1.0", .summary = "Signalling for benchmarks.",
	    .needs = STOA_NAMES(STOA_SFU), .ctx_size = sizeof(struct bench),
	    .options = bench_options, .ops = &bench_ops);
