/* SPDX-License-Identifier: Apache-2.0 */
/* jws.c and key.c: what a token must be before anything in it is believed. */
#include <errno.h>
#include "jws.h"
#include "auth_fixture.h"
#include "check.h"

static char rsa_private[8192], rsa_public[8192], ec_private[2048], ec_public[2048];
static struct key hs, rs, es;

static int check_token(const char *token, const struct key *k, const char **ret_why)
{
	struct jws j;
	int err = jws_parse(stoa_str(token), &j, ret_why);

	return err ? err : jws_verify(&j, k, ret_why);
}

static void test_good_tokens(void)
{
	const char *claims = "{\"sub\":\"alice\",\"exp\":2000000000}", *why = NULL;

	CHECK_INT(check_token(make_token(JWT_ALG_HS256, SECRET, NULL, claims), &hs, &why), 0);
	CHECK_INT(check_token(make_token(JWT_ALG_RS256, rsa_private, NULL, claims), &rs, &why), 0);
	for (int i = 0; i < 40; i++) /* r or s with leading zeros, now and then */
		CHECK_INT(
			check_token(make_token(JWT_ALG_ES256, ec_private, NULL, claims), &es, &why),
			0);
}

/* The token library passes this one: the attacker knows the public key and uses it as a secret. */
static void test_public_key_is_no_secret(void)
{
	const char *claims = "{\"sub\":\"alice\",\"exp\":2000000000}", *why = NULL;
	const char *forged = make_token(JWT_ALG_HS256, rsa_public, NULL, claims);
	jwt_t *t = NULL;

	CHECK_INT(
		jwt_decode(&t, forged, (const unsigned char *)rsa_public, (int)strlen(rsa_public)),
		0); /* the trap is there */
	jwt_free(t);
	CHECK_INT(check_token(forged, &rs, &why), -EACCES);
	CHECK_STR(why, "its algorithm is not the key's");
}

static void test_algorithm_is_the_keys(void)
{
	const char *claims = "{\"sub\":\"alice\",\"exp\":2000000000}", *why = NULL;
	const struct key none = { 0 };

	CHECK_INT(check_token(make_token(JWT_ALG_RS256, rsa_private, NULL, claims), &hs, &why),
		  -EACCES);
	CHECK_STR(why, "its algorithm is not the key's");
	CHECK_INT(check_token(make_token(JWT_ALG_ES256, ec_private, NULL, claims), &rs, &why),
		  -EACCES);
	CHECK_INT(check_token(make_token(JWT_ALG_HS512, SECRET, NULL, claims), &hs, &why), -EACCES);
	CHECK_STR(why, "its algorithm is not HS256, RS256 or ES256");
	/* no key at all, which the token library takes for "need not verify" */
	CHECK_INT(check_token(make_token(JWT_ALG_HS256, SECRET, NULL, claims), &none, &why),
		  -EACCES);
}

static void test_alg_none(void)
{
	const char *why = NULL;

	CHECK_INT(check_token(make_token(JWT_ALG_NONE, "", NULL, "{\"sub\":\"alice\"}"), &hs, &why),
		  -EACCES);
	/* {"alg":"none"} with the signature of something */
	CHECK_INT(check_token("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.AAAA", &hs, &why), -EACCES);
	CHECK_STR(why, "its algorithm is not HS256, RS256 or ES256");
	/* {"alg":"None"} */
	CHECK_INT(check_token("eyJhbGciOiJOb25lIn0.eyJzdWIiOiJhIn0.AAAA", &hs, &why), -EACCES);
}

static void test_every_changed_byte_counts(void)
{
	const char *why = NULL;
	char token[12000];
	size_t n;

	strcpy(token, make_token(JWT_ALG_HS256, SECRET, NULL, "{\"sub\":\"alice\",\"exp\":2}"));
	n = strlen(token);
	for (size_t i = 0; i + 1 < n; i++) { /* the last character has two bits that say nothing */
		char was = token[i];

		token[i] = was == 'A' ? 'B' : 'A';
		CHECK_INT(check_token(token, &hs, &why), -EACCES);
		token[i] = was;
	}
	CHECK_INT(check_token(token, &hs, &why), 0);
	for (size_t i = 0; i < n; i++) {
		char was = token[i];

		token[i] = '\0';
		CHECK_INT(check_token(token, &hs, &why), -EACCES);
		token[i] = was;
	}
}

