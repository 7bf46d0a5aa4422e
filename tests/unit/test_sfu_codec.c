/* SPDX-License-Identifier: Apache-2.0 */
/* VP8 descriptors and H.264 packets: where a decoder may start, and what is cut short. */
#include "codec.h"
#include "check.h"
#include <errno.h>

static int vp8(const void *b, size_t n, struct packet_vp8 *v, uint8_t *flags)
{
	*flags = 0;
	memset(v, 0, sizeof(*v));
	return vp8_parse(b, n, v, flags);
}

static void test_vp8(void)
{
	struct packet_vp8 v;
	uint8_t f;

	CHECK_INT(vp8("\x10\x00", 2, &v, &f), 0); /* no extension, key frame starts */
	CHECK_INT(f, PACKET_FRAME_START | PACKET_KEYFRAME | PACKET_SWITCH);
	CHECK_INT(v.desc_len, 1);
	CHECK_INT(vp8("\x10\x01", 2, &v, &f), 0); /* delta frame */
	CHECK_INT(f, PACKET_FRAME_START);
	CHECK_INT(vp8("\x00\x00", 2, &v, &f), 0); /* in the middle: its bits are not a header */
	CHECK_INT(f, 0);
	CHECK_INT(vp8("\x11\x00", 2, &v, &f), 0); /* start of a later partition */
	CHECK_INT(f, 0);
	CHECK_INT(vp8("\x90\x80\x7f\x00", 4, &v, &f), 0);
	CHECK_INT(v.picture_id, 0x7f);
	CHECK_INT(v.desc_len, 3);
	CHECK_INT(vp8("\x90\xf0\x81\x23\x45\x6b\x00", 7, &v, &f), 0);
	CHECK_INT(v.picture_id, 0x123);
	CHECK_INT(v.tl0picidx, 0x45);
	CHECK_INT(v.tid_y_key, 0x6b);
	CHECK_INT(v.desc_len, 6);
	CHECK_INT(v.flags, VP8_HAS_PICTURE_ID | VP8_HAS_TL0PICIDX | VP8_HAS_TID | VP8_HAS_KEYIDX);
}

static void test_vp8_shorter_than_its_descriptor(void)
{
	static const uint8_t whole[] = { 0x90, 0xf0, 0x81, 0x23, 0x45, 0x6b, 0x00 };
	struct packet_vp8 v;
	uint8_t f;

	for (size_t n = 0; n < sizeof(whole); n++)
		CHECK_INT(vp8(whole, n, &v, &f), -EBADMSG);
	CHECK_INT(vp8("\x10", 1, &v, &f), -EBADMSG);
}

static void test_vp8_written(void)
{
	struct packet_vp8 v;
	uint8_t f, b[8];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));

	CHECK_INT(vp8("\x90\xe0\x81\x23\x45\x60\x00", 7, &v, &f), 0);
	vp8_write(&c, &v);
	CHECK_INT(stoa_wcur_len(&c), 6);
	CHECK(memcmp(b, "\x90\xe0\x81\x23\x45\x60", 6) == 0);
	CHECK_INT(vp8("\x90\x80\x05\x00", 4, &v, &f), 0); /* a short picture id gets long */
	c = stoa_wcur(b, sizeof(b));
	vp8_write(&c, &v);
	CHECK_INT(stoa_wcur_len(&c), 4);
	CHECK(memcmp(b, "\x90\x80\x80\x05", 4) == 0);
	CHECK_INT(vp8("\x10\x00", 2, &v, &f), 0);
	c = stoa_wcur(b, sizeof(b));
	vp8_write(&c, &v);
	CHECK_INT(stoa_wcur_len(&c), 1);
}

static int h264(const void *b, size_t n, uint8_t *flags, bool *sps)
{
	*flags = 0;
	*sps = false;
	return h264_parse(b, n, flags, sps);
}

static void test_h264(void)
{
	const uint8_t start = PACKET_KEYFRAME | PACKET_SWITCH;
	uint8_t f;
	bool sps;

	CHECK_INT(h264("\x67\x42", 2, &f, &sps), 0); /* mode 0: SPS */
	CHECK(f == start && sps);
	CHECK_INT(h264("\x68\xce", 2, &f, &sps), 0); /* PPS */
	CHECK(f == 0 && !sps);
	CHECK_INT(h264("\x65\x88", 2, &f, &sps), 0); /* IDR */
	CHECK(f == start && !sps);
	CHECK_INT(h264("\x41\x9a", 2, &f, &sps), 0); /* P slice */
	CHECK(f == 0);
	CHECK_INT(h264("\x18\0\2\x67\x42\0\1\x68", 8, &f, &sps), 0); /* STAP-A: SPS, PPS */
	CHECK(f == start && sps);
	CHECK_INT(h264("\x18\0\2\x41\x42", 5, &f, &sps), 0);
	CHECK(f == 0);
	CHECK_INT(h264("\x7c\x85\x88", 3, &f, &sps), 0); /* FU-A: IDR begins */
	CHECK(f == start);
	CHECK_INT(h264("\x7c\x05\x88", 3, &f, &sps), 0); /* goes on */
	CHECK(f == PACKET_KEYFRAME);
	CHECK_INT(h264("\x7c\x81\x88", 3, &f, &sps), 0);
	CHECK(f == 0);
}

static void test_h264_cut_short(void)
{
	uint8_t f;
	bool sps;

	CHECK_INT(h264("", 0, &f, &sps), -EBADMSG);
	CHECK_INT(h264("\x7c", 1, &f, &sps), -EBADMSG);
	CHECK_INT(h264("\x18\0\3\x67\x42", 5, &f, &sps), -EBADMSG);
	CHECK_INT(h264("\x18\0", 2, &f, &sps), -EBADMSG);
	CHECK_INT(h264("\x18\0\0", 3, &f, &sps), -EBADMSG);
}

int main(void)
{
	test_vp8();
	test_vp8_shorter_than_its_descriptor();
	test_vp8_written();
	test_h264();
	test_h264_cut_short();
	CHECK_INT(codec_from_mime("video/vp8"), CODEC_VP8);
	CHECK_INT(codec_from_mime("VIDEO/H264"), CODEC_H264);
	CHECK_INT(codec_from_mime("video/AV1"), CODEC_NONE);
	CHECK_INT(codec_from_mime(NULL), CODEC_NONE);
	CHECK_STR(codec_mime(CODEC_OPUS), "audio/opus");
	return check_done();
}
