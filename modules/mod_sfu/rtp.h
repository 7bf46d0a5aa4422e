/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_RTP_H
#define SFU_RTP_H

#include <stoa/cursor.h>

/*
 * RTP headers (RFC 3550 section 5.1) and their extensions (RFC 8285, one- and two-byte forms).
 * Pure. Extension elements are known by meaning: ids are only valid together with the m-section
 * they were negotiated in, because one id may mean different things in two sections of a bundle.
 */

#define RTP_HEADER_LEN 12

enum rtp_ext {
	RTP_EXT_NONE,
	RTP_EXT_MID,           /* RFC 9143 */
	RTP_EXT_RID,           /* RFC 8852 */
	RTP_EXT_REPAIRED_RID,  /* RFC 8852 */
	RTP_EXT_AUDIO_LEVEL,   /* RFC 6464 */
	RTP_EXT_TRANSPORT_SEQ, /* draft-holmer-rmcat-transport-wide-cc-extensions-01 */
	RTP_EXT_ABS_SEND_TIME,
	RTP_EXT_ORIENTATION, /* 3GPP TS 26.114 section 7.4.5 */
	RTP_EXT_PLAYOUT_DELAY,
	RTP_EXT_CONTENT_TYPE,
	RTP_EXT_COLOR_SPACE,
	RTP_EXT_ABS_CAPTURE_TIME,
	RTP_EXT_DEPENDENCY, /* AV1 RTP specification, appendix A */
	RTP_EXTS
};

/** RTP_EXT_NONE when the URI is not one we handle. */
enum rtp_ext rtp_ext_from_uri(struct stoa_str uri);
const char *rtp_ext_uri(enum rtp_ext ext);

#define RTP_EXT_ID_MAX 63 /* largest id that is ever negotiated (RFC 8285 allows 255) */

struct rtp_header {
	uint8_t pt;
	bool marker;
	uint16_t seq;
	uint32_t timestamp, ssrc;
	uint16_t payload_off, payload_len; /* without padding */
	uint8_t pad_len;
	uint16_t ext_profile; /* 0xBEDE, 0x100X, or 0: no extension */
	uint16_t ext_off, ext_len;
};

/** -EBADMSG: not version 2, CSRCs, extension or padding leave the packet. */
int rtp_parse(const uint8_t *data, size_t n, struct rtp_header *ret_header);

struct rtp_element {
	uint8_t id, len;
	uint16_t off; /* of its data, from the start of the packet */
};

/** Walks the extension elements: start with *pos = 0. Returns 1 with an element, 0 at the end,
 *  -EBADMSG when an element leaves the extension. */
int rtp_ext_next(const uint8_t *data, const struct rtp_header *h, uint16_t *pos,
		 struct rtp_element *ret_element);

/** Looks for one id. False when absent or malformed. */
bool rtp_ext_find(const uint8_t *data, const struct rtp_header *h, uint8_t id,
		  struct rtp_element *ret_element);

struct rtp_write_ext {
	uint8_t id, len;
	const uint8_t *data;
};

/** Writes a header without CSRCs, the P bit clear, with the elements in the one-byte form when
 *  all fit it (id <= 14, 1 to 16 bytes), else the two-byte form. */
void rtp_write(struct stoa_wcursor *c, const struct rtp_header *h, const struct rtp_write_ext *exts,
	       unsigned n_exts);

/** May it be RTCP (RFC 5761 section 4: second octet 192 to 223)? */
static inline bool rtp_is_rtcp(const uint8_t *data, size_t n)
{
	return n >= 2 && data[1] >= 192 && data[1] <= 223;
}

#endif
