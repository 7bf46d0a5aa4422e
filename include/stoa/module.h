/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_MODULE_H
#define STOA_MODULE_H

#include <stoa/base.h>
#include <stoa/conf.h>
#include <stoa/log.h>

/*
 * What a module is: one const descriptor, exported as the only symbol `stoa_module`.
 *
 * The host copies the descriptor and the ops table by their sizes, so both grow at the end within
 * a major. Life cycle, all on ctl:
 *
 *   load    allocate, declare metrics, publish interfaces. No socket, no thread.
 *   check   look at the values of the configuration (and at files they name); change nothing.
 *           Also run by `stoad --check-config` and before every reload.
 *   start   bind interfaces, open sockets, add hooks and listeners, start threads. May not block.
 *   reload  swap settings; everything that can fail belongs in check.
 *   drain   take no new work; call stoa_mod_drained() when the last of it is done.
 *   stop    close and join everything start opened. The host removes what is left and says so.
 *           Not called when start failed: a failing start undoes what it did.
 *   unload  free what load allocated. The code is never unmapped.
 *
 * ABI log: 0.1 first version.
 */

#define STOA_ABI_MAJOR 0u /* differs: refused                             */
#define STOA_ABI_MINOR 1u /* module newer than host: refused; older: fine */

STOA_BEGIN_DECLS

struct stoa_mod; /* one loaded module, owned by the host */

struct stoa_mod_ops {
	uint32_t size;
	int (*load)(struct stoa_mod *m);
	int (*check)(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e);
	int (*start)(struct stoa_mod *m, const struct stoa_conf *c);
	int (*reload)(struct stoa_mod *m, const struct stoa_conf *c);
	void (*drain)(struct stoa_mod *m, uint64_t deadline_ms);
	void (*stop)(struct stoa_mod *m);
	void (*unload)(struct stoa_mod *m);
	void (*undrain)(struct stoa_mod *m); /* drain was called off: take new work again */
};

struct stoa_mod_desc {
	uint16_t abi_major, abi_minor;
	uint32_t size;     /* sizeof, filled by STOA_MODULE()            */
	uint32_t opt_size; /* stride of `options`                        */
	uint32_t ctx_size; /* the host allocates it zeroed and frees it  */
	const char *name, *version, *summary, *license;
	const char *const *provides; /* "sql/0"; NULL-terminated lists              */
	const char *const *needs;    /* without one: left out, with its dependants  */
	const char *const *wants;    /* used if present; started before this module */
	const char *const *after;    /* order only, module names                    */
	const struct stoa_opt *options;
	const struct stoa_mod_ops *ops;
	uint32_t flags; /* 0; unknown flags are refused */
};

#define STOA_NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/** Defines the descriptor: STOA_MODULE(mod_x, .version = "1.0.0", .summary = "…", …); */
#define STOA_MODULE(mod_name, ...)                                                                 \
	extern const struct stoa_mod_desc stoa_module;                                             \
	STOA_EXPORT const struct stoa_mod_desc stoa_module = {                                     \
		.abi_major = STOA_ABI_MAJOR,                                                       \
		.abi_minor = STOA_ABI_MINOR,                                                       \
		.size = sizeof(struct stoa_mod_desc),                                              \
		.opt_size = sizeof(struct stoa_opt),                                               \
		.name = #mod_name,                                                                 \
		.license = "Apache-2.0",                                                           \
		__VA_ARGS__                                                                        \
	}

/** The module's own context of `ctx_size` bytes; NULL when that is 0. Thread: any. */
STOA_EXPORT void *stoa_mod_ctx(const struct stoa_mod *m);

/** The module's name, alive as long as the process. Thread: any. */
STOA_EXPORT const char *stoa_mod_name(const struct stoa_mod *m);

/** The module has nothing left to finish after drain(). Repeats are harmless. Thread: ctl. */
STOA_EXPORT void stoa_mod_drained(struct stoa_mod *m);

/** Something that readiness depends on got worse or better, as /readyz shows it: `what` is a short
 *  constant ("database"), `reason` a sentence (copied), NULL when all is well. Thread: ctl. */
STOA_EXPORT void stoa_mod_set_ready(struct stoa_mod *m, const char *what, const char *reason);

STOA_END_DECLS

#endif
