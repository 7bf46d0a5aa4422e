/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's entry points. A packet's way: engine_rtp() -> peer_demux() -> layer_receive() ->
 * describe(), and at the end of the batch engine_flush() -> downtrack_forward(). */
#include "engine_state.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int engine_new(const struct engine_out *out, void *io, struct packet_pool *pool, uint64_t now_us,
	       struct engine **ret_engine)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->out = out;
	e->io = io;
	e->pool = pool;
	stoa_list_init(&e->peers);
	stoa_list_init(&e->stages);
	stoa_list_init(&e->sources);
	stoa_list_init(&e->nacking);
	stoa_list_init(&e->twcc_peers);
	e->nack_us = UINT64_MAX;
	e->choose_us = now_us + CHOOSE_INTERVAL_US;
	e->speak_us = now_us + SPEAK_INTERVAL_US;
	*ret_engine = e;
	return 0;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	assert(stoa_list_empty(&e->peers) && stoa_list_empty(&e->sources) && !e->n_staged);
	free(e);
}

const struct engine_stats *engine_stats(const struct engine *e)
{
	return &e->stats;
}

/* ---- a packet's way in ---- */

/* Extensions that concern the engine are read here, those that travel on are noted by place. */
static int read_exts(struct engine *e, struct peer *peer, const struct section *s, struct packet *p,
		     const struct rtp_header *h)
{
	struct rtp_element x;
	uint16_t pos = 0;
	int more;

	while ((more = rtp_ext_next(p->data, h, &pos, &x)) > 0) {
		enum rtp_ext kind = x.id <= RTP_EXT_ID_MAX ? s->ext_kinds[x.id] : RTP_EXT_NONE;

		switch (kind) {
		case RTP_EXT_TRANSPORT_SEQ:
			if (x.len != 2)
				break;
			twcc_record(&peer->twcc,
				    (uint16_t)(p->data[x.off] << 8 | p->data[x.off + 1]),
				    p->arrived_us);
			if (stoa_list_empty(&peer->in_twcc))
				push_engine_list(&e->twcc_peers, &peer->in_twcc);
			break;
		case RTP_EXT_AUDIO_LEVEL:
			if (x.len == 0)
				break;
			p->level = p->data[x.off] & 0x7f;
			p->flags |= PACKET_HAS_LEVEL;
			p->flags |= p->data[x.off] & 0x80 ? PACKET_VOICE : 0;
			/* fall through */
		case RTP_EXT_ORIENTATION:
		case RTP_EXT_PLAYOUT_DELAY:
		case RTP_EXT_CONTENT_TYPE:
		case RTP_EXT_COLOR_SPACE:
		case RTP_EXT_ABS_CAPTURE_TIME:
		case RTP_EXT_DEPENDENCY:
			if (p->n_exts < PACKET_EXTS_MAX)
				p->exts[p->n_exts++] =
					(struct packet_ext){ (uint8_t)kind, x.len, x.off };
			break;
		default:
			break;
		}
	}
	return more;
}

/* RFC 4588: the payload begins with the original sequence number. Returns 1 when there is nothing
 * inside (Chromium probes with padding on this stream), -EBADMSG when it is cut short. */
static int unwrap_rtx(struct packet *p, struct rtp_header *h, const struct section_pt *pt)
{
	const uint8_t *osn = p->data + h->payload_off;

	if (h->payload_len == 0)
		return 1;
	if (h->payload_len < 2)
		return -EBADMSG;
	h->seq = (uint16_t)(osn[0] << 8 | osn[1]);
	h->pt = pt->repair;
	h->payload_off = (uint16_t)(h->payload_off + 2);
	h->payload_len = (uint16_t)(h->payload_len - 2);
	p->flags |= PACKET_RECOVERED;
	return h->payload_len == 0;
}

/* What subscribers decide by. */
static int describe(struct packet *p, struct layer *l, enum codec codec)
{
	const uint8_t *payload = p->data + p->payload_off;
	bool has_sps = false;
	int err = 0;

	if (p->payload_len == 0)
		return 0;
	switch (codec) {
	case CODEC_VP8:
		err = vp8_parse(payload, p->payload_len, &p->vp8, &p->flags);
		break;
	case CODEC_H264:
		err = h264_parse(payload, p->payload_len, &p->flags, &has_sps);
		if (!has_sps && l->has_sps)
			p->flags &= (uint8_t)~PACKET_SWITCH; /* its SPS went before it */
		l->has_sps |= has_sps;
		break;
	default:
		p->flags |= PACKET_SWITCH; /* audio may start anywhere */
		return 0;
	}
	return err;
}

static void note_keyframe(struct engine *e, struct layer *l)
{
	l->is_keyframe_wanted = false;
	l->pli_interval_us = PLI_INTERVAL_US;
	e->stats.keyframes++;
}

