/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_LOG_H
#define STOA_LOG_H

#include <stoa/base.h>

/*
 * Structured log lines: facts with ids, lower case, no full stop. The host adds time, level and
 * the module's name; each module's level can be changed at run time. The packet path counts
 * instead of logging.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

struct stoa_mod;

enum stoa_log_level { /* syslog's numbers */
		      STOA_LOG_ERROR = 3,
		      STOA_LOG_WARN = 4,
		      STOA_LOG_NOTICE = 5,
		      STOA_LOG_INFO = 6,
		      STOA_LOG_DEBUG = 7,
};

/** Would a line of this level be written? Thread: any. */
STOA_EXPORT bool stoa_log_enabled(const struct stoa_mod *m, enum stoa_log_level level);

/** Writes one line (at most 2 KB, the rest is cut; control characters are escaped). `m` NULL means
 *  the core. Lines past 20 per second from one call site are counted, not written, and the count is
 *  told with the next one. Thread: any, except in the packet path. */
#define stoa_log(m, level, ...)                                                                    \
	do {                                                                                       \
		static struct stoa_log_site stoa_log_site_ = { 0, 0, 0 };                          \
		if (stoa_log_enabled((m), (level)))                                                \
			stoa_log_write((m), (level), &stoa_log_site_, __VA_ARGS__);                \
	} while (0)

struct stoa_log_site { /* rate limit of one call site; the host's business */
	int64_t window_ms;
	uint32_t written, dropped;
};

STOA_EXPORT void stoa_log_write(const struct stoa_mod *m, enum stoa_log_level level,
				struct stoa_log_site *site, const char *fmt, ...) STOA_PRINTF(4, 5);

STOA_END_DECLS

#endif
