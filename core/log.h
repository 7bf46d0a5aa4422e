/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_LOG_H
#define STOA_CORE_LOG_H

#include <stoa/log.h>

/** Where lines go: the journal when stderr is connected to it, else stderr. Called once, early. */
void log_open(void);
/** "auto", "text", "json" or "journal", as core.log-format. */
void log_set_format(const char *format);
/** The core's level, which is also that of modules without one of their own. */
void log_set_level(enum stoa_log_level level);
enum stoa_log_level log_get_level(void);

const char *log_level_name(enum stoa_log_level level);
/** "error", "warn", "notice", "info", "debug"; 0 for anything else. */
enum stoa_log_level log_level_parse(struct stoa_str s);

/** Tests: lines go to fn instead; NULL: back. */
typedef void log_sink_fn(enum stoa_log_level level, const char *module, const char *text);
void log_set_sink(log_sink_fn *fn);

#endif
