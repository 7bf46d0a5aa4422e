/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_RESOLVE_H
#define STOA_CORE_RESOLVE_H

#include "mod.h"

struct resolve_in {
	struct stoa_mod **mods; /* all that are open; only those with is_named count */
	size_t n;
	const struct conf_tree *tree; /* for `bind:`; NULL: no choices */
};

/** Puts the modules that can run into `order` (room for n), each behind what it needs, wants and
 *  comes after, ties by name; chooses providers (iface_choose). Those that cannot run become
 *  MOD_OUT with a reason. What makes the whole start wrong (a ring, two providers without a
 *  choice) goes to `e` and gives -ELOOP or -EEXIST; else 0 or -ENOMEM. */
int resolve(const struct resolve_in *in, struct stoa_errors *e, struct stoa_mod **order,
	    size_t *ret_n);

/** The module chosen to provide `iface` among those that run; NULL: none. */
struct stoa_mod *resolve_provider(const struct resolve_in *in, const char *iface);

/** Leaves a module out for `why` (a sentence), as if it had never been named. */
void mod_leave_out(struct stoa_mod *m, const char *fmt, ...) STOA_PRINTF(2, 3);

/** Leaves out those that need something nobody provides any more; repeats until that is stable. */
void resolve_leave_out_dependants(const struct resolve_in *in);

#endif
