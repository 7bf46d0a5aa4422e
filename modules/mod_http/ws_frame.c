/* SPDX-License-Identifier: Apache-2.0 */
/* Parses WebSocket frames. Called by ws.c on the edge thread; pure but for the message's memory, and
 * fuzzed. A message is held only up to message_max, checked before its bytes come. */
#include "ws_frame.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <stoa/cursor.h>

enum { OP_MORE = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

bool ws_code_valid(unsigned code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
	       (code >= 3000 && code <= 4999);
}

bool ws_utf8_valid(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint32_t c = p[i], min;
		unsigned more;

		if (c < 0x80) {
			i++;
			continue;
		}
		if (c >= 0xc2 && c <= 0xdf) {
			more = 1;
			c &= 0x1f;
			min = 0x80;
		} else if (c >= 0xe0 && c <= 0xef) {
			more = 2;
			c &= 0x0f;
			min = 0x800;
		} else if (c >= 0xf0 && c <= 0xf4) {
			more = 3;
			c &= 0x07;
			min = 0x10000;
		} else {
			return false;
		}
		if (n - i <= more)
			return false;
		for (unsigned k = 1; k <= more; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
			c = (c << 6) | (p[i + k] & 0x3f);
		}
		if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
		i += more + 1;
	}
	return true;
}

static struct ws_event fail(struct ws_parser *p, uint16_t code)
{
	struct ws_event ev = { .kind = WS_FAIL, .code = code };

	p->failed = true;
	return ev;
}

static unsigned head_need(const struct ws_parser *p)
{
	unsigned len;

	if (p->head_n < 2)
		return 2;
	len = p->head[1] & 0x7f;
	return 2 + (len == 126 ? 2 : len == 127 ? 8 : 0) + 4;
}

/* The header is whole: 0, or the code to fail with. */
static uint16_t read_head(struct ws_parser *p)
{
	struct stoa_cursor c = stoa_cur(p->head, p->head_n);
	uint8_t b0 = stoa_cur_u8(&c), b1 = stoa_cur_u8(&c);
	bool fin = b0 & 0x80;

	p->opcode = b0 & 0x0f;
	p->left = b1 & 0x7f;
	if (p->left == 126)
		p->left = stoa_cur_be16(&c);
	else if (p->left == 127)
		p->left = stoa_cur_be64(&c);
	if ((b0 & 0x70) || (p->left >> 63))
		return 1002; /* no extension was agreed on */
	p->mask_at = 0;
	switch (p->opcode) {
	case OP_CLOSE:
	case OP_PING:
	case OP_PONG:
		p->control_n = 0;
		return !fin || p->left > 125 ? 1002 : 0;
	case OP_TEXT:
	case OP_BINARY:
		if (p->text)
			return 1002;
		p->text = p->opcode;
		stoa_buf_clear(&p->message);
		break;
	case OP_MORE:
		if (!p->text)
			return 1002;
		break;
	default:
		return 1002;
	}
	p->deliver = fin;
	return p->left > p->message_max - p->message.n ? 1009 : 0;
}

static void unmask(struct ws_parser *p, uint8_t *b, size_t n)
{
	const uint8_t *key = p->head + p->head_n - 4;
	uint64_t wide;
	uint8_t k8[8];
	size_t i = 0;

	for (unsigned k = 0; k < 8; k++)
		k8[k] = key[(p->mask_at + k) & 3];
	memcpy(&wide, k8, 8);
	for (; i + 8 <= n; i += 8) {
		uint64_t v;

		memcpy(&v, b + i, 8);
		v ^= wide;
		memcpy(b + i, &v, 8);
	}
	for (; i < n; i++)
		b[i] ^= k8[i & 7];
	p->mask_at = (uint32_t)((p->mask_at + n) & 3);
}

static struct ws_event finish_control(struct ws_parser *p)
{
	struct ws_event ev = { .payload = stoa_strn(p->control, p->control_n) };

