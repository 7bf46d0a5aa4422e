/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CURSOR_H
#define STOA_CURSOR_H

#include <stoa/base.h>

/*
 * The one way to read bytes from the network: a cursor that cannot leave its bounds.
 *
 * Reading past the end yields zeros and marks the cursor as failed; the mark stays, so a parser
 * reads a whole structure and asks stoa_cur_ok() once. All functions are inline and pure.
 * Thread: any, one cursor per thread.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

struct stoa_cursor {
	const uint8_t *p;   /* next byte                 */
	const uint8_t *end; /* one past the last byte    */
	bool failed;        /* something was out of bounds */
};

static inline struct stoa_cursor stoa_cur(const void *data, size_t n)
{
	struct stoa_cursor c;

	c.p = (const uint8_t *)data;
	c.end = n ? c.p + n : c.p;
	c.failed = false;
	return c;
}

static inline size_t stoa_cur_left(const struct stoa_cursor *c)
{
	return (size_t)(c->end - c->p);
}

static inline bool stoa_cur_ok(const struct stoa_cursor *c)
{
	return !c->failed;
}

/** Takes `n` bytes; NULL (and failed) when fewer are left. `n` of 0 yields the position. */
static inline const uint8_t *stoa_cur_take(struct stoa_cursor *c, size_t n)
{
	const uint8_t *r = c->p;

	if (c->failed || stoa_cur_left(c) < n) {
		c->failed = true;
		c->p = c->end;
		return NULL;
	}
	c->p = n ? c->p + n : c->p;
	return r;
}

static inline bool stoa_cur_skip(struct stoa_cursor *c, size_t n)
{
	return stoa_cur_take(c, n) != NULL || (n == 0 && !c->failed);
}

/** A cursor over the next `n` bytes, which `c` passes; failed and empty when fewer are left. */
static inline struct stoa_cursor stoa_cur_sub(struct stoa_cursor *c, size_t n)
{
	const uint8_t *p = stoa_cur_take(c, n);
	struct stoa_cursor s = stoa_cur(p, c->failed ? 0 : n);

	s.failed = c->failed;
	return s;
}

static inline uint8_t stoa_cur_u8(struct stoa_cursor *c)
{
	const uint8_t *b = stoa_cur_take(c, 1);

	return b ? b[0] : 0;
}

static inline uint16_t stoa_cur_be16(struct stoa_cursor *c)
{
	const uint8_t *b = stoa_cur_take(c, 2);

	return b ? (uint16_t)((b[0] << 8) | b[1]) : 0;
}

static inline uint32_t stoa_cur_be24(struct stoa_cursor *c)
{
	const uint8_t *b = stoa_cur_take(c, 3);

	return b ? ((uint32_t)b[0] << 16) | ((uint32_t)b[1] << 8) | b[2] : 0;
}

static inline uint32_t stoa_cur_be32(struct stoa_cursor *c)
{
	const uint8_t *b = stoa_cur_take(c, 4);

	return b ? ((uint32_t)b[0] << 24) | ((uint32_t)b[1] << 16) | ((uint32_t)b[2] << 8) | b[3]
		 : 0;
}

static inline uint64_t stoa_cur_be64(struct stoa_cursor *c)
{
	uint64_t hi = stoa_cur_be32(c);

	return (hi << 32) | stoa_cur_be32(c);
}

static inline uint32_t stoa_cur_le32(struct stoa_cursor *c)
{
	const uint8_t *b = stoa_cur_take(c, 4);

	return b ? ((uint32_t)b[3] << 24) | ((uint32_t)b[2] << 16) | ((uint32_t)b[1] << 8) | b[0]
		 : 0;
}

/* ---- writing, with the same manners: past the end nothing is written and `failed` is set ---- */

struct stoa_wcursor {
	uint8_t *start, *p, *end;
	bool failed;
};

static inline struct stoa_wcursor stoa_wcur(void *buf, size_t n)
{
	struct stoa_wcursor c;

	c.start = c.p = (uint8_t *)buf;
	c.end = n ? c.p + n : c.p;
	c.failed = false;
	return c;
}

static inline size_t stoa_wcur_len(const struct stoa_wcursor *c)
{
	return (size_t)(c->p - c->start);
}

/** Room for `n` bytes to fill in; NULL (and failed) when there is less. */
static inline uint8_t *stoa_wcur_take(struct stoa_wcursor *c, size_t n)
{
	uint8_t *r = c->p;

	if (c->failed || (size_t)(c->end - c->p) < n) {
		c->failed = true;
		return NULL;
	}
	c->p = n ? c->p + n : c->p;
	return r;
}

static inline void stoa_wcur_u8(struct stoa_wcursor *c, uint8_t v)
{
	uint8_t *b = stoa_wcur_take(c, 1);

	if (b)
		b[0] = v;
}

static inline void stoa_wcur_be16(struct stoa_wcursor *c, uint16_t v)
{
	uint8_t *b = stoa_wcur_take(c, 2);

	if (b) {
		b[0] = (uint8_t)(v >> 8);
		b[1] = (uint8_t)v;
	}
}

static inline void stoa_wcur_be24(struct stoa_wcursor *c, uint32_t v)
{
	uint8_t *b = stoa_wcur_take(c, 3);

	if (b) {
		b[0] = (uint8_t)(v >> 16);
		b[1] = (uint8_t)(v >> 8);
		b[2] = (uint8_t)v;
	}
}

static inline void stoa_wcur_be32(struct stoa_wcursor *c, uint32_t v)
{
	stoa_wcur_be16(c, (uint16_t)(v >> 16));
	stoa_wcur_be16(c, (uint16_t)v);
}

static inline void stoa_wcur_be64(struct stoa_wcursor *c, uint64_t v)
{
	stoa_wcur_be32(c, (uint32_t)(v >> 32));
	stoa_wcur_be32(c, (uint32_t)v);
}

static inline void stoa_wcur_bytes(struct stoa_wcursor *c, const void *p, size_t n)
{
	uint8_t *b = stoa_wcur_take(c, n);

	if (b && n)
		memcpy(b, p, n);
}

STOA_END_DECLS

#endif
