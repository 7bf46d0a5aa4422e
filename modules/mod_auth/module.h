/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the module that talk to the host share. */
#ifndef MOD_AUTH_MODULE_H
#define MOD_AUTH_MODULE_H

#include <stoa/iface/http.h>
#include <stoa/loop.h>
#include <stoa/metric.h>
#include <stoa/module.h>
#include "auth.h"
#include "limit.h"

struct change; /* a request that waits until the role it set is on disk */
struct roles_save;
struct waiter; /* a command that waits until its revocation is on disk */

struct ctx {
	struct stoa_mod *m;
	struct auth auth;
	struct stoa_timer *poll_timer; /* while old sets wait for their last reader */

	/* guests.c */
	struct stoa_http http;
	bool has_http;
	struct limit *limit;
	stoa_metric guests_total;

	/* ban.c */
	char path[4096];
	struct waiter *queued, *saving;
	bool is_saving;

	/* roles.c */
	char roles_path[4096];
	struct members *roles_next;      /* what the next file will hold; NULL: no change waits */
	struct change *roles_waiting;    /* for it, newest first */
	struct roles_save *roles_saving; /* the file under way, or NULL */
};

/** Adds POST /api/auth/guest; it answers 404 where guests are off. */
int guests_start(struct ctx *x);

/** Loads what was revoked. A damaged file is an error: without it anybody is back in. */
int ban_start(struct ctx *x);
/** Revokes every token of `user` made so far: at once in memory, then on disk, then done_fn (on
 *  ctl, exactly once if 0 is returned; `err` tells that it may be lost with the process). */
typedef void ban_done_fn(void *arg, int err, int64_t before_s);
int ban_user(struct ctx *x, const char *user, ban_done_fn *fn, void *arg);

/** Loads the roles that were set. A damaged file is an error: a role that is forgotten may be one
 *  that was lowered. */
int roles_start(struct ctx *x);
/** Adds PUT and DELETE /api/channels/{id}/members/{userId}. */
int roles_add_routes(struct ctx *x);

/** Adds `token create` and `token revoke`. */
int commands_start(struct ctx *x);

/** Frees old sets as soon as their readers are gone. */
void module_poll(struct ctx *x);

#endif
