/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies of HTTP/1.1 (RFC 9112 section 7.1), pure: takes what is there, gives the next piece
 * of data without copying. */
#include "h1.h"

#include <errno.h>
#include <stoa/cursor.h>

enum {
	SIZE,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER,
	TRAILER_LINE,
	TRAILER_LF,
	END_LF
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte outside of data. Returns 0, 1 at the end, 400. */
static int chunked_byte(struct h1_chunked *c, char b)
{
	int v;

	switch (c->state) {
	case SIZE:
		if ((v = hex_value(b)) >= 0) {
			if (++c->digits > 15)
				return 400;
			c->left = c->left * 16 + (uint64_t)v;
			return 0;
		}
		if (c->digits == 0 || (b != '\r' && b != ';'))
			return 400;
		c->state = b == '\r' ? SIZE_LF : EXTENSION;
		return 0;
	case EXTENSION:
		if (b == '\n' || ++c->extra > 4096)
			return 400;
		if (b == '\r')
			c->state = SIZE_LF;
		return 0;
	case SIZE_LF:
		c->state = c->left ? DATA : TRAILER;
		c->digits = 0;
		return b == '\n' ? 0 : 400;
	case DATA_CR:
		c->state = DATA_LF;
		return b == '\r' ? 0 : 400;
	case DATA_LF:
		c->state = SIZE;
		return b == '\n' ? 0 : 400;
	case TRAILER:
		c->state = b == '\r' ? END_LF : TRAILER_LINE;
		return b == '\n' ? 400 : 0;
	case TRAILER_LINE:
		if (b == '\n' || ++c->extra > 4096)
			return 400;
		if (b == '\r')
			c->state = TRAILER_LF;
		return 0;
	case TRAILER_LF:
		c->state = TRAILER;
		return b == '\n' ? 0 : 400;
	case END_LF:
		return b == '\n' ? 1 : 400;
	}
	return 400;
}

int h1_chunked_take(struct h1_chunked *c, struct stoa_str in, size_t *ret_used,
		    struct stoa_str *ret_piece)
{
	struct stoa_cursor cur = stoa_cur(in.p, in.n);
	int r = 0;

	*ret_piece = stoa_str("");
	while (r == 0 && stoa_cur_left(&cur)) {
		if (c->state == DATA) {
			size_t left = stoa_cur_left(&cur);
			size_t n = left < c->left ? left : (size_t)c->left;

			*ret_piece = stoa_strn(stoa_cur_take(&cur, n), n);
			c->left -= n;
			if (c->left == 0)
				c->state = DATA_CR;
			break;
		}
		r = chunked_byte(c, (char)stoa_cur_u8(&cur));
	}
	*ret_used = in.n - stoa_cur_left(&cur);
	return r;
}