static void note_live(struct engine *e, struct source *s, struct layer *l, uint64_t now_us)
{
	s->last_us = now_us;
	if (l->index > s->top || !s->is_live)
		engine_aim(s); /* a new stream begins with a key frame: nothing to ask for yet */
	if (s->is_live)
		return;
	s->is_live = true;
	e->out->notify(e->io, &(struct notice){ .type = NOTICE_SOURCE_LIVE, .id = s->set.track });
}

static void fan_out(struct engine *e, struct source *s, struct layer *l, struct packet *p,
		    uint64_t now_us)
{
	struct downtrack *d;

	stoa_list_for_each (d, &s->downtracks, struct downtrack, in_source)
		downtrack_forward(e, d, l, p, now_us);
}

/* ---- a batch's way out: subscriber by subscriber, so that each one's state and cipher are loaded
 *      once and its packets leave side by side ---- */

static void stage_packet(struct engine *e, struct layer *l, struct packet *p, uint64_t now_us)
{
	if (e->n_staged == STAGED_MAX)
		engine_flush(e, now_us);
	e->staged[e->n_staged++] = (struct staged){ l, packet_ref(p) };
}

static void flush_to(struct engine *e, struct downtrack *d, const struct source *s, uint32_t from,
		     uint64_t now_us)
{
	for (uint32_t i = from; i < e->n_staged; i++)
		if (e->staged[i].layer && e->staged[i].layer->source == s)
			downtrack_forward(e, d, e->staged[i].layer, e->staged[i].packet, now_us);
}

void engine_flush(struct engine *e, uint64_t now_us)
{
	struct downtrack *d;

	for (uint32_t i = 0; i < e->n_staged; i++) {
		const struct source *s = e->staged[i].layer ? e->staged[i].layer->source : NULL;

		if (!s)
			continue; /* went with an earlier one of its source */
		stoa_list_for_each (d, &s->downtracks, struct downtrack, in_source)
			flush_to(e, d, s, i, now_us);
		for (uint32_t k = i; k < e->n_staged; k++)
			if (e->staged[k].layer && e->staged[k].layer->source == s)
				e->staged[k].layer = NULL;
	}
	for (uint32_t i = 0; i < e->n_staged; i++)
		packet_unref(e->staged[i].packet);
	e->n_staged = 0;
}

/* A key frame's first packet was late: those behind it came before anyone could use them. */
static void replay_behind(struct engine *e, struct source *s, struct layer *l,
			  const struct packet *p, uint64_t now_us)
{
	for (uint32_t seq = p->seq + 1; (int32_t)(seq - l->high) <= 0; seq++) {
		struct packet *next = layer_find(l, seq);

		if (next)
			fan_out(e, s, l, next, now_us);
	}
}

static void receive(struct engine *e, struct layer *l, enum codec codec, struct packet *p,
		    const struct rtp_header *h, uint64_t now_us)
{
	struct source *s = l->source;
	enum layer_verdict verdict;
	uint32_t n_nacks;
	bool is_late_start;

	p->pt = h->pt;
	p->layer = l->index;
	p->timestamp = h->timestamp;
	p->payload_off = h->payload_off;
	p->payload_len = h->payload_len;
	p->flags |= h->marker ? PACKET_MARKER : 0;
	if (describe(p, l, codec) < 0) {
		e->stats.drop_malformed++;
		return;
	}
	n_nacks = l->n_nacks;
	verdict = layer_receive(l, p, h->seq, now_us);
	if (verdict != LAYER_NEW) {
		e->stats.drop_duplicate += verdict == LAYER_DUPLICATE;
		e->stats.drop_late += verdict == LAYER_LATE;
		return;
	}
	e->stats.recovered += !!(p->flags & PACKET_RECOVERED);
	if (l->n_nacks > n_nacks) {
		push_engine_list(&e->nacking, &l->in_nacking);
		if (e->nack_us > now_us + NACK_FIRST_US)
			e->nack_us = now_us + NACK_FIRST_US;
	}
	layer_keep(l, p);
	if (p->flags & PACKET_HAS_LEVEL)
		speakers_hear(s, p->level, p->timestamp);
	if (p->flags & PACKET_KEYFRAME && p->flags & PACKET_SWITCH)
		note_keyframe(e, l);
	note_live(e, s, l, now_us);
	if (s->is_muted) {
		e->stats.drop_muted++;
		return;
	}
	is_late_start = p->flags & PACKET_SWITCH && p->seq != l->high && source_is_video(s);
	stage_packet(e, l, p, now_us);
	if (is_late_start) {
		engine_flush(e, now_us);
		replay_behind(e, s, l, p, now_us);
	}
}

