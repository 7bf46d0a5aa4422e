/* SPDX-License-Identifier: Apache-2.0 */
/* Sorts datagrams; called by the worker for every one that arrives. */
#include "datagram.h"

#include <stoa/cursor.h>

static enum datagram check_stun(const uint8_t *p, size_t n)
{
	struct stoa_cursor c = stoa_cur(p, n);
	uint16_t type = stoa_cur_be16(&c), len = stoa_cur_be16(&c);
	uint32_t cookie = stoa_cur_be32(&c);

	stoa_cur_skip(&c, 12);
	return stoa_cur_ok(&c) && !(type & 0xc000) && cookie == STUN_COOKIE && len % 4 == 0 &&
			       stoa_cur_left(&c) == len
		       ? DATAGRAM_STUN
		       : DATAGRAM_JUNK;
}

static enum datagram check_dtls(const uint8_t *p, size_t n)
{
	struct stoa_cursor c = stoa_cur(p, n);
	uint8_t major;

	stoa_cur_skip(&c, 1);
	major = stoa_cur_u8(&c);
	stoa_cur_skip(&c, 1 + 2 + 6); /* minor version, epoch, sequence number */
	stoa_cur_skip(&c, stoa_cur_be16(&c));
	return stoa_cur_ok(&c) && major == 0xfe ? DATAGRAM_DTLS : DATAGRAM_JUNK;
}

/* RFC 5761 section 4: RTCP types are 192 to 223, which RTP would show as marked 64 to 95. */
static enum datagram check_rtp(const uint8_t *p, size_t n)
{
	if (n >= 8 && p[1] >= 192 && p[1] <= 223)
		return DATAGRAM_RTCP;
	return n >= 12 ? DATAGRAM_RTP : DATAGRAM_JUNK;
}

enum datagram datagram_classify(const uint8_t *p, size_t n)
{
	if (!n)
		return DATAGRAM_JUNK;
	if (p[0] <= 3)
		return check_stun(p, n);
	if (p[0] >= 20 && p[0] <= 63)
		return check_dtls(p, n);
	if (p[0] >= 128 && p[0] <= 191)
		return check_rtp(p, n);
	return DATAGRAM_JUNK;
}
