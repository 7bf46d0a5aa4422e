/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CONTROL_H
#define STOA_CONTROL_H

#include <jansson.h>
#include <stoa/base.h>

/*
 * Commands of the control socket: what `stoactl token create --user alice` runs. The host checks
 * who is calling (the peer's credentials), reads the words by the command's own usage line and
 * renders the answer; a module only says what the command does. Everything here runs on ctl.
 *
 * The usage line is the grammar:
 *   ROOM             a word that must be there        stoa_control_arg(rq, "room")
 *   [ROOM]           one that may
 *   --user ID        an option that must be given     stoa_control_arg(rq, "user")
 *   [--ttl DURATION] one that may
 *   [--force]        a switch                         stoa_control_has(rq, "force")
 *   [--channel ID]…  may be repeated (also "...")     stoa_control_arg_at(rq, "channel", i)
 * A word's value is text; what it means is the command's to check.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

struct stoa_mod;
struct stoa_control; /* one request; valid until it is answered */

typedef void stoa_control_fn(struct stoa_control *rq, void *user);

/** Adds a command of one or two words ("token create"). In load() or start(); the host removes it
 *  after stop(), and refuses what is then still unanswered. `usage` as above, "" for none; `help`
 *  is one sentence. Strings are borrowed for the module's life.
 *  -EEXIST: there is one of that name; -EINVAL: the usage line does not parse. Thread: ctl. */
STOA_EXPORT int stoa_control_add(struct stoa_mod *m, const char *command, const char *usage,
				 const char *help, stoa_control_fn *fn, void *user);

/** The value of an argument, borrowed until the answer; NULL when it was not given. Thread: ctl. */
STOA_EXPORT const char *stoa_control_arg(const struct stoa_control *rq, const char *name);
/** The i-th value of a repeated argument; NULL past the last. Thread: ctl. */
STOA_EXPORT const char *stoa_control_arg_at(const struct stoa_control *rq, const char *name,
					    size_t i);
/** Was it given at all? Thread: ctl. */
STOA_EXPORT bool stoa_control_has(const struct stoa_control *rq, const char *name);

/** Answers, now or later, exactly once; takes the reference. For people, stoactl shows an object as
 *  lines, an array of objects as a table, and the member "text", if there is one, as it is.
 *  When the caller has gone the answer is dropped. Thread: ctl. */
STOA_EXPORT void stoa_control_reply(struct stoa_control *rq, json_t *data_take);
/** Answers with an error: a short stable code, and a sentence. Thread: ctl. */
STOA_EXPORT void stoa_control_fail(struct stoa_control *rq, const char *code, const char *fmt, ...)
	STOA_PRINTF(3, 4);

STOA_END_DECLS

#endif
