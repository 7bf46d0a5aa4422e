/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_HOOK_CALL_JOIN_H
#define STOA_HOOK_CALL_JOIN_H

#include <stoa/hook.h>

/*
 * Hook call.join: may this user come into this call? Asked for every join of somebody who is
 * entitled to it (invited, or of the call's channel), a second device included, and not for the
 * caller's own call at initiate. A denial changes nothing; the user gets 403 with its code.
 * Thread: ctl.
 *
 * Rule: deny wins. All pass: allow. A hook that fails: deny.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

struct stoa_hook_call_join { /* strings are borrowed for the call; "" for what is not there */
	STOA_HOOK_HEAD;
	const char *call_id;
	const char *type;   /* "audio", "video", "screen_share" */
	const char *status; /* of the call: "ringing", "active" */
	const char *initiator_id;
	const char *channel_id;
	const char *user_id; /* who wants to join */
	const char *user_name;
	uint32_t n_joined; /* in it now */
	uint32_t max_participants;
};

STOA_HOOK_POINT(call_join, "call.join", STOA_DENY_WINS, STOA_ALLOW, STOA_DENY);

STOA_END_DECLS

#endif
