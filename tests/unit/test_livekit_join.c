/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "join.h"

#include <errno.h>
#include <stoa/util.h>
#include <zlib.h>

static uint8_t inner[4096], packed[2 * JOIN_INNER_MAX], wrapped[2 * JOIN_INNER_MAX];
static char text[4 * JOIN_INNER_MAX];

static size_t gzip(const void *p, size_t n)
{
	z_stream z = { .next_in = (void *)(uintptr_t)p,
		       .avail_in = (uInt)n,
		       .next_out = packed,
		       .avail_out = sizeof(packed) };

	CHECK_INT(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static int parse_wrapped(int compression, const void *p, size_t n, struct join **ret_join)
{
	Lk__WrappedJoinRequest w = LK__WRAPPED_JOIN_REQUEST__INIT;
	size_t len;

	w.compression = compression;
	w.join_request.data = (void *)(uintptr_t)p;
	w.join_request.len = n;
	len = lk__wrapped_join_request__pack(&w, wrapped);
	len = stoa_base64url_encode(wrapped, len, text);
	return join_parse(stoa_strn(text, len), ret_join);
}

static size_t make_join(void)
{
	Lk__JoinRequest j = LK__JOIN_REQUEST__INIT;
	Lk__ConnectionSettings settings = LK__CONNECTION_SETTINGS__INIT;
	Lk__SessionDescription offer = LK__SESSION_DESCRIPTION__INIT;
	Lk__ClientInfo client = LK__CLIENT_INFO__INIT;
	Lk__ClientInfo__Capability capability = 2;

	client.protocol = 17;
	client.capabilities = &capability;
	client.n_capabilities = 1;
	settings.auto_subscribe = true;
	settings.subscriber_allow_pause_set_case =
		LK__CONNECTION_SETTINGS__SUBSCRIBER_ALLOW_PAUSE_SET_SUBSCRIBER_ALLOW_PAUSE;
	offer.type = (char *)(uintptr_t) "offer";
	offer.sdp = (char *)(uintptr_t) "v=0\r\n";
	offer.id = 1;
	j.client_info = &client;
	j.connection_settings = &settings;
	j.publisher_offer = &offer;
	return lk__join_request__pack(&j, inner);
}

static void check_join(const struct join *j)
{
	CHECK(j->msg->connection_settings->auto_subscribe);
	CHECK_INT(j->msg->client_info->protocol, 17);
	CHECK_INT(j->msg->client_info->capabilities[0], 2);
	CHECK_STR(j->msg->publisher_offer->sdp, "v=0\r\n");
	CHECK_INT(j->msg->publisher_offer->id, 1);
	CHECK_INT(j->msg->connection_settings->subscriber_allow_pause_set_case,
		  LK__CONNECTION_SETTINGS__SUBSCRIBER_ALLOW_PAUSE_SET_SUBSCRIBER_ALLOW_PAUSE);
}

static void test_plain_and_compressed_joins_are_read(void)
{
	struct join *j = NULL;
	size_t n = make_join();

	CHECK_INT(parse_wrapped(0, inner, n, &j), 0);
	check_join(j);
	join_free(j);
	n = gzip(inner, n);
	CHECK_INT(parse_wrapped(1, packed, n, &j), 0);
	check_join(j);
	join_free(j);
}

static void test_an_empty_join_is_one_of_defaults(void)
{
	struct join *j = NULL;

	CHECK_INT(join_parse(stoa_str(""), &j), 0);
	CHECK(!j->msg->publisher_offer);
	CHECK(!j->msg->reconnect);
	join_free(j);
}

static void test_broken_joins_are_refused(void)
{
	struct join *j = NULL;
	size_t n = gzip(inner, make_join());

	CHECK_INT(join_parse(stoa_str("!!!"), &j), -EBADMSG);
	CHECK_INT(parse_wrapped(1, "not gzip at all", 15, &j), -EBADMSG);
	CHECK_INT(parse_wrapped(1, packed, n - 9, &j), -EBADMSG); /* cut */
	packed[n / 2] ^= 0x55;
	CHECK_INT(parse_wrapped(1, packed, n, &j), -EBADMSG); /* flipped: the checksum tells */
	CHECK_INT(parse_wrapped(7, inner, make_join(), &j), -EBADMSG); /* no such compression */
	CHECK_INT(parse_wrapped(1, "", 0, &j), -EBADMSG);
	CHECK(!j);
}

static void test_limits_hold(void)
{
	static uint8_t zeros[64 * JOIN_INNER_MAX / 16];
	struct join *j = NULL;
	size_t n;

	n = gzip(zeros, sizeof(zeros)); /* a bomb: 1 MB in about 1 KB */
	CHECK(n < 8192);
	CHECK_INT(parse_wrapped(1, packed, n, &j), -E2BIG);
	memset(text, 'A', sizeof(text));
	CHECK_INT(join_parse(stoa_strn(text, JOIN_TEXT_MAX + 1), &j), -E2BIG);
	CHECK(!j);
}

int main(void)
{
	test_plain_and_compressed_joins_are_read();
	test_an_empty_join_is_one_of_defaults();
	test_broken_joins_are_refused();
	test_limits_hold();
	return check_done();
}
