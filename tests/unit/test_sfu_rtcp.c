/* SPDX-License-Identifier: Apache-2.0 */
/* RTCP: compounds, reports, feedback, against packets written out by hand. */
#include "rtcp.h"
#include "check.h"
#include <errno.h>

static void test_compound_walk(void)
{
	static const uint8_t b[] = { 0x80, 201, 0, 1, 0, 0, 0, 1, 0xa1, 206, 0, 3,
				     0,    0,   0, 1, 0, 0, 0, 2, 0,    0,   0, 4 };
	struct stoa_cursor c = stoa_cur(b, sizeof(b));
	struct rtcp_packet p;

	CHECK_INT(rtcp_next(&c, &p), 1);
	CHECK_INT(p.type, RTCP_RR);
	CHECK_INT(p.count, 0);
	CHECK_INT(stoa_cur_left(&p.body), 4);
	CHECK_INT(rtcp_next(&c, &p), 1);
	CHECK_INT(p.type, RTCP_PSFB);
	CHECK_INT(p.count, PSFB_PLI);
	CHECK_INT(stoa_cur_left(&p.body), 8); /* four octets of padding are off */
	CHECK_INT(rtcp_next(&c, &p), 0);
}

static void test_lengths_that_lie(void)
{
	struct rtcp_packet p;
	struct stoa_cursor c = stoa_cur("\x80\xc9\x00\x02\x00\x00\x00\x01", 8);

	CHECK_INT(rtcp_next(&c, &p), -EBADMSG);
	c = stoa_cur("\x80\xc9\x00", 3);
	CHECK_INT(rtcp_next(&c, &p), -EBADMSG);
	c = stoa_cur("\x40\xc9\x00\x00", 4); /* version 1 */
	CHECK_INT(rtcp_next(&c, &p), -EBADMSG);
	c = stoa_cur("\xa0\xc9\x00\x01\x00\x00\x00\x05", 8); /* padding longer than the packet */
	CHECK_INT(rtcp_next(&c, &p), -EBADMSG);
	c = stoa_cur("\xa0\xc9\x00\x00", 4); /* padding of nothing */
	CHECK_INT(rtcp_next(&c, &p), -EBADMSG);
}

static void test_reports_round(void)
{
	const struct rtcp_sender_info in = { 0x0102030405060708, 0x11121314, 21, 22 };
	const struct rtcp_report blocks[] = { { 7, 255, -1, 0x10001, 5, 6, 8 },
					      { 9, 0, 0x7fffff, 1, 2, 3, 4 } };
	struct rtcp_sender_info out;
	struct rtcp_report r;
	struct rtcp_packet p;
	uint8_t b[256];
	struct stoa_wcursor w = stoa_wcur(b, sizeof(b));
	struct stoa_cursor c;
	uint32_t ssrc;

	rtcp_write_sr(&w, 5, &in, blocks, 2);
	rtcp_write_sdes(&w, 5, stoa_str("PA_x"));
	CHECK(!w.failed);
	CHECK_INT(stoa_wcur_len(&w), 28 + 48 + 16);
	c = stoa_cur(b, stoa_wcur_len(&w));
	CHECK_INT(rtcp_next(&c, &p), 1);
	CHECK_INT(p.count, 2);
	CHECK_INT(rtcp_read_sr(&p.body, &ssrc, &out), 0);
	CHECK_INT(ssrc, 5);
	CHECK(in.ntp == out.ntp && in.rtp == out.rtp && in.packets == out.packets &&
	      in.octets == out.octets);
	CHECK_INT(rtcp_read_report(&p.body, &r), 0);
	CHECK_INT(r.lost, -1);
	CHECK_INT(r.fraction_lost, 255);
	CHECK_INT(r.highest_seq, 0x10001);
	CHECK_INT(rtcp_read_report(&p.body, &r), 0);
	CHECK_INT(r.lost, 0x7fffff);
	CHECK_INT(rtcp_read_report(&p.body, &r), -EBADMSG);
	CHECK_INT(rtcp_next(&c, &p), 1);
	CHECK_INT(p.type, RTCP_SDES);
	CHECK(memcmp(p.body.p, "\0\0\0\5\1\4PA_x\0\0", 12) == 0);
	CHECK_INT(rtcp_next(&c, &p), 0);
}

