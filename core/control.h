/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the control socket: control.c (commands and requests), control_usage.c (the grammar),
 * control_socket.c (connections), control_core.c (the core's own commands). */
#ifndef STOA_CORE_CONTROL_H
#define STOA_CORE_CONTROL_H

#include <stoa/control.h>
#include <stoa/list.h>

#include "conf.h"
#include "mod.h"

#define CONTROL_LINE_MAX  65536 /* bytes of one request */
#define CONTROL_WORDS_MAX 256   /* words of one request */

/** Reads `words` by a usage line into {"name": ["value", …]}. On a mistake -EINVAL with a sentence
 *  in `why`. With `words` NULL only checks the usage line itself. */
int usage_parse(const char *usage, const char *const *words, size_t n, json_t **ret_args,
		struct stoa_buf *why);

/** Gets the answer of a request, borrowed; exactly once. */
typedef void control_answer_fn(const json_t *answer, void *user);

/** Runs a request: its words, the first one or two of which are the command. `answer_fn` may run
 *  inside the call. The returned request can be abandoned until it was answered; NULL when it was
 *  answered already. */
struct stoa_control *control_run(const char *const *words, size_t n, control_answer_fn *answer_fn,
				 void *user);
/** The asker has gone: the answer, when it comes, is dropped. */
void control_abandon(struct stoa_control *rq);

/** Removes a module's commands; what was asked may still be answered. */
void control_withdraw(const struct stoa_mod *m);
/** Removes a module's commands and refuses its unanswered requests. */
void control_remove_of(const struct stoa_mod *m);
void control_reset(void);
/** [{"command", "usage", "help", "owner"}], by name. */
json_t *control_list(void);

struct control_command { /* of the core; tables end with a NULL name */
	const char *name, *usage, *help;
	stoa_control_fn *fn;
};
extern const struct control_command control_config_commands[];

/** Adds the core's own commands. */
int control_add_core(void);

/** Listens at core.control-socket. Mistakes go to `e`. */
int control_socket_open(const struct conf_snapshot *snap, struct stoa_errors *e);
void control_socket_close(void);

/** Reads one request line, {"argv": ["status"]}, into at most CONTROL_WORDS_MAX words borrowed from
 *  the returned value. NULL: not such a line. */
json_t *control_parse_line(const char *line, size_t n, const char **words, size_t *ret_n);

#endif
