/* SPDX-License-Identifier: Apache-2.0 */
/* A loaded module as the host sees it, and what it owns. Everything that a module opens through the
 * host is recorded here, so that it can be named and removed when stop() left it behind. */
#ifndef STOA_CORE_MOD_H
#define STOA_CORE_MOD_H

#include <pthread.h>
#include <stdatomic.h>

#include <stoa/list.h>
#include <stoa/module.h>

#include "conf.h"

enum mod_state {
	MOD_OPENED,  /* mapped, descriptor read          */
	MOD_OUT,     /* left out: `why` says the reason  */
	MOD_LOADED,  /* load() done                      */
	MOD_RUNNING, /* start() done                     */
	MOD_STOPPED, /* stop() done                      */
};

enum owned_kind { OWNED_TIMER, OWNED_FD, OWNED_LOOP, OWNED_LISTENER, OWNED_KINDS };

struct owned { /* first thing in whatever a module opens */
	struct stoa_list link;
	struct stoa_mod *mod; /* NULL: the core's own, not recorded */
	enum owned_kind kind;
};

struct not_ready {
	struct stoa_list link;
	char *what, *reason;
};

struct stoa_mod {
	struct stoa_mod_desc desc; /* the host's copy: new members of an old module are 0 */
	struct stoa_mod_ops ops;
	char *file; /* the .so; NULL when the descriptor was handed in */
	void *ctx;
	struct conf_table *table;
	enum mod_state state;
	bool is_named;    /* has load: yes in the configuration   */
	bool is_required; /* left out means: the daemon ends      */
	bool is_loaded;   /* load() succeeded: unload() is due      */
	bool is_told;     /* that it is left out                     */
	bool is_drained;
	char *why;             /* MOD_OUT: one sentence               */
	_Atomic int log_level; /* 0: as the core                      */
	atomic_uint jobs;      /* stoa_work() jobs not yet done       */
	pthread_mutex_t lock;  /* guards `owned`                      */
	struct stoa_list owned;
	struct stoa_list not_ready;
	struct conf_snapshot *conf; /* the snapshot its section lies in; borrowed */
};

/** The host's copy of a descriptor, after the size and ABI handshake; `file` for messages. Errors
 *  are told in `why`, a sentence: -EPROTO (ABI), -EINVAL (descriptor), -ENOMEM. */
int mod_new(const struct stoa_mod_desc *desc, const char *file, struct stoa_buf *why,
	    struct stoa_mod **ret_mod);
void mod_free(struct stoa_mod *m);
STOA_DEFINE_AUTO(struct stoa_mod, mod_free)

/** dlopen and mod_new; the code is never unmapped. */
int mod_open(const char *path, struct stoa_buf *why, struct stoa_mod **ret_mod);

/* ---- what a module owns; thread: any ---- */
void owned_add(struct owned *o, struct stoa_mod *m, enum owned_kind kind);
void owned_remove(struct owned *o);
size_t owned_count(struct stoa_mod *m, enum owned_kind kind);
/** The first of a kind, or NULL. The caller must know that nobody else frees it. */
struct owned *owned_first(struct stoa_mod *m, enum owned_kind kind);

#endif
