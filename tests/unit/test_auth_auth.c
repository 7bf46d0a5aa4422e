/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c: checks against what is in force, rotation, revocation, also while other threads check. */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>
#include "auth.h"
#include "jws.h"
#include "auth_fixture.h"
#include "check.h"

#define NOW INT64_C(1795398000)

static struct keyset *make_set(const char *kid, const char *secret)
{
	struct keyset *s = calloc(1, sizeof(*s));

	s->keys = calloc(1, sizeof(*s->keys));
	s->api_keys = calloc(2, sizeof(*s->api_keys));
	key_init_secret(&s->keys[0], kid, stoa_str(secret));
	key_init_secret(&s->api_keys[0], "backend", stoa_str("one"));
	key_init_secret(&s->api_keys[1], "devkey", stoa_str("secret"));
	s->n_keys = 1;
	s->n_api_keys = 2;
	s->signer = &s->keys[0];
	return s;
}

static int check_user(struct auth *a, const char *token, const char **ret_why)
{
	const struct stoa_user *u = NULL;
	int err = auth_user_check_at(a, stoa_str(token), NOW, &u, ret_why);

	auth_ops.user_unref(u);
	return err;
}

static int check_media(struct auth *a, const char *token, const char **ret_why)
{
	const struct stoa_media_grant *g = NULL;
	int err = auth_media_check_at(a, stoa_str(token), NOW, &g, ret_why);

	auth_ops.media_unref(g);
	return err;
}

static void end_tokens(struct auth *a, const char *user, int64_t now_s)
{
	struct revoked *t = NULL;
	int64_t before;

	CHECK_INT(revoked_add(atomic_load(&a->revoked), user, now_s, &t, &before), 0);
	auth_set_revoked(a, t);
}

static void test_nothing_configured(void)
{
	struct auth a = { 0 };
	struct stoa_media_grant g = { .size = sizeof(g), .identity = "a", .room = "r" };
	const struct stoa_ice_server *s = NULL;
	struct stoa_buf out = { 0 };
	const char *why = NULL;
	int64_t expires;
	uint32_t n = 9;

	CHECK_INT(check_user(&a, make_token(JWT_ALG_HS256, SECRET, NULL, "{\"sub\":\"a\"}"), &why),
		  -EACCES);
	CHECK_STR(why, "no keys are configured");
	CHECK_INT(check_media(&a, make_token(JWT_ALG_HS256, SECRET, NULL, "{\"iss\":\"k\"}"), NULL),
		  -EACCES);
	CHECK_INT(auth_ops.media_sign(&a, &g, 1000, &out), -ENOKEY);
	CHECK_INT(auth_ops.ice_servers(&a, "a", &s, &n, &expires), 0);
	CHECK_INT(n, 0);
	auth_ops.ice_servers_free(s, n);
	auth_finish(&a);
}

static void test_kid_and_rotation(void)
{
	const char *claims = "{\"sub\":\"alice\",\"exp\":1795399000}", *why = NULL;
	struct auth a = { 0 };
	char old[2000], unnamed[2000];

	strcpy(old, make_token(JWT_ALG_HS256, SECRET, "2025", claims));
	strcpy(unnamed, make_token(JWT_ALG_HS256, SECRET, NULL, claims));
	auth_set_keys(&a, make_set("2025", SECRET));
	CHECK_INT(check_user(&a, old, &why), 0);
	CHECK_INT(check_user(&a, unnamed, &why), 0); /* without kid every key is tried */
	CHECK_INT(check_user(&a, make_token(JWT_ALG_HS256, SECRET, "2026", claims), &why), -EACCES);
	CHECK_STR(why, "its key id is unknown");
	auth_set_keys(&a, make_set("2026", SECRET "2"));
	CHECK_INT(check_user(&a, old, &why), -EACCES);
	CHECK_INT(check_user(&a, unnamed, &why), -EACCES);
	CHECK_INT(check_user(&a, make_token(JWT_ALG_HS256, SECRET "2", "2026", claims), &why), 0);
	CHECK_INT(check_user(&a, make_token(JWT_ALG_HS384, SECRET "2", "2026", claims), &why),
		  -EACCES);
	auth_finish(&a);
}

