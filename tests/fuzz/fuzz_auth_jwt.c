/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens from anybody: parsing, claims, users and grants, without a signature in the way. Input is
 * a token, or "{header}\n{claims}" in plain JSON, which is wrapped into one: mutations then reach
 * the claims instead of the base64 around them. */
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

static void add_part(struct stoa_buf *b, const uint8_t *p, size_t n)
{
	char *text = malloc(4 * ((n + 2) / 3) + 1);

	stoa_buf_add(b, text, stoa_base64url_encode(p, n, text));
	free(text);
}

static void wrap(struct stoa_buf *b, const uint8_t *data, size_t n)
{
	const uint8_t *nl = memchr(data, '\n', n);
	size_t head = nl ? (size_t)(nl - data) : n;

	add_part(b, data, head);
	stoa_buf_adds(b, ".");
	if (nl)
		add_part(b, nl + 1, n - head - 1);
	stoa_buf_adds(b, ".AAAA");
}

static void run(struct stoa_str token)
{
	struct jws_times t = { 0 };
	const char *why;
	json_t *claims;
	struct jws j;

	if (jws_parse(token, &j, &why) != 0)
		return;
	if (token.n > JWS_LEN_MAX || j.alg == KEY_NONE)
		abort();
	if (jws_claims(&j, &claims, &why) != 0)
		return;
	jws_times_check(claims, 1000000, &t, &why);
	read_claims(claims, &t);
	json_decref(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stoa_buf token = { 0 };

	if (!n || data[0] != '{') {
		run(stoa_strn(data, n));
		return 0;
	}
	wrap(&token, data, n);
	run(stoa_strn(token.p, token.n));
	stoa_buf_free(&token);
	return 0;
}
