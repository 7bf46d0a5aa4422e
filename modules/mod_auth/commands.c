/* SPDX-License-Identifier: Apache-2.0 */
/* stoactl token create, token revoke. */
#include "module.h"

#include <errno.h>
#include <stdlib.h>
#include <stoa/control.h>
#include "jws.h"
#include "user.h"

#define CHANNELS_MAX 64
#define TTL_MAX_S    (INT64_C(10) * 366 * 86400)

static const struct {
	const char *unit;
	int64_t ms;
} units[] = {
	{ "s", 1000 },
	{ "m", 60000 },
	{ "h", 3600000 },
	{ "d", 86400000 },
};

/* "90s", "15m", "1h", "7d". -1: not one. */
static int64_t parse_ttl(const char *text)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	if (end == text || *text < '0' || *text > '9' || n < 1 || n > TTL_MAX_S)
		return -1;
	for (size_t i = 0; i < STOA_ARRAY_SIZE(units); i++)
		if (strcmp(end, units[i].unit) == 0 && n * units[i].ms / 1000 <= TTL_MAX_S)
			return n * units[i].ms;
	return -1;
}

/* A role is the application's (admin; moderator of everything) or one in the channels named. */
static bool place_role(const char *role, struct auth_user_claims *u)
{
	bool has_channel = false;

	for (size_t i = 0; u->channels[i]; i++)
		has_channel |= strcmp(u->channels[i], "*") != 0;
	if (strcmp(role, "admin") == 0 || (strcmp(role, "moderator") == 0 && !has_channel)) {
		u->app_role = role;
		return true;
	}
	u->channel_role = role;
	return has_channel && role_parse(role) != STOA_ROLE_NONE;
}

static void reply_token(struct stoa_control *rq, const char *id, const struct stoa_buf *token,
			int64_t expires_ms)
{
	char time[STOA_TIME_LEN];

	stoa_time_format(expires_ms, time);
	stoa_control_reply(rq, json_pack("{s:s, s:s, s:s, s:s}", "token", token->p, "userId", id,
					 "expiresAt", time, "text", token->p));
}

static void make_token(struct ctx *x, struct stoa_control *rq, const struct auth_user_claims *u)
{
	struct stoa_buf token = { 0 };
	int64_t expires_ms = 0;
	int err = auth_user_sign(&x->auth, u, &token, &expires_ms);

	if (err == -ENOKEY)
		stoa_control_fail(rq, "no_key",
				  "no key of alg HS256 in mod_auth's keys to sign with");
	else if (err)
		stoa_control_fail(rq, "failed", "no token made: %s", strerror(-err));
	else if (token.n > JWS_LEN_MAX)
		stoa_control_fail(rq, "too_long", "the token would be longer than %d bytes",
				  JWS_LEN_MAX);
	else
		reply_token(rq, u->id, &token, expires_ms);
	stoa_buf_free(&token);
}

static void create(struct stoa_control *rq, void *user)
{
	const char *channels[CHANNELS_MAX + 1] = { NULL };
	const char *ttl = stoa_control_arg(rq, "ttl"), *role = stoa_control_arg(rq, "role");
	struct auth_user_claims u = {
		.id = stoa_control_arg(rq, "user"),
		.name = stoa_control_arg(rq, "name"),
		.channels = channels,
		.ttl_ms = parse_ttl(ttl ? ttl : "1h"),
	};
	const char *channel;

	for (size_t i = 0; (channel = stoa_control_arg_at(rq, "channel", i)); i++) {
		if (i >= CHANNELS_MAX || !id_is_valid(channel)) {
			stoa_control_fail(rq, "bad_channel",
					  "at most %d --channel of 1 to 255 bytes each",
					  CHANNELS_MAX);
			return;
		}
		channels[i] = channel;
	}
	if (!id_is_valid(u.id) || !stoa_utf8_valid(stoa_str(u.id)))
		stoa_control_fail(rq, "bad_user", "--user takes 1 to 255 bytes of UTF-8");
	else if (u.ttl_ms < 0)
		stoa_control_fail(rq, "bad_ttl",
				  "--ttl takes a duration such as 90s, 15m, 1h or 7d");
	else if (role && !place_role(role, &u))
		stoa_control_fail(rq, "bad_role",
				  "--role takes admin or moderator, or with --channel owner, "
				  "moderator, vip, subscriber, follower or member");
	else
		make_token(user, rq, &u);
}

struct asked { /* a revocation under way */
	struct stoa_control *rq;
	char user[256];
};

static void revoked(void *arg, int err, int64_t before_s)
{
	struct asked *a = arg;
	char time[STOA_TIME_LEN];

	stoa_time_format(before_s * 1000, time);
	if (err)
		stoa_control_fail(a->rq, "not_saved",
				  "revoked, but not saved (%s): it would be forgotten by a restart",
				  strerror(-err));
	else
		stoa_control_reply(
			a->rq, json_pack("{s:s, s:s}", "userId", a->user, "revokedUntil", time));
	free(a);
}

static void revoke(struct stoa_control *rq, void *user)
{
	const char *id = stoa_control_arg(rq, "user");
	struct asked *a;
	int err;

	if (!id_is_valid(id) || !stoa_utf8_valid(stoa_str(id))) {
		stoa_control_fail(rq, "bad_user", "--user takes 1 to 255 bytes of UTF-8");
		return;
	}
	a = calloc(1, sizeof(*a));
	if (!a) {
		stoa_control_fail(rq, "failed", "out of memory");
		return;
	}
	a->rq = rq;
	memcpy(a->user, id, strlen(id) + 1);
	err = ban_user(user, id, revoked, a);
	if (!err)
		return;
	free(a);
	if (err == -ENOSPC)
		stoa_control_fail(rq, "full",
				  "%d users are revoked already: replace the signing key, then "
				  "remove revoked-tokens from the state directory",
				  REVOKE_MAX);
	else
		stoa_control_fail(rq, "failed", "not revoked: %s", strerror(-err));
}

int commands_start(struct ctx *x)
{
	int err;

	err = stoa_control_add(x->m, "token create",
			       "--user ID [--name TEXT] [--channel ID]… [--role ROLE] "
			       "[--ttl DURATION]",
			       "Prints a user token.", create, x);
	if (err)
		return err;
	return stoa_control_add(x->m, "token revoke", "--user ID",
				"Ends all tokens of a user that were made until now.", revoke, x);
}
