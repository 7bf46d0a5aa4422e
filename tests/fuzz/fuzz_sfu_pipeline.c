/* SPDX-License-Identifier: Apache-2.0 */
/* Everything after decryption: one publisher (audio, simulcast VP8, H.264) and two subscribers. The
 * input is a list of steps: who sends what (RTP or RTCP as it stands, or RTP with a sane header), or
 * how much time passes. What leaves must be well formed, and the pool must be whole at the end. */
#define WORLD_OUT_MAX 128
#include "../unit/sfu_world.h"

static struct world w;
static struct stage *stage;
static struct peer *peers[3];
static struct source *sources[3];
static struct downtrack *downtracks[6];

static void apply(struct command *c)
{
	world_post(&w, 0, c);
}

static void set_up(void)
{
	static const enum codec codecs[] = { CODEC_OPUS, CODEC_VP8, CODEC_H264 };
	static const uint8_t pts[] = { 111, 96, 102 };
	struct command *c = command_new(COMMAND_STAGE_OPEN);
	struct sections *all = sections_new(3);

	stage = stage_new(1);
	c->stage = stage;
	apply(c);
	for (uint32_t i = 0; i < 3; i++) {
		c = command_new(COMMAND_PEER_OPEN);
		c->peer = peers[i] = peer_new(i + 1, 100 + i);
		apply(c);
		engine_peer_connected(w.engine, peers[i], w.now_us);
	}
	for (uint32_t i = 0; i < 3; i++) {
		struct section *s = &all->s[i];
		struct source_settings set = { .track = i + 1,
					       .codec = codecs[i],
					       .clock = i ? 90000 : 48000,
					       .n_layers = i == 1 ? 3 : 1,
					       .has_nack = i > 0,
					       .has_pli = true };

		c = command_new(COMMAND_SOURCE_ADD);
		c->source = sources[i] = source_new(&set, stage, peers[0]);
		apply(c);
		s->mid[0] = (char)('0' + i);
		s->mid_len = 1;
		s->source = sources[i];
		s->pts[0] = (struct section_pt){ pts[i], (uint8_t)codecs[i], false, 0 };
		s->pts[1] = (struct section_pt){ (uint8_t)(pts[i] + 1), (uint8_t)codecs[i], true,
						 pts[i] };
		s->n_pts = 2;
		for (uint8_t id = 1; id < RTP_EXTS; id++)
			s->ext_kinds[id] = id;
		for (uint8_t k = 0; i == 1 && k < 3; k++)
			s->rids[s->n_rids++][0] = (char)('a' + k);
	}
	c = command_new(COMMAND_SECTIONS);
	c->peer = peers[0];
	c->sections = all;
	apply(c);
	for (uint32_t i = 0; i < 6; i++) {
		struct source *s = sources[i / 2];
		struct downtrack_settings set = { .ssrc = 0x1000 + i,
						  .rtx_ssrc = i & 1 ? 0x2000 + i : 0,
						  .first_seq = 0x7ff0,
						  .codec = s->set.codec,
						  .clock = s->set.clock,
						  .pt = 120,
						  .rtx_pt = 121,
						  .mid = "m",
						  .mid_len = 1,
						  .cname = "c" };

		for (uint8_t k = 1; k < RTP_EXTS; k++)
			set.ext_ids[k] = (uint8_t)(i & 1 ? k : k + 10);
		c = command_new(COMMAND_DOWNTRACK_ADD);
		c->downtrack = downtracks[i] = downtrack_new(&set, s, peers[1 + (i & 1)]);
		apply(c);
	}
}

static void tear_down(void)
{
	struct command *c;

	for (int i = 0; i < 6; i++) {
		c = command_new(COMMAND_DOWNTRACK_REMOVE);
		c->downtrack = downtracks[i];
		apply(c);
	}
	for (int i = 0; i < 3; i++) {
		c = command_new(COMMAND_SOURCE_REMOVE);
		c->source = sources[i];
		apply(c);
	}
	for (int i = 0; i < 3; i++) {
		c = command_new(COMMAND_PEER_CLOSE);
		c->peer = peers[i];
		apply(c);
	}
	c = command_new(COMMAND_STAGE_CLOSE);
	c->stage = stage;
	apply(c);
}

static void check_out(void)
{
	for (uint32_t i = 0; i < w.n_out; i++) {
		const struct world_out *o = &w.out[i];
		struct stoa_cursor c = stoa_cur(o->bytes, o->n);
		struct rtcp_packet p;
		struct rtp_header h;
		int more = 1;

		if (!o->is_rtcp) {
			if (rtp_parse(o->bytes, o->n, &h) < 0 || h.ssrc != o->ssrc ||
			    h.payload_off != o->head_len || h.seq != (uint16_t)o->index)
				abort();
			continue;
		}
		while (more > 0)
			more = rtcp_next(&c, &p);
		if (more < 0 || o->n > 1200)
			abort();
	}
	w.n_out = 0;
}

/* A header that finds its way, in front of the input's bytes as extensions and payload. */
static size_t dress(uint8_t *b, uint8_t kind, const uint8_t *p, size_t n)
{
	static const uint8_t pts[] = { 111, 96, 102, 97, 103 };
	uint8_t pt = pts[kind % 5],
		mid = (uint8_t)('0' + (kind % 5 == 0 ? 0 : 1 + (kind % 5 + 1) % 2));
	uint8_t rid = (uint8_t)('a' + kind / 5 % 3);
	struct rtp_header h = { .pt = pt, .marker = kind & 0x80, .ssrc = 0x500u + kind % 64 };
	struct rtp_write_ext x[] = { { RTP_EXT_MID, 1, &mid },
				     { pt == 97 ? RTP_EXT_REPAIRED_RID : RTP_EXT_RID, 1, &rid },
				     { RTP_EXT_TRANSPORT_SEQ, 2, p } };
	struct stoa_wcursor c = stoa_wcur(b, PACKET_ROOM);

	if (n < 4)
		return 0;
	h.seq = (uint16_t)(p[0] << 8 | p[1]);
	h.timestamp = (uint32_t)p[2] << 12 | p[3];
	rtp_write(&c, &h, x, 3);
	stoa_wcur_bytes(&c, p + 4, n - 4);
	return stoa_wcur_len(&c);
}

static void step(struct stoa_cursor *in)
{
	uint8_t b[PACKET_ROOM], what = stoa_cur_u8(in), arg = stoa_cur_u8(in),
				len = stoa_cur_u8(in);
	size_t n = len < stoa_cur_left(in) ? len : stoa_cur_left(in);
	const uint8_t *p = stoa_cur_take(in, n);

	switch (what % 4) {
	case 0:
		world_rtp(&w, peers[arg % 3], p, n);
		break;
	case 1:
		world_rtcp(&w, peers[arg % 3], p, n);
		break;
	case 2:
		n = dress(b, arg, p, n);
		world_rtp(&w, peers[0], b, n);
		break;
	default:
		world_run_to(&w, w.now_us + arg * (len > 128 ? 40000u : 400u));
		break;
	}
	check_out();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stoa_cursor in = stoa_cur(data, n);

	world_open_engine(&w);
	set_up();
	for (int i = 0; i < 300 && stoa_cur_left(&in) > 3; i++)
		step(&in);
	tear_down();
	if (packet_pool_used(w.pool) != 0)
		abort();
	world_close(&w);
	return 0;
}
