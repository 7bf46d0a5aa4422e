/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_RTCP_H
#define SFU_RTCP_H

#include <stoa/cursor.h>

/*
 * RTCP (RFC 3550 section 6, feedback of RFC 4585 and RFC 5104, reduced size of RFC 5506): a walk
 * over compounds and small readers and writers of each packet. Pure.
 */

enum rtcp_type {
	RTCP_SR = 200,
	RTCP_RR = 201,
	RTCP_SDES = 202,
	RTCP_BYE = 203,
	RTCP_APP = 204,
	RTCP_RTPFB = 205,
	RTCP_PSFB = 206,
	RTCP_XR = 207,
};

enum { RTPFB_NACK = 1, RTPFB_TWCC = 15, PSFB_PLI = 1, PSFB_FIR = 4, PSFB_AFB = 15 };

struct rtcp_packet {
	uint8_t type, count;     /* count, or the feedback format */
	struct stoa_cursor body; /* after the four-octet header, without padding */
};

/** The next packet of a compound: 1, 0 at the end, -EBADMSG when a length leaves the compound or
 *  the version is wrong. */
int rtcp_next(struct stoa_cursor *c, struct rtcp_packet *ret_packet);

struct rtcp_sender_info {
	uint64_t ntp;
	uint32_t rtp, packets, octets;
};

struct rtcp_report { /* report block */
	uint32_t ssrc;
	uint8_t fraction_lost; /* of 256 */
	int32_t lost;          /* cumulative, 24 bits signed */
	uint32_t highest_seq, jitter;
	uint32_t lsr, dlsr; /* middle 32 bits of NTP; 1/65536 s */
};

/** Reads from the body of SR: sender SSRC and info; the report blocks follow. -EBADMSG. */
int rtcp_read_sr(struct stoa_cursor *body, uint32_t *ret_ssrc, struct rtcp_sender_info *ret_info);
/** One report block. -EBADMSG when there is none left. */
int rtcp_read_report(struct stoa_cursor *body, struct rtcp_report *ret_report);

struct rtcp_feedback { /* common head of RTPFB and PSFB */
	uint32_t sender_ssrc, media_ssrc;
};
int rtcp_read_feedback(struct stoa_cursor *body, struct rtcp_feedback *ret_fb);

/** Calls fn for every sequence number of the generic NACK entries in `body` (after the feedback
 *  head), at most `limit`. Returns how many. */
typedef void rtcp_seq_fn(uint16_t seq, void *user);
unsigned rtcp_read_nack(struct stoa_cursor *body, unsigned limit, rtcp_seq_fn *fn, void *user);

/** One FIR entry (RFC 5104 section 4.3.1). False at the end. */
bool rtcp_read_fir(struct stoa_cursor *body, uint32_t *ret_ssrc, uint8_t *ret_seq);

/** Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03). -EBADMSG when it is some
 *  other application feedback. */
int rtcp_read_remb(struct stoa_cursor *body, uint64_t *ret_bps);

/* ---- writing: each appends one whole packet; check c->failed once at the end ---- */
void rtcp_write_sr(struct stoa_wcursor *c, uint32_t ssrc, const struct rtcp_sender_info *info,
		   const struct rtcp_report *reports, unsigned n);
void rtcp_write_rr(struct stoa_wcursor *c, uint32_t ssrc, const struct rtcp_report *reports,
		   unsigned n);
/** Source description with one CNAME chunk (at most 255 bytes). */
void rtcp_write_sdes(struct stoa_wcursor *c, uint32_t ssrc, struct stoa_str cname);
void rtcp_write_pli(struct stoa_wcursor *c, uint32_t sender, uint32_t media);
void rtcp_write_fir(struct stoa_wcursor *c, uint32_t sender, uint32_t media, uint8_t seq);
/** Generic NACK of ascending sequence numbers (modulo 2^16). */
void rtcp_write_nack(struct stoa_wcursor *c, uint32_t sender, uint32_t media, const uint16_t *seqs,
		     unsigned n);

#endif
