/* SPDX-License-Identifier: Apache-2.0 */
/* Transport-wide feedback: packets written out by hand, and a decoder of the draft's format that
 * reads back what was recorded. */
#include "twcc.h"
#include "check.h"

#define MS 1000

static struct twcc t;

static void record(uint16_t seq, uint64_t us)
{
	twcc_record(&t, seq, us);
}

static void test_three_in_a_row(void)
{
	/* 64 ms units: 1024 ms = 16; deltas of 250 µs: 0, 4, 40 */
	static const uint8_t want[] = { 0x8f, 205, 0, 5, 0,  0, 0,    1, 0, 0, 0,  2, 0, 10,
					0,    3,   0, 0, 16, 0, 0xb8, 0, 0, 4, 40, 0, 0, 0 };
	uint8_t b[256];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));

	memset(&t, 0, sizeof(t));
	record(10, 1024 * MS);
	record(11, 1025 * MS);
	record(12, 1035 * MS);
	CHECK_INT(twcc_write(&t, &c, 1, 2), 1);
	/* header 20, chunk 2, deltas 3, padding 3 with the P bit */
	CHECK_INT(stoa_wcur_len(&c), 28);
	CHECK_INT(b[0], 0xaf);
	CHECK_INT(b[1], 205);
	CHECK_INT(b[3], 6);
	CHECK(memcmp(b + 4, want + 4, 21) == 0);
	CHECK_INT(b[27], 3);
	c = stoa_wcur(b, sizeof(b));
	CHECK_INT(twcc_write(&t, &c, 1, 2), 0); /* nothing new */
}

static void test_loss_and_reordering(void)
{
	/* 20 lost, 21 and 22 swapped: statuses received, lost, small, large (negative delta) */
	uint8_t b[256];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));

	memset(&t, 0, sizeof(t));
	record(19, 640 * MS);
	record(22, 642 * MS);
	record(21, 643 * MS);
	CHECK_INT(twcc_write(&t, &c, 1, 2), 1);
	CHECK_INT(b[13], 19);
	CHECK_INT(b[15], 4);
	/* 11 | 01 00 01 10 00 00 00 */
	CHECK_INT(b[20] << 8 | b[21], 0xc000 | 0x1180);
	CHECK_INT(b[22], 0);    /* 19: on the reference */
	CHECK_INT(b[23], 12);   /* 21: 3 ms later       */
	CHECK_INT(b[24], 0xff); /* 22: 1 ms earlier     */
	CHECK_INT(b[25], 0xfc);
	CHECK_INT(b[26], 0);
	CHECK_INT(b[27], 2);
}

static void test_a_run_of_losses(void)
{
	uint8_t b[256];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));

	memset(&t, 0, sizeof(t));
	record(100, 64 * MS);
	record(131, 65 * MS); /* 30 lost */
	CHECK_INT(twcc_write(&t, &c, 1, 2), 1);
	CHECK_INT(b[15], 32);
	/* vector of 14: 1, then 13 lost; run of 17 lost; vector: received */
	CHECK_INT(b[20] << 8 | b[21], 0x8000 | 1 << 13);
	CHECK_INT(b[22] << 8 | b[23], 17);
	CHECK_INT(b[24] << 8 | b[25], 0x8000 | 1 << 13);
}

/* ---- a decoder, for what is too long to write by hand ---- */

struct decoded {
	unsigned n, received;
	uint16_t base;
	uint32_t reference;
	uint8_t count;
	uint8_t symbols[8192];
	uint32_t ticks[8192];
};

