/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing RTCP. The engine walks a compound with rtcp_next() and hands each body to
 * the reader of its type; transport-wide feedback has a file of its own (twcc.c). */
#include "rtcp.h"
#include <errno.h>

int rtcp_next(struct stoa_cursor *c, struct rtcp_packet *ret_packet)
{
	struct rtcp_packet p;
	uint8_t first;
	size_t len;

	if (stoa_cur_left(c) == 0)
		return 0;
	first = stoa_cur_u8(c);
	p.type = stoa_cur_u8(c);
	len = (size_t)stoa_cur_be16(c) * 4;
	p.count = first & 0x1f;
	p.body = stoa_cur_sub(c, len);
	if (!stoa_cur_ok(c) || first >> 6 != 2)
		return -EBADMSG;
	if (first & 0x20) { /* padding: only the last packet may have it */
		uint8_t pad = len ? p.body.end[-1] : 0;

		if (pad == 0 || pad > len)
			return -EBADMSG;
		p.body.end -= pad;
	}
	*ret_packet = p;
	return 1;
}

int rtcp_read_sr(struct stoa_cursor *body, uint32_t *ret_ssrc, struct rtcp_sender_info *ret_info)
{
	uint32_t ssrc = stoa_cur_be32(body);
	struct rtcp_sender_info i = {
		.ntp = stoa_cur_be64(body),
		.rtp = stoa_cur_be32(body),
		.packets = stoa_cur_be32(body),
		.octets = stoa_cur_be32(body),
	};

	if (!stoa_cur_ok(body))
		return -EBADMSG;
	*ret_ssrc = ssrc;
	*ret_info = i;
	return 0;
}

int rtcp_read_report(struct stoa_cursor *body, struct rtcp_report *ret_report)
{
	struct rtcp_report r = { .ssrc = stoa_cur_be32(body), .fraction_lost = stoa_cur_u8(body) };
	uint32_t lost = stoa_cur_be24(body);

	r.lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost;
	r.highest_seq = stoa_cur_be32(body);
	r.jitter = stoa_cur_be32(body);
	r.lsr = stoa_cur_be32(body);
	r.dlsr = stoa_cur_be32(body);
	if (!stoa_cur_ok(body))
		return -EBADMSG;
	*ret_report = r;
	return 0;
}

int rtcp_read_feedback(struct stoa_cursor *body, struct rtcp_feedback *ret_fb)
{
	struct rtcp_feedback fb = { .sender_ssrc = stoa_cur_be32(body) };

	fb.media_ssrc = stoa_cur_be32(body);
	if (!stoa_cur_ok(body))
		return -EBADMSG;
	*ret_fb = fb;
	return 0;
}

unsigned rtcp_read_nack(struct stoa_cursor *body, unsigned limit, rtcp_seq_fn *fn, void *user)
{
	unsigned n = 0;

	while (stoa_cur_left(body) >= 4 && n < limit) {
		uint16_t pid = stoa_cur_be16(body), mask = stoa_cur_be16(body);

		fn(pid, user);
		n++;
		for (unsigned i = 0; mask && n < limit; i++, mask >>= 1) {
			if (mask & 1) {
				fn((uint16_t)(pid + i + 1), user);
				n++;
			}
		}
	}
	return n;
}

bool rtcp_read_fir(struct stoa_cursor *body, uint32_t *ret_ssrc, uint8_t *ret_seq)
{
	if (stoa_cur_left(body) < 8)
		return false;
	*ret_ssrc = stoa_cur_be32(body);
	*ret_seq = stoa_cur_u8(body);
	return stoa_cur_skip(body, 3);
}

int rtcp_read_remb(struct stoa_cursor *body, uint64_t *ret_bps)
{
	uint32_t id = stoa_cur_be32(body), bits;

	stoa_cur_u8(body); /* number of SSRCs: it is about the transport, whatever they are */
	bits = stoa_cur_be24(body);
	if (!stoa_cur_ok(body) || id != 0x52454d42) /* "REMB" */
		return -EBADMSG;
	*ret_bps = bits >> 18 > 40 ? UINT64_MAX >> 8 : (uint64_t)(bits & 0x3ffff) << (bits >> 18);
	return 0;
}

