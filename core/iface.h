/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_IFACE_H
#define STOA_CORE_IFACE_H

#include <stoa/iface.h>

#include "mod.h"

/** Chooses the provider of an interface, as resolve.c found it; before any start(). */
int iface_choose(const char *name, struct stoa_mod *provider);
/** Forgets all choices and everything published. */
void iface_reset(void);
/** Forgets what a module published: after its stop(). */
void iface_withdraw(struct stoa_mod *m);

/** Is `name` in a NULL-terminated list (which may be NULL)? */
bool names_contain(const char *const *names, const char *name);

#endif
