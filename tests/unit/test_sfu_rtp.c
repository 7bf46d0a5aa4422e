/* SPDX-License-Identifier: Apache-2.0 */
/* RTP headers: what is read, what is written, and every way a length can lie. */
#include "rtp.h"
#include "check.h"
#include <errno.h>

static const uint8_t plain[] = { 0x80, 0xe0, 0x12, 0x34, 0, 0, 0x10, 0,
				 0xde, 0xad, 0xbe, 0xef, 1, 2, 3 };

static void test_plain(void)
{
	struct rtp_header h;

	CHECK_INT(rtp_parse(plain, sizeof(plain), &h), 0);
	CHECK_INT(h.pt, 96);
	CHECK(h.marker);
	CHECK_INT(h.seq, 0x1234);
	CHECK_INT(h.timestamp, 0x1000);
	CHECK_INT(h.ssrc, 0xdeadbeef);
	CHECK_INT(h.payload_off, 12);
	CHECK_INT(h.payload_len, 3);
	for (size_t n = 0; n < 12; n++)
		CHECK_INT(rtp_parse(plain, n, &h), -EBADMSG);
	CHECK_INT(rtp_parse(plain, 12, &h), 0); /* no payload is no mistake */
	CHECK_INT(h.payload_len, 0);
}

static void test_wrong_version(void)
{
	uint8_t b[sizeof(plain)];
	struct rtp_header h;

	memcpy(b, plain, sizeof(b));
	b[0] = 0x40;
	CHECK_INT(rtp_parse(b, sizeof(b), &h), -EBADMSG);
}

static void test_csrcs_that_overrun(void)
{
	uint8_t b[sizeof(plain)];
	struct rtp_header h;

	memcpy(b, plain, sizeof(b));
	b[0] = 0x81;
	CHECK_INT(rtp_parse(b, sizeof(b), &h), -EBADMSG);
	CHECK_INT(rtp_parse((const uint8_t[16]){ 0x81, 0x60 }, 16, &h), 0);
	CHECK_INT(h.payload_off, 16);
}

static void test_padding(void)
{
	uint8_t b[sizeof(plain)];
	struct rtp_header h;

	memcpy(b, plain, sizeof(b));
	b[0] = 0xa0;
	b[14] = 2;
	CHECK_INT(rtp_parse(b, sizeof(b), &h), 0);
	CHECK_INT(h.payload_len, 1);
	CHECK_INT(h.pad_len, 2);
	b[14] = 3; /* padding alone */
	CHECK_INT(rtp_parse(b, sizeof(b), &h), 0);
	CHECK_INT(h.payload_len, 0);
}

static void test_padding_longer_than_the_packet(void)
{
	uint8_t b[sizeof(plain)];
	struct rtp_header h;

	memcpy(b, plain, sizeof(b));
	b[0] = 0xa0;
	b[14] = 4;
	CHECK_INT(rtp_parse(b, sizeof(b), &h), -EBADMSG);
	b[14] = 255;
	CHECK_INT(rtp_parse(b, sizeof(b), &h), -EBADMSG);
	b[14] = 0;
	CHECK_INT(rtp_parse(b, sizeof(b), &h), -EBADMSG);
	CHECK_INT(rtp_parse(b, 12, &h), -EBADMSG); /* the P bit, and nothing to pad */
}

static size_t with_ext(uint8_t *b, uint16_t profile, uint16_t words, const void *ext, size_t n)
{
	struct stoa_wcursor c = stoa_wcur(b, 256);

	stoa_wcur_bytes(&c, plain, 12);
	b[0] |= 0x10;
	stoa_wcur_be16(&c, profile);
	stoa_wcur_be16(&c, words);
	stoa_wcur_bytes(&c, ext, n);
	return stoa_wcur_len(&c);
}

static void test_one_byte_extensions(void)
{
	uint8_t b[256];
	struct rtp_header h;
	struct rtp_element e;
	uint16_t pos = 0;
	size_t n = with_ext(b, 0xbede, 2, "\x10\x55\x00\x21zz\x00\x00", 8);

	CHECK_INT(rtp_parse(b, n, &h), 0);
	CHECK_INT(h.payload_len, 0);
	CHECK_INT(rtp_ext_next(b, &h, &pos, &e), 1);
	CHECK_INT(e.id, 1);
	CHECK_INT(e.len, 1);
	CHECK_INT(b[e.off], 0x55);
	CHECK_INT(rtp_ext_next(b, &h, &pos, &e), 1);
	CHECK_INT(e.id, 2);
	CHECK_INT(e.len, 2);
	CHECK_INT(rtp_ext_next(b, &h, &pos, &e), 0);
	CHECK(rtp_ext_find(b, &h, 2, &e));
	CHECK(!rtp_ext_find(b, &h, 3, &e));
}

static void test_id_15_ends_the_elements(void)
{
	uint8_t b[256];
	struct rtp_header h;
	struct rtp_element e;
	size_t n = with_ext(b, 0xbede, 1, "\xf0\x10\x55\x00", 4);

	CHECK_INT(rtp_parse(b, n, &h), 0);
	CHECK(!rtp_ext_find(b, &h, 1, &e));
}

