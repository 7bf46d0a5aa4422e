/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_PBJSON_H
#define LIVEKIT_PBJSON_H

#include "wire.h"

#include <stoa/util.h>

/*
 * Protobuf messages as JSON and back, driven by their descriptors alone (proto3's JSON mapping).
 *
 * In: names as in the .proto or in camelCase, integers as numbers or decimal strings, enums by name
 * or number, bytes in either base64, null for "not set"; unknown names are skipped, names given
 * twice are not. Out: names as in the .proto, every default written, 64-bit integers as strings,
 * enums by name, an unset message as null, an unset member of a oneof not at all.
 *
 * Maps have string keys, which is all that LiveKit uses. Pure.
 */

#define PBJSON_TEXT_MAX  (1024u * 1024) /* bytes of text to read                */
#define PBJSON_DEPTH_MAX 16u            /* messages within messages, either way */

/** Reads one JSON object as a message, into the arena. -EBADMSG: not JSON or not such a message;
 *  *ret_why (of the arena, or constant) says which field and what it should be. -E2BIG: over a
 *  limit. */
int pbjson_parse(struct wire_arena *a, const ProtobufCMessageDescriptor *d, struct stoa_str text,
		 ProtobufCMessage **ret_msg, const char **ret_why);

/** Appends a message as one line of JSON; `out` fails when out of memory. */
void pbjson_render(const ProtobufCMessage *m, struct stoa_buf *out);

/** Is this field a map (a list of the entries that a `map<string, …>` compiles to)? */
bool pbjson_is_map(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f);

#endif
