/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_HOOK_H
#define STOA_HOOK_H

#include <stoa/base.h>

/*
 * Hooks: others may object or choose. A hook point is a header <stoa/hook/….h> with a struct, made
 * with STOA_HOOK_POINT(), that states its rule, what all-pass means and what an error means.
 * C modules and Lua policies stand in one chain, ordered by name with `after` and `before`.
 * Everything here runs on ctl.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

struct stoa_mod;

enum stoa_verdict {
	STOA_PASS = 0,  /* no opinion                                                          */
	STOA_ALLOW = 1, /* yes                                                                 */
	STOA_DENY = 2,  /* no; the hook filled `denial`                                        */
	STOA_ERROR = 3, /* the hook could not tell: the point's error rule applies, and counts */
};

enum stoa_hook_rule {
	STOA_DENY_WINS = 1,  /* every hook runs; one DENY is a no (permission, moderation) */
	STOA_FIRST_WINS = 2, /* the first ALLOW or DENY decides (routes, choices)          */
};

struct stoa_denial {    /* why; the first denial is kept */
	char code[48];  /* short stable code, as API errors have it */
	char text[200]; /* one sentence for the user                */
};

/** Fills a denial and yields STOA_DENY: `return stoa_deny(&ev->denial, "no-links", "…");` */
STOA_EXPORT enum stoa_verdict stoa_deny(struct stoa_denial *d, const char *code, const char *fmt,
					...) STOA_PRINTF(3, 4);

/* First members of every hook struct. */
#define STOA_HOOK_HEAD                                                                             \
	uint32_t size;                                                                             \
	struct stoa_denial denial

struct stoa_hook_any {
	STOA_HOOK_HEAD;
};

typedef void stoa_hook_erased_fn(void);

struct stoa_hook_point {
	uint32_t size;
	const char *name; /* "call.initiate" */
	enum stoa_hook_rule rule;
	enum stoa_verdict all_pass; /* verdict when nobody has an opinion */
	enum stoa_verdict on_error; /* verdict of a hook that failed: STOA_DENY or STOA_PASS */
	enum stoa_verdict (*call_fn)(stoa_hook_erased_fn *fn, struct stoa_mod *m, void *ev);
};

/** Defines a point: its function type stoa_hook_<id>_fn and the constant stoa_hook_<id>_point, for
 *  `struct stoa_hook_<id>`. The point is known by its name; repeated definitions are the same. */
#define STOA_HOOK_POINT(id, point_name, point_rule, point_all_pass, point_on_error)                \
	typedef enum stoa_verdict stoa_hook_##id##_fn(struct stoa_mod *m,                          \
						      struct stoa_hook_##id *ev);                  \
	static inline STOA_UNUSED enum stoa_verdict stoa_hook_##id##_call(                         \
		stoa_hook_erased_fn *fn, struct stoa_mod *m, void *ev)                             \
	{                                                                                          \
		return ((stoa_hook_##id##_fn *)fn)(m, (struct stoa_hook_##id *)ev);                \
	}                                                                                          \
	static const STOA_UNUSED struct stoa_hook_point stoa_hook_##id##_point = {                 \
		sizeof(struct stoa_hook_point),                                                    \
		point_name,                                                                        \
		point_rule,                                                                        \
		point_all_pass,                                                                    \
		point_on_error,                                                                    \
		stoa_hook_##id##_call,                                                             \
	}

struct stoa_hook_order { /* names of modules or policies, NULL-terminated; NULL: none */
	const char *const *after;
	const char *const *before;
};

/** Adds a function to a chain; a wrong prototype does not compile. In start(); the host removes it
 *  at stop(). `order` may be NULL; it is copied. -EINVAL: the order makes a ring, -ENOBUFS: the
 *  chain has 64 already, -EBUSY: it is being run. Thread: ctl. */
#define STOA_HOOK_ADD(m, id, fn, order)                                                            \
	stoa_hook_add((m), &stoa_hook_##id##_point,                                                \
		      (stoa_hook_erased_fn *)(1 ? (fn) : (stoa_hook_##id##_fn *)0), (order))
STOA_EXPORT int stoa_hook_add(struct stoa_mod *m, const struct stoa_hook_point *point,
			      stoa_hook_erased_fn *fn, const struct stoa_hook_order *order);

/** Runs a chain: STOA_ALLOW or STOA_DENY (then ev->denial is filled), never anything else.
 *  `m` is the module that asks. A hook over 1 ms is counted, over 50 ms logged. Thread: ctl. */
#define STOA_HOOK_RUN(m, id, ev)                                                                   \
	stoa_hook_run((m), &stoa_hook_##id##_point, 1 ? (ev) : (struct stoa_hook_##id *)0)
STOA_EXPORT enum stoa_verdict stoa_hook_run(struct stoa_mod *m, const struct stoa_hook_point *point,
					    void *ev);

STOA_END_DECLS

#endif
