/* SPDX-License-Identifier: Apache-2.0 */
/* The forwarding core without a network: what goes in, and what comes out of it because of that.
 * Every test starts from an empty engine and a clock it moves itself. */
#include "check.h"
#include "sfu_world.h"
#include <errno.h>

static struct world w;

/* ---- making peers, sources, subscribers ---- */

enum { PT_OPUS = 111, PT_VP8 = 96, PT_RTX = 97, PT_H264 = 102 };
enum { ID_LEVEL = 1, ID_TWCC = 3, ID_MID = 4, ID_RID = 10, ID_RRID = 11 };

static struct stage *stage;

static void apply(struct command *c)
{
	world_post(&w, 0, c);
}

static void begin(void)
{
	struct command *c = command_new(COMMAND_STAGE_OPEN);

	world_open_engine(&w);
	stage = stage_new(77);
	c->stage = stage;
	apply(c);
}

static struct peer *add_peer(uint64_t id)
{
	struct command *c = command_new(COMMAND_PEER_OPEN);
	struct peer *p = peer_new(id, (uint32_t)(0x1000 + id));

	c->peer = p;
	apply(c);
	engine_peer_connected(w.engine, p, w.now_us);
	return p;
}

static struct source *add_source(struct peer *p, enum codec codec, uint8_t n_layers)
{
	static uint64_t last_track = 500;
	struct source_settings set = {
		.track = ++last_track,
		.participant = p->id + 1000,
		.codec = codec,
		.clock = codec == CODEC_OPUS ? 48000 : 90000,
		.n_layers = n_layers,
		.has_nack = codec != CODEC_OPUS,
		.has_pli = true,
	};
	struct command *c = command_new(COMMAND_SOURCE_ADD);
	struct source *s = source_new(&set, stage, p);

	c->source = s;
	apply(c);
	return s;
}

/* Sections of a publisher with one source in each. */
static void set_sections(struct peer *p, struct source **sources, uint32_t n)
{
	static const char *const rids[] = { "q", "h", "f" };
	struct command *c = command_new(COMMAND_SECTIONS);
	struct sections *all = sections_new(n);

	all->reduced_size = true;
	for (uint32_t i = 0; i < n; i++) {
		struct section *s = &all->s[i];
		uint8_t codec = (uint8_t)sources[i]->set.codec;

		s->mid[0] = (char)('0' + i);
		s->mid_len = 1;
		s->source = sources[i];
		s->pts[0] = (struct section_pt){ codec == CODEC_OPUS  ? PT_OPUS
						 : codec == CODEC_VP8 ? PT_VP8
								      : PT_H264,
						 codec, false, 0 };
		s->pts[1] = (struct section_pt){ PT_RTX, codec, true, s->pts[0].pt };
		s->n_pts = codec == CODEC_OPUS ? 1 : 2;
		s->ext_kinds[ID_LEVEL] = RTP_EXT_AUDIO_LEVEL;
		s->ext_kinds[ID_TWCC] = RTP_EXT_TRANSPORT_SEQ;
		s->ext_kinds[ID_MID] = RTP_EXT_MID;
		s->ext_kinds[ID_RID] = RTP_EXT_RID;
		s->ext_kinds[ID_RRID] = RTP_EXT_REPAIRED_RID;
		for (uint8_t k = 0; sources[i]->set.n_layers > 1 && k < 3; k++)
			memcpy(s->rids[s->n_rids++], rids[k], 2);
	}
	c->peer = p;
	c->sections = all;
	apply(c);
}

static struct downtrack *add_downtrack(struct source *s, struct peer *p, bool with_rtx)
{
	static uint32_t last_ssrc = 0xa0000000;
	struct downtrack_settings set = {
		.track = s->set.track,
		.ssrc = ++last_ssrc,
		.rtx_ssrc = with_rtx ? ++last_ssrc : 0,
		.first_seq = 999,
		.first_rtx_seq = 4999,
		.codec = s->set.codec,
		.clock = s->set.clock,
		.pt = 120,
		.rtx_pt = 121,
		.has_nack = true,
		.mid = "v",
		.mid_len = 1,
		.cname = "PA_1",
	};
	struct command *c = command_new(COMMAND_DOWNTRACK_ADD);
	struct downtrack *d;

	set.ext_ids[RTP_EXT_MID] = 9;
	set.ext_ids[RTP_EXT_AUDIO_LEVEL] = 8;
	d = downtrack_new(&set, s, p);
	c->downtrack = d;
	apply(c);
	return d;
}

static void finish(void)
{
	struct source *s, *next;
	struct command *c;

	for (uint32_t i = 0; i < w.n_peers; i++) {
		struct downtrack *d, *next_d;

		if (!w.peers[i])
			continue;
		stoa_list_for_each_safe (d, next_d, &w.peers[i]->downtracks, struct downtrack,
					 in_peer) {
			c = command_new(COMMAND_DOWNTRACK_REMOVE);
			c->downtrack = d;
			apply(c);
		}
	}
	stoa_list_for_each_safe (s, next, &w.engine->sources, struct source, in_engine) {
		c = command_new(COMMAND_SOURCE_REMOVE);
		c->source = s;
		apply(c);
	}
	for (uint32_t i = 0; i < w.n_peers; i++) {
		if (!w.peers[i])
			continue;
		c = command_new(COMMAND_PEER_CLOSE);
		c->peer = w.peers[i];
		apply(c);
	}
	c = command_new(COMMAND_STAGE_CLOSE);
	c->stage = stage;
	apply(c);
	CHECK_INT(packet_pool_used(w.pool), 0);
	world_close(&w);
}

/* ---- packets ---- */

struct make {
	uint8_t pt;
	uint16_t seq;
	uint32_t ts, ssrc;
	bool marker;
	const char *mid, *rid, *rrid;
	int twcc, level; /* -1: without; level also when 0 unless -1 */
	int osn;         /* RTX: original sequence number; -1: none */
	const char *payload;
	size_t n;
	uint8_t pad;
};

static size_t build(uint8_t *b, const struct make *m)
{
	struct rtp_header h = {
		.pt = m->pt, .seq = m->seq, .timestamp = m->ts, .ssrc = m->ssrc, .marker = m->marker
	};
	struct rtp_write_ext x[5];
	uint8_t twcc[2] = { (uint8_t)(m->twcc >> 8), (uint8_t)m->twcc }, level = (uint8_t)m->level;
	struct stoa_wcursor c = stoa_wcur(b, PACKET_ROOM);
	unsigned n = 0;

	if (m->mid)
		x[n++] = (struct rtp_write_ext){ ID_MID, (uint8_t)strlen(m->mid),
						 (const uint8_t *)m->mid };
	if (m->rid)
		x[n++] = (struct rtp_write_ext){ ID_RID, (uint8_t)strlen(m->rid),
						 (const uint8_t *)m->rid };
	if (m->rrid)
		x[n++] = (struct rtp_write_ext){ ID_RRID, (uint8_t)strlen(m->rrid),
						 (const uint8_t *)m->rrid };
	if (m->twcc >= 0)
		x[n++] = (struct rtp_write_ext){ ID_TWCC, 2, twcc };
	if (m->level >= 0)
		x[n++] = (struct rtp_write_ext){ ID_LEVEL, 1, &level };
	rtp_write(&c, &h, x, n);
	if (m->osn >= 0)
		stoa_wcur_be16(&c, (uint16_t)m->osn);
	stoa_wcur_bytes(&c, m->payload, m->n);
	if (m->pad) {
		b[0] |= 0x20;
		for (uint8_t i = 1; i < m->pad; i++)
			stoa_wcur_u8(&c, 0);
		stoa_wcur_u8(&c, m->pad);
	}
	return stoa_wcur_len(&c);
}

