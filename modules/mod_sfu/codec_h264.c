/* SPDX-License-Identifier: Apache-2.0 */
/* Where an H.264 decoder may start (RFC 6184). Chromium sends STAP-A with SPS and PPS before the
 * FU-As of an IDR picture (packetization mode 1); in mode 0 every NAL unit is a packet. */
#include "codec.h"
#include <errno.h>

enum { NAL_IDR = 5, NAL_SPS = 7, NAL_STAP_A = 24, NAL_FU_A = 28 };

static void add_nal(uint8_t type, uint8_t *flags, bool *has_sps)
{
	if (type == NAL_IDR || type == NAL_SPS)
		*flags |= PACKET_KEYFRAME | PACKET_SWITCH;
	*has_sps |= type == NAL_SPS;
}

static int parse_stap_a(struct stoa_cursor *c, uint8_t *flags, bool *has_sps)
{
	while (stoa_cur_left(c) > 0) {
		uint16_t len = stoa_cur_be16(c);
		const uint8_t *nal = stoa_cur_take(c, len);

		if (!nal || len == 0)
			return -EBADMSG;
		add_nal(nal[0] & 0x1f, flags, has_sps);
	}
	return 0;
}

static int parse_fu_a(struct stoa_cursor *c, uint8_t *flags, bool *has_sps)
{
	uint8_t fu = stoa_cur_u8(c);

	if (!stoa_cur_ok(c))
		return -EBADMSG;
	if ((fu & 0x1f) == NAL_IDR)
		*flags |= PACKET_KEYFRAME;
	if (fu & 0x80) /* S: first fragment */
		add_nal(fu & 0x1f, flags, has_sps);
	return 0;
}

int h264_parse(const uint8_t *payload, size_t n, uint8_t *flags, bool *ret_has_sps)
{
	struct stoa_cursor c = stoa_cur(payload, n);
	uint8_t type = stoa_cur_u8(&c) & 0x1f;

	if (!stoa_cur_ok(&c))
		return -EBADMSG;
	if (type == NAL_STAP_A)
		return parse_stap_a(&c, flags, ret_has_sps);
	if (type == NAL_FU_A)
		return parse_fu_a(&c, flags, ret_has_sps);
	add_nal(type, flags, ret_has_sps);
	return 0;
}
