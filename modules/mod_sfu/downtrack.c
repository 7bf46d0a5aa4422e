/* SPDX-License-Identifier: Apache-2.0 */
/* Forwarding one packet to one subscriber: which number does it get, and what does its header look
 * like. The descriptor made on arrival says all that is needed; the payload stays where it is. */
#include "downtrack.h"
#include "engine_state.h"
#include <stdlib.h>

#define CHECK_TIMESTAMP_US 1000000 /* a sender report may be this far from the arrival clock */

struct downtrack *downtrack_new(const struct downtrack_settings *set, struct source *source,
				struct peer *peer)
{
	uint32_t slots = set->codec == CODEC_OPUS ? DOWNTRACK_RING_AUDIO : DOWNTRACK_RING_VIDEO;
	struct downtrack *d = calloc(1, sizeof(*d));

	if (!d || !(d->ring = calloc(slots, sizeof(d->ring[0])))) {
		free(d);
		return NULL;
	}
	d->set = *set;
	d->source = source;
	d->peer = peer;
	d->ring_mask = slots - 1;
	d->max_layer = SOURCE_LAYERS_MAX - 1;
	d->current = d->target = d->last_layer = LAYER_NONE;
	d->out_high = d->out_first = set->first_seq; /* the next one sent is first_seq + 1 */
	d->rtx_high = set->first_rtx_seq;
	stoa_list_init(&d->in_source);
	stoa_list_init(&d->in_peer);
	return d;
}

void downtrack_free(struct downtrack *d)
{
	if (!d)
		return;
	free(d->ring);
	free(d);
}

void downtrack_restart(struct downtrack *d)
{
	d->current = LAYER_NONE;
}

static struct sent *sent_at(struct downtrack *d, uint64_t out)
{
	return &d->ring[out & d->ring_mask];
}

/* ---- numbers ---- */

static uint8_t mid_flag(const struct downtrack *d)
{
	return d->is_mid_known ? 0 : SENT_MID;
}

static void note_sent(struct downtrack *d, uint64_t out, uint32_t seq, uint8_t state)
{
	*sent_at(d, out) = (struct sent){
		.seq = seq,
		.ts_offset = d->ts_offset,
		.pid_offset = d->pid_offset,
		.tl0_offset = d->tl0_offset,
		.keyidx_offset = d->keyidx_offset,
		.layer = d->current,
		.state = state,
	};
}

/* Sequence numbers that have not come yet keep their place, with the offsets now in force. */
static void reserve_holes(struct downtrack *d, uint32_t from, uint32_t to)
{
	uint32_t skip = to - from > d->ring_mask ? to - from - d->ring_mask : 0;

	d->out_high += skip;
	for (from += skip; from != to; from++)
		note_sent(d, ++d->out_high, from, SENT_HOLE);
}

/* The place that was kept for a late packet; 0 when there is none. */
static uint64_t find_hole(struct downtrack *d, uint32_t seq)
{
	uint64_t oldest = d->out_high - d->out_first > d->ring_mask ? d->out_high - d->ring_mask
								    : d->out_first + 1;
	uint32_t back = d->in_high - seq;
	uint64_t out = d->out_high - oldest < back ? oldest : d->out_high - back;

	/* Packets left out since then shift the place forward, never backward. */
	for (; out <= d->out_high; out++) {
		const struct sent *s = sent_at(d, out);

		if (s->seq == seq && s->layer == d->current)
			return s->state & SENT_HOLE ? out : 0;
	}
	return 0;
}

/* Where the new layer's clock stands on the subscriber's: by the sender reports of both layers if
 * they are sane, else by the time that passed since the last packet. */
static uint32_t switch_timestamp(const struct downtrack *d, const struct layer *l,
				 const struct packet *p, uint64_t now_us)
{
	uint32_t clock = d->set.clock;
	uint64_t idle_us = now_us - d->last_us;
	uint32_t passed = (uint32_t)(idle_us * (clock / 1000) / 1000);
	uint32_t guess = d->last_ts + passed, ts = guess;
	const struct layer *former =
		d->last_layer < SOURCE_LAYERS_MAX ? &d->source->layers[d->last_layer] : NULL;
	int32_t off;

	if (former == l) {
		ts = p->timestamp + d->ts_offset;
	} else if (former && former->has_sr && l->has_sr) {
		int64_t ntp = (int64_t)(l->sr_ntp - former->sr_ntp); /* 32.32 seconds */
		int64_t apart = (ntp >> 16) * (int64_t)clock >> 16;
		uint32_t former_rtp = former->sr_rtp + (uint32_t)apart;

		ts = p->timestamp + d->ts_offset + (former_rtp - l->sr_rtp);
	}
	off = (int32_t)(ts - guess);
	if (off > (int32_t)clock || off < -(int32_t)clock)
		ts = guess;
	if ((int32_t)(ts - d->last_ts) <= 0)
		ts = d->last_ts + clock / 1000;
	return ts;
}