static const struct make blank = { .twcc = -1, .level = -1, .osn = -1, .marker = true };

static void feed(struct peer *p, const struct make *m)
{
	uint8_t b[PACKET_ROOM];

	world_rtp(&w, p, b, build(b, m));
}

/* A VP8 frame of one packet; its picture id and a byte of content say which one it is. */
static void feed_vp8(struct peer *p, uint32_t ssrc, const char *rid, uint16_t seq, uint32_t ts,
		     uint16_t pid, bool is_key)
{
	uint8_t payload[] = { 0x90,
			      0xe0,
			      (uint8_t)(0x80 | pid >> 8),
			      (uint8_t)pid,
			      (uint8_t)pid, /* TL0PICIDX */
			      0x20,
			      is_key ? 0x10 : 0x11,
			      (uint8_t)seq,
			      (uint8_t)(seq >> 8) };
	struct make m = blank;

	m.pt = PT_VP8;
	m.seq = seq;
	m.ts = ts;
	m.ssrc = ssrc;
	m.mid = "0";
	m.rid = rid;
	m.payload = (const char *)payload;
	m.n = sizeof(payload);
	feed(p, &m);
}

static void feed_opus(struct peer *p, uint32_t ssrc, uint16_t seq, uint32_t ts)
{
	struct make m = blank;

	m.pt = PT_OPUS;
	m.seq = seq;
	m.ts = ts;
	m.ssrc = ssrc;
	m.mid = "0";
	m.payload = "\x78opus";
	m.n = 5;
	feed(p, &m);
}

/* ---- what came out ---- */

struct seen {
	struct rtp_header h;
	struct packet_vp8 vp8;
	uint8_t flags;
	uint16_t osn;
	uint16_t in_seq; /* the mark that feed_vp8() left in the payload */
};

static struct seen look(const struct world_out *o, bool is_rtx)
{
	struct seen s = { .flags = 0 };
	const uint8_t *payload;
	size_t n;

	CHECK(!o->is_rtcp);
	CHECK_INT(rtp_parse(o->bytes, o->n, &s.h), 0);
	payload = o->bytes + s.h.payload_off;
	n = s.h.payload_len;
	if (is_rtx) {
		s.osn = (uint16_t)(payload[0] << 8 | payload[1]);
		payload += 2;
		n -= 2;
	}
	if (n && s.h.pt >= 120 && vp8_parse(payload, n, &s.vp8, &s.flags) == 0 &&
	    n >= s.vp8.desc_len + 3u)
		s.in_seq =
			(uint16_t)(payload[s.vp8.desc_len + 1] | payload[s.vp8.desc_len + 2] << 8);
	return s;
}

/* The next RTCP packet of a type and format since *at; NULL when there is none. */
static const struct world_out *next_rtcp(uint32_t *at, uint8_t type, uint8_t count,
					 struct rtcp_packet *ret_p)
{
	for (; *at < w.n_out; (*at)++) {
		const struct world_out *o = &w.out[*at];
		struct stoa_cursor c = stoa_cur(o->bytes, o->n);

		while (o->is_rtcp && rtcp_next(&c, ret_p) > 0) {
			if (ret_p->type == type && (ret_p->count == count || type < RTCP_RTPFB)) {
				(*at)++;
				return o;
			}
		}
	}
	return NULL;
}

static unsigned count_plis(uint32_t from, uint32_t ssrc)
{
	struct rtcp_packet p;
	struct rtcp_feedback fb;
	unsigned n = 0;

	while (next_rtcp(&from, RTCP_PSFB, PSFB_PLI, &p))
		n += rtcp_read_feedback(&p.body, &fb) == 0 && fb.media_ssrc == ssrc;
	return n;
}

static uint16_t nacked[256];
static unsigned n_nacked;

static void on_nacked(uint16_t seq, void *user)
{
	(void)user;
	nacked[n_nacked++] = seq;
}

static unsigned read_nacks(uint32_t from)
{
	struct rtcp_packet p;
	struct rtcp_feedback fb;

	n_nacked = 0;
	while (next_rtcp(&from, RTCP_RTPFB, RTPFB_NACK, &p)) {
		CHECK_INT(rtcp_read_feedback(&p.body, &fb), 0);
		CHECK_INT(fb.media_ssrc, 0x51);
		rtcp_read_nack(&p.body, 200, on_nacked, NULL);
	}
	return n_nacked;
}

static void send_nack(struct peer *p, uint32_t ssrc, const uint16_t *seqs, unsigned n)
{
	uint8_t b[600];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));

	rtcp_write_nack(&c, 1, ssrc, seqs, n);
	world_rtcp(&w, p, b, stoa_wcur_len(&c));
}

static void send_pli(struct peer *p, uint32_t ssrc)
{
	uint8_t b[16];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));

	rtcp_write_pli(&c, 1, ssrc);
	world_rtcp(&w, p, b, stoa_wcur_len(&c));
}

/* ---- one publisher of one VP8 stream, two subscribers ---- */

static struct peer *pub, *sub, *sub2;
static struct source *src;
static struct downtrack *down, *down2;

static void begin_video(void)
{
	begin();
	pub = add_peer(1);
	sub = add_peer(2);
	sub2 = add_peer(3);
	src = add_source(pub, CODEC_VP8, 1);
	set_sections(pub, &src, 1);
	down = add_downtrack(src, sub, true);
	down2 = add_downtrack(src, sub2, false);
}

static void test_one_to_two(void)
{
	struct seen s;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, false); /* nobody can start here */
	CHECK_INT(w.n_out, 0);
	feed_vp8(pub, 0x51, NULL, 11, 12000, 6, true);
	CHECK_INT(w.n_out, 2);
	s = look(&w.out[0], false);
	CHECK_INT(s.h.pt, 120);
	CHECK_INT(s.h.seq, 1000);
	CHECK_INT(s.h.ssrc, down->set.ssrc);
	CHECK_INT(s.h.timestamp, 12000);
	CHECK(s.h.marker);
	CHECK_INT(s.in_seq, 11);
	CHECK(s.flags & PACKET_KEYFRAME);
	CHECK_INT(w.out[0].index, 1000);
	CHECK(w.out[1].peer == sub2);
	CHECK_INT(look(&w.out[1], false).h.ssrc, down2->set.ssrc);
	CHECK_INT(w.engine->stats.packets_in, 2);
	CHECK_INT(w.engine->stats.packets_out, 2);
	finish();
}

