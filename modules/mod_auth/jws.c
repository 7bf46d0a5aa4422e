/* SPDX-License-Identifier: Apache-2.0 */
/* JWS compact tokens. Checking is ours from the first byte to the last: libjwt 1.10.2 trusts the
 * token's own choice of algorithm (an HS256 token keyed with the RSA public key passes), takes a
 * NULL key for "do not verify" and never looks at exp. It only makes tokens here. */
#include "jws.h"

#include <errno.h>
#include <jwt.h>
#include <stdlib.h>
#include <stoa/cursor.h>
#include <stoa/iface/auth.h>

#define fail(why)                                                                                  \
	do {                                                                                       \
		*ret_why = (why);                                                                  \
		return -EACCES;                                                                    \
	} while (0)

static bool is_base64url(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* Takes one part; passes its dot. The last part has none. */
static bool take_part(struct stoa_cursor *c, bool is_last, struct stoa_str *ret_part)
{
	const uint8_t *start = c->p;
	size_t n = 0;

	while (n < stoa_cur_left(c) && is_base64url(start[n]))
		n++;
	*ret_part = stoa_strn(start, n);
	stoa_cur_skip(c, n);
	if (is_last)
		return stoa_cur_ok(c) && stoa_cur_left(c) == 0;
	return stoa_cur_u8(c) == '.' && stoa_cur_ok(c) && n > 0;
}

/* jansson parses by recursion up to 2048 deep: measure first, outside of strings. */
static bool is_too_deep(const char *text, size_t n)
{
	struct stoa_cursor c = stoa_cur(text, n);
	bool in_string = false;
	int depth = 0;

	while (stoa_cur_left(&c)) {
		uint8_t b = stoa_cur_u8(&c);

		if (in_string && b == '\\')
			stoa_cur_u8(&c);
		else if (b == '"')
			in_string = !in_string;
		else if (!in_string && (b == '{' || b == '['))
			depth++;
		else if (!in_string && (b == '}' || b == ']'))
			depth--;
		if (depth > JWS_DEPTH_MAX)
			return true;
	}
	return false;
}

/* One base64url part that holds a JSON object; NULL for anything else. */
static json_t *decode_object(struct stoa_str part)
{
	char text[JWS_LEN_MAX];
	int n = stoa_base64_decode(part, text, sizeof(text));
	json_t *o;

	if (n <= 0 || is_too_deep(text, (size_t)n))
		return NULL;
	o = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	if (o && !json_is_object(o)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static int read_header(const json_t *header, struct jws *j, const char **ret_why)
{
	const json_t *kid = json_object_get(header, "kid");

	j->alg = key_alg_parse(jws_text(header, "alg"));
	if (j->alg == KEY_NONE)
		fail("its algorithm is not HS256, RS256 or ES256");
	if (json_object_get(header, "crit"))
		fail("its header has critical extensions"); /* RFC 7515 section 4.1.11 */
	if (!kid)
		return 0;
	if (!json_is_string(kid) || json_string_length(kid) > JWS_KID_MAX)
		fail("its key id is not text of at most 255 bytes");
	memcpy(j->kid, json_string_value(kid), json_string_length(kid));
	return 0;
}

int jws_parse(struct stoa_str token, struct jws *ret_jws, const char **ret_why)
{
	struct stoa_cursor c = stoa_cur(token.p, token.n);
	struct stoa_str header, sig;
	struct jws j = { 0 };
	json_t *h;
	int err, n;

	if (token.n > JWS_LEN_MAX)
		fail("longer than 8192 bytes");
	if (!take_part(&c, false, &header) || !take_part(&c, false, &j.payload))
		fail("not three parts of base64url");
	j.signed_part = stoa_strn(token.p, (size_t)((const char *)c.p - token.p) - 1);
	if (!take_part(&c, true, &sig))
		fail("not three parts of base64url");
	if (!sig.n)
		fail("without a signature");
	n = stoa_base64_decode(sig, j.sig, sizeof(j.sig));
	if (n <= 0)
		fail("its signature is not base64url or too long");
	j.sig_len = (size_t)n;
	if (header.n > JWS_HEADER_MAX || !(h = decode_object(header)))
		fail("its header is not a small JSON object");
	err = read_header(h, &j, ret_why);
	json_decref(h);
	if (!err)
		*ret_jws = j;
	return err;
}

int jws_verify(const struct jws *j, const struct key *k, const char **ret_why)
{
	if (k->alg == KEY_NONE || j->alg != k->alg)
		fail("its algorithm is not the key's");
	if (!key_verify(k, j->signed_part, j->sig, j->sig_len))
		fail("its signature is wrong");
	return 0;
}

int jws_claims(const struct jws *j, json_t **ret_claims, const char **ret_why)
{
	json_t *o = decode_object(j->payload);

	if (!o)
		fail("its claims are not a JSON object");
	*ret_claims = o;
	return 0;
}

/* A NumericDate: integer or fraction, 0 when absent; -1 for anything else. */
static int64_t read_time(const json_t *claims, const char *name)
{
	const json_t *v = json_object_get(claims, name);
	double d;

	if (!v)
		return 0;
	if (json_is_integer(v))
		return json_integer_value(v) >= 0 && json_integer_value(v) <= JWS_TIME_MAX
			       ? json_integer_value(v)
			       : -1;
	d = json_is_real(v) ? json_real_value(v) : -1;
	return d >= 0 && d <= (double)JWS_TIME_MAX ? (int64_t)d : -1;
}

int jws_times_check(const json_t *claims, int64_t now_s, struct jws_times *ret_times,
		    const char **ret_why)
{
	struct jws_times t = {
		.exp = read_time(claims, "exp"),
		.nbf = read_time(claims, "nbf"),
		.iat = read_time(claims, "iat"),
	};

	if (t.exp < 0 || t.nbf < 0 || t.iat < 0)
		fail("exp, nbf or iat is not a time");
	if (!t.exp)
		fail("without exp");
	if (now_s >= t.exp + JWS_LEEWAY_S)
		fail(STOA_AUTH_EXPIRED);
	if (now_s + JWS_LEEWAY_S < t.nbf)
		fail("not yet valid");
	if (now_s + JWS_LEEWAY_S < t.iat)
		fail("issued in the future");
	*ret_times = t;
	return 0;
}

const char *jws_text(const json_t *claims, const char *name)
{
	const char *s = json_string_value(json_object_get(claims, name));

	return s ? s : "";
}

int jws_sign(const json_t *claims, const struct key *k, struct stoa_buf *out)
{
	char *text = NULL, *token = NULL;
	jwt_t *t = NULL;
	int err = -ENOMEM;

	if (k->alg != KEY_HS256 || !k->secret_len)
		return -EINVAL;
	text = json_dumps(claims, JSON_COMPACT);
	if (!text || jwt_new(&t) != 0)
		goto out;
	if (jwt_add_grants_json(t, text) != 0 || jwt_add_header(t, "kid", k->name) != 0 ||
	    jwt_set_alg(t, JWT_ALG_HS256, k->secret, (int)k->secret_len) != 0)
		goto out;
	token = jwt_encode_str(t);
	if (!token)
		goto out;
	stoa_buf_adds(out, token);
	err = out->failed ? -ENOMEM : 0;
out:
	free(token);
	jwt_free(t);
	free(text);
	return err;
}
