/* SPDX-License-Identifier: Apache-2.0 */
/* Checks and tokens over what is in force. Every path is: enter the gate, look, leave; what is
 * handed out are copies, so nothing keeps an old set alive. */
#include "auth.h"

#include <errno.h>
#include "grant.h"
#include "jws.h"
#include "turn.h"
#include "user.h"

#define fail(why)                                                                                  \
	do {                                                                                       \
		*ret_why = (why);                                                                  \
		return -EACCES;                                                                    \
	} while (0)

void auth_set_keys(struct auth *a, struct keyset *set_take)
{
	gate_retire(&a->gate, atomic_exchange(&a->keys, set_take), keyset_free);
	gate_poll(&a->gate);
}

void auth_set_revoked(struct auth *a, struct revoked *table_take)
{
	gate_retire(&a->gate, atomic_exchange(&a->revoked, table_take), revoked_free);
	gate_poll(&a->gate);
}

void auth_set_members(struct auth *a, struct members *table_take)
{
	gate_retire(&a->gate, atomic_exchange(&a->members, table_take), members_free);
	gate_poll(&a->gate);
}

void auth_finish(struct auth *a)
{
	auth_set_keys(a, NULL);
	auth_set_revoked(a, NULL);
	auth_set_members(a, NULL);
	gate_finish(&a->gate);
}

/* The key named by kid, or without one each key of the algorithm. */
static int verify_user(const struct keyset *set, const struct jws *j, const char **ret_why)
{
	const struct key *k;

	if (j->kid[0]) {
		k = keyset_find(set, j->kid);
		if (!k)
			fail("its key id is unknown");
		return jws_verify(j, k, ret_why);
	}
	*ret_why = "no key of its algorithm";
	for (size_t i = 0; i < set->n_keys; i++)
		if (set->keys[i].alg == j->alg && jws_verify(j, &set->keys[i], ret_why) == 0)
			return 0;
	return -EACCES;
}

/* Without iat nobody can tell that a token is newer than the revocation. */
static bool is_revoked(struct auth *a, const char *user, int64_t iat)
{
	const struct revoked *t = atomic_load(&a->revoked);
	int64_t before = t ? revoked_before(t, user) : 0;

	return before && iat <= before;
}

static int check_user(struct auth *a, const struct jws *j, int64_t now_s,
		      const struct stoa_user **ret_user, const char **ret_why)
{
	const struct keyset *set = atomic_load(&a->keys);
	const struct stoa_user *u = NULL;
	struct jws_times t;
	json_t *claims;
	int err;

	if (!set)
		fail("no keys are configured");
	err = verify_user(set, j, ret_why);
	if (err)
		return err;
	err = jws_claims(j, &claims, ret_why);
	if (err)
		return err;
	err = jws_times_check(claims, now_s, &t, ret_why);
	if (!err)
		err = user_new(claims, &t, &u, ret_why);
	json_decref(claims);
	if (err)
		return err;
	if (is_revoked(a, u->id, t.iat)) {
		user_unref(u);
		fail("revoked");
	}
	user_set_owner(u, a);
	*ret_user = u;
	return 0;
}

int auth_user_check_at(struct auth *a, struct stoa_str token, int64_t now_s,
		       const struct stoa_user **ret_user, const char **ret_why)
{
	const char *why = NULL;
	struct jws j;
	uint32_t side;
	int err;

	ret_why = ret_why ? ret_why : &why;
	err = jws_parse(token, &j, ret_why);
	if (err)
		return err;
	side = gate_enter(&a->gate);
	err = check_user(a, &j, now_s, ret_user, ret_why);
	gate_leave(&a->gate, side);
	return err;
}

static int verify_media(const struct keyset *set, const struct jws *j, const json_t *claims,
			const char **ret_why)
{
	const char *iss = jws_text(claims, "iss");
	const struct key *k = *iss ? keyset_find_api(set, iss) : NULL;

	if (!k)
		fail("its API key (iss) is unknown");
	return jws_verify(j, k, ret_why);
}

