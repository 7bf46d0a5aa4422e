/* SPDX-License-Identifier: Apache-2.0 */
/* The file of revocations: what is read is written again as the same bytes. */
#include <stdlib.h>

#include "revoke.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct revoked *t = NULL, *again = NULL;
	struct stoa_buf out = { 0 };
	int line;

	if (revoked_read(stoa_strn(data, n), &t, &line) != 0)
		return 0;
	revoked_write(t, &out);
	if (revoked_read(stoa_strn(out.p, out.n), &again, &line) != 0 ||
	    revoked_count(again) != revoked_count(t))
		abort();
	stoa_buf_free(&out);
	revoked_free(again);
	revoked_free(t);
	return 0;
}
