/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket frames: reassembly in any segmentation, violations, keys, UTF-8. */
#include "check.h"
#include "ws_frame.h"

static const uint8_t key[4] = { 0x37, 0xfa, 0x21, 0x3d };

/* Appends a masked frame. */
static void add(struct stoa_buf *b, uint8_t first, const void *p, size_t n)
{
	uint8_t head[14] = { first };
	size_t len = 2;

	if (n < 126) {
		head[1] = (uint8_t)(0x80 | n);
	} else {
		head[1] = 0x80 | 126;
		head[2] = (uint8_t)(n >> 8);
		head[3] = (uint8_t)n;
		len = 4;
	}
	memcpy(head + len, key, 4);
	stoa_buf_add(b, head, len + 4);
	for (size_t i = 0; i < n; i++) {
		uint8_t c = ((const uint8_t *)p)[i] ^ key[i & 3];

		stoa_buf_add(b, &c, 1);
	}
}

/* Feeds in steps and writes what happens: "M:text P:ping C1000 F1002". */
static void run(const struct stoa_buf *in, size_t step, size_t message_max, char *out, size_t cap)
{
	struct ws_parser p = { .message_max = message_max };
	size_t at = 0, n = 0;

	out[0] = '\0';
	while (at < in->n) {
		size_t take = in->n - at < step ? in->n - at : step, used = 0;
		uint8_t *copy = malloc(take);
		struct ws_event ev;

		memcpy(copy, in->p + at, take);
		ev = ws_parser_take(&p, copy, take, &used);
		switch (ev.kind) {
		case WS_MORE:
			break;
		case WS_MESSAGE:
			n += (size_t)snprintf(out + n, cap - n, "%c:%.*s ", ev.is_text ? 'M' : 'B',
					      (int)(ev.payload.n < 40 ? ev.payload.n : 40),
					      ev.payload.n ? ev.payload.p : "");
			break;
		case WS_PING:
		case WS_PONG:
			n += (size_t)snprintf(out + n, cap - n, "%c:%.*s ",
					      ev.kind == WS_PING ? 'P' : 'Q', STOA_FMT(ev.payload));
			break;
		case WS_CLOSE:
		case WS_FAIL:
			n += (size_t)snprintf(out + n, cap - n, "%c%u ",
					      ev.kind == WS_CLOSE ? 'C' : 'F', ev.code);
			break;
		}
		free(copy);
		if (used == 0 && ev.kind == WS_FAIL)
			break;
		at += used;
		if (used == 0 && ev.kind == WS_MORE)
			break;
	}
	ws_parser_free(&p);
}

static void check(struct stoa_buf *in, const char *want)
{
	char out[500];

	for (size_t step = 1; step <= in->n; step = step * 2 + 1) {
		run(in, step, 300, out, sizeof(out));
		CHECK_STR(out, want);
	}
	run(in, in->n, 300, out, sizeof(out));
	CHECK_STR(out, want);
	stoa_buf_free(in);
}

static void test_messages(void)
{
	struct stoa_buf b = { 0 };

	add(&b, 0x81, "hello", 5);
	add(&b, 0x01, "a", 1);
	add(&b, 0x89, "now", 3);
	add(&b, 0x00, "b", 1);
	add(&b, 0x8a, "", 0);
	add(&b, 0x80, "c", 1);
	add(&b, 0x82, "", 0);
	add(&b, 0x88, "\x03\xe8 bye", 6);
	add(&b, 0x81, "late", 4);
	check(&b, "M:hello P:now Q: M:abc B: C1000 ");
}

static void test_violations(void)
{
	static const struct {
		uint8_t first;
		const char *payload;
		size_t n;
		const char *want;
	} bad[] = {
		{ 0x80, "x", 1, "F1002 " },        /* a continuation of nothing */
		{ 0xc1, "x", 1, "F1002 " },        /* a reserved bit            */
		{ 0x83, "x", 1, "F1002 " },        /* an unknown opcode         */
		{ 0x09, "x", 1, "F1002 " },        /* a fragmented ping         */
		{ 0x81, "\xff", 1, "F1007 " },     /* not UTF-8                 */
		{ 0x88, "x", 1, "F1002 " },        /* half a code               */
		{ 0x88, "\x03\xed", 2, "F1002 " }, /* 1005 is never sent        */
		{ 0x88, "\x03\xe8\xff", 3, "F1007 " },
		{ 0x88, "", 0, "C1005 " },
	};
	static uint8_t large[301];
	struct stoa_buf b = { 0 };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		add(&b, bad[i].first, bad[i].payload, bad[i].n);
		check(&b, bad[i].want);
	}
	add(&b, 0x82, large, sizeof(large));
	check(&b, "F1009 ");
	add(&b, 0x02, large, 200);
	add(&b, 0x80, large, 101);
	check(&b, "F1009 ");
	stoa_buf_add(&b, "\x81\x01x", 3); /* not masked */
	check(&b, "F1002 ");
}

static void test_utf8(void)
{
	static const char *const good[] = { "", "a", "\xc2\x80", "\xe2\x82\xac",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80",         "\xc0\x80",         "\xc3",
					   "\xe0\x80\x80", "\xed\xa0\x80",     "\xf4\x90\x80\x80",
					   "\xf5",         "\xf0\x80\x80\x80", "\xe2\x82" };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(good); i++)
		CHECK(ws_utf8_valid((const uint8_t *)good[i], strlen(good[i])));
	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++)
		CHECK(!ws_utf8_valid((const uint8_t *)bad[i], strlen(bad[i])));
	CHECK(ws_utf8_valid((const uint8_t *)"\0", 1));
}

static void test_accept_key(void)
{
	char out[29];

	/* RFC 6455 section 1.3 */
	CHECK_INT(ws_accept_key(stoa_str("dGhlIHNhbXBsZSBub25jZQ=="), out), 0);
	CHECK_STR(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	CHECK(ws_accept_key(stoa_str("short"), out) < 0);
	CHECK(ws_accept_key(stoa_str("dGhlIHNhbXBsZSBub25jZ!=="), out) < 0);
}

int main(void)
{
	test_messages();
	test_violations();
	test_utf8();
	test_accept_key();
	return check_done();
}
