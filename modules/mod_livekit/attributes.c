/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes as clients and servers change them: key by key, where an empty value deletes. The
 * generated code has one type of entry for each message with a map; their layout is the same. */
#include "attributes.h"

#include <errno.h>

#include "signal.pb-c.h"

typedef Lk__UpdateParticipantMetadata__AttributesEntry entry;

int attributes_merge(struct wire_arena *a, struct stoa_participant_info *p, size_t n_changes,
		     const ProtobufCMessage *const *changes)
{
	struct stoa_attribute *to;
	uint32_t n = p->n_attributes, at;

	if (n_changes > LK_ATTRIBUTES_MAX)
		return -E2BIG;
	to = wire_alloc(a, (n + n_changes + 1) * sizeof(*to));
	if (!to)
		return -E2BIG;
	if (n)
		memcpy(to, p->attributes, n * sizeof(*to));
	for (size_t i = 0; i < n_changes; i++) {
		const entry *e = (const entry *)changes[i];

		for (at = 0; at < n && strcmp(to[at].key, e->key) != 0; at++)
			;
		if (e->value[0]) {
			to[at] = (struct stoa_attribute){ e->key, e->value };
			n = at == n ? n + 1 : n;
		} else if (at < n) {
			to[at] = to[--n];
		}
	}
	p->attributes = to;
	p->n_attributes = n;
	return 0;
}
