/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving one layer: extended sequence numbers, statistics, losses, the shared ring. Called for
 * every packet of a publisher, retransmissions included (they come with their original number). */
#include "source.h"

/* Room below the first packet, for late ones: extended numbers never wrap below zero. */
#define FIRST_CYCLE 0x10000u

static void start(struct layer *l, uint16_t seq)
{
	/* Never lower than before: the ring and the subscribers' mappings stay in order. */
	l->high = l->base = ((l->high | 0xffff) + 1 + (l->high ? 0 : FIRST_CYCLE)) | seq;
	l->is_started = true;
	l->received = l->expected_prior = l->received_prior = 0;
	l->n_nacks = 0;
	l->jitter16 = l->transit = 0;
	l->has_bad_next = false;
}

static void drop_ring(struct layer *l)
{
	for (uint32_t i = 0; l->ring && i <= l->ring_mask; i++) {
		packet_unref(l->ring[i]);
		l->ring[i] = NULL;
	}
}

void layer_reset(struct layer *l)
{
	drop_ring(l);
	l->is_started = false;
	l->n_nacks = 0;
	l->has_sr = false;
	stoa_list_unlink(&l->in_nacking);
}

static void remove_nack(struct layer *l, uint32_t seq)
{
	for (uint32_t i = 0; i < l->n_nacks; i++) {
		if (l->nacks[i].seq == seq) {
			l->n_nacks--;
			memmove(&l->nacks[i], &l->nacks[i + 1],
				(l->n_nacks - i) * sizeof(l->nacks[0]));
			return;
		}
	}
}

static void add_nacks(struct layer *l, uint32_t from, uint32_t to, uint64_t now_us)
{
	if (!l->source->set.has_nack)
		return;
	if (to - from > NACK_MAX) { /* hopeless: a key frame repairs it sooner */
		l->n_nacks = 0;
		l->is_keyframe_wanted = true;
		return;
	}
	if (l->n_nacks + (to - from) > NACK_MAX) { /* the oldest give way */
		uint32_t gone = l->n_nacks + (to - from) - NACK_MAX;

		l->n_nacks -= gone;
		memmove(&l->nacks[0], &l->nacks[gone], l->n_nacks * sizeof(l->nacks[0]));
	}
	for (; from != to; from++)
		l->nacks[l->n_nacks++] = (struct nack){ from, 0, now_us, now_us + NACK_FIRST_US };
}

static void measure_jitter(struct layer *l, const struct packet *p, uint32_t timestamp)
{
	uint32_t clock = l->source->set.clock;
	uint32_t arrival = (uint32_t)(p->arrived_us * (clock / 1000) / 1000);
	uint32_t transit = arrival - timestamp;
	int32_t d = (int32_t)(transit - l->transit);

	/* Packets of one frame share a timestamp and leave in a burst: only the first counts. */
	if (l->received && timestamp != l->last_timestamp) {
		if (d < 0)
			d = -d;
		if ((uint32_t)d < clock * 5)
			l->jitter16 += (uint32_t)d - ((l->jitter16 + 8) >> 4);
	}
	if (!l->received || timestamp != l->last_timestamp)
		l->transit = transit;
	l->last_timestamp = timestamp;
}

static bool is_confirmed_restart(struct layer *l, uint16_t seq)
{
	bool confirmed = l->has_bad_next && seq == l->bad_next;

	l->has_bad_next = true;
	l->bad_next = (uint16_t)(seq + 1);
	return confirmed;
}

enum layer_verdict layer_receive(struct layer *l, struct packet *p, uint16_t seq, uint64_t now_us)
{
	int32_t delta = (int16_t)(seq - (uint16_t)l->high);

