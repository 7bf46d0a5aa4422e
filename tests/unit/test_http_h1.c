/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads and chunked bodies: what is taken, what is refused with which status. */
#include "check.h"
#include "h1.h"

#include <errno.h>
#include <stoa/iface/http.h>

static const struct h1_limits limits = { 1024, 4096 };
static struct h1_head head;

static int parse(const char *text)
{
	size_t scanned = 0;

	return h1_parse(text, strlen(text), &scanned, &limits, &head);
}

static void test_good_heads(void)
{
	CHECK_INT(parse("GET /a?b=c HTTP/1.1\r\nHost: x:80\r\nA: 1 \r\na: 2\r\n\r\nrest"), 0);
	CHECK_INT(head.method, STOA_HTTP_GET);
	CHECK(stoa_str_is(head.target, "/a?b=c"));
	CHECK(stoa_str_is(head.host, "x:80"));
	CHECK(stoa_str_is(h1_header(&head, "a"), "1"));
	CHECK_INT(head.n_headers, 3);
	CHECK_INT(head.len, strlen("GET /a?b=c HTTP/1.1\r\nHost: x:80\r\nA: 1 \r\na: 2\r\n\r\n"));
	CHECK(head.keep_alive && !head.is_chunked && !head.has_length);
	CHECK_INT(parse("GET http://h.example/p HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
	CHECK(stoa_str_is(head.target, "/p") && stoa_str_is(head.authority, "h.example"));
	CHECK_INT(parse("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
	CHECK_INT(parse("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
	CHECK_INT(head.method, 0);
}

static void test_connection(void)
{
	CHECK_INT(parse("GET / HTTP/1.0\r\n\r\n"), 0);
	CHECK(!head.keep_alive && head.is_http10);
	CHECK_INT(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), 0);
	CHECK(head.keep_alive);
	CHECK_INT(parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n"), 0);
	CHECK(!head.keep_alive);
	CHECK_INT(parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n"
			"Upgrade: WebSocket\r\n\r\n"),
		  0);
	CHECK(head.wants_upgrade);
	CHECK_INT(parse("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"), 0);
	CHECK(!head.wants_upgrade);
}

static void test_bad_heads(void)
{
	static const struct {
		int status;
		const char *text;
	} bad[] = {
		{ 400, "GET / HTTP/1.1\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\nHost: a\n\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\nX: y\nZ: 1\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n" },
		{ 400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET / b HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET / http/1.1\r\nHost: a\r\n\r\n" },
		{ 505, "PRI * HTTP/2.0\r\n\r\n" },
		{ 505, "GET / HTTP/3.0\r\nHost: a\r\n\r\n" },
		{ 417, "POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n" },
		{ 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n" },
		{ 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n" },
		{ 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n" },
		{ 400,
		  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n" },
		{ 400,
		  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" },
		{ 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n" },
		{ 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" },
		{ 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n" },
		{ 501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		int status = parse(bad[i].text);

		if (status != bad[i].status)
			fprintf(stderr, "head %zu: %s\n", i, bad[i].text);
		CHECK_INT(status, bad[i].status);
	}
}

static void test_limits(void)
{
	char text[8000];
	size_t scanned = 0;

	memset(text, 'a', sizeof(text));
	memcpy(text, "GET /", 5);
	CHECK_INT(h1_parse(text, 1000, &scanned, &limits, &head), -EAGAIN);
	CHECK_INT(h1_parse(text, 1025, &scanned, &limits, &head), 414);
	scanned = 0;
	memcpy(text + 1020, " HTTP/1.1\r\nHost: a\r\n\r\n", 23);
	CHECK_INT(h1_parse(text, 1042, &scanned, &limits, &head), 414);
	memcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nX: aaaa", 33);
	memset(text + 33, 'a', sizeof(text) - 33);
	scanned = 0;
	CHECK_INT(h1_parse(text, 4000, &scanned, &limits, &head), -EAGAIN);
	CHECK_INT(h1_parse(text, 4097, &scanned, &limits, &head), 431);
}

/* A head is found whatever pieces it comes in. */
static void test_pieces(void)
{
	const char text[] = "GET /abc HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
	size_t scanned = 0, n = sizeof(text) - 1;

	for (size_t i = 1; i < n; i++)
		CHECK_INT(h1_parse(text, i, &scanned, &limits, &head), -EAGAIN);
	CHECK_INT(h1_parse(text, n, &scanned, &limits, &head), 0);
	CHECK_INT(head.len, n);
}

/* Decodes in steps of `step` bytes; the length of the body, -1 unfinished, or a status. */
static int dechunk(const char *text, size_t step, char *out)
{
	struct h1_chunked c = { 0 };
	size_t n = strlen(text), at = 0, len = 0;
	int r = 0;

	while (r == 0 && at < n) {
		struct stoa_str piece;
		size_t used, take = n - at < step ? n - at : step;

		r = h1_chunked_take(&c, stoa_strn(text + at, take), &used, &piece);
		memcpy(out + len, piece.p, piece.n);
		len += piece.n;
		at += used;
	}
	out[len] = '\0';
	return r == 1 ? (int)len : r == 0 ? -1 : r;
}

static void test_chunked(void)
{
	static const char good[] = "5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n";
	char out[100];

	for (size_t step = 1; step < sizeof(good); step++) {
		CHECK_INT(dechunk(good, step, out), 15);
		CHECK_STR(out, "hello0123456789");
	}
	CHECK_INT(dechunk("0\r\n\r\n", 9, out), 0);
	CHECK_INT(dechunk("5\r\nhel", 9, out), -1);
	CHECK_INT(dechunk("x\r\n", 9, out), 400);
	CHECK_INT(dechunk("\r\n", 9, out), 400);
	CHECK_INT(dechunk("5\nhello", 9, out), 400);
	CHECK_INT(dechunk("5\r\nhelloX", 9, out), 400);
	CHECK_INT(dechunk("FFFFFFFFFFFFFFFF\r\n", 99, out), 400);
}

static void test_lists(void)
{
	CHECK(h1_list_has(stoa_str("a , B,c"), "b"));
	CHECK(!h1_list_has(stoa_str("ab, c"), "b"));
	CHECK(!h1_list_has(stoa_str(""), "b"));
}

int main(void)
{
	test_good_heads();
	test_connection();
	test_bad_heads();
	test_limits();
	test_pieces();
	test_chunked();
	test_lists();
	return check_done();
}
