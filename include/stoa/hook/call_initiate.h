/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_HOOK_CALL_INITIATE_H
#define STOA_HOOK_CALL_INITIATE_H

#include <stoa/hook.h>

/*
 * Hook call.initiate: may this call ring? Asked once, after the call was stored as `initiating` and
 * before anybody hears of it. A denial makes it `failed`; the caller gets 403 with the denial's
 * code, which is also the call's endReason. Thread: ctl.
 *
 * Rule: deny wins. All pass: allow. A hook that fails: deny.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

struct stoa_hook_call_initiate { /* strings are borrowed for the call; "" for what is not there */
	STOA_HOOK_HEAD;
	const char *call_id;
	const char *type;         /* "audio", "video", "screen_share" */
	const char *initiator_id; /* the acting user                  */
	const char *initiator_name;
	const char *channel_id;        /* a call to a channel: no callees  */
	const char *const *callee_ids; /* NULL-terminated                  */
	uint32_t n_callees;
	uint32_t max_participants;
	const char *metadata; /* JSON text of an object, or ""    */
};

STOA_HOOK_POINT(call_initiate, "call.initiate", STOA_DENY_WINS, STOA_ALLOW, STOA_DENY);

STOA_END_DECLS

#endif
