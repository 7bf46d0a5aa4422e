/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_JOIN_H
#define LIVEKIT_JOIN_H

#include "signal.pb-c.h"
#include "wire.h"

/*
 * The `join_request` parameter of the signal socket: base64 of a WrappedJoinRequest whose inner
 * bytes may be gzip. Pure.
 */

#define JOIN_TEXT_MAX  (64u * 1024)  /* characters of the parameter        */
#define JOIN_INNER_MAX (256u * 1024) /* bytes of the JoinRequest, inflated */

struct join {
	struct wire_arena *arena;
	Lk__JoinRequest *msg;
};

/** Parses the parameter (percent-decoding already undone). Returns 0 and a join that join_free()
 *  frees; -EBADMSG: not what it should be; -E2BIG: past a limit; -ENOMEM. */
int join_parse(struct stoa_str text, struct join **ret_join);
/** A join of defaults, for clients that say nothing of themselves. */
int join_parse_bytes(const void *p, size_t n, struct join **ret_join);
void join_free(struct join *j);

STOA_DEFINE_AUTO(struct join, join_free)

#endif