static void test_user_expiry(void)
{
	struct auth a = { 0 };
	const char *why = NULL;

	auth_set_keys(&a, make_set("k", SECRET));
	/* the token library decodes an expired token without a word */
	CHECK_INT(check_user(&a,
			     make_token(JWT_ALG_HS256, SECRET, NULL,
					"{\"sub\":\"a\",\"exp\":1795397000}"),
			     &why),
		  -EACCES);
	CHECK_STR(why, "expired");
	CHECK_INT(check_user(&a, make_token(JWT_ALG_HS256, SECRET, NULL, "{\"sub\":\"a\"}"), &why),
		  -EACCES);
	CHECK_STR(why, "without exp");
	CHECK_INT(check_user(&a,
			     make_token(JWT_ALG_HS256, SECRET, NULL,
					"{\"sub\":\"a\",\"exp\":1795399000,\"nbf\":1795398500}"),
			     &why),
		  -EACCES);
	CHECK_STR(why, "not yet valid");
	auth_finish(&a);
}

static void test_media(void)
{
	const char *claims = "{\"iss\":\"devkey\",\"sub\":\"a\",\"exp\":1795399000,\"video\":{"
			     "\"roomJoin\":true}}";
	struct auth a = { 0 };
	const char *why = NULL;

	auth_set_keys(&a, make_set("k", "secret"));
	CHECK_INT(check_media(&a, make_token(JWT_ALG_HS256, "secret", NULL, claims), &why), 0);
	CHECK_INT(check_media(&a, make_token(JWT_ALG_HS256, "one", NULL, claims), &why), -EACCES);
	CHECK_STR(why, "its signature is wrong");
	CHECK_INT(check_media(&a,
			      make_token(JWT_ALG_HS256, "secret", NULL,
					 "{\"iss\":\"k\",\"sub\":\"a\",\"exp\":1795399000}"),
			      &why),
		  -EACCES); /* a user key is no API key */
	CHECK_INT(check_media(&a,
			      make_token(JWT_ALG_HS256, "secret", NULL,
					 "{\"sub\":\"a\",\"exp\":1795399000}"),
			      &why),
		  -EACCES);
	CHECK_STR(why, "its API key (iss) is unknown");
	CHECK_INT(check_media(&a,
			      make_token(JWT_ALG_HS256, "secret", NULL,
					 "{\"iss\":\"devkey\",\"exp\":1795397000}"),
			      &why),
		  -EACCES);
	CHECK_STR(why, "expired");
	/* the same secret serves both here: a media token still does not log in */
	CHECK_INT(check_user(&a, make_token(JWT_ALG_HS256, "secret", NULL, claims), &why), -EACCES);
	CHECK_STR(why, "a media token is not a user token");
	auth_finish(&a);
}

static void test_made_tokens(void)
{
	static const char *const general[] = { "general", NULL }, *const all[] = { "*", NULL };
	struct auth_user_claims c = { .id = "alice",
				      .name = "Alice",
				      .channels = general,
				      .channel_role = "moderator",
				      .ttl_ms = 60000 };
	const struct stoa_user *u = NULL;
	struct stoa_buf out = { 0 };
	struct auth a = { 0 };
	int64_t expires = 0;

	auth_set_keys(&a, make_set("k", SECRET));
	CHECK_INT(auth_user_sign(&a, &c, &out, &expires), 0);
	CHECK_INT(auth_ops.user_check(&a, stoa_strn(out.p, out.n), &u, NULL), 0);
	CHECK_STR(u->id, "alice");
	CHECK_STR(u->name, "Alice");
	CHECK_INT(u->expires_ms, expires);
	CHECK_INT(auth_ops.user_role(u, "general"), STOA_ROLE_MODERATOR);
	CHECK_INT(u->flags, 0);
	auth_ops.user_unref(u);

	stoa_buf_clear(&out);
	c = (struct auth_user_claims){
		.id = "g", .channels = all, .app_role = "guest", .ttl_ms = 1
	};
	CHECK_INT(auth_user_sign(&a, &c, &out, &expires), 0);
	CHECK_INT(auth_ops.user_check(&a, stoa_strn(out.p, out.n), &u, NULL), 0);
	CHECK(u->all_channels);
	CHECK_INT(u->flags, STOA_USER_GUEST);
	auth_ops.user_unref(u);
	c.id = "";
	CHECK_INT(auth_user_sign(&a, &c, &out, &expires), -EINVAL);
	stoa_buf_free(&out);
	auth_finish(&a);
}