	if (p->opcode != OP_CLOSE) {
		ev.kind = p->opcode == OP_PING ? WS_PING : WS_PONG;
		return ev;
	}
	ev.kind = WS_CLOSE;
	ev.code = 1005;
	if (p->control_n == 1)
		return fail(p, 1002);
	if (p->control_n >= 2) {
		ev.code = (uint16_t)(p->control[0] << 8 | p->control[1]);
		if (!ws_code_valid(ev.code))
			return fail(p, 1002);
		if (!ws_utf8_valid(p->control + 2, p->control_n - 2))
			return fail(p, 1007);
	}
	p->failed = true; /* nothing comes after a close frame */
	return ev;
}

/* The frame's payload is complete. WS_MORE: no message yet. */
static struct ws_event finish_frame(struct ws_parser *p)
{
	struct ws_event ev = { .kind = WS_MORE };

	p->in_payload = false;
	p->head_n = 0;
	if (p->opcode >= OP_CLOSE)
		return finish_control(p);
	if (!p->deliver)
		return ev;
	ev.kind = WS_MESSAGE;
	ev.is_text = p->text == OP_TEXT;
	ev.payload = stoa_strn(p->message.p, p->message.n);
	p->text = 0;
	if (p->message.failed)
		return fail(p, 1011);
	if (ev.is_text && !ws_utf8_valid((const uint8_t *)p->message.p, p->message.n))
		return fail(p, 1007);
	return ev;
}

static void take_payload(struct ws_parser *p, uint8_t *b, size_t n)
{
	unmask(p, b, n);
	p->left -= n;
	if (p->opcode >= OP_CLOSE) {
		memcpy(p->control + p->control_n, b, n);
		p->control_n += (unsigned)n;
	} else {
		stoa_buf_add(&p->message, b, n);
	}
}

struct ws_event ws_parser_take(struct ws_parser *p, uint8_t *in, size_t n, size_t *ret_used)
{
	struct ws_event ev = { .kind = WS_MORE };
	size_t at = 0;

	while (!p->failed && ev.kind == WS_MORE) {
		if (!p->in_payload) {
			uint16_t code;

			while (p->head_n < head_need(p) && at < n)
				p->head[p->head_n++] = in[at++];
			if (p->head_n >= 2 && !(p->head[1] & 0x80)) {
				ev = fail(p, 1002); /* unmasked: no key to wait for */
				break;
			}
			if (p->head_n < head_need(p))
				break;
			code = read_head(p);
			if (code) {
				ev = fail(p, code);
				break;
			}
			p->in_payload = true;
		}
		if (p->left && at == n)
			break;
		if (p->left) {
			size_t take = n - at < p->left ? n - at : (size_t)p->left;

			take_payload(p, in + at, take);
			at += take;
		}
		if (p->left == 0)
			ev = finish_frame(p);
	}
	if (p->failed)
		at = ev.kind == WS_MORE ? n : at;
	*ret_used = at;
	return ev;
}

void ws_parser_free(struct ws_parser *p)
{
	stoa_buf_free(&p->message);
}

void ws_frame_add(struct stoa_buf *b, uint8_t opcode, const void *payload, size_t n)
{
	uint8_t raw[10];
	struct stoa_wcursor c = stoa_wcur(raw, sizeof(raw));

	stoa_wcur_u8(&c, 0x80 | opcode);
	if (n < 126) {
		stoa_wcur_u8(&c, (uint8_t)n);
	} else if (n <= 0xffff) {
		stoa_wcur_u8(&c, 126);
		stoa_wcur_be16(&c, (uint16_t)n);
	} else {
		stoa_wcur_u8(&c, 127);
		stoa_wcur_be64(&c, n);
	}
	stoa_buf_add(b, raw, stoa_wcur_len(&c));
	stoa_buf_add(b, payload, n);
}

int ws_accept_key(struct stoa_str key, char out[29])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char sum[EVP_MAX_MD_SIZE], nonce[18];
	char text[24 + sizeof(guid)];

	if (key.n != 24 || stoa_base64_decode(key, nonce, sizeof(nonce)) != 16)
		return -EINVAL;
	memcpy(text, key.p, 24);
	memcpy(text + 24, guid, sizeof(guid));
	if (!EVP_Digest(text, 24 + sizeof(guid) - 1, sum, NULL, EVP_sha1(), NULL))
		return -EINVAL;
	stoa_base64_encode(sum, 20, out);
	return 0;
}