static int check_media(struct auth *a, const struct jws *j, json_t *claims, int64_t now_s,
		       const struct stoa_media_grant **ret_grant, const char **ret_why)
{
	const struct keyset *set = atomic_load(&a->keys);
	const struct stoa_media_grant *g = NULL;
	struct jws_times t;
	int err;

	if (!set)
		fail("no keys are configured");
	err = verify_media(set, j, claims, ret_why);
	if (!err)
		err = jws_times_check(claims, now_s, &t, ret_why);
	if (!err)
		err = grant_new(claims, &t, &g, ret_why);
	if (err)
		return err;
	/* SDKs leave iat out and mean any identity: only tokens that say when they were made count
	 */
	if (t.iat && is_revoked(a, g->identity, t.iat)) {
		grant_free(g);
		fail("revoked");
	}
	*ret_grant = g;
	return 0;
}

int auth_media_check_at(struct auth *a, struct stoa_str token, int64_t now_s,
			const struct stoa_media_grant **ret_grant, const char **ret_why)
{
	const char *why = NULL;
	json_t *claims = NULL;
	struct jws j;
	uint32_t side;
	int err;

	ret_why = ret_why ? ret_why : &why;
	err = jws_parse(token, &j, ret_why);
	if (!err)
		err = jws_claims(&j, &claims, ret_why);
	if (err)
		return err;
	side = gate_enter(&a->gate);
	err = check_media(a, &j, claims, now_s, ret_grant, ret_why);
	gate_leave(&a->gate, side);
	json_decref(claims);
	return err;
}

/* The second to date a token of `user` with: now, or just past its last revocation. */
static int64_t issue_time(struct auth *a, const char *user)
{
	const struct revoked *t = atomic_load(&a->revoked);
	int64_t now_s = stoa_wall_ms() / 1000, before = t ? revoked_before(t, user) : 0;

	return now_s > before ? now_s : before + 1;
}

static int sign_media(struct auth *a, const struct stoa_media_grant *g, int64_t ttl_ms,
		      struct stoa_buf *out)
{
	const struct keyset *set = atomic_load(&a->keys);
	int64_t issued = issue_time(a, g->identity);
	json_t *claims;
	int err;

	if (!set || !set->n_api_keys)
		return -ENOKEY;
	claims = grant_claims(g, set->api_keys[0].name, issued, issued + (ttl_ms + 999) / 1000);
	if (!claims)
		return -ENOMEM;
	err = jws_sign(claims, &set->api_keys[0], out);
	json_decref(claims);
	return err;
}

static int media_sign(void *self, const struct stoa_media_grant *g, int64_t ttl_ms,
		      struct stoa_buf *out)
{
	struct auth *a = self;
	uint32_t side;
	int err;

	if (!g->identity || !id_is_valid(g->identity) || ttl_ms <= 0)
		return -EINVAL;
	side = gate_enter(&a->gate);
	err = sign_media(a, g, ttl_ms, out);
	gate_leave(&a->gate, side);
	return err;
}

static json_t *make_channels(const struct auth_user_claims *u)
{
	json_t *list = json_array();

	for (size_t i = 0; u->channels[i]; i++) {
		if (strcmp(u->channels[i], "*") == 0) {
			json_decref(list);
			return json_string("*");
		}
		json_array_append_new(list, json_string(u->channels[i]));
	}
	return list;
}

static json_t *make_standings(const struct auth_user_claims *u)
{
	json_t *map = json_object();

	for (size_t i = 0; u->channels[i]; i++)
		if (strcmp(u->channels[i], "*") != 0)
			json_object_set_new(map, u->channels[i],
					    json_pack("{s:s}", "role", u->channel_role));
	return map;
}

