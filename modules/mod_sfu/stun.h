/* SPDX-License-Identifier: Apache-2.0 */
/* ICE-lite's half of STUN (RFC 8445, RFC 8489): authenticates binding requests and makes replies,
 * through libnice's STUN library. No state but the library's; what a check means for a session is
 * peer_io.c's business. One per worker. */
#ifndef SFU_STUN_H
#define SFU_STUN_H

#include "address.h"

#define STUN_REPLY_MAX 256

struct stun_server;

int stun_server_new(struct stun_server **ret_server);
void stun_server_free(struct stun_server *s);

/** Finds the password of a local user name fragment; false: unknown. `remote` is the part after the
 *  colon. `ret_pwd` stays valid until stun_server_check() returns. */
typedef bool stun_lookup_fn(void *user, struct stoa_str local, struct stoa_str remote,
			    struct stoa_str *ret_pwd);

struct stun_check {
	uint32_t priority;
	bool is_authentic; /* may change the session's state; false for a role conflict */
	bool use_candidate;
	uint8_t reply[STUN_REPLY_MAX];
	size_t reply_len; /* 0: send nothing */
};

/** Looks at one message that datagram_classify() called STUN. 0: an authentic binding request, the
 *  reply is ready. -ENOENT: unknown user; -EBADMSG: integrity or fingerprint is wrong or missing;
 *  -EINVAL: not a binding request, or malformed. On error nothing is to be sent or changed. */
int stun_server_check(struct stun_server *s, const uint8_t *msg, size_t n,
		      const struct address *from, stun_lookup_fn *lookup, void *user,
		      struct stun_check *ret_check);

#endif
