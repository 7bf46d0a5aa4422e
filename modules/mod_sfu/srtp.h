/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP and SRTCP (RFC 3711, RFC 7714) for one direction of one transport. Called by the transport
 * shell on its worker. libsrtp2 is the reference (the tests compare byte by byte); this one exists
 * because encryption is the only copy of the fan-out: it reads a rewritten header and a shared
 * payload and writes into the send slab.
 *
 * Contexts are not thread safe. Nothing is allocated per packet; a new SSRC coming in may make its
 * bounded table grow. */
#ifndef SFU_SRTP_H
#define SFU_SRTP_H

#include <stoa/base.h>

enum srtp_profile { /* IANA's numbers, RFC 5764 section 4.1.2 and RFC 7714 section 14.2 */
		    SRTP_NONE = 0x0000,
		    SRTP_AES128_CM_SHA1_80 = 0x0001,
		    SRTP_AEAD_AES_128_GCM = 0x0007,
};

enum srtp_way { SRTP_IN, SRTP_OUT };

#define SRTP_RTP_OVERHEAD  16  /* most that protection adds to an RTP packet  */
#define SRTP_RTCP_OVERHEAD 20  /* most that protection adds to an RTCP packet */
#define SRTP_MASTER_MAX    30  /* master key and salt of any profile          */
#define SRTP_IN_STREAMS    512 /* SSRCs remembered; past that the one silent for longest goes */

struct srtp;

/** Bytes of master key and of master salt; -EPROTONOSUPPORT for profiles that are not served. */
int srtp_profile_sizes(unsigned profile, size_t *ret_key, size_t *ret_salt);

/** Makes a context from a master key and salt of the profile's sizes (copied).
 *  -EPROTONOSUPPORT, -ENOMEM. */
int srtp_new(unsigned profile, enum srtp_way way, const uint8_t *key, const uint8_t *salt,
	     struct srtp **ret_srtp);
void srtp_free(struct srtp *s);

/** Authenticates an RTP packet of `n` bytes and decrypts it into `out`, which holds as many and is
 *  `pkt` itself or does not overlap it. `ret_len` gets the plain length, `ret_index` (may be NULL)
 *  the 48-bit packet index. -EINVAL: not RTP; -EBADMSG: not authentic; -EALREADY: replayed or too
 *  old; -ENOMEM. On error the bytes in `out` are to be thrown away and no state has changed. */
int srtp_unprotect(struct srtp *s, const uint8_t *pkt, size_t n, uint8_t *out, size_t *ret_len,
		   uint64_t *ret_index);

/** The same for a compound RTCP packet, in place. */
int srtp_unprotect_rtcp(struct srtp *s, uint8_t *pkt, size_t n, size_t *ret_len);

struct srtp_plain {          /* one packet to send, in pieces                              */
	const uint8_t *head; /* RTP header, then bytes that go before the shared payload   */
	const uint8_t *payload;
	uint64_t index;     /* 48 bits: rollover counter and the header's sequence number      */
	uint16_t clear_len; /* of `head`: the RTP header with extensions, sent in clear    */
	uint16_t head_len;  /* of `head`: all of it; >= clear_len                          */
	uint16_t payload_len;
	uint8_t pad; /* bytes of RTP padding to add; 0: none                        */
};

/** Encrypts into `dst`, which may not overlap the pieces. The caller keeps the rollover counter: it
 *  knows what it sent. With GCM an index may be used again only with the same bytes; anything else
 *  would give the key away, so retransmissions with a changed header go out as RTX.
 *  -EINVAL: not an RTP header, or the index of another number; -ENOSPC: `cap` is too small; -EIO.
 */
int srtp_protect(struct srtp *s, const struct srtp_plain *p, uint8_t *dst, size_t cap,
		 size_t *ret_len);

/** Encrypts a compound RTCP packet from `pkt` to `dst`. -EINVAL, -EIO; -ENOSPC: `cap` is too small,
 *  or the 2^31 packets of one key are used up. */
int srtp_protect_rtcp(struct srtp *s, const uint8_t *pkt, size_t n, uint8_t *dst, size_t cap,
		      size_t *ret_len);

/** Bytes that a context holds, without OpenSSL's, for the memory statistics. */
size_t srtp_footprint(const struct srtp *s);

#endif