/* From this packet on, the subscriber gets another layer (or the first). */
static void switch_to(struct engine *e, struct downtrack *d, const struct layer *l,
		      const struct packet *p, uint64_t now_us)
{
	if (d->is_started) {
		d->ts_offset = switch_timestamp(d, l, p, now_us) - p->timestamp;
		d->pid_offset = (uint16_t)(d->last_pid + 1 - p->vp8.picture_id);
		d->tl0_offset = (uint8_t)(d->last_tl0 + 1 - p->vp8.tl0picidx);
		d->keyidx_offset = (uint8_t)(d->last_keyidx + 1 - (p->vp8.tid_y_key & 0x1f));
		if (d->last_layer != l->index)
			e->stats.layer_switches++;
	}
	d->is_started = true;
	d->current = d->last_layer = l->index;
	d->in_high = p->seq - 1;
}

/* ---- headers ---- */

struct head {
	uint8_t bytes[SEND_HEAD_MAX];
	uint16_t len, prefix_len;
};

/* A packet sent again under its own number must be the same to the byte, for AES-GCM's sake:
 * whether it carried MID is remembered. RTX has numbers of its own. */
static unsigned collect_exts(const struct downtrack *d, const struct packet *p,
			     const struct sent *s, struct rtp_write_ext *exts)
{
	unsigned n = 0;

	if (s->state & SENT_MID && d->set.ext_ids[RTP_EXT_MID])
		exts[n++] = (struct rtp_write_ext){ d->set.ext_ids[RTP_EXT_MID], d->set.mid_len,
						    (const uint8_t *)d->set.mid };
	for (unsigned i = 0; p && i < p->n_exts; i++) {
		const struct packet_ext *x = &p->exts[i];

		if (d->set.ext_ids[x->kind])
			exts[n++] = (struct rtp_write_ext){ d->set.ext_ids[x->kind], x->len,
							    p->data + x->off };
	}
	return n;
}

static void put_vp8(struct stoa_wcursor *c, const struct packet *p, const struct sent *s)
{
	struct packet_vp8 v = p->vp8;

	v.picture_id = (uint16_t)(v.picture_id + s->pid_offset) & 0x7fff;
	v.tl0picidx = (uint8_t)(v.tl0picidx + s->tl0_offset);
	v.tid_y_key = (uint8_t)((v.tid_y_key & 0xe0) | ((v.tid_y_key + s->keyidx_offset) & 0x1f));
	vp8_write(c, &v);
}

/* `p` is NULL for a packet of padding alone. Extensions that do not fit are left out. */
static void build_head(const struct downtrack *d, const struct packet *p, const struct sent *s,
		       uint64_t out, bool as_rtx, struct head *h)
{
	struct rtp_write_ext exts[PACKET_EXTS_MAX + 1];
	unsigned n = collect_exts(d, p, s, exts);
	struct rtp_header r = {
		.pt = as_rtx ? d->set.rtx_pt : d->set.pt,
		.marker = p && p->flags & PACKET_MARKER,
		.seq = as_rtx ? (uint16_t)d->rtx_high : (uint16_t)out,
		.timestamp = p ? p->timestamp + s->ts_offset : d->last_ts,
		.ssrc = as_rtx ? d->set.rtx_ssrc : d->set.ssrc,
	};
	struct stoa_wcursor c;

	do {
		c = stoa_wcur(h->bytes, sizeof(h->bytes) - 2 - VP8_DESC_MAX);
		rtp_write(&c, &r, exts, n);
	} while (c.failed && n-- > 0);
	h->len = (uint16_t)stoa_wcur_len(&c);
	c = stoa_wcur(h->bytes + h->len, sizeof(h->bytes) - h->len);
	if (as_rtx)
		stoa_wcur_be16(&c, (uint16_t)out);
	if (p && p->vp8.desc_len)
		put_vp8(&c, p, s);
	h->prefix_len = (uint16_t)stoa_wcur_len(&c);
}

static void send_packet(struct engine *e, struct downtrack *d, struct packet *p,
			const struct sent *s, uint64_t out, bool is_resend)
{
	bool as_rtx = is_resend && d->set.rtx_ssrc;
	struct head h;
	struct send_rtp send;
	uint64_t index = out;

	if (as_rtx)
		index = ++d->rtx_high;
	build_head(d, p, s, out, as_rtx, &h);
	send = (struct send_rtp){
		.head = h.bytes,
		.head_len = h.len,
		.prefix_len = h.prefix_len,
		.packet = p,
		.payload_off = p ? (uint16_t)(p->payload_off + p->vp8.desc_len) : 0,
		.payload_len = p ? (uint16_t)(p->payload_len - p->vp8.desc_len) : 0,
		.pad_len = p ? 0 : 1,
		.is_retransmission = is_resend,
		.index = index,
		.ssrc = as_rtx ? d->set.rtx_ssrc : d->set.ssrc,
	};
	d->packets += !as_rtx;
	d->octets += as_rtx ? 0 : send.payload_len + send.prefix_len;
	e->stats.packets_out++;
	e->stats.bytes_out += (uint64_t)send.head_len + send.prefix_len + send.payload_len;
	e->out->rtp(e->io, d->peer, &send);
}