static int decode(const uint8_t *b, size_t n, struct decoded *d)
{
	struct stoa_cursor c = stoa_cur(b, n);
	uint32_t at;

	if ((size_t)((b[2] << 8 | b[3]) + 1) * 4 != n)
		return -1;
	stoa_cur_skip(&c, 12);
	d->base = stoa_cur_be16(&c);
	d->n = stoa_cur_be16(&c);
	d->reference = stoa_cur_be24(&c);
	d->count = stoa_cur_u8(&c);
	d->received = 0;
	for (unsigned i = 0; i < d->n;) {
		uint16_t chunk = stoa_cur_be16(&c);

		if (!(chunk & 0x8000))
			for (unsigned k = 0; k < (chunk & 0x1fffu); k++)
				d->symbols[i++] = chunk >> 13 & 3;
		else if (!(chunk & 0x4000))
			for (int k = 13; k >= 0 && i < d->n; k--)
				d->symbols[i++] = chunk >> k & 1;
		else
			for (int k = 12; k >= 0 && i < d->n; k -= 2)
				d->symbols[i++] = chunk >> k & 3;
		if (!stoa_cur_ok(&c) || i > d->n)
			return -1;
	}
	at = d->reference * 256;
	for (unsigned i = 0; i < d->n; i++) {
		if (d->symbols[i] == 0)
			continue;
		at += d->symbols[i] == 1 ? stoa_cur_u8(&c) : (uint32_t)(int16_t)stoa_cur_be16(&c);
		d->ticks[i] = at;
		d->received++;
	}
	return stoa_cur_ok(&c) ? 0 : -1;
}

static void test_many_with_wrap(void)
{
	static struct decoded d;
	static uint32_t sent_ticks[65536];
	uint32_t random = 1, reported = 0, recorded = 0, wrong = 0, at = 5000000;
	uint16_t next = 0;
	uint8_t expected_count = 0;

	memset(&t, 0, sizeof(t));
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 40; i++) {
			uint16_t seq = (uint16_t)(65000 + round * 40 + i);

			random = random * 1664525 + 1013904223;
			at += random >> 17; /* up to 32 ms apart */
			if (random >> 28 == 3)
				continue; /* lost */
			record(seq, at);
			sent_ticks[seq] = at / 250;
			recorded++;
		}
		for (;;) {
			uint8_t b[300];
			struct stoa_wcursor c = stoa_wcur(b, sizeof(b));

			if (!twcc_write(&t, &c, 1, 2))
				break;
			CHECK(!c.failed);
			CHECK_INT(decode(b, stoa_wcur_len(&c), &d), 0);
			CHECK_INT(d.count, expected_count++);
			if (d.count) /* each goes on where the last one ended */
				CHECK_INT(d.base, next);
			next = (uint16_t)(d.base + d.n);
			for (unsigned i = 0; i < d.n; i++)
				if (d.symbols[i] &&
				    d.ticks[i] != sent_ticks[(uint16_t)(d.base + i)])
					wrong++;
			reported += d.received;
		}
	}
	CHECK_INT(wrong, 0);
	CHECK_INT(reported, recorded);
}

static void test_a_jump_and_a_stray(void)
{
	static struct decoded d;
	uint8_t b[1200];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));

	memset(&t, 0, sizeof(t));
	record(10, 1000 * MS);
	record(5000, 1001 * MS); /* further than the window: what was before is given up */
	CHECK_INT(twcc_write(&t, &c, 1, 2), 1);
	CHECK_INT(decode(b, stoa_wcur_len(&c), &d), 0);
	CHECK_INT(d.base, 5000);
	CHECK_INT(d.received, 1);
	record(4990, 1002 * MS); /* older than what was reported */
	CHECK_INT(twcc_write(&t, &c, 1, 2), 0);
	record(5000, 1002 * MS);
	CHECK_INT(twcc_write(&t, &c, 1, 2), 0);
}

static void test_a_pause_longer_than_a_delta(void)
{
	static struct decoded d;
	uint8_t b[1200];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));

	memset(&t, 0, sizeof(t));
	record(1, 1000 * MS);
	record(2, 60000 * MS); /* 59 s: no 16-bit delta says that */
	CHECK_INT(twcc_write(&t, &c, 1, 2), 1);
	CHECK_INT(decode(b, stoa_wcur_len(&c), &d), 0);
	CHECK_INT(d.received, 1);
	c = stoa_wcur(b, sizeof(b));
	CHECK_INT(twcc_write(&t, &c, 1, 2), 1);
	CHECK_INT(decode(b, stoa_wcur_len(&c), &d), 0);
	CHECK_INT(d.base, 2);
	CHECK_INT(d.ticks[0], 60000 * 4);
}

int main(void)
{
	test_three_in_a_row();
	test_loss_and_reordering();
	test_a_run_of_losses();
	test_many_with_wrap();
	test_a_jump_and_a_stray();
	test_a_pause_longer_than_a_delta();
	return check_done();
}
