/* SPDX-License-Identifier: Apache-2.0 */
/* The file of members: what is read is written again so that it reads the same. */
#include <stdlib.h>

#include "members.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct members *t = NULL, *again = NULL;
	struct stoa_buf out = { 0 }, twice = { 0 };
	int line;

	if (members_read(stoa_strn(data, n), &t, &line) != 0)
		return 0;
	members_write(t, &out);
	if (members_read(stoa_strn(out.p, out.n), &again, &line) != 0)
		abort();
	members_write(again, &twice);
	if (out.n != twice.n || memcmp(out.p, twice.p, out.n) != 0)
		abort();
	stoa_buf_free(&out);
	stoa_buf_free(&twice);
	members_free(again);
	members_free(t);
	return 0;
}
