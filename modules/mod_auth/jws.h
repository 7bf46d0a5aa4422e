/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Web Tokens (RFC 7519) in JWS compact form: taking apart, checking, making. Pure functions;
 * the claims are parsed only after the signature proved good, except where `iss` picks the key. */
#ifndef MOD_AUTH_JWS_H
#define MOD_AUTH_JWS_H

#include <jansson.h>
#include <stoa/util.h>
#include "key.h"

#define JWS_LEN_MAX    8192 /* bytes of a whole token                          */
#define JWS_HEADER_MAX 1024 /* bytes of its first part, as sent                */
#define JWS_DEPTH_MAX  16   /* brackets inside each other; roomConfig needs 6  */
#define JWS_KID_MAX    255
#define JWS_LEEWAY_S   60
#define JWS_TIME_MAX   INT64_C(253402300799) /* the last second of the year 9999 */

struct jws { /* borrowed from the token; holds no memory */
	enum key_alg alg;
	char kid[JWS_KID_MAX + 1]; /* "" when absent */
	struct stoa_str signed_part;
	struct stoa_str payload; /* still base64url */
	uint8_t sig[KEY_SIG_MAX];
	size_t sig_len;
};

struct jws_times { /* seconds since 1970; 0 when absent */
	int64_t exp, nbf, iat;
};

/** Takes a token apart: length, alphabet, header. -EACCES with a reason. */
int jws_parse(struct stoa_str token, struct jws *ret_jws, const char **ret_why);

/** Is the token's algorithm the key's, and the signature the key's? -EACCES with a reason. */
int jws_verify(const struct jws *j, const struct key *k, const char **ret_why);

/** The claims, an object; the caller's reference. -EACCES with a reason. */
int jws_claims(const struct jws *j, json_t **ret_claims, const char **ret_why);

/** `exp` must be there and ahead, `nbf` and `iat` not ahead (leeway 60 s each). -EACCES. */
int jws_times_check(const json_t *claims, int64_t now_s, struct jws_times *ret_times,
		    const char **ret_why);

/** Signs `claims` (an object, borrowed) with an HS256 key and appends the token to `out`.
 *  -EINVAL for another kind of key, -ENOMEM. */
int jws_sign(const json_t *claims, const struct key *k, struct stoa_buf *out);

/** A claim that is text; "" when absent or of another type. */
const char *jws_text(const json_t *claims, const char *name);

#endif
