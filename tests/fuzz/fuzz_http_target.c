/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: the decoded path never climbs, holds no control character, and decodes to itself. */
#include <stdlib.h>

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *buf = malloc(n + 2), *value = malloc(n + 1);
	struct stoa_str v;
	struct target t;

	if (target_parse(stoa_strn(data, n), buf, &t) == 0 && t.path.p[0] == '/') {
		for (size_t i = 0; i < t.path.n; i++)
			if ((unsigned char)t.path.p[i] < 0x20)
				abort();
		for (unsigned i = 0; i < t.n_segments; i++)
			if (stoa_str_is(t.segments[i], "..") || stoa_str_is(t.segments[i], "."))
				abort();
		target_query(t.query, "a", value, &v);
	}
	free(buf);
	free(value);
	return 0;
}
