/* SPDX-License-Identifier: Apache-2.0 */
/* The small readers of text: times, base64, UTF-8, UUIDs, addresses, usage lines. What one of them
 * takes must survive a round trip. */
#include <stdlib.h>

#include <stoa/util.h>

#include "address.h"
#include "control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_time(struct stoa_str s)
{
	char text[STOA_TIME_LEN];
	int64_t ms, again;

	if (stoa_time_parse(s, &ms) < 0 || ms < 0 || ms > INT64_C(253402300799999))
		return;
	stoa_time_format(ms, text);
	if (stoa_time_parse(stoa_str(text), &again) < 0 || again != ms)
		abort();
}

static void check_base64(struct stoa_str s)
{
	uint8_t bytes[4096], again[4096];
	char text[8192];
	int n = stoa_base64_decode(s, bytes, sizeof(bytes));

	if (n < 0)
		return;
	stoa_base64url_encode(bytes, (size_t)n, text);
	if (stoa_base64_decode(stoa_str(text), again, sizeof(again)) != n ||
	    memcmp(bytes, again, (size_t)n) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stoa_str s = stoa_strn(data, n);
	struct address a;
	char text[256];

	check_time(s);
	check_base64(s);
	if (stoa_utf8_valid(s) && stoa_utf8_len(s) > n)
		abort();
	(void)stoa_uuid_valid(s);
	if (address_parse(s, &a) == 0 && a.len == 0)
		abort();
	if (n < sizeof(text)) {
		memcpy(text, data, n);
		text[n] = '\0';
		(void)usage_parse(text, NULL, 0, NULL, NULL);
	}
	return 0;
}