static void test_wrong_key(void)
{
	const char *claims = "{\"sub\":\"alice\"}", *why = NULL;
	char other_private[8192], other_public[8192];

	CHECK_INT(check_token(make_token(JWT_ALG_HS256, SECRET "!", NULL, claims), &hs, &why),
		  -EACCES);
	CHECK_STR(why, "its signature is wrong");
	make_pair("RSA", 2048, NULL, other_private, other_public, sizeof(other_public));
	CHECK_INT(check_token(make_token(JWT_ALG_RS256, other_private, NULL, claims), &rs, &why),
		  -EACCES);
	make_pair("EC", 0, "P-256", other_private, other_public, sizeof(other_public));
	CHECK_INT(check_token(make_token(JWT_ALG_ES256, other_private, NULL, claims), &es, &why),
		  -EACCES);
}

static void test_shapes(void)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		"...",
		"a.b",
		"a.b.c.d",
		"e30.e30.",
		".e30.AAAA",
		"eyJhbGciOiJIUzI1NiJ9..AAAA",
		"eyJhbGciOiJIUzI1NiJ9.e30.AA=A",
		"eyJhbGciOiJIUzI1NiJ9.e30.AA+A",
		"eyJhbGciOiJIUzI1NiJ9.e30.AA/A",
		" eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
		"eyJhbGciOiJIUzI1NiJ9.e30.AAAA\n",
		"WyJhbGciXQ.e30.AAAA" /* ["alg"] */,
		"e30.e30.AAAA" /* {} */,
		"eyJhbGciOjF9.e30.AAAA" /* {"alg":1} */,
		/* {"alg":"HS256","crit":["exp"]} */
		"eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiZXhwIl19.e30.AAAA",
		/* {"alg":"HS256","alg":"HS256"} */
		"eyJhbGciOiJIUzI1NiIsImFsZyI6IkhTMjU2In0.e30.AAAA",
		/* {"alg":"HS256","kid":7} */
		"eyJhbGciOiJIUzI1NiIsImtpZCI6N30.e30.AAAA",
	};
	struct jws j;

	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++) {
		const char *why = NULL;

		CHECK_INT(jws_parse(stoa_str(bad[i]), &j, &why), -EACCES);
		CHECK(why != NULL);
	}
}

static void test_limits(void)
{
	char long_token[JWS_LEN_MAX + 2], claims[4000] = "{\"a\":";
	const char *why = NULL;
	struct jws j;
	json_t *o;

	memset(long_token, 'A', sizeof(long_token));
	CHECK_INT(jws_parse(stoa_strn(long_token, sizeof(long_token)), &j, &why), -EACCES);
	CHECK_STR(why, "longer than 8192 bytes");

	/* deeper than is read */
	for (int i = 0; i < JWS_DEPTH_MAX; i++)
		strcat(claims, "[");
	for (int i = 0; i < JWS_DEPTH_MAX; i++)
		strcat(claims, "]");
	strcat(claims, "}");
	CHECK_INT(jws_parse(stoa_str(make_token(JWT_ALG_HS256, SECRET, NULL, claims)), &j, &why),
		  0);
	CHECK_INT(jws_claims(&j, &o, &why), -EACCES);
	/* brackets in text are not depth */
	strcpy(claims, "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[\\\"{{{{{{{{{{{{\"}");
	CHECK_INT(jws_parse(stoa_str(make_token(JWT_ALG_HS256, SECRET, NULL, claims)), &j, &why),
		  0);
	CHECK_INT(jws_claims(&j, &o, &why), 0);
	json_decref(o);
}

static int check_times(const char *claims, int64_t now, const char **ret_why)
{
	struct jws_times t;
	json_t *o = json_loads(claims, 0, NULL);
	int err = jws_times_check(o, now, &t, ret_why);

	json_decref(o);
	return err;
}

