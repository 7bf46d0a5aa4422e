/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_UTIL_H
#define STOA_UTIL_H

#include <stoa/base.h>

/*
 * Ids, time, text forms of bytes: small, pure, used by many modules. Thread: any, for all of them.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

/** Monotonic time; never goes back, not related to the date. */
STOA_EXPORT uint64_t stoa_now_ms(void);
STOA_EXPORT uint64_t stoa_now_us(void);
/** UTC, milliseconds since 1970-01-01. */
STOA_EXPORT int64_t stoa_wall_ms(void);

#define STOA_TIME_LEN 25 /* "2026-01-02T03:04:05.678Z" and NUL */
/** RFC 3339 in UTC with milliseconds (years 1970 to 9999, clamped). */
STOA_EXPORT void stoa_time_format(int64_t wall_ms, char out[STOA_TIME_LEN]);
/** RFC 3339 with any offset, seconds fraction optional. -EINVAL. */
STOA_EXPORT int stoa_time_parse(struct stoa_str s, int64_t *ret_wall_ms);

/** Cryptographic random bytes (getrandom); aborts if the kernel has none. */
STOA_EXPORT void stoa_random(void *out, size_t n);

#define STOA_UUID_LEN 37 /* 36 characters and NUL */
/** UUIDv7 text (RFC 9562 section 5.7), ascending within the process. */
STOA_EXPORT void stoa_uuid7(char out[STOA_UUID_LEN]);
/** Is it the text of a UUID (lower or upper case, 8-4-4-4-12)? */
STOA_EXPORT bool stoa_uuid_valid(struct stoa_str s);

/** Same bytes, in a time that depends on the lengths only. For secrets. */
STOA_EXPORT bool stoa_ct_equal(struct stoa_str a, struct stoa_str b);

/** Base64 (RFC 4648 section 4, padded) and base64url (section 5, unpadded). Encoders write at most
 *  `4 * ((n + 2) / 3) + 1` bytes with NUL and return the length; decoders accept padding or none,
 *  return the length, or -EINVAL for a foreign character or -ENOSPC. */
STOA_EXPORT size_t stoa_base64_encode(const void *in, size_t n, char *out);
STOA_EXPORT size_t stoa_base64url_encode(const void *in, size_t n, char *out);
STOA_EXPORT int stoa_base64_decode(struct stoa_str in, void *out,
				   size_t out_cap); /* both alphabets */

/** Lower-case hex; `out` holds 2 * n + 1. */
STOA_EXPORT void stoa_hex_encode(const void *in, size_t n, char *out);

/** Is it well-formed UTF-8 without NUL (RFC 3629)? */
STOA_EXPORT bool stoa_utf8_valid(struct stoa_str s);
/** Number of code points of well-formed UTF-8. */
STOA_EXPORT size_t stoa_utf8_len(struct stoa_str s);

/** SipHash-2-4 with a key of the process: for hash tables over hostile input. */
STOA_EXPORT uint64_t stoa_hash(const void *p, size_t n);

/* ---- growable bytes, one owner ---- */
struct stoa_buf { /* zero-initialised is empty */
	char *p;
	size_t n, cap;
	bool failed; /* out of memory once: content is not to be used */
};
STOA_EXPORT void stoa_buf_add(struct stoa_buf *b, const void *p, size_t n);
STOA_EXPORT void stoa_buf_adds(struct stoa_buf *b, const char *s);
STOA_EXPORT void stoa_buf_addf(struct stoa_buf *b, const char *fmt, ...) STOA_PRINTF(2, 3);
STOA_EXPORT void stoa_buf_clear(struct stoa_buf *b); /* keeps the memory  */
STOA_EXPORT void stoa_buf_free(struct stoa_buf *b);  /* back to empty     */

/* ---- immutable bytes, counted across threads ---- */
struct stoa_bytes {
	const uint8_t *p;
	size_t n;
};
/** Copies. NULL when out of memory. */
STOA_EXPORT struct stoa_bytes *stoa_bytes_new(const void *p, size_t n);
STOA_EXPORT struct stoa_bytes *stoa_bytes_ref(struct stoa_bytes *b);
STOA_EXPORT void stoa_bytes_unref(struct stoa_bytes *b);

/* ---- hash table from bytes to pointers; keys are copied; not thread safe ---- */
struct stoa_map;
STOA_EXPORT struct stoa_map *stoa_map_new(void);
STOA_EXPORT void stoa_map_free(struct stoa_map *t); /* not the values */
STOA_EXPORT void *stoa_map_get(const struct stoa_map *t, struct stoa_str key);
/** Sets; `ret_old` (may be NULL) gets the value replaced or NULL. -ENOMEM. */
STOA_EXPORT int stoa_map_set(struct stoa_map *t, struct stoa_str key, void *value, void **ret_old);
/** Removes and yields the value; NULL when there is none. */
STOA_EXPORT void *stoa_map_remove(struct stoa_map *t, struct stoa_str key);
STOA_EXPORT size_t stoa_map_len(const struct stoa_map *t);
/** Walks in no order: start with *pos = 0; false at the end. The current entry may be removed. */
STOA_EXPORT bool stoa_map_next(const struct stoa_map *t, size_t *pos, struct stoa_str *ret_key,
			       void **ret_value);

STOA_END_DECLS

#endif