static void test_extensions_are_rewritten(void)
{
	struct make m = blank;
	struct rtp_element x;
	struct seen s;
	uint8_t b[64];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));
	struct rtcp_report r = { .ssrc = 0 };

	begin();
	pub = add_peer(1);
	sub = add_peer(2);
	src = add_source(pub, CODEC_OPUS, 1);
	set_sections(pub, &src, 1);
	down = add_downtrack(src, sub, false);
	m.pt = PT_OPUS;
	m.ssrc = 0x51;
	m.mid = "0";
	m.level = 0x85;
	m.payload = "x";
	m.n = 1;
	feed(pub, &m);
	s = look(&w.out[0], false);
	CHECK(rtp_ext_find(w.out[0].bytes, &s.h, 8, &x)); /* the level, under the subscriber's id */
	CHECK_INT(w.out[0].bytes[x.off], 0x85);
	CHECK(rtp_ext_find(w.out[0].bytes, &s.h, 9, &x)); /* the subscriber's mid */
	CHECK_INT(w.out[0].bytes[x.off], 'v');
	r.ssrc = down->set.ssrc;
	rtcp_write_rr(&c, 5, &r, 1);
	world_rtcp(&w, sub, b, stoa_wcur_len(&c));
	m.seq++;
	feed(pub, &m);
	s = look(&w.out[1], false);
	CHECK(rtp_ext_find(w.out[1].bytes, &s.h, 8, &x));
	CHECK(!rtp_ext_find(w.out[1].bytes, &s.h, 9, &x)); /* it knows by now */
	finish();
}

/* Loses 12 and 13 of 10..15 on the way in; both come as RTX when asked for. */
static void test_loss_nack_recovery(void)
{
	struct make m = blank;
	uint32_t at;

	begin_video();
	for (uint16_t seq = 10; seq < 16; seq++)
		if (seq != 12 && seq != 13)
			feed_vp8(pub, 0x51, NULL, seq, 9000u + seq, seq, seq == 10);
	CHECK_INT(w.n_out, 8);
	CHECK_INT(look(&w.out[2], false).h.seq, 1001);
	CHECK_INT(look(&w.out[4], false).h.seq, 1004); /* their places are kept */
	world_run_to(&w, w.now_us + NACK_FIRST_US - 1000);
	CHECK_INT(read_nacks(0), 0); /* perhaps they are only late */
	world_run_to(&w, w.now_us + 2000);
	CHECK_INT(read_nacks(0), 2);
	CHECK(nacked[0] == 12 && nacked[1] == 13);
	CHECK_INT(w.engine->stats.nacks_out, 2);

	at = w.n_out;
	m.pt = PT_RTX;
	m.ssrc = 0x52;
	m.mid = "0";
	m.osn = 12;
	m.ts = 9012;
	m.payload = "\x90\xe0\x80\x0c\x0c\x20\x11\x0c\x00";
	m.n = 9;
	feed(pub, &m);
	CHECK_INT(w.n_out - at, 2);
	CHECK_INT(look(&w.out[at], false).h.seq, 1002);
	CHECK_INT(look(&w.out[at], false).in_seq, 12);
	CHECK_INT(look(&w.out[at], false).h.timestamp, 9012);
	CHECK_INT(w.engine->stats.recovered, 1);
	feed(pub, &m); /* once more: a duplicate */
	CHECK_INT(w.n_out - at, 2);
	CHECK_INT(w.engine->stats.drop_duplicate, 1);
	m.osn = 13;
	m.seq = 1;
	feed(pub, &m);
	at = w.n_out;
	world_run_to(&w, w.now_us + 300000);
	CHECK_INT(read_nacks(at), 0); /* nothing is missing any more */
	finish();
}

static void test_nacks_end(void)
{
	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	feed_vp8(pub, 0x51, NULL, 12, 9000, 5, false);
	for (int i = 0; i < 300; i++)
		world_run_to(&w, w.now_us + 10000);
	CHECK_INT(w.engine->stats.nacks_out, NACK_TRIES);
	CHECK_INT(w.engine->stats.lost, 1);
	CHECK_INT(w.engine->nack_us == UINT64_MAX, 1);
	finish();
}

/* More losses than anybody can repair: a key frame is asked for instead. */
static void test_a_hole_too_large(void)
{
	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	feed_vp8(pub, 0x51, NULL, 10 + NACK_MAX + 5, 12000, 6, false);
	world_run_to(&w, w.now_us + 200000);
	CHECK_INT(w.engine->stats.nacks_out, 0);
	CHECK_INT(count_plis(0, 0x51), 1);
	finish();
}

static void test_subscriber_nack_gets_rtx(void)
{
	static const uint16_t lost[] = { 1001, 1003 };
	struct seen s;
	uint32_t at;

	begin_video();
	for (uint16_t seq = 10; seq < 16; seq++)
		feed_vp8(pub, 0x51, NULL, seq, 9000u + seq, seq, seq == 10);
	at = w.n_out;
	send_nack(sub, down->set.ssrc, lost, 2);
	CHECK_INT(w.n_out - at, 2);
	s = look(&w.out[at], true);
	CHECK_INT(s.h.ssrc, down->set.rtx_ssrc);
	CHECK_INT(s.h.pt, 121);
	CHECK_INT(s.h.seq, 5000);
	CHECK_INT(s.osn, 1001);
	CHECK_INT(s.in_seq, 11);
	CHECK_INT(s.h.timestamp, 9011);
	CHECK(w.out[at].is_resend);
	CHECK_INT(look(&w.out[at + 1], true).osn, 1003);
	CHECK_INT(look(&w.out[at + 1], true).h.seq, 5001);

	send_nack(sub, down->set.ssrc, lost, 2); /* again at once: the first is still on its way */
	CHECK_INT(w.n_out - at, 2);
	w.now_us += RESEND_PAUSE_US + 1000;
	send_nack(sub, down->set.ssrc, lost, 1);
	CHECK_INT(w.n_out - at, 3);

	at = w.n_out; /* without RTX: the same packet again, same SSRC, same number */
	send_nack(sub2, down2->set.ssrc, lost, 1);
	CHECK_INT(w.n_out - at, 1);
	s = look(&w.out[at], false);
	CHECK_INT(s.h.ssrc, down2->set.ssrc);
	CHECK_INT(s.h.seq, 1001);
	CHECK_INT(w.out[at].index, 1001);
	CHECK_INT(s.in_seq, 11);
	finish();
}

/* Under AES-GCM one number may stand for one packet only: what left with MID is sent again with it,
 * also when the subscriber has shown since that it knows the stream. */
static void test_plain_resend_is_the_same_to_the_byte(void)
{
	static const uint16_t lost[] = { 1000 };
	const struct world_out *first = NULL, *again;
	uint32_t at;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	for (uint32_t i = 0; i < w.n_out; i++)
		if (w.out[i].peer == sub2 && !w.out[i].is_rtcp)
			first = &w.out[i];
	CHECK(first != NULL && first->bytes[0] & 0x10); /* with extensions */
	down2->is_mid_known = true;
	at = w.n_out;
	send_nack(sub2, down2->set.ssrc, lost, 1);
	CHECK_INT(w.n_out - at, 1);
	again = &w.out[at];
	CHECK(first != NULL && again->n == first->n && again->index == first->index &&
	      memcmp(again->bytes, first->bytes, first->n) == 0);
	finish();
}

