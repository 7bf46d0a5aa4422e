/* SPDX-License-Identifier: Apache-2.0 */
/* turn.c: credentials as coturn computes them. */
#include "turn.h"
#include "check.h"

int main(void)
{
	const char *turn_urls[] = { "turn:turn.example.org:3478", "turns:turn.example.org:5349",
				    NULL };
	const char *stun_urls[] = { "stun:stun.example.org", NULL };
	char secret[] = "s3cret";
	struct turn_server servers[] = {
		{ .urls = turn_urls, .secret = secret, .secret_len = 6 },
		{ .urls = stun_urls },
	};
	struct keyset set = { .turn = servers, .n_turn = 2, .turn_ttl_ms = 3600000 };
	const struct stoa_ice_server *s = NULL;
	int64_t expires_ms = 0;
	uint32_t n = 0;

	CHECK_INT(turn_servers(&set, "bob", INT64_C(1795398000500), &s, &n, &expires_ms), 0);
	CHECK_INT(n, 2);
	CHECK_INT(expires_ms, INT64_C(1795401600000));
	CHECK_STR(s[0].urls[0], "turn:turn.example.org:3478");
	CHECK_STR(s[0].urls[1], "turns:turn.example.org:5349");
	CHECK(s[0].urls[2] == NULL);
	CHECK_STR(s[0].username, "1795401600:bob");
	/* printf %s 1795401600:bob | openssl dgst -sha1 -hmac s3cret -binary | base64 */
	CHECK_STR(s[0].credential, "TvCJP953/Pn6SiZDSGXdrxXXHY4=");
	CHECK_STR(s[1].urls[0], "stun:stun.example.org");
	CHECK_STR(s[1].username, "");
	CHECK_STR(s[1].credential, "");
	turn_servers_free(s, n);

	set.n_turn = 0;
	CHECK_INT(turn_servers(&set, "bob", 0, &s, &n, &expires_ms), 0);
	CHECK_INT(n, 0);
	turn_servers_free(s, n);
	turn_servers_free(NULL, 0);
	return check_done();
}