static void handle_rtp(struct engine *e, struct peer *peer, struct packet *p, uint64_t now_us)
{
	const struct section_pt *pt;
	const struct section *s;
	struct ssrc_route *r;
	struct rtp_header h;

	if (rtp_parse(p->data, p->len, &h) < 0)
		goto malformed;
	r = peer_demux(peer, p->data, &h);
	if (!r || !peer->sections || r->section >= peer->sections->n)
		goto unknown;
	peer->media_ssrc = h.ssrc;
	s = &peer->sections->s[r->section];
	pt = section_find_pt(s, h.pt);
	if (!pt || pt->is_rtx != r->is_rtx)
		goto unknown;
	if (read_exts(e, peer, s, p, &h) < 0)
		goto malformed;
	if (pt->is_rtx) {
		int empty = unwrap_rtx(p, &h, pt);

		if (empty < 0)
			goto malformed;
		if (empty || !r->layer->is_started)
			return;
	}
	receive(e, r->layer, (enum codec)pt->codec, p, &h, now_us);
	return;
malformed:
	e->stats.drop_malformed++;
	return;
unknown:
	e->stats.drop_unknown++;
}

void engine_rtp(struct engine *e, struct peer *peer, struct packet *packet_take, uint64_t now_us)
{
	e->stats.packets_in++;
	e->stats.bytes_in += packet_take->len;
	handle_rtp(e, peer, packet_take, now_us);
	packet_unref(packet_take);
}

/* ---- time ---- */

static void ask_for_losses(struct engine *e, uint64_t now_us)
{
	struct layer *l, *tmp;

	e->nack_us = UINT64_MAX;
	stoa_list_for_each_safe (l, tmp, &e->nacking, struct layer, in_nacking) {
		struct peer *p = l->source->peer;
		uint16_t seqs[NACK_MAX];
		uint64_t next;
		unsigned n = layer_due_nacks(l, now_us, p ? p->rtt_us : 0, seqs, NACK_MAX, &next,
					     &e->stats.lost);

		if (n && p && p->is_connected) {
			uint8_t bytes[16 + NACK_MAX * 4];
			struct stoa_wcursor c = stoa_wcur(bytes, sizeof(bytes));

			if (!p->sections || !p->sections->reduced_size)
				rtcp_write_rr(&c, p->ssrc, NULL, 0);
			rtcp_write_nack(&c, p->ssrc, l->ssrc, seqs, n);
			engine_send_rtcp(e, p, &c);
			e->stats.nacks_out += n;
		}
		if (next < e->nack_us)
			e->nack_us = next;
		if (l->n_nacks == 0)
			stoa_list_unlink(&l->in_nacking);
	}
}

static void send_twcc(struct engine *e, struct peer *p)
{
	for (int i = 0; i < 4; i++) {
		uint8_t bytes[1200];
		struct stoa_wcursor c = stoa_wcur(bytes, sizeof(bytes));

		if (!p->sections || !p->sections->reduced_size)
			rtcp_write_rr(&c, p->ssrc, NULL, 0);
		if (!twcc_write(&p->twcc, &c, p->ssrc, p->media_ssrc))
			return;
		engine_send_rtcp(e, p, &c);
		e->stats.twcc_out++;
	}
}

static void send_feedback(struct engine *e, uint64_t now_us)
{
	struct peer *p, *tmp;

	stoa_list_for_each_safe (p, tmp, &e->twcc_peers, struct peer, in_twcc) {
		stoa_list_unlink(&p->in_twcc);
		if (p->is_connected)
			send_twcc(e, p);
	}
	e->twcc_us = now_us + TWCC_INTERVAL_US;
}

static void send_due_reports(struct engine *e, uint64_t now_us)
{
	while (!stoa_list_empty(&e->peers)) {
		struct peer *p = STOA_CONTAINER(e->peers.next, struct peer, in_engine);

		if (p->report_due_us > now_us)
			break;
		p->report_due_us = now_us + REPORT_INTERVAL_US;
		push_engine_list(&e->peers, &p->in_engine);
		if (p->is_connected)
			engine_send_reports(e, p, now_us);
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t engine_tick(struct engine *e, uint64_t now_us)
{
	uint64_t next;

	engine_flush(e, now_us);
	if (e->nack_us <= now_us)
		ask_for_losses(e, now_us);
	if (e->twcc_us <= now_us)
		send_feedback(e, now_us);
	send_due_reports(e, now_us);
	if (e->choose_us <= now_us) {
		engine_choose_layers(e, now_us);
		e->choose_us = now_us + CHOOSE_INTERVAL_US;
	}
	if (e->speak_us <= now_us) {
		engine_tell_speakers(e);
		e->speak_us = now_us + SPEAK_INTERVAL_US;
	}
	next = e->nack_us;
	if (!stoa_list_empty(&e->peers))
		next = earlier(
			next, STOA_CONTAINER(e->peers.next, struct peer, in_engine)->report_due_us);
	if (!stoa_list_empty(&e->sources))
		next = earlier(next, earlier(e->choose_us, e->speak_us));
	if (!stoa_list_empty(&e->twcc_peers))
		next = earlier(next, e->twcc_us);
	return next;
}