static void test_a_cut_sender_report(void)
{
	struct stoa_cursor c = stoa_cur("\0\0\0\1\0\0\0\2", 8);
	struct rtcp_sender_info i;
	uint32_t ssrc;

	CHECK_INT(rtcp_read_sr(&c, &ssrc, &i), -EBADMSG);
}

static uint16_t seen[64];
static unsigned n_seen;

static void on_seq(uint16_t seq, void *user)
{
	(void)user;
	seen[n_seen++] = seq;
}

static void test_nack(void)
{
	static const uint16_t lost[] = { 65534, 65535, 0, 14, 15, 100 };
	static const uint8_t want[] = { 0x81, 205,  0,    5,    0, 0,  0, 1, 0, 0,   0, 2,
					0xff, 0xfe, 0x80, 0x03, 0, 15, 0, 0, 0, 100, 0, 0 };
	struct rtcp_feedback fb;
	struct rtcp_packet p;
	uint8_t b[64];
	struct stoa_wcursor w = stoa_wcur(b, sizeof(b));
	struct stoa_cursor c;

	rtcp_write_nack(&w, 1, 2, lost, 6);
	CHECK_INT(stoa_wcur_len(&w), 24);
	CHECK(memcmp(b, want, sizeof(want)) == 0);
	c = stoa_cur(b, stoa_wcur_len(&w));
	CHECK_INT(rtcp_next(&c, &p), 1);
	CHECK_INT(p.count, RTPFB_NACK);
	CHECK_INT(rtcp_read_feedback(&p.body, &fb), 0);
	CHECK_INT(fb.media_ssrc, 2);
	CHECK_INT(rtcp_read_nack(&p.body, 64, on_seq, NULL), 6);
	CHECK(memcmp(seen, lost, sizeof(lost)) == 0);
}

static void test_nack_is_limited(void)
{
	static const uint8_t fci[] = { 0, 1, 0xff, 0xff, 0, 50, 0xff, 0xff };
	struct stoa_cursor c = stoa_cur(fci, sizeof(fci));

	n_seen = 0;
	CHECK_INT(rtcp_read_nack(&c, 20, on_seq, NULL), 20);
	CHECK_INT(n_seen, 20);
}

static void test_fir_and_pli(void)
{
	struct rtcp_packet p;
	struct rtcp_feedback fb;
	uint8_t b[64], seq;
	uint32_t ssrc;
	struct stoa_wcursor w = stoa_wcur(b, sizeof(b));
	struct stoa_cursor c;

	rtcp_write_pli(&w, 1, 2);
	rtcp_write_fir(&w, 1, 3, 9);
	c = stoa_cur(b, stoa_wcur_len(&w));
	CHECK_INT(rtcp_next(&c, &p), 1);
	CHECK_INT(rtcp_read_feedback(&p.body, &fb), 0);
	CHECK(p.count == PSFB_PLI && fb.media_ssrc == 2);
	CHECK_INT(rtcp_next(&c, &p), 1);
	CHECK_INT(rtcp_read_feedback(&p.body, &fb), 0);
	CHECK(p.count == PSFB_FIR && fb.media_ssrc == 0);
	CHECK(rtcp_read_fir(&p.body, &ssrc, &seq));
	CHECK(ssrc == 3 && seq == 9);
	CHECK(!rtcp_read_fir(&p.body, &ssrc, &seq));
}

static void test_remb(void)
{
	uint64_t bps;
	struct stoa_cursor c = stoa_cur("REMB\x01\x07\xa1\x20\0\0\0\1", 12); /* 1 << 17 * ... */

	CHECK_INT(rtcp_read_remb(&c, &bps), 0);
	CHECK_INT(bps, (uint64_t)0x3a120 << 1);
	c = stoa_cur("REMB\x01\xff\xff\xff", 8); /* an exponent that would shift everything out */
	CHECK_INT(rtcp_read_remb(&c, &bps), 0);
	CHECK(bps > 1000000000);
	c = stoa_cur("XXXX\x01\x00\x00\x00", 8);
	CHECK_INT(rtcp_read_remb(&c, &bps), -EBADMSG);
	c = stoa_cur("REMB", 4);
	CHECK_INT(rtcp_read_remb(&c, &bps), -EBADMSG);
}

int main(void)
{
	test_compound_walk();
	test_lengths_that_lie();
	test_reports_round();
	test_a_cut_sender_report();
	test_nack();
	test_nack_is_limited();
	test_fir_and_pli();
	test_remb();
	return check_done();
}