static void test_nack_for_what_never_was(void)
{
	static const uint16_t seqs[] = { 0, 999, 1001, 40000, 65535 };
	uint32_t at;

	begin_video();
	send_nack(sub, down->set.ssrc, seqs, 5); /* nothing was sent at all */
	CHECK_INT(w.n_out, 0);
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	at = w.n_out;
	send_nack(sub, down->set.ssrc, seqs, 5);
	send_nack(sub, 0x999, seqs, 5);              /* not an SSRC of ours */
	send_nack(sub, down->set.rtx_ssrc, seqs, 5); /* retransmissions are not retransmitted */
	CHECK_INT(w.n_out, at);
	CHECK_INT(w.engine->stats.retransmit_missed, 10);
	finish();
}

static void test_resends_are_limited(void)
{
	static const uint16_t lost[] = { 1000 };
	uint32_t at;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	at = w.n_out;
	for (int i = 0; i < 50; i++) {
		w.now_us += 50000;
		send_nack(sub, down->set.ssrc, lost, 1);
	}
	CHECK_INT(w.n_out - at, RESEND_MAX);
	finish();
}

static void test_numbers_wrap(void)
{
	uint64_t last = 0;
	uint32_t wrong = 0;

	begin_video();
	for (uint32_t i = 0; i < 140000; i++) { /* twice around, in and out */
		w.n_out = 0;
		feed_vp8(pub, 0x51, NULL, (uint16_t)(65530 + i), i * 3000, (uint16_t)(i & 0x7fff),
			 i == 0);
		if (w.n_out != 2 || (i && w.out[0].index != last + 1) ||
		    look(&w.out[0], false).h.seq != (uint16_t)w.out[0].index)
			wrong++;
		last = w.out[0].index;
	}
	CHECK_INT(wrong, 0);
	CHECK_INT(last, 999 + 140000);
	CHECK_INT(w.engine->stats.nacks_out, 0);
	finish();
}

static void test_padding_leaves_no_gap(void)
{
	struct make m = blank;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	m.pt = PT_VP8;
	m.ssrc = 0x51;
	m.mid = "0";
	m.pad = 200;
	m.seq = 11;
	feed(pub, &m);
	m.seq = 12;
	feed(pub, &m);
	feed_vp8(pub, 0x51, NULL, 13, 9000, 6, false);
	CHECK_INT(w.n_out, 4);
	CHECK_INT(look(&w.out[2], false).h.seq, 1001);
	finish();
}

/* A packet of padding that fills a hole: its number was given away, so padding goes out as well. */
static void test_late_padding_fills_its_place(void)
{
	struct make m = blank;
	struct seen s;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	feed_vp8(pub, 0x51, NULL, 12, 9000, 6, false);
	m.pt = PT_VP8;
	m.ssrc = 0x51;
	m.mid = "0";
	m.pad = 50;
	m.seq = 11;
	feed(pub, &m);
	CHECK_INT(w.n_out, 6);
	s = look(&w.out[4], false);
	CHECK_INT(s.h.seq, 1001);
	CHECK_INT(s.h.payload_len, 0);
	CHECK_INT(s.h.pad_len, 1);
	finish();
}

static void test_late_packets_after_a_left_out_one(void)
{
	struct make m = blank;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);  /* 1000 */
	feed_vp8(pub, 0x51, NULL, 12, 9000, 6, false); /* 1002; 11 is late */
	m.pt = PT_VP8;
	m.ssrc = 0x51;
	m.mid = "0";
	m.pad = 50;
	m.seq = 13; /* left out */
	feed(pub, &m);
	feed_vp8(pub, 0x51, NULL, 15, 9000, 8, false); /* 1004; 14 is late */
	feed_vp8(pub, 0x51, NULL, 14, 9000, 7, false);
	feed_vp8(pub, 0x51, NULL, 11, 9000, 5, false);
	CHECK_INT(w.n_out, 10);
	CHECK_INT(look(&w.out[4], false).h.seq, 1004);
	CHECK_INT(look(&w.out[6], false).h.seq, 1003);
	CHECK_INT(look(&w.out[8], false).h.seq, 1001);
	CHECK_INT(look(&w.out[8], false).in_seq, 11);
	finish();
}

/* The key frame's first packet comes last. */
static void test_a_late_start(void)
{
	begin_video();
	feed_vp8(pub, 0x51, NULL, 9, 6000, 4, false);
	feed_vp8(pub, 0x51, NULL, 11, 9000, 6, false);
	feed_vp8(pub, 0x51, NULL, 12, 9000, 7, false);
	CHECK_INT(w.n_out, 0);
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	CHECK_INT(w.n_out, 6);
	for (uint16_t i = 0; i < 3; i++) {
		CHECK_INT(look(&w.out[i * 2], false).h.seq, 1000 + i);
		CHECK_INT(look(&w.out[i * 2], false).in_seq, 10 + i);
	}
	finish();
}

static void test_a_restarted_stream(void)
{
	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	feed_vp8(pub, 0x51, NULL, 30000, 9000, 5, true); /* one stray packet proves nothing */
	CHECK_INT(w.n_out, 2);
	feed_vp8(pub, 0x51, NULL, 11, 9000, 6, false);
	CHECK_INT(w.n_out, 4);
	feed_vp8(pub, 0x51, NULL, 30000, 9000, 5, true);
	feed_vp8(pub, 0x51, NULL, 30001, 12000, 7, false);
	CHECK_INT(w.n_out, 6);
	CHECK_INT(look(&w.out[4], false).h.seq, 1002); /* no gap for what never was */
	finish();
}

/* ---- simulcast ---- */

static void begin_simulcast(void)
{
	begin();
	pub = add_peer(1);
	sub = add_peer(2);
	src = add_source(pub, CODEC_VP8, 3);
	set_sections(pub, &src, 1);
	down = add_downtrack(src, sub, true);
}

static const struct {
	const char *rid;
	uint32_t ssrc, ts;
	uint16_t seq, pid;
} layers[] = { { "q", 0x51, 1000000, 100, 10 },
	       { "h", 0x52, 500, 20000, 3000 },
	       { "f", 0x53, 4000000000u, 65530, 32760 } };

/* Frame `i` of a layer: 30 per second, its clock and numbers start where the table says. */
static void feed_layer(unsigned l, unsigned i, bool is_key)
{
	feed_vp8(pub, layers[l].ssrc, layers[l].rid, (uint16_t)(layers[l].seq + i),
		 layers[l].ts + i * 3000, (layers[l].pid + i) & 0x7fff, is_key);
}

static void send_sr(uint32_t ssrc, uint64_t ntp, uint32_t rtp)
{
	struct rtcp_sender_info i = { .ntp = ntp, .rtp = rtp };
	uint8_t b[64];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));

	rtcp_write_sr(&c, ssrc, &i, NULL, 0);
	world_rtcp(&w, pub, b, stoa_wcur_len(&c));
}

