/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_WS_FRAME_H
#define MOD_HTTP_WS_FRAME_H

#include <stoa/util.h>

/* WebSocket messages out of bytes (RFC 6455 section 5), sans I/O: unmasking, reassembly, control
 * frames between fragments, close codes. */

enum ws_event_kind {
	WS_MORE = 0, /* needs more bytes */
	WS_MESSAGE,  /* a whole message */
	WS_PING,     /* answer with a pong of the payload */
	WS_PONG,
	WS_CLOSE, /* the peer closes; `code`, 1005 without one */
	WS_FAIL,  /* close with `code` (1002, 1007, 1009), read no more */
};

struct ws_event {
	enum ws_event_kind kind;
	bool is_text;
	uint16_t code;
	struct stoa_str payload; /* valid until the next call */
};

struct ws_parser { /* zero-initialised but for message_max is the start */
	size_t message_max;
	struct stoa_buf message; /* what came of the message so far */
	uint8_t head[14];
	unsigned head_n;
	uint64_t left; /* of the frame's payload */
	uint32_t mask_at;
	uint8_t opcode; /* of the frame */
	uint8_t text;   /* the message's opcode; 0: none is open */
	bool in_payload, failed, deliver;
	uint8_t control[125];
	unsigned control_n;
};

/* Takes bytes from `in` (which it unmasks in place) until there is an event; *ret_used tells how
 * many. Only WS_MORE means that all were used. */
struct ws_event ws_parser_take(struct ws_parser *p, uint8_t *in, size_t n, size_t *ret_used);
void ws_parser_free(struct ws_parser *p);

/* Is it well-formed UTF-8 (RFC 3629; NUL is a character here)? */
bool ws_utf8_valid(const uint8_t *p, size_t n);

/* May this code stand in a close frame (RFC 6455 section 7.4)? */
bool ws_code_valid(unsigned code);

/* Appends an unmasked frame of any opcode. */
void ws_frame_add(struct stoa_buf *b, uint8_t opcode, const void *p, size_t n);

/* Sec-WebSocket-Accept for a key: 28 characters and NUL. 0, or -EINVAL for a bad key. */
int ws_accept_key(struct stoa_str key, char out[29]);

#endif
