/* SPDX-License-Identifier: Apache-2.0 */
/* Revoking: in force in memory at once, written by the blk pool, told to the caller when it is on
 * disk. One writer at a time; what comes meanwhile goes into the next file together. */
#include "module.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/event.h>
#include "file.h"

struct waiter {
	struct waiter *next;
	ban_done_fn *fn;
	void *arg;
	int64_t before_s;
};

struct save { /* one run of the writer */
	struct ctx *x;
	struct stoa_buf text;
	int err;
};

static void start_saving(struct ctx *x);

static void tell(struct waiter *w, int err)
{
	while (w) {
		struct waiter *next = w->next;

		w->fn(w->arg, err, w->before_s);
		free(w);
		w = next;
	}
}

static void free_save(struct save *s)
{
	stoa_buf_free(&s->text);
	free(s);
}

static void save_on_blk(void *user)
{
	struct save *s = user;

	s->err = file_save(s->x->path, s->text.p, s->text.n);
}

static void finish_saving(struct ctx *x, int err)
{
	struct waiter *w = x->saving;

	x->saving = NULL;
	x->is_saving = false;
	if (err)
		stoa_log(x->m, STOA_LOG_ERROR, "cannot save %s: %s", x->path, strerror(-err));
	stoa_mod_set_ready(x->m, "revocations",
			   err ? "A revocation is in force but could not be saved." : NULL);
	tell(w, err);
	if (x->queued)
		start_saving(x);
}

static void saved_on_ctl(void *user)
{
	struct save *s = user;
	struct ctx *x = s->x;
	int err = s->err;

	free_save(s);
	finish_saving(x, err);
}

static void start_saving(struct ctx *x)
{
	struct save *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	x->saving = x->queued;
	x->queued = NULL;
	x->is_saving = true;
	if (s) {
		s->x = x;
		revoked_write(atomic_load(&x->auth.revoked), &s->text);
		if (!s->text.failed)
			err = stoa_work(x->m, save_on_blk, saved_on_ctl, s);
	}
	if (!err)
		return;
	if (s)
		free_save(s);
	finish_saving(x, err);
}

static void announce(struct ctx *x, const char *user, int64_t before_s)
{
	char time[STOA_TIME_LEN];

	stoa_time_format(before_s * 1000, time);
	stoa_log(x->m, STOA_LOG_NOTICE, "user=%s tokens issued until %s revoked", user, time);
	stoa_event_emit(x->m, "token.revoked",
			json_pack("{s:s, s:s}", "userId", user, "before", time));
}

int ban_user(struct ctx *x, const char *user, ban_done_fn *fn, void *arg)
{
	struct waiter *w = calloc(1, sizeof(*w));
	struct revoked *table;
	int err;

	if (!w)
		return -ENOMEM;
	*w = (struct waiter){ .next = x->queued, .fn = fn, .arg = arg };
	err = revoked_add(atomic_load(&x->auth.revoked), user, stoa_wall_ms() / 1000, &table,
			  &w->before_s);
	if (err) {
		free(w);
		return err;
	}
	auth_set_revoked(&x->auth, table);
	module_poll(x);
	announce(x, user, w->before_s);
	x->queued = w;
	if (!x->is_saving)
		start_saving(x);
	return 0;
}

int ban_start(struct ctx *x)
{
	struct revoked *table;
	int line, err;

	if ((size_t)snprintf(x->path, sizeof(x->path), "%s/revoked-tokens", stoa_state_dir()) >=
	    sizeof(x->path))
		return -ENAMETOOLONG;
	err = revoked_load(x->path, &table, &line);
	if (err) {
		stoa_log(x->m, STOA_LOG_ERROR,
			 "%s:%d: cannot read revoked tokens (%s): restore it from a backup, or "
			 "remove it to admit all unexpired tokens again",
			 x->path, line, strerror(-err));
		return err;
	}
	auth_set_revoked(&x->auth, table);
	return 0;
}