static void test_simulcast_goes_up_and_down(void)
{
	struct seen last = { .osn = 0 }, s;
	uint32_t at = 0, plis_h, wrong = 0, frames = 0, irregular = 0;
	unsigned i;

	begin_simulcast();
	for (i = 0; i < 120; i++) {
		bool has_h = i >= 10, has_f = i >= 20 && i < 60;

		/* Every layer starts with a key frame; q gives a second one when asked (frame 95). */
		feed_layer(0, i, i == 0 || i == 95);
		if (has_h)
			feed_layer(1, i, i == 10 || i == 95);
		if (has_f)
			feed_layer(2, i, i == 20);
		if (i == 15) {
			send_sr(0x51, (uint64_t)100 << 32, layers[0].ts + 15 * 3000);
			send_sr(0x52, (uint64_t)100 << 32, layers[1].ts + 15 * 3000);
		}
		world_run_to(&w, w.now_us + 33333);
	}
	for (; at < w.n_out; at++) {
		if (w.out[at].is_rtcp)
			continue;
		s = look(&w.out[at], false);
		if (frames++) {
			uint32_t step = s.h.timestamp - last.h.timestamp;

			wrong += s.h.seq != (uint16_t)(last.h.seq + 1);
			wrong += s.vp8.picture_id != ((last.vp8.picture_id + 1) & 0x7fff);
			wrong += s.vp8.tl0picidx != (uint8_t)(last.vp8.tl0picidx + 1);
			/* 36 frames (more than a second) were not sent while f had died away */
			wrong += step == 0 || step > 110000;
			irregular += step != 3000;
		}
		last = s;
	}
	CHECK_INT(wrong, 0);
	CHECK(frames > 80);
	CHECK(irregular <= 3); /* where the layer changed, and nowhere else */
	CHECK_INT(down->current, 1);
	CHECK_INT(w.engine->stats.layer_switches, 3); /* q to h, h to f, f to h */
	plis_h = count_plis(0, 0x52);
	CHECK(plis_h >= 1); /* asked when f fell silent */
	finish();
}

static void test_clocks_are_joined_by_sender_reports(void)
{
	uint32_t at;

	begin_simulcast();
	feed_layer(0, 0, true);
	send_sr(0x51, (uint64_t)100 << 32, layers[0].ts);
	world_run_to(&w, w.now_us + 33333);
	feed_layer(1, 1, false); /* heard of, but not a start */
	send_sr(0x52, ((uint64_t)100 << 32) + 0x80000000u, layers[1].ts + 45000); /* same clock */
	feed_layer(0, 1, false);
	world_run_to(&w, w.now_us + 50000); /* late by half a frame: jitter must not count */
	at = w.n_out;
	feed_layer(1, 2, true);
	CHECK_INT(w.n_out - at, 1);
	CHECK_INT(look(&w.out[at], false).h.timestamp, layers[0].ts + 2 * 3000);
	finish();
}

static void test_subscriber_limits_its_layer(void)
{
	struct command *c = command_new(COMMAND_DOWNTRACK_SET);

	begin_simulcast();
	c->downtrack = down;
	c->number = 0;
	apply(c);
	for (unsigned i = 0; i < 40; i++) {
		feed_layer(0, i, i == 0);
		feed_layer(2, i, i == 0);
		world_run_to(&w, w.now_us + 33333);
	}
	CHECK_INT(down->current, 0);
	CHECK_INT(w.engine->stats.layer_switches, 0);
	c = command_new(COMMAND_DOWNTRACK_SET);
	c->downtrack = down;
	c->flag = true;
	apply(c);
	w.n_out = 0;
	feed_layer(0, 40, false);
	CHECK_INT(w.n_out, 0);
	finish();
}

static void test_rtx_of_a_layer_by_repaired_rid(void)
{
	struct make m = blank;

	begin_simulcast();
	feed_layer(0, 0, true);
	feed_layer(0, 2, false);
	m.pt = PT_RTX;
	m.ssrc = 0x61;
	m.mid = "0";
	m.rrid = "q";
	m.osn = layers[0].seq + 1;
	m.payload = "\x90\xe0\x80\x0b\x0b\x20\x11\x65\x00";
	m.n = 9;
	feed(pub, &m);
	CHECK_INT(w.engine->stats.recovered, 1);
	m.ssrc = 0x62;
	m.rrid = "x";
	feed(pub, &m);
	CHECK_INT(w.engine->stats.drop_unknown, 1);
	finish();
}

/* ---- key frame requests ---- */

static void test_plis_are_throttled(void)
{
	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	for (int i = 0; i < 100; i++) {
		send_pli(sub, down->set.ssrc);
		send_pli(sub2, down2->set.ssrc);
		world_run_to(&w, w.now_us + 4000);
	}
	CHECK_INT(count_plis(0, 0x51), 1); /* 200 requests in 0.4 s */
	CHECK_INT(w.engine->stats.plis_in, 200);
	world_run_to(&w, w.now_us + 200000);
	CHECK_INT(count_plis(0, 0x51), 2); /* the wish is not forgotten */
	feed_vp8(pub, 0x51, NULL, 11, 9000, 5, true);
	world_run_to(&w, w.now_us + 3000000);
	CHECK_INT(count_plis(0, 0x51), 2); /* fulfilled */
	finish();
}

static void test_a_publisher_that_ignores_them(void)
{
	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, false);
	world_run_to(&w, w.now_us + 60000000);
	CHECK(count_plis(0, 0x51) > 5);
	CHECK(count_plis(0, 0x51) < 25); /* every 4 s at the end */
	finish();
}

static void test_new_subscriber_asks(void)
{
	struct peer *late;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	world_run_to(&w, w.now_us + 2000000);
	CHECK_INT(count_plis(0, 0x51), 0);
	late = add_peer(9);
	add_downtrack(src, late, true);
	CHECK_INT(count_plis(0, 0x51), 1);
	finish();
}

static void test_fir_when_that_is_all_there_is(void)
{
	struct rtcp_packet p;
	uint32_t at = 0, ssrc;
	uint8_t seq;

	begin_video();
	src->set.has_pli = false;
	src->set.has_fir = true;
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	send_pli(sub, down->set.ssrc);
	CHECK(next_rtcp(&at, RTCP_PSFB, PSFB_FIR, &p) != NULL);
	stoa_cur_skip(&p.body, 8);
	CHECK(rtcp_read_fir(&p.body, &ssrc, &seq));
	CHECK_INT(ssrc, 0x51);
	finish();
}

/* ---- reports ---- */

static void test_receiver_reports(void)
{
	struct rtcp_report r;
	struct rtcp_packet p;
	uint32_t at = 0, n = 0;

	begin_video();
	world_run_to(&w, w.now_us + 1000);
	for (uint16_t i = 0; i < 100; i++) { /* a tenth is lost */
		if (i % 10 != 9)
			feed_vp8(pub, 0x51, NULL, (uint16_t)(65500 + i), i * 3000u, i, i == 0);
		if (i == 50)
			send_sr(0x51, 0x0001000200030004, 5000);
		w.now_us += 9000;
	}
	feed_vp8(pub, 0x51, NULL, (uint16_t)(65500 + 100), 300000, 100, false);
	world_run_to(&w, w.now_us + 1000000);
	while (next_rtcp(&at, RTCP_RR, 0, &p)) {
		if (p.count == 0)
			continue;
		stoa_cur_skip(&p.body, 4);
		CHECK_INT(rtcp_read_report(&p.body, &r), 0);
		n++;
	}
	CHECK(n >= 1);
	CHECK_INT(r.ssrc, 0x51);
	CHECK_INT(r.lost, 10);
	CHECK_INT(r.highest_seq, 65600);
	CHECK_INT(r.lsr, 0x00020003);
	CHECK(r.dlsr > 65536 / 4 && r.dlsr < 3 * 65536);
	finish();
}

