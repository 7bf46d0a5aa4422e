/* SPDX-License-Identifier: Apache-2.0 */
/* Recording arrivals and encoding the feedback packet. Ticks are 250 µs since an arbitrary start;
 * the reference time of a packet is in units of 64 ms (256 ticks) and 24 bits wide. */
#include "twcc.h"
#include "rtcp.h"

#define TICKS_PER_REFERENCE 256
#define PACKET_STATUS_MAX   480 /* per feedback packet */

enum symbol { NOT_RECEIVED = 0, SMALL_DELTA = 1, LARGE_DELTA = 2 };

static uint32_t *slot(struct twcc *t, uint32_t ext)
{
	return &t->arrived[ext & (TWCC_WINDOW - 1)];
}

void twcc_record(struct twcc *t, uint16_t seq, uint64_t now_us)
{
	uint32_t ticks = (uint32_t)(now_us / 250), ext;

	if (!t->started) {
		t->started = true;
		t->next = t->high = 0x10000u | seq;
		ext = t->high;
	} else {
		ext = t->high + (uint32_t)(int32_t)(int16_t)(seq - (uint16_t)t->high);
	}
	if ((int32_t)(ext - t->next) < 0)
		return; /* already reported as lost: the sender has moved on */
	if ((int32_t)(ext - t->high) > 0) {
		if (ext - t->next >= TWCC_WINDOW) { /* a jump: forget what was not reported */
			memset(t->arrived, 0, sizeof(t->arrived));
			t->next = ext;
			t->n_new = 0;
		}
		t->high = ext;
	}
	if (*slot(t, ext) == 0)
		t->n_new++;
	*slot(t, ext) = ticks ? ticks : 1;
}

/* Statuses of one feedback packet, before they are packed into chunks. */
struct plan {
	uint32_t base, reference; /* extended first sequence number; in units of 64 ms */
	unsigned n;
	uint8_t symbols[PACKET_STATUS_MAX];
	int16_t deltas[PACKET_STATUS_MAX]; /* of received ones, in order */
	unsigned n_deltas;
	size_t delta_bytes;
};

static bool plan_packet(struct plan *p, uint32_t ticks, uint32_t *last)
{
	int32_t delta = (int32_t)(ticks - *last);

	if (delta < INT16_MIN || delta > INT16_MAX)
		return false; /* does not fit: the next packet has a reference of its own */
	p->symbols[p->n++] = delta >= 0 && delta <= 255 ? SMALL_DELTA : LARGE_DELTA;
	p->delta_bytes += delta >= 0 && delta <= 255 ? 1 : 2;
	p->deltas[p->n_deltas++] = (int16_t)delta;
	*last = ticks;
	return true;
}

/* Chooses the packets up to the last received one that fit `room` octets of chunks and deltas. */
static void make_plan(struct twcc *t, struct plan *p, size_t room)
{
	uint32_t ext = t->next, last = 0;

	p->n = p->n_deltas = 0;
	p->delta_bytes = 0;
	while (*slot(t, ext) == 0) /* losses at the front are told by the first status below */
		ext++;
	p->base = t->next;
	p->reference = *slot(t, ext) / TICKS_PER_REFERENCE;
	last = p->reference * TICKS_PER_REFERENCE;
	for (ext = t->next; (int32_t)(ext - t->high) <= 0 && p->n < PACKET_STATUS_MAX; ext++) {
		/* worst case of the chunks: two-bit vectors, seven statuses in two octets */
		if ((p->n / 7 + 1) * 2 + p->delta_bytes + 2 > room)
			break;
		if (*slot(t, ext) == 0)
			p->symbols[p->n++] = NOT_RECEIVED;
		else if (!plan_packet(p, *slot(t, ext), &last))
			break;
	}
}

static unsigned run_length(const struct plan *p, unsigned at)
{
	unsigned n = 1;

	while (at + n < p->n && n < 8191 && p->symbols[at + n] == p->symbols[at])
		n++;
	return n;
}

static void write_chunks(const struct plan *p, struct stoa_wcursor *c)
{
	for (unsigned i = 0; i < p->n;) {
		unsigned run = run_length(p, i), chunk = 0, k;
		bool two_bits = false;

		if (run >= 14) {
			stoa_wcur_be16(c, (uint16_t)(p->symbols[i] << 13 | run));
			i += run;
			continue;
		}
		for (k = 0; k < 14 && i + k < p->n; k++)
			two_bits |= p->symbols[i + k] == LARGE_DELTA;
		for (k = 0; k < (two_bits ? 7u : 14u); k++) {
			uint8_t s = i + k < p->n ? p->symbols[i + k] : NOT_RECEIVED;

			chunk = two_bits ? chunk << 2 | s : chunk << 1 | s;
		}
		stoa_wcur_be16(c, (uint16_t)((two_bits ? 0xc000 : 0x8000) | chunk));
		i += k;
	}
}

static void write_deltas(const struct plan *p, struct stoa_wcursor *c)
{
	for (unsigned i = 0; i < p->n_deltas; i++) {
		if (p->deltas[i] >= 0 && p->deltas[i] <= 255)
			stoa_wcur_u8(c, (uint8_t)p->deltas[i]);
		else
			stoa_wcur_be16(c, (uint16_t)p->deltas[i]);
	}
}

int twcc_write(struct twcc *t, struct stoa_wcursor *c, uint32_t sender, uint32_t media)
{
	uint8_t *head = c->p;
	struct stoa_wcursor h;
	struct plan p;
	size_t len, pad;

	if (t->n_new == 0 || c->failed || c->end - c->p < 64)
		return 0;
	make_plan(t, &p, (size_t)(c->end - c->p) - 24);
	stoa_wcur_take(c, 4);
	stoa_wcur_be32(c, sender);
	stoa_wcur_be32(c, media);
	stoa_wcur_be16(c, (uint16_t)p.base);
	stoa_wcur_be16(c, (uint16_t)p.n);
	stoa_wcur_be24(c, p.reference & 0xffffff);
	stoa_wcur_u8(c, t->feedback_count++);
	write_chunks(&p, c);
	write_deltas(&p, c);
	len = (size_t)(c->p - head);
	pad = -len & 3;
	for (size_t i = 0; i < pad; i++)
		stoa_wcur_u8(c, i + 1 == pad ? (uint8_t)pad : 0);
	h = stoa_wcur(head, 4);
	stoa_wcur_u8(&h, (uint8_t)(0x80 | (pad ? 0x20 : 0) | RTPFB_TWCC));
	stoa_wcur_u8(&h, RTCP_RTPFB);
	stoa_wcur_be16(&h, (uint16_t)((len + pad) / 4 - 1));
	for (uint32_t i = 0; i < p.n; i++)
		*slot(t, p.base + i) = 0;
	t->next = p.base + p.n;
	t->n_new -= p.n_deltas;
	return 1;
}