static void test_times(void)
{
	static const struct {
		const char *claims, *why; /* at 1000000 seconds */
	} cases[] = {
		{ "{\"exp\":1000001}", NULL },
		{ "{\"exp\":999941}", NULL }, /* within the leeway */
		{ "{\"exp\":999940}", "expired" },
		{ "{\"exp\":999940.9}", "expired" },
		{ "{\"exp\":1}", "expired" },
		{ "{}", "without exp" },
		{ "{\"exp\":0}", "without exp" },
		{ "{\"exp\":-1}", "exp, nbf or iat is not a time" },
		{ "{\"exp\":\"2000000\"}", "exp, nbf or iat is not a time" },
		{ "{\"exp\":1e300}", "exp, nbf or iat is not a time" },
		{ "{\"exp\":9223372036854775807}", "exp, nbf or iat is not a time" },
		{ "{\"exp\":null}", "exp, nbf or iat is not a time" },
		{ "{\"exp\":2000000,\"nbf\":1000060}", NULL },
		{ "{\"exp\":2000000,\"nbf\":1000061}", "not yet valid" },
		{ "{\"exp\":2000000,\"nbf\":[]}", "exp, nbf or iat is not a time" },
		{ "{\"exp\":2000000,\"iat\":1000060}", NULL },
		{ "{\"exp\":2000000,\"iat\":1000061}", "issued in the future" },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(cases); i++) {
		const char *why = NULL;

		CHECK_INT(check_times(cases[i].claims, 1000000, &why), cases[i].why ? -EACCES : 0);
		if (cases[i].why)
			CHECK_STR(why, cases[i].why);
	}
}

static void test_signing(void)
{
	json_t *claims = json_pack("{s:s, s:i}", "sub", "b\xc3\xb6rn", "exp", 2000000000), *back;
	struct stoa_buf out = { 0 };
	const char *why = NULL;
	struct jws j;

	CHECK_INT(jws_sign(claims, &hs, &out), 0);
	CHECK_INT(jws_parse(stoa_strn(out.p, out.n), &j, &why), 0);
	CHECK_STR(j.kid, "main");
	CHECK_INT(jws_verify(&j, &hs, &why), 0);
	CHECK_INT(jws_claims(&j, &back, &why), 0);
	CHECK(json_equal(claims, back));
	CHECK_INT(jws_sign(claims, &rs, &out), -EINVAL);
	json_decref(back);
	json_decref(claims);
	stoa_buf_free(&out);
}

static void test_public_keys(void)
{
	char private_pem[8192], public_pem[8192];
	const char *why = NULL;
	struct key k;

	CHECK_INT(key_init_public(&k, "x", KEY_RS256, stoa_str("no key"), &why), -EINVAL);
	CHECK_STR(why, "not a public key in PEM form (-----BEGIN PUBLIC KEY-----)");
	CHECK_INT(key_init_public(&k, "x", KEY_RS256, stoa_str(rsa_private), &why), -EINVAL);
	CHECK_INT(key_init_public(&k, "x", KEY_ES256, stoa_str(rsa_public), &why), -EINVAL);
	CHECK_INT(key_init_public(&k, "x", KEY_RS256, stoa_str(ec_public), &why), -EINVAL);
	CHECK_STR(why, "not an RSA key, which RS256 needs");
	CHECK_INT(key_init_public(&k, "x", KEY_HS256, stoa_str(rsa_public), &why), -EINVAL);
	make_pair("RSA", 1024, NULL, private_pem, public_pem, sizeof(public_pem));
	CHECK_INT(key_init_public(&k, "x", KEY_RS256, stoa_str(public_pem), &why), -EINVAL);
	make_pair("EC", 0, "P-384", private_pem, public_pem, sizeof(public_pem));
	CHECK_INT(key_init_public(&k, "x", KEY_ES256, stoa_str(public_pem), &why), -EINVAL);
	CHECK_INT(key_init_secret(&k, "x", stoa_str("")), -EINVAL);
}

int main(void)
{
	const char *why;

	make_pair("RSA", 2048, NULL, rsa_private, rsa_public, sizeof(rsa_public));
	make_pair("EC", 0, "P-256", ec_private, ec_public, sizeof(ec_public));
	CHECK_INT(key_init_secret(&hs, "main", stoa_str(SECRET)), 0);
	CHECK_INT(key_init_public(&rs, "rsa", KEY_RS256, stoa_str(rsa_public), &why), 0);
	CHECK_INT(key_init_public(&es, "ec", KEY_ES256, stoa_str(ec_public), &why), 0);
	test_good_tokens();
	test_public_key_is_no_secret();
	test_algorithm_is_the_keys();
	test_alg_none();
	test_every_changed_byte_counts();
	test_wrong_key();
	test_shapes();
	test_limits();
	test_times();
	test_signing();
	test_public_keys();
	key_clear(&hs);
	key_clear(&rs);
	key_clear(&es);
	return check_done();
}