static void test_fraction_lost(void)
{
	struct rtcp_report r;

	begin_video();
	for (uint16_t i = 0; i < 40; i++)
		if (i % 4)
			feed_vp8(pub, 0x51, NULL, i, 9000, i, i == 1);
	CHECK(layer_report(&src->layers[0], w.now_us, &r));
	CHECK_INT(r.fraction_lost, 9 * 256 / 39); /* the first one lost is not known of */
	CHECK(layer_report(&src->layers[0], w.now_us, &r));
	CHECK_INT(r.fraction_lost, 0); /* nothing new */
	CHECK_INT(r.lost, 9);
	finish();
}

static void test_jitter(void)
{
	begin();
	pub = add_peer(1);
	src = add_source(pub, CODEC_OPUS, 1);
	set_sections(pub, &src, 1);
	for (uint16_t i = 0; i < 200; i++) { /* every packet 5 ms early or late: D = 10 ms */
		feed_opus(pub, 0x51, i, i * 960u);
		w.now_us += i % 2 ? 15000 : 25000;
	}
	CHECK(src->layers[0].jitter16 >> 4 > 200 && src->layers[0].jitter16 >> 4 < 260); /* 240 */
	finish();
}

static void test_sender_reports_and_round_trip(void)
{
	struct rtcp_sender_info info;
	struct rtcp_report r = { .ssrc = 0 };
	struct rtcp_packet p;
	const struct world_out *o;
	uint8_t b[64];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));
	uint32_t at, ssrc;
	uint64_t sent_us;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	world_run_to(&w, w.now_us + 1500000);
	at = 0;
	CHECK(next_rtcp(&at, RTCP_SR, 0, &p) == NULL); /* the publisher's clock is not known yet */
	send_sr(0x51, (uint64_t)1000 << 32, 9000);
	at = w.n_out;
	world_run_to(&w, w.now_us + 1000000);
	do
		o = next_rtcp(&at, RTCP_SR, 0, &p);
	while (o && o->peer != sub);
	CHECK(o != NULL);
	CHECK_INT(rtcp_read_sr(&p.body, &ssrc, &info), 0);
	CHECK_INT(ssrc, down->set.ssrc);
	CHECK_INT(info.packets, 1);
	/* The publisher's clock went on since its report: as much in NTP as in RTP. */
	CHECK_INT(info.rtp - 9000,
		  (info.ntp - ((uint64_t)1000 << 32)) * 90000 / ((uint64_t)1 << 32));
	CHECK(info.rtp - 9000 > 10000 && info.rtp - 9000 <= 90000);
	sent_us = down->sr_us;
	r.ssrc = ssrc;
	r.lsr = (uint32_t)(info.ntp >> 16);
	r.dlsr = 65536 / 10; /* held for 100 ms */
	w.now_us = sent_us + 150000;
	rtcp_write_rr(&c, 5, &r, 1);
	world_rtcp(&w, sub, b, stoa_wcur_len(&c));
	CHECK(sub->rtt_us > 49900 && sub->rtt_us < 50100);
	finish();
}

static void test_quality(void)
{
	uint16_t seq = 0;

	begin();
	pub = add_peer(1);
	src = add_source(pub, CODEC_OPUS, 1);
	set_sections(pub, &src, 1);
	w.n_notices = 0;
	for (int i = 0; i < 20 * 50; i++) {
		seq++;
		if (i < 10 * 50 || i % 8) /* an eighth is lost from the tenth second on */
			feed_opus(pub, 0x51, seq, i * 960u);
		world_run_to(&w, w.now_us + 20000);
	}
	CHECK_INT(w.n_notices, 3); /* live, excellent, poor */
	CHECK_INT(w.notices[1].type, NOTICE_QUALITY);
	CHECK_INT(w.notices[1].id, 1);
	CHECK(w.notices[1].score == 5);
	CHECK(w.notices[2].score == 1);
	finish();
}

/* ---- transport-wide feedback ---- */

static void test_feedback_to_the_publisher(void)
{
	struct make m = blank;
	struct rtcp_packet p;
	uint32_t at = 0, n = 0, statuses = 0;

	begin();
	pub = add_peer(1);
	src = add_source(pub, CODEC_OPUS, 1);
	set_sections(pub, &src, 1);
	m.pt = PT_OPUS;
	m.ssrc = 0x51;
	m.mid = "0";
	m.payload = "x";
	m.n = 1;
	for (m.twcc = 0; m.twcc < 100; m.twcc++) {
		m.seq++;
		feed(pub, &m);
		world_run_to(&w, w.now_us + 10000);
	}
	world_run_to(&w, w.now_us + 100000);
	while (next_rtcp(&at, RTCP_RTPFB, RTPFB_TWCC, &p)) {
		stoa_cur_skip(&p.body, 10);
		statuses += stoa_cur_be16(&p.body);
		n++;
	}
	CHECK_INT(statuses, 100);
	CHECK(n >= 10 && n <= 22); /* one second, every 50 ms or so */
	finish();
}

/* Packets that nobody wants and probes on the RTX stream count as arrived, too. */
static void test_feedback_counts_probes(void)
{
	struct make m = blank;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	m.pt = PT_RTX;
	m.ssrc = 0x52;
	m.mid = "0";
	m.pad = 250;
	m.twcc = 5;
	feed(pub, &m);
	CHECK_INT(pub->twcc.n_new, 1);
	CHECK_INT(w.engine->stats.drop_malformed, 0);
	finish();
}

/* ---- bad input ---- */

static void test_bad_rtp_is_counted_and_dropped(void)
{
	uint8_t b[PACKET_ROOM];
	struct make m = blank;
	size_t n;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	w.n_out = 0;
	m.pt = PT_VP8;
	m.ssrc = 0x51;
	m.mid = "0";
	m.seq = 11;
	m.payload = "\x90";
	m.n = 1;
	m.pad = 4;
	n = build(b, &m);
	b[n - 1] = 200; /* padding longer than the packet */
	world_rtp(&w, pub, b, n);
	CHECK_INT(w.engine->stats.drop_malformed, 1);
	m.pad = 0;
	n = build(b, &m);
	b[14] = 0x7f; /* header extensions that overrun: words beyond the end */
	world_rtp(&w, pub, b, n);
	CHECK_INT(w.engine->stats.drop_malformed, 2);
	n = build(b, &m);
	b[16] |= 0x0f; /* an element of 16 bytes where four are */
	world_rtp(&w, pub, b, n);
	CHECK_INT(w.engine->stats.drop_malformed, 3);
	feed(pub, &m); /* VP8 payload shorter than its descriptor */
	CHECK_INT(w.engine->stats.drop_malformed, 4);
	world_rtp(&w, pub, b, 0);
	world_rtp(&w, pub, b, 5);
	CHECK_INT(w.engine->stats.drop_malformed, 6);
	CHECK_INT(w.n_out, 0);
	CHECK_INT(src->layers[0].high & 0xffff, 10); /* no state was changed */
	finish();
}