static void write_head(struct stoa_wcursor *c, uint8_t count, enum rtcp_type type, size_t words)
{
	stoa_wcur_u8(c, (uint8_t)(0x80 | count));
	stoa_wcur_u8(c, (uint8_t)type);
	stoa_wcur_be16(c, (uint16_t)words);
}

static void write_reports(struct stoa_wcursor *c, const struct rtcp_report *reports, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct rtcp_report *r = &reports[i];

		stoa_wcur_be32(c, r->ssrc);
		stoa_wcur_u8(c, r->fraction_lost);
		stoa_wcur_be24(c, (uint32_t)r->lost & 0xffffff);
		stoa_wcur_be32(c, r->highest_seq);
		stoa_wcur_be32(c, r->jitter);
		stoa_wcur_be32(c, r->lsr);
		stoa_wcur_be32(c, r->dlsr);
	}
}

void rtcp_write_sr(struct stoa_wcursor *c, uint32_t ssrc, const struct rtcp_sender_info *info,
		   const struct rtcp_report *reports, unsigned n)
{
	write_head(c, (uint8_t)n, RTCP_SR, 6 + (size_t)n * 6);
	stoa_wcur_be32(c, ssrc);
	stoa_wcur_be64(c, info->ntp);
	stoa_wcur_be32(c, info->rtp);
	stoa_wcur_be32(c, info->packets);
	stoa_wcur_be32(c, info->octets);
	write_reports(c, reports, n);
}

void rtcp_write_rr(struct stoa_wcursor *c, uint32_t ssrc, const struct rtcp_report *reports,
		   unsigned n)
{
	write_head(c, (uint8_t)n, RTCP_RR, 1 + (size_t)n * 6);
	stoa_wcur_be32(c, ssrc);
	write_reports(c, reports, n);
}

void rtcp_write_sdes(struct stoa_wcursor *c, uint32_t ssrc, struct stoa_str cname)
{
	size_t items = 2 + cname.n + 1, pad = -items & 3; /* an item list ends with a zero octet */

	write_head(c, 1, RTCP_SDES, 1 + (items + pad) / 4);
	stoa_wcur_be32(c, ssrc);
	stoa_wcur_u8(c, 1);
	stoa_wcur_u8(c, (uint8_t)cname.n);
	stoa_wcur_bytes(c, cname.p, cname.n);
	stoa_wcur_bytes(c, "\0\0\0\0", 1 + pad);
}

void rtcp_write_pli(struct stoa_wcursor *c, uint32_t sender, uint32_t media)
{
	write_head(c, PSFB_PLI, RTCP_PSFB, 2);
	stoa_wcur_be32(c, sender);
	stoa_wcur_be32(c, media);
}

void rtcp_write_fir(struct stoa_wcursor *c, uint32_t sender, uint32_t media, uint8_t seq)
{
	write_head(c, PSFB_FIR, RTCP_PSFB, 4);
	stoa_wcur_be32(c, sender);
	stoa_wcur_be32(c, 0); /* media source: unused in FIR */
	stoa_wcur_be32(c, media);
	stoa_wcur_be32(c, (uint32_t)seq << 24);
}

void rtcp_write_nack(struct stoa_wcursor *c, uint32_t sender, uint32_t media, const uint16_t *seqs,
		     unsigned n)
{
	uint8_t *head = stoa_wcur_take(c, 4);
	struct stoa_wcursor h = stoa_wcur(head, head ? 4 : 0);
	size_t words = 2;

	stoa_wcur_be32(c, sender);
	stoa_wcur_be32(c, media);
	for (unsigned i = 0; i < n; words++) {
		uint16_t pid = seqs[i++], mask = 0;

		for (; i < n && (uint16_t)(seqs[i] - pid - 1) < 16; i++)
			mask |= (uint16_t)(1u << (uint16_t)(seqs[i] - pid - 1));
		stoa_wcur_be16(c, pid);
		stoa_wcur_be16(c, mask);
	}
	if (head)
		write_head(&h, RTPFB_NACK, RTCP_RTPFB, words);
}
