/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of SSRCs and replay windows for srtp.c. Entries sit densely in an array; a hash of 16-bit
 * positions finds them and is made anew when the table grows or forgets, both rare. */
#include "srtp_stream.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAP 8u

void table_init(struct srtp_table *t, uint32_t limit)
{
	*t = (struct srtp_table){ .limit = limit };
}

void table_reset(struct srtp_table *t)
{
	free(t->streams);
	free(t->windows);
	free(t->slots);
	table_init(t, t->limit);
}

static uint32_t first_slot(const struct srtp_table *t, uint32_t ssrc)
{
	return (uint32_t)((ssrc * UINT64_C(0x9E3779B97F4A7C15)) >> 40) & (2 * t->cap - 1);
}

static void fill_slot(struct srtp_table *t, uint32_t pos)
{
	uint32_t at = first_slot(t, t->streams[pos].ssrc);

	while (t->slots[at])
		at = (at + 1) & (2 * t->cap - 1);
	t->slots[at] = (uint16_t)(pos + 1);
}

static void fill_slots(struct srtp_table *t)
{
	memset(t->slots, 0, 2 * t->cap * sizeof(t->slots[0]));
	for (uint32_t i = 0; i < t->n; i++)
		fill_slot(t, i);
}

struct srtp_stream *table_find(struct srtp_table *t, uint32_t ssrc)
{
	if (t->last < t->n && t->streams[t->last].ssrc == ssrc)
		goto found;
	if (!t->n)
		return NULL;
	for (uint32_t at = first_slot(t, ssrc); t->slots[at]; at = (at + 1) & (2 * t->cap - 1)) {
		t->last = t->slots[at] - 1u;
		if (t->streams[t->last].ssrc == ssrc)
			goto found;
	}
	return NULL;
found:
	t->streams[t->last].used = ++t->clock;
	return &t->streams[t->last];
}

static int grow(struct srtp_table *t)
{
	uint32_t cap = t->cap ? 2 * t->cap : FIRST_CAP;
	struct srtp_stream *streams;
	struct srtp_window *windows;
	uint16_t *slots;

	if (!(streams = realloc(t->streams, cap * sizeof(*streams))))
		return -ENOMEM;
	t->streams = streams;
	if (!(windows = realloc(t->windows, cap * sizeof(*windows))))
		return -ENOMEM;
	t->windows = windows;
	if (!(slots = realloc(t->slots, 2 * cap * sizeof(*slots))))
		return -ENOMEM;
	t->slots = slots;
	t->cap = cap;
	fill_slots(t);
	return 0;
}

/* The position of the stream silent for longest. */
static uint32_t find_oldest(struct srtp_table *t)
{
	uint32_t oldest = 0;

	for (uint32_t i = 1; i < t->n; i++)
		if (t->clock - t->streams[i].used > t->clock - t->streams[oldest].used)
			oldest = i;
	return oldest;
}

int table_add(struct srtp_table *t, uint32_t ssrc, struct srtp_stream **ret_stream)
{
	bool is_full = t->n == t->limit;
	uint32_t pos = t->n;
	int err;

	if (is_full)
		pos = find_oldest(t);
	else if (t->n == t->cap && (err = grow(t)))
		return err;
	t->streams[pos] = (struct srtp_stream){ .ssrc = ssrc, .used = ++t->clock };
	memset(&t->windows[pos], 0, sizeof(t->windows[pos]));
	if (is_full) {
		fill_slots(t);
	} else {
		t->n++;
		fill_slot(t, pos);
	}
	t->last = pos;
	*ret_stream = &t->streams[pos];
	return 0;
}

size_t table_footprint(const struct srtp_table *t)
{
	return t->cap *
	       (sizeof(struct srtp_stream) + sizeof(struct srtp_window) + 2 * sizeof(uint16_t));
}

int stream_guess(const struct srtp_stream *st, uint16_t seq, uint64_t *ret_index)
{
	uint64_t roc;
	uint16_t top;

	if (!st || !st->has_rtp) {
		*ret_index = seq;
		return 0;
	}
	roc = st->top >> 16;
	top = (uint16_t)st->top;
	if (top < 32768 && seq > top && seq - top > 32768) {
		if (!roc)
			return -EINVAL;
		roc--;
	} else if (top >= 32768 && top - 32768 > seq) {
		roc = (roc + 1) & UINT32_MAX;
	}
	*ret_index = roc << 16 | seq;
	return 0;
}

bool window_has(const uint64_t *words, uint32_t size, uint64_t top, uint64_t index)
{
	uint32_t bit = (uint32_t)index & (size - 1);

	if (index > top)
		return false;
	if (top - index >= size)
		return true;
	return words[bit / 64] >> (bit % 64) & 1;
}

uint64_t window_mark(uint64_t *words, uint32_t size, uint64_t top, uint64_t index)
{
	uint32_t bit = (uint32_t)index & (size - 1);

	if (index > top && index - top >= size) {
		memset(words, 0, size / 8);
	} else {
		for (uint64_t i = top + 1; i < index; i++) {
			uint32_t lost = (uint32_t)i & (size - 1);

			words[lost / 64] &= ~(UINT64_C(1) << (lost % 64));
		}
	}
	words[bit / 64] |= UINT64_C(1) << (bit % 64);
	return index > top ? index : top;
}
