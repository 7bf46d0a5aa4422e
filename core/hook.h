/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_HOOK_H
#define STOA_CORE_HOOK_H

#include <jansson.h>
#include <stoa/hook.h>

#include "mod.h"

/** Removes what a module added. */
void hook_remove_of(const struct stoa_mod *m);
/** Forgets all chains. */
void hook_reset(void);
/** [{"point", "rule", "order": ["mod_a", …]}], all chains or the one of that name (NULL: none). */
json_t *hook_list(const char *point);

#endif
