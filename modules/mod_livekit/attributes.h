/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_ATTRIBUTES_H
#define LIVEKIT_ATTRIBUTES_H

#include "livekit.h"
#include "wire.h"

#define LK_ATTRIBUTES_MAX 1024u /* changes of one request */

/** Applies changes to p's attributes: a new value replaces, an empty one deletes, new keys append.
 *  `changes` are entries of any message's `map<string, string>`. p gets a list of the arena, whose
 *  texts are borrowed from both. -E2BIG: too many changes, or the arena is exhausted. Pure. */
int attributes_merge(struct wire_arena *a, struct stoa_participant_info *p, size_t n_changes,
		     const ProtobufCMessage *const *changes);

#endif
