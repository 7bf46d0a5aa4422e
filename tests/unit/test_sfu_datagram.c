/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting of datagrams: RFC 7983 ranges, RFC 5761 types, and headers that lie. */
#include "check.h"

#include "../../modules/mod_sfu/datagram.c"

static enum datagram sort(const char *bytes, size_t n)
{
	return datagram_classify((const uint8_t *)bytes, n);
}

#define SORT(text) sort(text, sizeof(text) - 1)

static void test_stun(void)
{
	CHECK_INT(SORT("\0\1\0\0\x21\x12\xa4\x42"
		       "123456789012"),
		  DATAGRAM_STUN);
	CHECK_INT(SORT("\0\1\0\4\x21\x12\xa4\x42"
		       "123456789012abcd"),
		  DATAGRAM_STUN);
	CHECK_INT(SORT("\0\1\0\4\x21\x12\xa4\x42"
		       "123456789012abc"),
		  DATAGRAM_JUNK); /* shorter than it says */
	CHECK_INT(SORT("\0\1\0\0\x21\x12\xa4\x42"
		       "123456789012abcd"),
		  DATAGRAM_JUNK); /* longer */
	CHECK_INT(SORT("\0\1\0\2\x21\x12\xa4\x42"
		       "123456789012ab"),
		  DATAGRAM_JUNK); /* not by four */
	CHECK_INT(SORT("\0\1\0\0\x21\x12\xa4\x43"
		       "123456789012"),
		  DATAGRAM_JUNK); /* cookie */
	CHECK_INT(SORT("\0\1\0\0"), DATAGRAM_JUNK);
}

static void test_dtls(void)
{
	CHECK_INT(SORT("\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\1x"), DATAGRAM_DTLS);
	CHECK_INT(SORT("\x16\xfe\xff\0\0\0\0\0\0\0\0\0\0"), DATAGRAM_DTLS);
	CHECK_INT(SORT("\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\2x"), DATAGRAM_JUNK); /* cut record */
	CHECK_INT(SORT("\x16\x03\x03\0\0\0\0\0\0\0\0\0\1x"), DATAGRAM_JUNK); /* TLS */
	CHECK_INT(SORT("\x16\xfe\xfd\0\0\0\0\0\0\0\0\0"), DATAGRAM_JUNK);
	CHECK_INT(SORT("\x13\xfe\xfd\0\0\0\0\0\0\0\0\0\1x"), DATAGRAM_JUNK); /* ZRTP's range */
	CHECK_INT(SORT("\x40\xfe\xfd\0\0\0\0\0\0\0\0\0\1x"), DATAGRAM_JUNK); /* TURN channels */
}

static void test_rtp(void)
{
	uint8_t p[12] = { 0x80 };

	for (int type = 0; type < 256; type++) {
		p[1] = (uint8_t)type;
		CHECK_INT(datagram_classify(p, 12),
			  type >= 192 && type <= 223 ? DATAGRAM_RTCP : DATAGRAM_RTP);
	}
	p[1] = 200;
	CHECK_INT(datagram_classify(p, 8), DATAGRAM_RTCP);
	CHECK_INT(datagram_classify(p, 7), DATAGRAM_JUNK);
	p[1] = 96;
	CHECK_INT(datagram_classify(p, 11), DATAGRAM_JUNK);
	p[0] = 0xc0; /* version 3 */
	CHECK_INT(datagram_classify(p, 12), DATAGRAM_JUNK);
	CHECK_INT(datagram_classify(NULL, 0), DATAGRAM_JUNK);
}

int main(void)
{
	test_stun();
	test_dtls();
	test_rtp();
	return check_done();
}