/* ---- forwarding ---- */

static void remember_last(struct downtrack *d, const struct packet *p, uint64_t now_us)
{
	d->last_ts = p->timestamp + d->ts_offset;
	d->last_us = now_us;
	if (p->vp8.desc_len) {
		d->last_pid = (uint16_t)(p->vp8.picture_id + d->pid_offset);
		d->last_tl0 = (uint8_t)(p->vp8.tl0picidx + d->tl0_offset);
		d->last_keyidx = (uint8_t)((p->vp8.tid_y_key & 0x1f) + d->keyidx_offset);
	}
}

static void forward_next(struct engine *e, struct downtrack *d, struct packet *p, uint64_t now_us)
{
	uint32_t gap = p->seq - d->in_high - 1;

	if (gap && gap <= SEQ_JUMP)
		reserve_holes(d, d->in_high + 1, p->seq);
	d->in_high = p->seq;
	if (p->payload_len == 0)
		return; /* padding: left out, without a gap */
	note_sent(d, ++d->out_high, p->seq, mid_flag(d));
	remember_last(d, p, now_us);
	send_packet(e, d, p, sent_at(d, d->out_high), d->out_high, false);
}

static void forward_late(struct engine *e, struct downtrack *d, struct packet *p)
{
	uint64_t out = find_hole(d, p->seq);
	struct sent *s;

	if (!out)
		return;
	s = sent_at(d, out);
	s->state = (uint8_t)((p->payload_len ? 0 : SENT_PADDING) | mid_flag(d));
	send_packet(e, d, p->payload_len ? p : NULL, s, out, false);
}

void downtrack_forward(struct engine *e, struct downtrack *d, const struct layer *l,
		       struct packet *p, uint64_t now_us)
{
	if (d->is_paused || !d->peer || !d->peer->is_connected)
		return;
	if (l->index == d->target && d->current != d->target && p->flags & PACKET_SWITCH &&
	    p->payload_len)
		switch_to(e, d, l, p, now_us);
	if (l->index != d->current)
		return;
	if ((int32_t)(p->seq - d->in_high) > 0)
		forward_next(e, d, p, now_us);
	else
		forward_late(e, d, p);
}

static bool may_resend(struct sent *s, uint64_t now_us)
{
	uint16_t now_ms = (uint16_t)(now_us / 1000);
	uint8_t n = s->state & SENT_RESENDS;

	if (n >= RESEND_MAX || (n && (uint16_t)(now_ms - s->resent_ms) < RESEND_PAUSE_US / 1000))
		return false;
	s->state++;
	s->resent_ms = now_ms;
	return true;
}

void downtrack_resend(struct engine *e, struct downtrack *d, uint16_t seq, uint64_t now_us)
{
	uint16_t back = (uint16_t)((uint16_t)d->out_high - seq);
	uint64_t out = d->out_high - back;
	struct packet *p = NULL;
	struct sent *s;

	if (!d->source || back >= d->out_high - d->out_first || back > d->ring_mask)
		goto missed; /* never sent, or too long ago */
	s = sent_at(d, out);
	if (s->state & SENT_HOLE)
		goto missed; /* we miss it as well */
	if (s->state & SENT_PADDING && !d->set.rtx_ssrc)
		goto missed; /* its timestamp was that of its moment: see collect_exts() */
	if (!(s->state & SENT_PADDING) && !(p = layer_find(&d->source->layers[s->layer], s->seq)))
		goto missed;
	if (!may_resend(s, now_us))
		return;
	e->stats.retransmitted++;
	send_packet(e, d, p, s, out, true);
	return;
missed:
	e->stats.retransmit_missed++;
}

bool downtrack_aim(struct downtrack *d)
{
	const struct source *s = d->source;

	d->target = s->top < d->max_layer ? s->top : d->max_layer;
	if (!source_is_video(s))
		d->target = 0;
	return d->current != d->target && !d->is_paused && !s->is_muted && d->peer &&
	       d->peer->is_connected && source_is_video(s);
}

bool downtrack_report(struct downtrack *d, uint64_t now_us, struct rtcp_sender_info *ret_info)
{
	const struct layer *l;
	uint64_t since;

	if (!d->source || d->current >= SOURCE_LAYERS_MAX || !d->packets)
		return false;
	l = &d->source->layers[d->current];
	if (!l->has_sr)
		return false; /* without the publisher's clock audio and video cannot be matched */
	since = now_us - l->sr_us;
	ret_info->ntp = l->sr_ntp + (since << 32) / 1000000;
	ret_info->rtp = l->sr_rtp + d->ts_offset + (uint32_t)(since * (d->set.clock / 1000) / 1000);
	ret_info->packets = d->packets;
	ret_info->octets = d->octets;
	d->sr_ntp_mid = (uint32_t)(ret_info->ntp >> 16);
	d->sr_us = now_us;
	return true;
}