static json_t *make_user(const struct auth_user_claims *u, int64_t issued, int64_t expires)
{
	json_t *o = json_pack("{s:s, s:I, s:I}", "sub", u->id, "iat", (json_int_t)issued, "exp",
			      (json_int_t)expires);
	int bad = 0;

	if (u->name && *u->name)
		bad |= json_object_set_new(o, "name", json_string(u->name));
	if (u->app_role && *u->app_role)
		bad |= json_object_set_new(o, "roles", json_pack("[s]", u->app_role));
	if (u->channels && u->channels[0])
		bad |= json_object_set_new(o, "channels", make_channels(u));
	if (u->channels && u->channel_role && *u->channel_role)
		bad |= json_object_set_new(o, "channelRoles", make_standings(u));
	if (!bad)
		return o;
	json_decref(o);
	return NULL;
}

static int sign_user(struct auth *a, const struct auth_user_claims *u, struct stoa_buf *out,
		     int64_t *ret_expires_ms)
{
	const struct keyset *set = atomic_load(&a->keys);
	int64_t issued = issue_time(a, u->id), expires = issued + (u->ttl_ms + 999) / 1000;
	json_t *claims;
	int err;

	if (!set || !set->signer)
		return -ENOKEY;
	claims = make_user(u, issued, expires);
	if (!claims)
		return -ENOMEM;
	err = jws_sign(claims, set->signer, out);
	json_decref(claims);
	if (!err)
		*ret_expires_ms = expires * 1000;
	return err;
}

int auth_user_sign(struct auth *a, const struct auth_user_claims *u, struct stoa_buf *out,
		   int64_t *ret_expires_ms)
{
	uint32_t side;
	int err;

	if (!id_is_valid(u->id) || u->ttl_ms <= 0)
		return -EINVAL;
	side = gate_enter(&a->gate);
	err = sign_user(a, u, out, ret_expires_ms);
	gate_leave(&a->gate, side);
	return err;
}

static int user_check(void *self, struct stoa_str token, const struct stoa_user **ret_user,
		      const char **ret_why)
{
	struct auth *a = self;
	int err = auth_user_check_at(a, token, stoa_wall_ms() / 1000, ret_user, ret_why);

	stoa_metric_add(err ? a->user_refused : a->user_ok, 1);
	return err;
}

/* What the operator set comes before what the token says. */
static enum stoa_role role_in_force(const struct stoa_user *u, const char *channel)
{
	struct auth *a = user_owner(u);
	uint32_t side = gate_enter(&a->gate);
	const struct members *t = atomic_load(&a->members);
	const struct member *m = t ? members_find(t, channel, u->id) : NULL;
	enum stoa_role role = m ? m->role : user_role(u, channel);

	gate_leave(&a->gate, side);
	return role;
}

static int media_check(void *self, struct stoa_str token, const struct stoa_media_grant **ret_grant,
		       const char **ret_why)
{
	struct auth *a = self;
	int err = auth_media_check_at(a, token, stoa_wall_ms() / 1000, ret_grant, ret_why);

	stoa_metric_add(err ? a->media_refused : a->media_ok, 1);
	return err;
}

static int ice_servers(void *self, const char *user_id, const struct stoa_ice_server **ret_servers,
		       uint32_t *ret_n, int64_t *ret_expires_ms)
{
	static const struct keyset none;
	struct auth *a = self;
	const struct keyset *set;
	uint32_t side;
	int err;

	side = gate_enter(&a->gate);
	set = atomic_load(&a->keys);
	err = turn_servers(set ? set : &none, user_id, stoa_wall_ms(), ret_servers, ret_n,
			   ret_expires_ms);
	gate_leave(&a->gate, side);
	return err;
}

const struct stoa_auth_ops auth_ops = {
	.size = sizeof(auth_ops),
	.user_check = user_check,
	.user_ref = user_ref,
	.user_unref = user_unref,
	.user_role = role_in_force,
	.media_check = media_check,
	.media_unref = grant_free,
	.media_sign = media_sign,
	.ice_servers = ice_servers,
	.ice_servers_free = turn_servers_free,
};
