/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_IFACE_H
#define STOA_IFACE_H

#include <stoa/base.h>

/*
 * Interfaces between modules: a name with a major ("sql/0"), an ops table whose first member is its
 * size, and a pointer for the provider. Consumers use the typed wrappers of <stoa/iface/….h>, each
 * of which tests STOA_HAS() and answers -ENOTSUP when the provider is older.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

struct stoa_mod;

struct stoa_iface { /* what a consumer holds; a value, copied freely */
	const void *ops;
	void *self;
};

/** Publishes an interface that the descriptor lists in `provides`. In load(). Thread: ctl. */
STOA_EXPORT int stoa_iface_publish(struct stoa_mod *m, const char *name, const void *ops,
				   void *self);

/** Finds the chosen provider of an interface that the descriptor lists in `needs` or `wants`. From
 *  start() on; the answer stays valid until the consumer's stop() returns. -ENOENT: nobody provides
 *  it (only possible for `wants`). Thread: ctl. */
STOA_EXPORT int stoa_iface_bind(struct stoa_mod *m, const char *name, struct stoa_iface *ret_iface);

STOA_END_DECLS

#endif
