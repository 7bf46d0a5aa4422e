/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_IFACE_AUTH_H
#define STOA_IFACE_AUTH_H

#include <errno.h>
#include <stoa/iface.h>
#include <stoa/iface/sfu.h>
#include <stoa/util.h>

/*
 * `auth`: who is calling, what they may do, tokens for media and TURN.
 *
 * Checks are pure reads of an immutable key set and may run on any thread; they cost microseconds.
 * Users and grants are immutable and counted.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

#define STOA_AUTH "auth/0"

enum stoa_role { /* in a channel; rising rights */
		 STOA_ROLE_NONE = 0,
		 STOA_ROLE_MEMBER = 1,
		 STOA_ROLE_FOLLOWER = 2,
		 STOA_ROLE_SUBSCRIBER = 3,
		 STOA_ROLE_VIP = 4,
		 STOA_ROLE_MODERATOR = 5,
		 STOA_ROLE_OWNER = 6,
};

#define STOA_USER_ADMIN     1u
#define STOA_USER_MODERATOR 2u
#define STOA_USER_GUEST     4u

struct stoa_user { /* immutable */
	uint32_t size;
	const char *id;   /* `sub`, 1 to 255 bytes */
	const char *name; /* "" when unknown       */
	const char *avatar;
	uint32_t flags; /* STOA_USER_… of the token's roles */
	int64_t issued_ms, expires_ms;
	bool all_channels;           /* channels: "*"      */
	const char *const *channels; /* NULL-terminated */
};

struct stoa_media_grant { /* a LiveKit access token, checked; immutable when it comes from a check
			   */
	uint32_t size;
	const char *api_key;  /* `iss`                                    */
	const char *identity; /* `sub`, or `jti`                          */
	const char *name, *metadata;
	const struct stoa_attribute *attributes;
	uint32_t n_attributes;
	uint32_t kind; /* ParticipantInfo.Kind number */
	const char *room;
	bool room_join, room_create, room_list, room_admin, room_record, ingress_admin;
	struct stoa_permission permission;
	const char *room_config; /* JSON text of the roomConfig claim; "" when absent */
	const char *sha256;      /* of a webhook body; "" */
	int64_t expires_ms;
};

struct stoa_ice_server {
	const char *const *urls; /* NULL-terminated */
	const char *username, *credential;
};

struct stoa_auth_ops {
	uint32_t size;
	int (*user_check)(void *self, struct stoa_str token, const struct stoa_user **ret_user,
			  const char **ret_why);
	const struct stoa_user *(*user_ref)(const struct stoa_user *u);
	void (*user_unref)(const struct stoa_user *u);
	enum stoa_role (*user_role)(const struct stoa_user *u, const char *channel);
	int (*media_check)(void *self, struct stoa_str token,
			   const struct stoa_media_grant **ret_grant, const char **ret_why);
	void (*media_unref)(const struct stoa_media_grant *g);
	int (*media_sign)(void *self, const struct stoa_media_grant *g, int64_t ttl_ms,
			  struct stoa_buf *out);
	int (*ice_servers)(void *self, const char *user_id,
			   const struct stoa_ice_server **ret_servers, uint32_t *ret_n,
			   int64_t *ret_expires_ms);
	void (*ice_servers_free)(const struct stoa_ice_server *servers, uint32_t n);
};

/** What consumers hold. Bind in start(). */
struct stoa_auth {
	const struct stoa_auth_ops *ops;
	void *self;
};

/** Binds the provider. Errors of stoa_iface_bind(). Thread: ctl. */
static inline int stoa_auth_bind(struct stoa_mod *m, struct stoa_auth *ret_auth)
{
	struct stoa_iface i;
	int err = stoa_iface_bind(m, STOA_AUTH, &i);

	if (err)
		return err;
	ret_auth->ops = (const struct stoa_auth_ops *)i.ops;
	ret_auth->self = i.self;
	return 0;
}

/** Checks a user token (a JWT, without "Bearer "). Returns 0 and a reference; -EACCES with a short
 *  reason for logs (constant text) when it is not valid, expired, not yet valid or revoked. Thread:
 * any. */
static inline int stoa_auth_user_check(const struct stoa_auth *a, struct stoa_str token,
				       const struct stoa_user **ret_user, const char **ret_why)
{
	return STOA_HAS(a->ops, user_check) ? a->ops->user_check(a->self, token, ret_user, ret_why)
					    : -ENOTSUP;
}

/** Counts. Thread: any. */
static inline const struct stoa_user *stoa_user_ref(const struct stoa_auth *a,
						    const struct stoa_user *u)
{
	return a->ops->user_ref(u);
}

static inline void stoa_user_unref(const struct stoa_auth *a, const struct stoa_user *u)
{
	if (u)
		a->ops->user_unref(u);
}

/** The user's standing in a channel: owner to follower by channelRoles, member when only `channels`
 * lists it (or
 *  "*"), none otherwise. Application-wide admin and moderator flags are not mixed in. Thread: any.
 */
static inline enum stoa_role stoa_user_role(const struct stoa_auth *a, const struct stoa_user *u,
					    const char *channel)
{
	return a->ops->user_role(u, channel);
}

/** Checks a LiveKit access token: key known by `iss`, HS256, exp, nbf (leeway 60 s). -EACCES with a
 * reason. Thread: any. */
static inline int stoa_auth_media_check(const struct stoa_auth *a, struct stoa_str token,
					const struct stoa_media_grant **ret_grant,
					const char **ret_why)
{
	return STOA_HAS(a->ops, media_check)
		       ? a->ops->media_check(a->self, token, ret_grant, ret_why)
		       : -ENOTSUP;
}

static inline void stoa_auth_media_unref(const struct stoa_auth *a,
					 const struct stoa_media_grant *g)
{
	if (g)
		a->ops->media_unref(g);
}

/** Signs a LiveKit access token with the first API key; `g` needs identity, room and rights, the
 * rest may be NULL. Appends the token to `out`. -ENOKEY when no API key is configured. Thread: any.
 */
static inline int stoa_auth_media_sign(const struct stoa_auth *a, const struct stoa_media_grant *g,
				       int64_t ttl_ms, struct stoa_buf *out)
{
	return STOA_HAS(a->ops, media_sign) ? a->ops->media_sign(a->self, g, ttl_ms, out)
					    : -ENOTSUP;
}

/** The ICE servers for a client, with time-limited TURN credentials (TURN REST: "expiry:user",
 * HMAC-SHA1). Freed by stoa_auth_ice_servers_free(). Thread: any. */
static inline int stoa_auth_ice_servers(const struct stoa_auth *a, const char *user_id,
					const struct stoa_ice_server **ret_servers, uint32_t *ret_n,
					int64_t *ret_expires_ms)
{
	return STOA_HAS(a->ops, ice_servers)
		       ? a->ops->ice_servers(a->self, user_id, ret_servers, ret_n, ret_expires_ms)
		       : -ENOTSUP;
}

static inline void stoa_auth_ice_servers_free(const struct stoa_auth *a,
					      const struct stoa_ice_server *servers, uint32_t n)
{
	if (servers)
		a->ops->ice_servers_free(servers, n);
}

STOA_END_DECLS

#endif
