/* SPDX-License-Identifier: Apache-2.0 */
/* VP8 payload descriptors (RFC 7741 section 4.2), read from publishers, rewritten for subscribers:
 * picture id, TL0PICIDX and KEYIDX must go on without a jump when the layer changes. */
#include "codec.h"
#include <errno.h>

/* first octet: X R N S R PID; extension octet: I L T K */
#define FIRST_X   0x80
#define FIRST_S   0x10
#define FIRST_PID 0x07
#define EXT_I     0x80
#define EXT_L     0x40
#define EXT_T     0x20
#define EXT_K     0x10

static void parse_extended(struct stoa_cursor *c, struct packet_vp8 *v)
{
	uint8_t ext = stoa_cur_u8(c);

	if (ext & EXT_I) {
		v->flags |= VP8_HAS_PICTURE_ID;
		v->picture_id = stoa_cur_u8(c);
		if (v->picture_id & 0x80)
			v->picture_id = (uint16_t)((v->picture_id & 0x7f) << 8 | stoa_cur_u8(c));
	}
	if (ext & EXT_L) {
		v->flags |= VP8_HAS_TL0PICIDX;
		v->tl0picidx = stoa_cur_u8(c);
	}
	if (ext & (EXT_T | EXT_K)) {
		v->flags |= (uint8_t)((ext & EXT_T ? VP8_HAS_TID : 0) |
				      (ext & EXT_K ? VP8_HAS_KEYIDX : 0));
		v->tid_y_key = stoa_cur_u8(c);
	}
}

int vp8_parse(const uint8_t *payload, size_t n, struct packet_vp8 *ret_vp8, uint8_t *flags)
{
	struct stoa_cursor c = stoa_cur(payload, n);
	struct packet_vp8 v = { .first = stoa_cur_u8(&c) };
	uint8_t header;

	if (v.first & FIRST_X)
		parse_extended(&c, &v);
	v.desc_len = (uint8_t)(c.p - payload);
	header = stoa_cur_u8(&c);
	if (!stoa_cur_ok(&c))
		return -EBADMSG;
	if (v.first & FIRST_S && !(v.first & FIRST_PID)) {
		*flags |= PACKET_FRAME_START;
		if (!(header & 1)) /* P: inverse key frame flag */
			*flags |= PACKET_KEYFRAME | PACKET_SWITCH;
	}
	*ret_vp8 = v;
	return 0;
}

static uint8_t extension_of(uint8_t flags)
{
	return (uint8_t)((flags & VP8_HAS_PICTURE_ID ? EXT_I : 0) |
			 (flags & VP8_HAS_TL0PICIDX ? EXT_L : 0) |
			 (flags & VP8_HAS_TID ? EXT_T : 0) | (flags & VP8_HAS_KEYIDX ? EXT_K : 0));
}

void vp8_write(struct stoa_wcursor *c, const struct packet_vp8 *v)
{
	uint8_t b[VP8_DESC_MAX];
	size_t n = 0;

	b[n++] = v->first;
	if (v->first & FIRST_X) {
		b[n++] = extension_of(v->flags);
		if (v->flags & VP8_HAS_PICTURE_ID) {
			b[n++] = (uint8_t)(0x80 | v->picture_id >> 8);
			b[n++] = (uint8_t)v->picture_id;
		}
		if (v->flags & VP8_HAS_TL0PICIDX)
			b[n++] = v->tl0picidx;
		if (v->flags & (VP8_HAS_TID | VP8_HAS_KEYIDX))
			b[n++] = v->tid_y_key;
	}
	stoa_wcur_bytes(c, b, n);
}
