/* SPDX-License-Identifier: Apache-2.0 */
/* Claims to user. Everything a user holds, lists and strings, is in one allocation: the claims are
 * walked once to measure and once to copy, by the same code. */
#include "user.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct standing { /* one entry of channelRoles */
	const char *channel;
	enum stoa_role role;
};

struct user {
	struct stoa_user pub;
	_Atomic uint32_t refs;
	void *owner;
	const struct standing *standings;
	size_t n_standings;
};

struct arena { /* first pass: p is NULL and only `used` grows */
	char *p;
	size_t used;
};

static const struct {
	const char *name;
	enum stoa_role role;
} roles[] = {
	{ "owner", STOA_ROLE_OWNER },       { "moderator", STOA_ROLE_MODERATOR },
	{ "vip", STOA_ROLE_VIP },           { "subscriber", STOA_ROLE_SUBSCRIBER },
	{ "follower", STOA_ROLE_FOLLOWER }, { "member", STOA_ROLE_MEMBER },
};

static const struct {
	const char *name;
	uint32_t flag;
} flags[] = {
	{ "admin", STOA_USER_ADMIN },
	{ "moderator", STOA_USER_MODERATOR },
	{ "guest", STOA_USER_GUEST },
};

enum stoa_role role_parse(const char *name)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(roles); i++)
		if (strcmp(roles[i].name, name) == 0)
			return roles[i].role;
	return STOA_ROLE_NONE;
}

const char *role_name(enum stoa_role role)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(roles); i++)
		if (roles[i].role == role)
			return roles[i].name;
	return "";
}

bool id_is_valid(const char *id)
{
	size_t n = strlen(id);

	return n >= 1 && n <= 255;
}

static void *arena_take(struct arena *a, size_t n, size_t align)
{
	size_t at = (a->used + align - 1) / align * align;

	a->used = at + n;
	return a->p ? a->p + at : NULL;
}

static const char *arena_text(struct arena *a, const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = arena_take(a, n, 1);

	return p ? memcpy(p, s, n) : "";
}

static uint32_t read_flags(const json_t *claims)
{
	const json_t *list = json_object_get(claims, "roles");
	uint32_t r = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		for (size_t k = 0; name && k < STOA_ARRAY_SIZE(flags); k++)
			if (strcmp(flags[k].name, name) == 0)
				r |= flags[k].flag;
	}
	return r;
}

/* "*", or a list of ids in which "*" may stand too. */
static const char *const *copy_channels(struct arena *a, const json_t *claims, bool *ret_all)
{
	const json_t *list = json_object_get(claims, "channels");
	size_t n = json_array_size(list), out = 0;
	const char **ids = arena_take(a, (n + 1) * sizeof(*ids), sizeof(*ids));

	*ret_all = json_is_string(list) && strcmp(json_string_value(list), "*") == 0;
	for (size_t i = 0; i < n; i++) {
		const char *id = json_string_value(json_array_get(list, i));
		const char *copy;

		if (id && strcmp(id, "*") == 0) {
			*ret_all = true;
		} else if (id && id_is_valid(id)) {
			copy = arena_text(a, id);
			if (ids)
				ids[out++] = copy;
		}
	}
	if (ids)
		ids[out] = NULL;
	return ids;
}

static const struct standing *copy_standings(struct arena *a, const json_t *claims, size_t *ret_n)
{
	json_t *map = json_object_get(claims, "channelRoles"), *entry;
	struct standing *s = arena_take(a, json_object_size(map) * sizeof(*s), sizeof(void *));
	const char *channel;
	size_t n = 0;

	json_object_foreach(map, channel, entry)
	{
		enum stoa_role role = role_parse(jws_text(entry, "role"));
		const char *copy;

		if (role == STOA_ROLE_NONE || !id_is_valid(channel))
			continue;
		copy = arena_text(a, channel);
		if (s)
			s[n] = (struct standing){ copy, role };
		n++;
	}
	*ret_n = n;
	return s;
}

static void fill(struct user *u, struct arena *a, const json_t *claims)
{
	struct user scratch = { 0 };

	u = u ? u : &scratch;
	u->pub.channels = copy_channels(a, claims, &u->pub.all_channels);
	u->standings = copy_standings(a, claims, &u->n_standings);
	u->pub.id = arena_text(a, jws_text(claims, "sub"));
	u->pub.name = arena_text(a, jws_text(claims, "name"));
	u->pub.avatar = arena_text(a, jws_text(claims, "avatar"));
}

int user_new(const json_t *claims, const struct jws_times *times, const struct stoa_user **ret_user,
	     const char **ret_why)
{
	struct arena a = { 0 };
	struct user *u;

	if (!id_is_valid(jws_text(claims, "sub"))) {
		*ret_why = "its sub is not text of 1 to 255 bytes";
		return -EACCES;
	}
	/* An application may use one secret for both kinds; a media token must not log in. */
	if (json_object_get(claims, "video") || json_object_get(claims, "sip")) {
		*ret_why = "a media token is not a user token";
		return -EACCES;
	}
	fill(NULL, &a, claims);
	u = calloc(1, sizeof(*u) + a.used);
	if (!u) {
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	a = (struct arena){ .p = (char *)(u + 1) };
	fill(u, &a, claims);
	u->pub.size = sizeof(u->pub);
	u->pub.flags = read_flags(claims);
	u->pub.issued_ms = times->iat * 1000;
	u->pub.expires_ms = times->exp * 1000;
	atomic_init(&u->refs, 1);
	*ret_user = &u->pub;
	return 0;
}

static struct user *from_pub(const struct stoa_user *u)
{
	return (struct user *)(void *)((char *)(uintptr_t)u - offsetof(struct user, pub));
}

const struct stoa_user *user_ref(const struct stoa_user *u)
{
	atomic_fetch_add_explicit(&from_pub(u)->refs, 1, memory_order_relaxed);
	return u;
}

void user_unref(const struct stoa_user *u)
{
	if (u && atomic_fetch_sub_explicit(&from_pub(u)->refs, 1, memory_order_acq_rel) == 1)
		free(from_pub(u));
}

void user_set_owner(const struct stoa_user *u, void *owner)
{
	from_pub(u)->owner = owner;
}

void *user_owner(const struct stoa_user *u)
{
	return from_pub(u)->owner;
}

static bool is_listed(const struct stoa_user *u, const char *channel)
{
	if (u->all_channels)
		return true;
	for (size_t i = 0; u->channels[i]; i++)
		if (strcmp(u->channels[i], channel) == 0)
			return true;
	return false;
}

enum stoa_role user_role(const struct stoa_user *u, const char *channel)
{
	const struct user *me = from_pub(u);

	for (size_t i = 0; i < me->n_standings; i++)
		if (strcmp(me->standings[i].channel, channel) == 0)
			return me->standings[i].role;
	return is_listed(u, channel) ? STOA_ROLE_MEMBER : STOA_ROLE_NONE;
}