static void test_rtx_shorter_than_two_bytes(void)
{
	struct make m = blank;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	w.n_out = 0;
	m.pt = PT_RTX;
	m.ssrc = 0x52;
	m.mid = "0";
	m.payload = "x";
	m.n = 1;
	feed(pub, &m);
	CHECK_INT(w.engine->stats.drop_malformed, 1);
	m.n = 2; /* the number alone: nothing to repair */
	feed(pub, &m);
	CHECK_INT(w.engine->stats.drop_malformed, 1);
	CHECK_INT(w.n_out, 0);
	finish();
}

/* Chromium's ids, but in the video section id 1 means MID and in the audio section the level: each
 * is read as its own section says (aiortc offers such a bundle). */
static void test_one_id_with_two_meanings(void)
{
	struct source *both[2];
	struct make m = blank;

	begin();
	pub = add_peer(1);
	both[0] = add_source(pub, CODEC_OPUS, 1);
	both[1] = add_source(pub, CODEC_VP8, 1);
	set_sections(pub, both, 2);
	pub->sections->s[0].ext_kinds[2] = RTP_EXT_AUDIO_LEVEL;
	pub->sections->s[0].ext_kinds[ID_LEVEL] = RTP_EXT_NONE;
	pub->sections->s[1].ext_kinds[2] = RTP_EXT_ABS_SEND_TIME;
	pub->sections->s[1].ext_kinds[ID_MID] = RTP_EXT_NONE;
	pub->sections->s[1].ext_kinds[ID_LEVEL] = RTP_EXT_MID;
	m.pt = PT_VP8;
	m.ssrc = 0x51;
	m.level = '1'; /* id 1: the mid "1" here, and a level of 49 in the audio section */
	m.payload = "\x10\x00x";
	m.n = 3;
	feed(pub, &m);
	CHECK(both[1]->is_live);
	CHECK(!both[0]->is_live);
	m.pt = PT_OPUS;
	m.ssrc = 0x52;
	m.mid = "0";
	feed(pub, &m);
	CHECK(both[0]->is_live);
	CHECK_INT(both[0]->level_ms, 0);
	CHECK_INT(w.engine->stats.drop_malformed + w.engine->stats.drop_unknown, 0);
	finish();
}

static void test_foreign_ssrcs(void)
{
	struct make m = blank;

	begin_video();
	m.pt = PT_VP8;
	m.payload = "\x10\x00x";
	m.n = 3;
	m.mid = "7"; /* no such section; but only one has this payload type */
	m.ssrc = 1;
	feed(pub, &m);
	CHECK_INT(w.engine->stats.drop_unknown, 0);
	m.pt = 33;
	m.ssrc = 2;
	feed(pub, &m);
	CHECK_INT(w.engine->stats.drop_unknown, 1);
	m.mid = "0"; /* a section of ours, but not its payload type */
	feed(pub, &m);
	CHECK_INT(w.engine->stats.drop_unknown, 2);
	feed(sub, &m); /* somebody who publishes nothing */
	CHECK_INT(w.engine->stats.drop_unknown, 3);
	m.pt = PT_OPUS; /* a locked SSRC with a payload type of another section */
	m.ssrc = 1;
	feed(pub, &m);
	CHECK_INT(w.engine->stats.drop_unknown, 4);
	m.pt = PT_VP8; /* thousands of SSRCs: the table does not grow */
	for (m.ssrc = 100; m.ssrc < 5000; m.ssrc++)
		feed(pub, &m);
	CHECK(pub->n_routes <= PEER_SSRCS_MAX * 3 / 4);
	finish();
}

static void test_bad_rtcp(void)
{
	static const uint8_t cut[] = { 0x81, 200, 0, 12, 0, 0, 0, 1 };
	static const uint8_t other[] = { 0x80, 204, 0, 0, 0x80, 199, 0, 0, 0x80, 210, 0, 0 };
	static const uint8_t short_fb[] = { 0x81, 205, 0, 1, 0, 0, 0, 1, 0x81, 206, 0, 0 };

	begin_video();
	world_rtcp(&w, sub, cut, sizeof(cut));
	CHECK_INT(w.engine->stats.rtcp_malformed, 1);
	world_rtcp(&w, sub, other, sizeof(other));
	world_rtcp(&w, sub, short_fb, sizeof(short_fb));
	world_rtcp(&w, sub, NULL, 0);
	CHECK_INT(w.engine->stats.rtcp_malformed, 1);
	CHECK_INT(w.engine->stats.rtcp_in, 4);
	CHECK_INT(w.n_out, 0);
	finish();
}

/* ---- states ---- */

static void test_nothing_flows_to_the_unconnected(void)
{
	begin_video();
	engine_peer_lost(w.engine, sub, PEER_LOSS_ICE_TIMEOUT, w.now_us);
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	CHECK_INT(w.n_out, 1);
	feed_vp8(pub, 0x51, NULL, 11, 12000, 6, false);
	engine_peer_connected(w.engine, sub, w.now_us);
	w.n_out = 0;
	feed_vp8(pub, 0x51, NULL, 12, 15000, 7, false);
	CHECK_INT(w.n_out, 1); /* it waits for a key frame */
	feed_vp8(pub, 0x51, NULL, 13, 18000, 8, true);
	CHECK_INT(w.n_out, 3);
	finish();
}

static void test_resuming_goes_on_without_a_jump(void)
{
	struct command *c;
	struct seen a, b;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	a = look(&w.out[0], false);
	for (int i = 0; i < 2; i++) {
		c = command_new(COMMAND_SOURCE_MUTE);
		c->source = src;
		c->flag = i == 0;
		apply(c);
		if (i == 0)
			feed_vp8(pub, 0x51, NULL, 11, 12000, 6, false);
		w.now_us += 500000;
	}
	CHECK_INT(w.engine->stats.drop_muted, 1);
	w.n_out = 0;
	feed_vp8(pub, 0x51, NULL, 12, 9000 + 90000, 7, true);
	b = look(&w.out[0], false);
	CHECK_INT(b.h.seq, a.h.seq + 1);
	CHECK_INT(b.h.timestamp, 9000 + 90000);
	CHECK_INT(b.vp8.picture_id, a.vp8.picture_id + 1);
	finish();
}

static void test_removing_in_any_order(void)
{
	struct command *c;
	uint32_t at;

	begin_video();
	feed_vp8(pub, 0x51, NULL, 10, 9000, 5, true);
	c = command_new(COMMAND_PEER_CLOSE); /* the publisher's transport first */
	c->peer = pub;
	apply(c);
	send_pli(sub, down->set.ssrc);
	world_run_to(&w, w.now_us + 3000000);
	c = command_new(COMMAND_SOURCE_REMOVE);
	c->source = src;
	apply(c);
	CHECK_INT(packet_pool_used(w.pool), 0);
	at = w.n_out;
	send_pli(sub, down->set.ssrc);
	send_nack(sub, down->set.ssrc, &(uint16_t){ 1000 }, 1);
	CHECK_INT(w.n_out, at);
	c = command_new(COMMAND_DOWNTRACK_REMOVE);
	c->downtrack = down;
	apply(c);
	c = command_new(COMMAND_DOWNTRACK_REMOVE);
	c->downtrack = down2;
	apply(c);
	finish();
}

