/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stoa/util.h>

#include "check.h"

/* RFC 4648 section 10. */
static const struct {
	const char *plain, *padded, *url;
} vectors[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
};

static int decode(const char *text, void *out, size_t cap)
{
	return stoa_base64_decode(stoa_str(text), out, cap);
}

static void check_round_trip(void)
{
	uint8_t in[256], out[256];
	char text[400];
	int wrong = 0;

	for (size_t n = 0; n <= sizeof(in); n++) {
		for (size_t i = 0; i < n; i++)
			in[i] = (uint8_t)(i * 7 + n);
		stoa_base64url_encode(in, n, text);
		wrong += decode(text, out, sizeof(out)) != (int)n || memcmp(in, out, n) != 0;
		stoa_base64_encode(in, n, text);
		wrong += decode(text, out, sizeof(out)) != (int)n || memcmp(in, out, n) != 0;
	}
	CHECK_INT(wrong, 0);
}

int main(void)
{
	static const char *const bad[] = { "Z",        "Zg=",  "Zg===", "=",
					   "Zg==Zg==", "Zm9*", "Zm 9",  "Zh==" /* left-over bits */,
					   "Zm9=",     "Zm9v=" };
	uint8_t out[16];
	char text[32];

	for (size_t i = 0; i < STOA_ARRAY_SIZE(vectors); i++) {
		size_t n = strlen(vectors[i].plain);

		CHECK_INT(stoa_base64_encode(vectors[i].plain, n, text), strlen(vectors[i].padded));
		CHECK_STR(text, vectors[i].padded);
		CHECK_INT(stoa_base64url_encode(vectors[i].plain, n, text), strlen(vectors[i].url));
		CHECK_STR(text, vectors[i].url);
		CHECK_INT(decode(vectors[i].padded, out, sizeof(out)), n);
		CHECK_INT(decode(vectors[i].url, out, sizeof(out)), n);
		CHECK(memcmp(out, vectors[i].plain, n) == 0);
	}
	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++)
		CHECK_INT(decode(bad[i], out, sizeof(out)), -EINVAL);
	CHECK_INT(decode("Zm9vYmFy", out, 5), -ENOSPC);
	CHECK_INT(decode("Zm9vYmFy", out, 6), 6);
	CHECK_INT(decode("-_8=", out, sizeof(out)), 2);
	CHECK_INT(decode("+/8=", out, sizeof(out)), 2);
	CHECK_INT(out[0], 0xfb);
	check_round_trip();

	stoa_hex_encode("\x00\xff\x1a", 3, text);
	CHECK_STR(text, "00ff1a");
	CHECK(stoa_ct_equal(stoa_str("secret"), stoa_str("secret")));
	CHECK(!stoa_ct_equal(stoa_str("secret"), stoa_str("secreT")));
	CHECK(!stoa_ct_equal(stoa_str("secret"), stoa_str("secre")));
	CHECK(stoa_ct_equal(stoa_str(""), stoa_str(NULL)));
	return check_done();
}
