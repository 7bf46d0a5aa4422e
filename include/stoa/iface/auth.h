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

/* A user's standing in one channel; rising rights. */
enum stoa_role {
	STOA_ROLE_NONE = 0,
	STOA_ROLE_MEMBER = 1,
	STOA_ROLE_FOLLOWER = 2,
	STOA_ROLE_SUBSCRIBER = 3,
	STOA_ROLE_VIP = 4,
	STOA_ROLE_MODERATOR = 5,
	STOA_ROLE_OWNER = 6,
};

/* The token's `roles`: what a user is everywhere. */
#define STOA_USER_ADMIN     1u
#define STOA_USER_MODERATOR 2u
#define STOA_USER_GUEST     4u

/* The reason that checks give for a token past its `exp`: the one that clients are told. */
#define STOA_AUTH_EXPIRED "expired"

struct stoa_user { /* immutable, counted */
	uint32_t size;
	const char *id;              /* `sub`, 1 to 255 bytes                       */
	const char *name, *avatar;   /* "" when unknown                             */
	uint32_t flags;              /* STOA_USER_…                                 */
	int64_t issued_ms;           /* `iat`; 0 when the token does not say        */
	int64_t expires_ms;          /* `exp`: sockets opened with the token close  */
	bool all_channels;           /* channels: "*"                               */
	const char *const *channels; /* the others, NULL-terminated                 */
};

struct stoa_media_grant { /* a LiveKit access token; immutable when it comes from a check */
	uint32_t size;
	const char *api_key;         /* `iss`                                       */
	const char *identity;        /* `sub`, or `jti`; "" where none is needed    */
	const char *name, *metadata; /* "" when absent                              */
	const struct stoa_attribute *attributes;
	uint32_t n_attributes;
	uint32_t kind;    /* ParticipantInfo.Kind's number */
	const char *room; /* "" when absent                */
	bool room_join, room_create, room_list, room_admin, room_record, ingress_admin;
	struct stoa_permission permission;
	const char *room_config; /* JSON text of the roomConfig claim; "" when absent */
	const char *sha256;      /* of a webhook's body; "" when absent               */
	int64_t expires_ms;
};

struct stoa_ice_server {                   /* what RTCPeerConnection takes */
	const char *const *urls;           /* NULL-terminated    */
	const char *username, *credential; /* "" for STUN        */
};

/** The provider's table; consumers call the wrappers below, never the members. */
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

/** Checks a user token (a JWT, without "Bearer "). Returns 0 and a reference; -EACCES when it is not
 *  valid, expired, not yet valid or revoked, with the reason for logs (constant text, may be NULL;
 *  STOA_AUTH_EXPIRED is the one to tell clients); -ENOMEM. `ret_why` may be NULL. Thread: any. */
static inline int stoa_auth_user_check(const struct stoa_auth *a, struct stoa_str token,
				       const struct stoa_user **ret_user, const char **ret_why)
{
	return STOA_HAS(a->ops, user_check) ? a->ops->user_check(a->self, token, ret_user, ret_why)
					    : -ENOTSUP;
}

/** Another reference to a user; yields `u`. Thread: any. */
static inline const struct stoa_user *stoa_user_ref(const struct stoa_auth *a,
						    const struct stoa_user *u)
{
	return a->ops->user_ref(u);
}

/** Drops a reference. NULL is fine. Thread: any. */
static inline void stoa_user_unref(const struct stoa_auth *a, const struct stoa_user *u)
{
	if (u)
		a->ops->user_unref(u);
}

/** The user's standing in a channel, as of now: what the operator's backend set; else owner to
 *  follower by channelRoles, member when only `channels` lists it (or "*"), else none. STOA_USER_ADMIN and STOA_USER_MODERATOR are not mixed in.
 *  Thread: any. */
static inline enum stoa_role stoa_user_role(const struct stoa_auth *a, const struct stoa_user *u,
					    const char *channel)
{
	return a->ops->user_role(u, channel);
}

/** Checks a LiveKit access token: key known by `iss`, HS256, exp, nbf (leeway 60 s). Whether it may
 *  do what is asked is the caller's to see from the grant. Returns 0 and a grant to be freed by
 *  stoa_auth_media_unref(); errors as stoa_auth_user_check(). Thread: any. */
static inline int stoa_auth_media_check(const struct stoa_auth *a, struct stoa_str token,
					const struct stoa_media_grant **ret_grant,
					const char **ret_why)
{
	return STOA_HAS(a->ops, media_check)
		       ? a->ops->media_check(a->self, token, ret_grant, ret_why)
		       : -ENOTSUP;
}

/** Drops a grant that a check gave. NULL is fine. Thread: any. */
static inline void stoa_auth_media_unref(const struct stoa_auth *a,
					 const struct stoa_media_grant *g)
{
	if (g)
		a->ops->media_unref(g);
}

/** Signs a LiveKit access token with the first API key (by name) and appends it to `out`. `g` needs
 *  identity (1 to 255 bytes), room and rights; texts may be NULL; api_key and expires_ms are
 *  ignored. -EINVAL; -ENOKEY: no API key is configured; -ENOMEM. Thread: any. */
static inline int stoa_auth_media_sign(const struct stoa_auth *a, const struct stoa_media_grant *g,
				       int64_t ttl_ms, struct stoa_buf *out)
{
	return STOA_HAS(a->ops, media_sign) ? a->ops->media_sign(a->self, g, ttl_ms, out)
					    : -ENOTSUP;
}

/** The ICE servers for a client, with TURN credentials that count until *ret_expires_ms (TURN REST:
 *  "expiry:user", HMAC-SHA1). None configured: 0 of them. Freed by stoa_auth_ice_servers_free().
 *  -ENOMEM. Thread: any. */
static inline int stoa_auth_ice_servers(const struct stoa_auth *a, const char *user_id,
					const struct stoa_ice_server **ret_servers, uint32_t *ret_n,
					int64_t *ret_expires_ms)
{
	return STOA_HAS(a->ops, ice_servers)
		       ? a->ops->ice_servers(a->self, user_id, ret_servers, ret_n, ret_expires_ms)
		       : -ENOTSUP;
}

/** Frees what stoa_auth_ice_servers() gave. NULL is fine. Thread: any. */
static inline void stoa_auth_ice_servers_free(const struct stoa_auth *a,
					      const struct stoa_ice_server *servers, uint32_t n)
{
	if (servers)
		a->ops->ice_servers_free(servers, n);
}

STOA_END_DECLS

#endif
