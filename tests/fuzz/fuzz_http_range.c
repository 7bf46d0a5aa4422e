/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges: a part always lies inside of the body. The first byte chooses its size. */
#include <stdlib.h>

#include "range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint64_t sizes[] = { 0, 1, 10, 1000, UINT64_C(1) << 40 };
	uint64_t size, at = 0, len = 0;

	if (n == 0)
		return 0;
	size = sizes[data[0] % STOA_ARRAY_SIZE(sizes)];
	if (range_parse(stoa_strn(data + 1, n - 1), size, &at, &len) == RANGE_PART &&
	    (len == 0 || at >= size || len > size - at))
		abort();
	return 0;
}