static void test_two_byte_extensions(void)
{
	uint8_t b[256];
	struct rtp_header h;
	struct rtp_element e;
	size_t n = with_ext(b, 0x1000, 2, "\x20\x00\x00\x12\x03xyz", 8);

	CHECK_INT(rtp_parse(b, n, &h), 0);
	CHECK(rtp_ext_find(b, &h, 0x20, &e));
	CHECK_INT(e.len, 0);
	CHECK(rtp_ext_find(b, &h, 0x12, &e));
	CHECK_INT(e.len, 3);
	CHECK(memcmp(b + e.off, "xyz", 3) == 0);
}

static void test_extensions_that_overrun(void)
{
	uint8_t b[256];
	struct rtp_header h;
	struct rtp_element e;
	uint16_t pos = 0;
	size_t n = with_ext(b, 0xbede, 2, "\x10\x55\x00\x00", 4); /* says two words, has one */

	CHECK_INT(rtp_parse(b, n, &h), -EBADMSG);
	n = with_ext(b, 0xbede, 1, "\x1f\x55\x00\x00", 4); /* 16 bytes in a block of four */
	CHECK_INT(rtp_parse(b, n, &h), 0);
	CHECK_INT(rtp_ext_next(b, &h, &pos, &e), -EBADMSG);
	pos = 0;
	n = with_ext(b, 0x1000, 1, "\x01\x03\x00\x00", 4);
	CHECK_INT(rtp_parse(b, n, &h), 0);
	CHECK_INT(rtp_ext_next(b, &h, &pos, &e), -EBADMSG);
	pos = 0;
	n = with_ext(b, 0x1000, 1, "\x00\x00\x00\x01", 4); /* an id without its length */
	CHECK_INT(rtp_parse(b, n, &h), 0);
	CHECK_INT(rtp_ext_next(b, &h, &pos, &e), -EBADMSG);
}

static void test_foreign_profile(void)
{
	uint8_t b[256];
	struct rtp_header h;
	struct rtp_element e;
	uint16_t pos = 0;
	size_t n = with_ext(b, 0x4321, 1, "\xff\xff\xff\xff", 4);

	CHECK_INT(rtp_parse(b, n, &h), 0);
	CHECK_INT(rtp_ext_next(b, &h, &pos, &e), 0);
}

static void test_written_is_read(void)
{
	const struct rtp_write_ext small[] = { { 4, 1, (const uint8_t *)"3" },
					       { 1, 2, (const uint8_t *)"ab" } };
	const struct rtp_write_ext large[] = { { 4, 1, (const uint8_t *)"3" },
					       { 17, 2, (const uint8_t *)"ab" } };
	struct rtp_header in = {
		.pt = 111, .marker = true, .seq = 65535, .timestamp = 7, .ssrc = 9
	};
	struct rtp_header out;
	struct rtp_element e;
	uint8_t b[64];
	struct stoa_wcursor c = stoa_wcur(b, sizeof(b));

	rtp_write(&c, &in, small, 2);
	CHECK(!c.failed);
	CHECK_INT(stoa_wcur_len(&c), 12 + 4 + 8);
	CHECK_INT(rtp_parse(b, stoa_wcur_len(&c), &out), 0);
	CHECK_INT(out.ext_profile, 0xbede);
	CHECK_INT(out.seq, 65535);
	CHECK(out.marker && out.pt == 111);
	CHECK(rtp_ext_find(b, &out, 1, &e) && e.len == 2 && memcmp(b + e.off, "ab", 2) == 0);
	c = stoa_wcur(b, sizeof(b));
	rtp_write(&c, &in, large, 2);
	CHECK_INT(rtp_parse(b, stoa_wcur_len(&c), &out), 0);
	CHECK_INT(out.ext_profile, 0x1000);
	CHECK(rtp_ext_find(b, &out, 17, &e) && e.len == 2);
	CHECK(rtp_ext_find(b, &out, 4, &e) && e.len == 1 && b[e.off] == '3');
	c = stoa_wcur(b, 14);
	rtp_write(&c, &in, small, 2);
	CHECK(c.failed);
}

static void test_uris(void)
{
	for (int i = RTP_EXT_NONE + 1; i < RTP_EXTS; i++)
		CHECK_INT(rtp_ext_from_uri(stoa_str(rtp_ext_uri((enum rtp_ext)i))), i);
	CHECK_INT(rtp_ext_from_uri(stoa_str("urn:x")), RTP_EXT_NONE);
}

int main(void)
{
	test_plain();
	test_wrong_version();
	test_csrcs_that_overrun();
	test_padding();
	test_padding_longer_than_the_packet();
	test_one_byte_extensions();
	test_id_15_ends_the_elements();
	test_two_byte_extensions();
	test_extensions_that_overrun();
	test_foreign_profile();
	test_written_is_read();
	test_uris();
	CHECK(rtp_is_rtcp((const uint8_t *)"\x80\xc8", 2));
	CHECK(!rtp_is_rtcp(plain, sizeof(plain)));
	return check_done();
}
