/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_BASE_H
#define STOA_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The few things every other header needs: export marks, borrowed strings, scope clean-up.
 *
 * Conventions that hold for the whole ABI:
 *  - A function that can fail returns 0 or a negative errno; results come back through a last
 *    parameter `ret_x`, set only on success.
 *  - `_new`/`_free` one owner, `_ref`/`_unref` shared across threads, `_get` borrowed until you
 *    return, `_take` the callee keeps the argument, `_dup` yours to free.
 *  - Every function names the threads that may call it: ctl, net, io, med, blk or any.
 *
 * ABI log: 0.1 first version.
 */

#ifdef __cplusplus
#define STOA_BEGIN_DECLS extern "C" {
#define STOA_END_DECLS   }
#else
#define STOA_BEGIN_DECLS
#define STOA_END_DECLS
#endif

#if defined(__GNUC__)
#define STOA_EXPORT       __attribute__((visibility("default")))
#define STOA_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define STOA_MUST_CHECK   __attribute__((warn_unused_result))
#define STOA_UNUSED       __attribute__((unused))
#else
#define STOA_EXPORT
#define STOA_PRINTF(f, a)
#define STOA_MUST_CHECK
#define STOA_UNUSED
#endif

/** Is a table, whose first member is `size`, new enough to have `member`, and is it set? */
#define STOA_HAS(p, member)                                                                        \
	((p)->size >= offsetof(__typeof__(*(p)), member) + sizeof((p)->member) &&                  \
	 (p)->member != NULL)

#define STOA_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

STOA_BEGIN_DECLS

/** Bytes borrowed for the length of a call. Not NUL-terminated. `p` may be NULL when `n` is 0. */
struct stoa_str {
	const char *p;
	size_t n;
};

/** A borrowed string from a C string; NULL gives the empty string. Thread: any. */
static inline struct stoa_str stoa_str(const char *s)
{
	struct stoa_str r;

	r.p = s;
	r.n = s ? strlen(s) : 0;
	return r;
}

/** A borrowed string from a pointer and a length. Thread: any. */
static inline struct stoa_str stoa_strn(const void *p, size_t n)
{
	struct stoa_str r;

	r.p = (const char *)p;
	r.n = n;
	return r;
}

/** Are the bytes the same? Not constant time: see stoa_ct_equal() for secrets. Thread: any. */
static inline bool stoa_str_eq(struct stoa_str a, struct stoa_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/** Is the borrowed string equal to the C string? Thread: any. */
static inline bool stoa_str_is(struct stoa_str a, const char *s)
{
	return stoa_str_eq(a, stoa_str(s));
}

/** For printf("%.*s", STOA_FMT(s)). */
#define STOA_FMT(s) (int)(s).n, (s).p ? (s).p : ""

STOA_END_DECLS

/* Scope clean-up (C only): `stoa_auto(free_fn) struct x *p = ...;` calls free_fn(p) on leaving. */
#ifndef __cplusplus
#define STOA_DEFINE_AUTO(type, fn)                                                                 \
	static inline STOA_UNUSED void stoa_auto_##fn(type **p)                                    \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}
#define stoa_auto(fn) __attribute__((cleanup(stoa_auto_##fn)))
/** Hand over what stoa_auto() guards: yields the pointer and leaves NULL behind. */
#define stoa_take(p)                                                                               \
	__extension__({                                                                            \
		__typeof__(p) stoa_taken_ = (p);                                                   \
		(p) = NULL;                                                                        \
		stoa_taken_;                                                                       \
	})
#endif

#endif