/* ---- speakers ---- */

static void talk_by(struct peer *p, uint16_t *seq, int level, int ms, int packet_ms)
{
	struct make m = blank;

	m.pt = PT_OPUS;
	m.ssrc = 0x51;
	m.mid = "0";
	m.payload = "x";
	m.n = 1;
	m.level = level;
	for (; ms > 0; ms -= packet_ms) {
		m.seq = (*seq)++;
		m.ts = (uint32_t)(w.now_us * 48 / 1000);
		feed(p, &m);
		world_run_to(&w, w.now_us + (uint64_t)packet_ms * 1000);
	}
}

static void talk(struct source *s, struct peer *p, uint16_t *seq, int level, int ms)
{
	(void)s;
	talk_by(p, seq, level, ms, 20);
}

/* The i-th notice about speakers; NULL when there were fewer. */
static const struct notice *speaker_notice(unsigned i)
{
	for (uint32_t k = 0; k < w.n_notices; k++)
		if (w.notices[k].type == NOTICE_SPEAKERS && i-- == 0)
			return &w.notices[k];
	return NULL;
}

static void test_speakers(void)
{
	const struct notice *n;
	uint16_t seq = 0;

	begin();
	pub = add_peer(1);
	src = add_source(pub, CODEC_OPUS, 1);
	set_sections(pub, &src, 1);
	talk(src, pub, &seq, 90, 2000); /* a quiet room */
	CHECK(!speaker_notice(0));
	talk(src, pub, &seq, 20, 2000);
	n = speaker_notice(0);
	CHECK(n && n->id == 77 && n->n == 1 && n->who[0].participant == 1001);
	CHECK(n && n->who[0].level > 0.05 && n->who[0].level < 0.12); /* -20 dB */
	CHECK(!speaker_notice(1));
	talk(src, pub, &seq, 90, 2000);
	n = speaker_notice(1);
	CHECK(n && n->who[0].level == 0);
	talk(src, pub, &seq, 90, 2000);
	CHECK(!speaker_notice(2));
	finish();
}

static void begin_talk(void)
{
	begin();
	pub = add_peer(1);
	src = add_source(pub, CODEC_OPUS, 1);
	set_sections(pub, &src, 1);
}

/* As short as the sounds of a browser's test microphone: one speaker, without flicker, wherever the
 * sounds fall in the windows. */
static void test_a_short_sound_twice_a_second_is_one_speaker(void)
{
	for (int phase = 0; phase < 400; phase += 60) {
		uint16_t seq = 0;

		begin_talk();
		talk(src, pub, &seq, 127, 400 + phase);
		for (int i = 0; i < 20; i++) {
			talk(src, pub, &seq, 18, 20);
			talk(src, pub, &seq, 127, 480);
		}
		CHECK(speaker_notice(0) && speaker_notice(0)->who[0].level > 0);
		CHECK(!speaker_notice(1));
		finish();
	}
}

static void test_levels_weigh_what_packets_last(void)
{
	uint16_t seq = 0;

	begin_talk();
	talk_by(pub, &seq, 34, 2000, 60); /* by number of packets it would be 5 dB less */
	CHECK(speaker_notice(0) && speaker_notice(0)->who[0].level > 0.017);
	CHECK(speaker_notice(0) && speaker_notice(0)->who[0].level < 0.021);
	finish();
}

static void test_a_burst_is_no_louder_than_what_is_in_it(void)
{
	struct make m = blank;

	begin_talk();
	m.pt = PT_OPUS;
	m.ssrc = 0x51;
	m.mid = "0";
	m.payload = "x";
	m.n = 1;
	m.level = 60;
	for (int i = 0; i < 300; i++) { /* six seconds at once */
		m.seq++;
		m.ts += 960;
		feed(pub, &m);
	}
	m.ts -= 5000000; /* another clock: believed */
	m.seq++;
	m.level = 20;
	feed(pub, &m);
	CHECK_INT(src->level_ms, 301 * 20);
	world_run_to(&w, w.now_us + 400000);
	CHECK(!speaker_notice(0));
	CHECK_INT(src->level_ms, 0);
	finish();
}

static void test_a_source_that_goes_is_silent(void)
{
	struct command *c = command_new(COMMAND_SOURCE_REMOVE);
	uint16_t seq = 0;

	begin_talk();
	talk(src, pub, &seq, 20, 800);
	CHECK(speaker_notice(0) && !speaker_notice(1));
	c->source = src;
	apply(c);
	CHECK(speaker_notice(1) && speaker_notice(1)->who[0].level == 0);
	finish();
}

static void test_h264_starts_at_its_parameter_sets(void)
{
	static const char *const frames[] = { "\x41\x9a", "\x67\x42", "\x68\xce", "\x65\x88",
					      "\x41\x9a" };
	struct make m = blank;

	begin();
	pub = add_peer(1);
	sub = add_peer(2);
	src = add_source(pub, CODEC_H264, 1);
	set_sections(pub, &src, 1);
	add_downtrack(src, sub, true);
	m.pt = PT_H264;
	m.ssrc = 0x51;
	m.mid = "0";
	m.n = 2;
	for (size_t i = 0; i < STOA_ARRAY_SIZE(frames); i++) {
		m.seq++;
		m.payload = frames[i];
		feed(pub, &m);
		CHECK_INT(w.n_out, i);
	}
	CHECK_INT(w.engine->stats.keyframes, 1);
	finish();
}

int main(void)
{
	test_one_to_two();
	test_extensions_are_rewritten();
	test_loss_nack_recovery();
	test_nacks_end();
	test_a_hole_too_large();
	test_subscriber_nack_gets_rtx();
	test_nack_for_what_never_was();
	test_plain_resend_is_the_same_to_the_byte();
	test_resends_are_limited();
	test_numbers_wrap();
	test_padding_leaves_no_gap();
	test_late_padding_fills_its_place();
	test_late_packets_after_a_left_out_one();
	test_a_late_start();
	test_a_restarted_stream();
	test_simulcast_goes_up_and_down();
	test_clocks_are_joined_by_sender_reports();
	test_subscriber_limits_its_layer();
	test_rtx_of_a_layer_by_repaired_rid();
	test_plis_are_throttled();
	test_a_publisher_that_ignores_them();
	test_new_subscriber_asks();
	test_fir_when_that_is_all_there_is();
	test_receiver_reports();
	test_fraction_lost();
	test_jitter();
	test_sender_reports_and_round_trip();
	test_quality();
	test_feedback_to_the_publisher();
	test_feedback_counts_probes();
	test_bad_rtp_is_counted_and_dropped();
	test_rtx_shorter_than_two_bytes();
	test_one_id_with_two_meanings();
	test_foreign_ssrcs();
	test_bad_rtcp();
	test_nothing_flows_to_the_unconnected();
	test_resuming_goes_on_without_a_jump();
	test_removing_in_any_order();
	test_speakers();
	test_a_short_sound_twice_a_second_is_one_speaker();
	test_levels_weigh_what_packets_last();
	test_a_burst_is_no_louder_than_what_is_in_it();
	test_a_source_that_goes_is_silent();
	test_h264_starts_at_its_parameter_sets();
	return check_done();
}
