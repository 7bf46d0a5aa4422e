/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_PBJSON_VALUE_H
#define LIVEKIT_PBJSON_VALUE_H

#include "pbjson.h"

#include <jansson.h>

/*
 * One value: what reading and writing of whole messages share. Only for the files of pbjson.
 */

struct pbjson_reader {
	struct wire_arena *arena;
	const char *why; /* the first refusal */
};

/** Bytes that one value of this type takes in a message's struct or list. */
size_t pbjson_size(ProtobufCType type);

/** Stores one value of any type but a message at `to`. -EBADMSG with a reason; -E2BIG. */
int pbjson_read_scalar(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		       void *to);

/** Notes what the field should be, as in "name: a string is wanted". Yields -EBADMSG, or -E2BIG. */
int pbjson_refuse(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const char *want);

#endif
