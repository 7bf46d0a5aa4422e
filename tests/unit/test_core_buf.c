/* SPDX-License-Identifier: Apache-2.0 */
#include <stoa/util.h>

#include "check.h"

int main(void)
{
	struct stoa_buf b = { 0 };
	struct stoa_bytes *x, *y;
	char big[3000];

	stoa_buf_addf(&b, "%s-%d", "a", 7);
	CHECK_STR(b.p, "a-7");
	CHECK_INT(b.n, 3);
	memset(big, 'x', sizeof(big));
	for (int i = 0; i < 100; i++)
		stoa_buf_add(&b, big, sizeof(big));
	CHECK_INT(b.n, 3 + 300000);
	CHECK_INT(b.p[b.n], 0);
	CHECK(!b.failed);
	stoa_buf_clear(&b);
	CHECK_INT(b.n, 0);
	CHECK(b.cap >= 300000);
	stoa_buf_adds(&b, "");
	stoa_buf_add(&b, NULL, 0);
	CHECK_INT(b.n, 0);
	stoa_buf_add(&b, big, SIZE_MAX / 2); /* nobody has that much: fails before it touches */
	CHECK(b.failed);
	stoa_buf_adds(&b, "more");
	CHECK_INT(b.n, 0); /* stays failed */
	stoa_buf_clear(&b);
	CHECK(!b.failed);
	stoa_buf_free(&b);
	CHECK(b.p == NULL && b.n == 0 && b.cap == 0);

	x = stoa_bytes_new("hello", 5);
	y = stoa_bytes_ref(x);
	CHECK(y == x);
	stoa_bytes_unref(x);
	CHECK(y->n == 5 && memcmp(y->p, "hello", 5) == 0);
	stoa_bytes_unref(y);
	x = stoa_bytes_new(NULL, 0);
	CHECK(x && x->n == 0);
	stoa_bytes_unref(x);
	stoa_bytes_unref(NULL);
	CHECK(stoa_bytes_new("", SIZE_MAX) == NULL);
	return check_done();
}
