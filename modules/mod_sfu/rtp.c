/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing RTP headers. Called once per received packet and once per sent one: the
 * parser stays on the cursor, the writer fills a buffer on the stack of its caller. */
#include "rtp.h"
#include <endian.h>
#include <errno.h>

#define PROFILE_ONE_BYTE 0xBEDE
#define PROFILE_TWO_BYTE 0x1000

#define URN "urn:ietf:params:rtp-hdrext:"
#define EXP "http://www.webrtc.org/experiments/rtp-hdrext/"

static const char *const uris[RTP_EXTS] = {
	[RTP_EXT_MID] = URN "sdes:mid",
	[RTP_EXT_RID] = URN "sdes:rtp-stream-id",
	[RTP_EXT_REPAIRED_RID] = URN "sdes:repaired-rtp-stream-id",
	[RTP_EXT_AUDIO_LEVEL] = URN "ssrc-audio-level",
	[RTP_EXT_TRANSPORT_SEQ] =
		"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
	[RTP_EXT_ABS_SEND_TIME] = EXP "abs-send-time",
	[RTP_EXT_ORIENTATION] = "urn:3gpp:video-orientation",
	[RTP_EXT_PLAYOUT_DELAY] = EXP "playout-delay",
	[RTP_EXT_CONTENT_TYPE] = EXP "video-content-type",
	[RTP_EXT_COLOR_SPACE] = EXP "color-space",
	[RTP_EXT_ABS_CAPTURE_TIME] = EXP "abs-capture-time",
	[RTP_EXT_DEPENDENCY] = "https://aomediacodec.github.io/av1-rtp-spec/"
			       "#dependency-descriptor-rtp-header-extension",
};

enum rtp_ext rtp_ext_from_uri(struct stoa_str uri)
{
	for (int i = RTP_EXT_NONE + 1; i < RTP_EXTS; i++)
		if (stoa_str_is(uri, uris[i]))
			return (enum rtp_ext)i;
	return RTP_EXT_NONE;
}

const char *rtp_ext_uri(enum rtp_ext ext)
{
	return uris[ext];
}

static int parse_extension(struct stoa_cursor *c, const uint8_t *data, struct rtp_header *h)
{
	h->ext_profile = stoa_cur_be16(c);
	h->ext_len = (uint16_t)(stoa_cur_be16(c) * 4u);
	if (stoa_cur_left(c) < h->ext_len)
		return -EBADMSG;
	h->ext_off = (uint16_t)(c->p - data);
	return stoa_cur_skip(c, h->ext_len) ? 0 : -EBADMSG;
}

int rtp_parse(const uint8_t *data, size_t n, struct rtp_header *ret_header)
{
	struct stoa_cursor c = stoa_cur(data, n);
	uint8_t first = stoa_cur_u8(&c), second = stoa_cur_u8(&c);
	struct rtp_header h = { .pt = second & 0x7f, .marker = second & 0x80 };
	size_t left;

	if (n > UINT16_MAX || first >> 6 != 2)
		return -EBADMSG;
	h.seq = stoa_cur_be16(&c);
	h.timestamp = stoa_cur_be32(&c);
	h.ssrc = stoa_cur_be32(&c);
	stoa_cur_skip(&c, (size_t)(first & 0x0f) * 4);
	if (first & 0x10 && parse_extension(&c, data, &h) < 0)
		return -EBADMSG;
	if (!stoa_cur_ok(&c))
		return -EBADMSG;
	left = stoa_cur_left(&c);
	if (first & 0x20) {
		h.pad_len = n ? data[n - 1] : 0;
		if (h.pad_len == 0 || h.pad_len > left)
			return -EBADMSG;
		left -= h.pad_len;
	}
	h.payload_off = (uint16_t)(c.p - data);
	h.payload_len = (uint16_t)left;
	*ret_header = h;
	return 0;
}

static bool is_two_byte(uint16_t profile)
{
	return (profile & 0xfff0) == PROFILE_TWO_BYTE;
}

int rtp_ext_next(const uint8_t *data, const struct rtp_header *h, uint16_t *pos,
		 struct rtp_element *ret_element)
{
	const bool two = is_two_byte(h->ext_profile);
	struct rtp_element e;

	if (!two && h->ext_profile != PROFILE_ONE_BYTE)
		return 0; /* some other profile: nothing of ours inside */
	while (*pos < h->ext_len) {
		const uint8_t *p = data + h->ext_off + *pos;

		if (*p == 0) { /* padding */
			(*pos)++;
			continue;
		}
		if (two) {
			if (*pos + 2 > h->ext_len)
				return -EBADMSG;
			e.id = p[0];
			e.len = p[1];
		} else {
			e.id = p[0] >> 4;
			e.len = (uint8_t)((p[0] & 0x0f) + 1);
			if (e.id == 15)
				return 0; /* RFC 8285 section 4.2: stop here */
		}
		*pos = (uint16_t)(*pos + (two ? 2 : 1));
		if (*pos + e.len > h->ext_len)
			return -EBADMSG;
		e.off = (uint16_t)(h->ext_off + *pos);
		*pos = (uint16_t)(*pos + e.len);
		*ret_element = e;
		return 1;
	}
	return 0;
}

bool rtp_ext_find(const uint8_t *data, const struct rtp_header *h, uint8_t id,
		  struct rtp_element *ret_element)
{
	struct rtp_element e;
	uint16_t pos = 0;

	while (rtp_ext_next(data, h, &pos, &e) > 0) {
		if (e.id == id) {
			*ret_element = e;
			return true;
		}
	}
	return false;
}

static bool need_two_bytes(const struct rtp_write_ext *exts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (exts[i].id > 14 || exts[i].len == 0 || exts[i].len > 16)
			return true;
	return false;
}

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static void write_elements(uint8_t *p, size_t words, const struct rtp_write_ext *exts, unsigned n,
			   bool two)
{
	uint8_t *end = p + 4 + words * 4;

	p = put16(p, two ? PROFILE_TWO_BYTE : PROFILE_ONE_BYTE);
	p = put16(p, (uint16_t)words);
	for (unsigned i = 0; i < n; i++) {
		if (two) {
			*p++ = exts[i].id;
			*p++ = exts[i].len;
		} else {
			*p++ = (uint8_t)(exts[i].id << 4 | (exts[i].len - 1));
		}
		for (unsigned k = 0; k < exts[i].len; k++) /* one to three bytes, nearly always */
			*p++ = exts[i].data[k];
	}
	while (p < end)
		*p++ = 0;
}

/* On the way of every packet sent: one look at the room there is, then plain stores. */
void rtp_write(struct stoa_wcursor *c, const struct rtp_header *h, const struct rtp_write_ext *exts,
	       unsigned n_exts)
{
	const bool two = need_two_bytes(exts, n_exts);
	size_t bytes = 0, words;
	uint8_t *p;

	for (unsigned i = 0; i < n_exts; i++)
		bytes += exts[i].len + (two ? 2u : 1u);
	words = (bytes + 3) / 4;
	p = stoa_wcur_take(c, RTP_HEADER_LEN + (n_exts ? 4 + words * 4 : 0));
	if (!p)
		return;
	*p++ = n_exts ? 0x90 : 0x80;
	*p++ = (uint8_t)(h->pt | (h->marker ? 0x80 : 0));
	p = put16(p, h->seq);
	p = put32(p, h->timestamp);
	p = put32(p, h->ssrc);
	if (n_exts)
		write_elements(p, words, exts, n_exts, two);
}