static void test_revoked_users(void)
{
	const char *why = NULL;
	struct auth a = { 0 };

	auth_set_keys(&a, make_set("k", SECRET));
	auth_set_revoked(&a, revoked_new());
	CHECK_INT(check_user(&a,
			     make_token(JWT_ALG_HS256, SECRET, NULL,
					"{\"sub\":\"alice\",\"exp\":1795399000}"),
			     &why),
		  0);
	end_tokens(&a, "alice", NOW - 10);
	CHECK_INT(check_user(&a,
			     make_token(JWT_ALG_HS256, SECRET, NULL,
					"{\"sub\":\"alice\",\"exp\":1795399000}"),
			     &why),
		  -EACCES); /* does not say when it was made */
	CHECK_STR(why, "revoked");
	CHECK_INT(check_user(&a,
			     make_token(JWT_ALG_HS256, SECRET, NULL,
					"{\"sub\":\"alice\",\"exp\":1795399000,"
					"\"iat\":1795397990}"),
			     &why),
		  -EACCES);
	CHECK_INT(check_user(&a,
			     make_token(JWT_ALG_HS256, SECRET, NULL,
					"{\"sub\":\"alice\",\"exp\":1795399000,"
					"\"iat\":1795397991}"),
			     &why),
		  0);
	CHECK_INT(check_user(&a,
			     make_token(JWT_ALG_HS256, SECRET, NULL,
					"{\"sub\":\"bob\",\"exp\":1795399000}"),
			     &why),
		  0);
	auth_finish(&a);
}

/* Made in the very second of the revocation, a new token counts and the old one does not. */
static void test_revoke_then_make(void)
{
	struct auth_user_claims c = { .id = "alice", .ttl_ms = 60000 };
	struct stoa_media_grant g = { .size = sizeof(g), .identity = "alice", .room = "r" };
	struct stoa_buf user = { 0 }, media = { 0 };
	const struct stoa_media_grant *got = NULL;
	const struct stoa_user *u = NULL;
	struct auth a = { 0 };
	const char *why = NULL;
	int64_t expires;

	auth_set_keys(&a, make_set("k", SECRET));
	auth_set_revoked(&a, revoked_new());
	for (int round = 0; round < 3; round++) {
		stoa_buf_clear(&user);
		stoa_buf_clear(&media);
		CHECK_INT(auth_user_sign(&a, &c, &user, &expires), 0);
		CHECK_INT(auth_ops.media_sign(&a, &g, 60000, &media), 0);
		CHECK_INT(auth_ops.user_check(&a, stoa_strn(user.p, user.n), &u, &why), 0);
		CHECK_INT(auth_ops.media_check(&a, stoa_strn(media.p, media.n), &got, &why), 0);
		auth_ops.user_unref(u);
		auth_ops.media_unref(got);
		end_tokens(&a, "alice", stoa_wall_ms() / 1000);
		CHECK_INT(auth_ops.user_check(&a, stoa_strn(user.p, user.n), &u, &why), -EACCES);
		CHECK_STR(why, "revoked");
		CHECK_INT(auth_ops.media_check(&a, stoa_strn(media.p, media.n), &got, &why),
			  -EACCES);
		CHECK_STR(why, "revoked");
	}
	stoa_buf_free(&user);
	stoa_buf_free(&media);
	auth_finish(&a);
}

/* ---- threads ---- */

static struct auth shared;
static _Atomic int stop, wrong, checked;
static char shared_token[2000];

static void *check_much(void *arg)
{
	while (!atomic_load(&stop)) {
		const struct stoa_user *u = NULL;
		const char *why = NULL;
		int err = auth_user_check_at(&shared, stoa_str(shared_token), NOW, &u, &why);

		/* valid, or revoked, or its key is gone: nothing else may come out */
		if (err ? strcmp(why, "revoked") != 0 && strcmp(why, "its key id is unknown") != 0
			: strcmp(u->id, "alice") != 0)
			atomic_fetch_add(&wrong, 1);
		if (!err)
			auth_ops.user_unref(auth_ops.user_ref(u));
		auth_ops.user_unref(err ? NULL : u);
		atomic_fetch_add(&checked, 1);
	}
	return arg;
}

static void test_threads(void)
{
	enum { THREADS = 3 };
	pthread_t threads[THREADS];

	strcpy(shared_token, make_token(JWT_ALG_HS256, SECRET, "k",
					"{\"sub\":\"alice\",\"exp\":1795399000,\"iat\":100}"));
	auth_set_keys(&shared, make_set("k", SECRET));
	auth_set_revoked(&shared, revoked_new());
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, check_much, NULL);
	for (int i = 1; i <= 300; i++) {
		auth_set_keys(&shared, i % 3 ? make_set("k", SECRET) : make_set("other", SECRET));
		if (i % 20 == 0)
			end_tokens(&shared, i % 40 ? "bob" : "alice", i);
		else if (i % 50 == 1)
			auth_set_revoked(&shared, revoked_new());
		usleep(200);
	}
	atomic_store(&stop, 1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(wrong, 0);
	CHECK(checked > 100);
	auth_finish(&shared);
}

int main(void)
{
	test_nothing_configured();
	test_kid_and_rotation();
	test_user_expiry();
	test_media();
	test_made_tokens();
	test_revoked_users();
	test_revoke_then_make();
	test_threads();
	return check_done();
}
