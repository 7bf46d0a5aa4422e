/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_EVENT_H
#define STOA_CORE_EVENT_H

#include <stoa/event.h>

#include "mod.h"

/** Removes what a module listens to. */
void event_remove_of(const struct stoa_mod *m);
/** Delivers everything that waits, also what listeners emit meanwhile: before modules stop. */
void event_flush(void);
/** Drops what waits, and all listeners. */
void event_reset(void);
uint64_t event_dropped(void);

#endif