	if (!l->is_started) {
		start(l, seq);
	} else if (delta > SEQ_JUMP || delta < -SEQ_JUMP) {
		if (!is_confirmed_restart(l, seq))
			return LAYER_LATE;
		start(l, seq);
	} else if (delta > 0) {
		if (delta > 1)
			add_nacks(l, l->high + 1, l->high + (uint32_t)delta, now_us);
		l->high += (uint32_t)delta;
		l->has_bad_next = false;
	} else {
		p->seq = l->high + (uint32_t)delta;
		if (p->seq + l->ring_mask < l->high || (int32_t)(p->seq - l->base) < 0)
			return LAYER_LATE;
		if (layer_find(l, p->seq))
			return LAYER_DUPLICATE;
		remove_nack(l, p->seq);
		l->received++;
		return LAYER_NEW;
	}
	p->seq = l->high;
	if (!(p->flags & PACKET_RECOVERED))
		measure_jitter(l, p, p->timestamp);
	l->received++;
	l->last_us = now_us;
	return LAYER_NEW;
}

void layer_keep(struct layer *l, struct packet *p)
{
	struct packet **slot = &l->ring[p->seq & l->ring_mask];

	packet_unref(*slot);
	*slot = packet_ref(p);
	l->bytes_window += p->len;
}

struct packet *layer_find(const struct layer *l, uint32_t seq)
{
	struct packet *p = l->ring[seq & l->ring_mask];

	return p && p->seq == seq ? p : NULL;
}

void layer_sender_report(struct layer *l, const struct rtcp_sender_info *info, uint64_t now_us)
{
	l->sr_ntp = info->ntp;
	l->sr_rtp = info->rtp;
	l->sr_us = now_us;
	l->has_sr = true;
}

bool layer_report(struct layer *l, uint64_t now_us, struct rtcp_report *ret_report)
{
	uint32_t expected = l->high - l->base + 1, expected_interval, received_interval;
	struct rtcp_report r = { .ssrc = l->ssrc };
	int32_t lost;

	if (!l->is_started)
		return false;
	expected_interval = expected - l->expected_prior;
	received_interval = l->received - l->received_prior;
	l->expected_prior = expected;
	l->received_prior = l->received;
	if (expected_interval > received_interval) {
		uint32_t f = ((expected_interval - received_interval) << 8) / expected_interval;

		r.fraction_lost = f > 255 ? 255 : (uint8_t)f;
	}
	lost = (int32_t)(expected - l->received);
	r.lost = lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost;
	/* Cycles count from this start, as the sender counts them (RFC 3550 appendix A.1). */
	r.highest_seq = l->high - (l->base & 0xffff0000u);
	r.jitter = l->jitter16 >> 4;
	if (l->has_sr) {
		r.lsr = (uint32_t)(l->sr_ntp >> 16);
		r.dlsr = (uint32_t)((now_us - l->sr_us) * 65536 / 1000000);
	}
	*ret_report = r;
	return true;
}

unsigned layer_due_nacks(struct layer *l, uint64_t now_us, uint32_t rtt_us, uint16_t *ret_seqs,
			 unsigned max, uint64_t *ret_next_us, uint64_t *lost)
{
	uint64_t retry = rtt_us ? rtt_us + rtt_us / 4 + 10000 : NACK_RETRY_US;
	unsigned n = 0;
	uint32_t kept = 0;

	*ret_next_us = UINT64_MAX;
	for (uint32_t i = 0; i < l->n_nacks; i++) {
		struct nack k = l->nacks[i];

		if (k.tries >= NACK_TRIES || now_us - k.since_us > NACK_AGE_US) {
			(*lost)++;
			continue;
		}
		if (k.next_us <= now_us && n < max) {
			ret_seqs[n++] = (uint16_t)k.seq;
			k.tries++;
			k.next_us = now_us + retry;
		}
		if (k.next_us < *ret_next_us)
			*ret_next_us = k.next_us;
		l->nacks[kept++] = k;
	}
	l->n_nacks = kept;
	return n;
}

void layer_measure(struct layer *l, uint64_t now_us)
{
	uint64_t span = now_us - l->window_us;

	if (span == 0)
		return;
	l->bitrate = l->window_us ? (uint32_t)((uint64_t)l->bytes_window * 8000000 / span) : 0;
	l->bytes_window = 0;
	l->window_us = now_us;
}
