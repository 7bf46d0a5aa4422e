/* SPDX-License-Identifier: Apache-2.0 */
/* What is a datagram? RFC 7983 by its first byte, RFC 5761 between RTP and RTCP, and just enough
 * of each header that later stages may rely on it. Pure. */
#ifndef SFU_DATAGRAM_H
#define SFU_DATAGRAM_H

#include <stoa/base.h>

enum datagram {
	DATAGRAM_JUNK,
	DATAGRAM_STUN, /* whole message: length, cookie                      */
	DATAGRAM_DTLS, /* first record lies within the datagram, version fex */
	DATAGRAM_RTP,  /* at least the fixed header, version 2               */
	DATAGRAM_RTCP, /* at least header and SSRC, version 2                */
};

#define STUN_COOKIE UINT32_C(0x2112A442)

enum datagram datagram_classify(const uint8_t *p, size_t n);

#endif
