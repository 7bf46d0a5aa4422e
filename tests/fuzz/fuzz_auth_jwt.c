/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens from anybody: parsing, claims, users and grants, without a signature in the way. */
#include <stdlib.h>

#include "auth.h"
#include "grant.h"
#include "jws.h"
#include "user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_claims(json_t *claims, const struct jws_times *t)
{
	const struct stoa_media_grant *g = NULL;
	const struct stoa_user *u = NULL;
	const char *why;

	if (user_new(claims, t, &u, &why) == 0) {
		if (!id_is_valid(u->id))
			abort();
		user_role(u, "general");
		user_unref(u);
	}
	if (grant_new(claims, t, &g, &why) == 0) {
		json_t *again = grant_claims(g, "key", 1, 2);

		if (strlen(g->identity) > 255)
			abort();
		json_decref(again);
		grant_free(g);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stoa_str token = stoa_strn(data, n);
	struct jws_times t = { 0 };
	const char *why;
	json_t *claims;
	struct jws j;

	if (jws_parse(token, &j, &why) != 0)
		return 0;
	if (n > JWS_LEN_MAX || j.alg == KEY_NONE)
		abort();
	if (jws_claims(&j, &claims, &why) != 0)
		return 0;
	jws_times_check(claims, 1000000, &t, &why);
	read_claims(claims, &t);
	json_decref(claims);
	return 0;
}
