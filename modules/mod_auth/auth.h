/* SPDX-License-Identifier: Apache-2.0 */
/* The module's heart, without host or HTTP: what is in force now, checks against it, tokens from
 * it. Checks run on any thread; auth_set_ functions on one (ctl). */
#ifndef MOD_AUTH_AUTH_H
#define MOD_AUTH_AUTH_H

#include <stoa/iface/auth.h>
#include <stoa/metric.h>
#include "gate.h"
#include "keyset.h"
#include "members.h"
#include "revoke.h"

struct auth {
	struct gate gate;
	struct keyset *_Atomic keys;
	struct revoked *_Atomic revoked;
	struct members *_Atomic members;
	stoa_metric user_ok, user_refused, media_ok, media_refused;
};

struct auth_user_claims { /* of a token to be made; NULL and empty: left out */
	const char *id, *name;
	const char *const *channels; /* NULL-terminated */
	const char *app_role;        /* of `roles` */
	const char *channel_role;    /* in each of `channels` */
	int64_t ttl_ms;
};

extern const struct stoa_auth_ops auth_ops; /* self is a struct auth */

/** Puts a set in force; takes it. The old one is freed when its last reader has left. */
void auth_set_keys(struct auth *a, struct keyset *set_take);
void auth_set_revoked(struct auth *a, struct revoked *table_take);
void auth_set_members(struct auth *a, struct members *table_take);
/** Frees everything; nobody may be checking. */
void auth_finish(struct auth *a);

/** The checks of <stoa/iface/auth.h> at a given time. */
int auth_user_check_at(struct auth *a, struct stoa_str token, int64_t now_s,
		       const struct stoa_user **ret_user, const char **ret_why);
int auth_media_check_at(struct auth *a, struct stoa_str token, int64_t now_s,
			const struct stoa_media_grant **ret_grant, const char **ret_why);

/** Makes a user token with the signer of the set: appends it. -ENOKEY: no HS256 key. */
int auth_user_sign(struct auth *a, const struct auth_user_claims *u, struct stoa_buf *out,
		   int64_t *ret_expires_ms);

#endif
