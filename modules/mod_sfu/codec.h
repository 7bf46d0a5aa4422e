/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_CODEC_H
#define SFU_CODEC_H

#include "packet.h"
#include <stoa/cursor.h>

/* What the engine must know of payloads: where a decoder may start, and what has to be rewritten
 * when a subscriber moves between layers. Nothing else of a payload is ever looked at. */

enum codec { CODEC_NONE, CODEC_OPUS, CODEC_VP8, CODEC_H264, CODECS };

const char *codec_mime(enum codec c);         /* "video/VP8"; "" for CODEC_NONE */
enum codec codec_from_mime(const char *mime); /* case-insensitive; CODEC_NONE for others */

enum vp8_flag {
	VP8_HAS_PICTURE_ID = 1,
	VP8_HAS_TL0PICIDX = 2,
	VP8_HAS_TID = 4,
	VP8_HAS_KEYIDX = 8,
};

/** Parses a VP8 payload descriptor and the first payload octets (RFC 7741 sections 4.2, 4.3).
 *  Sets *ret_vp8 and ORs PACKET_KEYFRAME, _SWITCH, _FRAME_START into *flags.
 *  -EBADMSG: shorter than its descriptor, or nothing after it. */
int vp8_parse(const uint8_t *payload, size_t n, struct packet_vp8 *ret_vp8, uint8_t *flags);

#define VP8_DESC_MAX 6

/** Writes the descriptor `v` says; the picture id always in the 15-bit form. */
void vp8_write(struct stoa_wcursor *c, const struct packet_vp8 *v);

/** Finds out of an H.264 payload (RFC 6184 section 5: single NAL units, STAP-A, FU-A; both
 *  packetization modes) whether it belongs to a key frame (PACKET_KEYFRAME: SPS or IDR) and may
 *  begin one (PACKET_SWITCH: an SPS, or the first packet of an IDR; the caller sorts out which of
 *  the two it is). -EBADMSG: a length leaves the payload. */
int h264_parse(const uint8_t *payload, size_t n, uint8_t *flags, bool *ret_has_sps);

#endif
