/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_WIRE_H
#define LIVEKIT_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stoa/base.h>

/*
 * Protobuf in and out of a bounded arena. All memory of one message is one arena: parsing hostile
 * bytes can cost at most the arena's limit, and nothing that the parser drops half-way can leak.
 * Pure; an arena belongs to one thread at a time.
 */

#define WIRE_ARENA_MAX (1024u * 1024) /* bytes that one parsed message may cost */

struct wire_arena;

/** An empty arena that hands out at most `limit` bytes. NULL when out of memory. */
struct wire_arena *wire_arena_new(size_t limit);
void wire_arena_free(struct wire_arena *a);

/** Zeroed memory of the arena; NULL past its limit or when out of memory, which it remembers. */
void *wire_alloc(struct wire_arena *a, size_t n);
/** A copy of a C string; NULL gives "". NULL past the limit. */
char *wire_dup(struct wire_arena *a, const char *s);
char *wire_dupn(struct wire_arena *a, const void *p, size_t n);
/** Has an allocation failed? Then what was built in the arena is not to be used. */
bool wire_failed(const struct wire_arena *a);

/** Parses one message into the arena. -EBADMSG: not such a message, or a string in it is not
 *  UTF-8; -E2BIG: the arena is exhausted. */
int wire_parse(struct wire_arena *a, const ProtobufCMessageDescriptor *d, const void *p, size_t n,
	       ProtobufCMessage **ret_msg);

STOA_DEFINE_AUTO(struct wire_arena, wire_arena_free)

#endif
