/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CONF_H
#define STOA_CONF_H

#include <stoa/base.h>

/*
 * Options: one table per module is the parser, the manual, the schema, the sample and the dump.
 *
 * A module gets a frozen `struct stoa_conf` with its own section; it stays valid until the next
 * reload() of that module returns (strings may be borrowed until then). In debug builds a getter
 * for a key that the table does not declare, or of another type, aborts.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

enum stoa_opt_type {
	STOA_OPT_END_ = 0,
	STOA_OPT_BOOL = 1,     /* yes, no, true, false, on, off */
	STOA_OPT_INT = 2,      /* decimal; min, max */
	STOA_OPT_DURATION = 3, /* 250ms, 4s, 5m, 2h, 7d; min and max in milliseconds */
	STOA_OPT_SIZE = 4,     /* 512, 64K, 10M, 1G (powers of 1024), in bytes */
	STOA_OPT_RATE = 5,     /* 500k, 2M (powers of 1000), in bits per second */
	STOA_OPT_STRING = 6,   /* min and max are lengths in bytes */
	STOA_OPT_ENUM = 7,     /* one of `choices` */
	STOA_OPT_ADDRESS = 8,  /* 127.0.0.1:7880, [::1]:7880, *:7880; port alone is an error */
	STOA_OPT_PATH = 9,     /* absolute, or relative to the state directory */
	STOA_OPT_SECRET = 10,  /* file:/path or cred:name; the getter yields the content */
	STOA_OPT_LIST = 11,    /* list of strings; a default is written "a, b" */
	STOA_OPT_MAP = 12,     /* named entries, each with the options of `item`; no default */
};

#define STOA_OPT_RELOADABLE 1u /* may change at reload; others are reported "needs restart" */
#define STOA_OPT_REQUIRED   2u /* must be set; for secrets and options without a default    */
#define STOA_OPT_DEPRECATED 4u /* accepted with a warning that prints `doc`                 */

struct stoa_opt {
	const char *key; /* a-z, 0-9 and - */
	enum stoa_opt_type type;
	uint32_t flags;
	const char *dflt;            /* text, read as in a file; NULL: unset (0, "", empty) */
	int64_t min, max;            /* max 0: no upper limit; both 0: no limit */
	const char *const *choices;  /* ENUM: NULL-terminated */
	const struct stoa_opt *item; /* MAP: table of one entry */
	const char *doc;             /* one sentence, mandatory */
	const char *since;           /* version that brought it; NULL: the module's first */
	const char *was;             /* an older name that still works, with a warning */
};

#define STOA_OPT_END                                                                               \
	{                                                                                          \
		.key = NULL, .type = STOA_OPT_END_                                                 \
	}

struct stoa_conf;   /* one frozen section */
struct stoa_errors; /* collects what check() finds */

/** Typed getters. `key` must be in the table. Thread: any, while the section is valid. */
STOA_EXPORT bool stoa_conf_bool(const struct stoa_conf *c, const char *key);
STOA_EXPORT int64_t stoa_conf_int(const struct stoa_conf *c, const char *key);
STOA_EXPORT int64_t stoa_conf_duration_ms(const struct stoa_conf *c, const char *key);
STOA_EXPORT int64_t stoa_conf_size(const struct stoa_conf *c, const char *key);
STOA_EXPORT int64_t stoa_conf_rate(const struct stoa_conf *c, const char *key);
/** STRING, ENUM, ADDRESS, PATH: the text ("" when unset); ENUM gives the choice's text. Paths are
 * absolute. */
STOA_EXPORT const char *stoa_conf_string(const struct stoa_conf *c, const char *key);
/** ENUM: index into `choices`; -1 when it is unset and has no default. */
STOA_EXPORT int stoa_conf_enum(const struct stoa_conf *c, const char *key);
/** SECRET: the content of the file, read when the section was made, one trailing newline removed.
 */
STOA_EXPORT struct stoa_str stoa_conf_secret(const struct stoa_conf *c, const char *key);
/** Was it set by any file or by --set (and not only by its default)? */
STOA_EXPORT bool stoa_conf_is_set(const struct stoa_conf *c, const char *key);
/** LIST: number of entries and the i-th. */
STOA_EXPORT size_t stoa_conf_list_len(const struct stoa_conf *c, const char *key);
STOA_EXPORT const char *stoa_conf_list_get(const struct stoa_conf *c, const char *key, size_t i);
/** MAP: number of entries, the i-th entry's section (ordered by name), and its name. */
STOA_EXPORT size_t stoa_conf_map_len(const struct stoa_conf *c, const char *key);
STOA_EXPORT const struct stoa_conf *stoa_conf_map_get(const struct stoa_conf *c, const char *key,
						      size_t i, const char **ret_name);

/** Adds a mistake, "file:line:col: message", at the place where `key` got its value, or, for a default
 *  or a `key` of NULL, at the section. `c` may be an entry of a MAP. The message names the remedy.
 *  Inside check() with its `e`; inside start() and reload() with NULL, for what could not be known
 *  before, such as a port in use: then the start ends, or the reload is reported as faulty.
 *  Thread: ctl. */
STOA_EXPORT void stoa_errors_add(struct stoa_errors *e, const struct stoa_conf *c, const char *key,
				 const char *fmt, ...) STOA_PRINTF(4, 5);

/** Directory for state that must survive a restart (databases, keys); absolute, exists. Thread:
 * any. */
STOA_EXPORT const char *stoa_state_dir(void);

STOA_END_DECLS

#endif
