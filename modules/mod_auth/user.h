/* SPDX-License-Identifier: Apache-2.0 */
/* Users: what the claims of a user token say, copied into one immutable, counted block. */
#ifndef MOD_AUTH_USER_H
#define MOD_AUTH_USER_H

#include <jansson.h>
#include <stoa/iface/auth.h>
#include "jws.h"

/** Reads checked claims. -EACCES with a reason, -ENOMEM. Thread: any. */
int user_new(const json_t *claims, const struct jws_times *times, const struct stoa_user **ret_user,
	     const char **ret_why);
const struct stoa_user *user_ref(const struct stoa_user *u);
void user_unref(const struct stoa_user *u);
/** The role that the token gives. */
enum stoa_role user_role(const struct stoa_user *u, const char *channel);

/** Who checked the token; NULL until set, which is before anybody else has the user. */
void user_set_owner(const struct stoa_user *u, void *owner);
void *user_owner(const struct stoa_user *u);

/** The role of a name as tokens write it; STOA_ROLE_NONE for none of them. */
enum stoa_role role_parse(const char *name);
/** The name of a role, not STOA_ROLE_NONE. */
const char *role_name(enum stoa_role role);
/** Is it 1 to 255 bytes, as user ids and channel ids must be? */
bool id_is_valid(const char *id);

#endif
