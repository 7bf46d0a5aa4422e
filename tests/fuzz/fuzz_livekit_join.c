/* SPDX-License-Identifier: Apache-2.0 */
/* The join_request parameter of the upgrade request, before anybody is let in. The first byte says
 * whether the rest is the parameter's text or the bytes inside it. */
#include "join.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	stoa_auto(join_free) struct join *j = NULL;

	if (n && data[0] == '#')
		(void)join_parse_bytes(data + 1, n - 1, &j);
	else
		(void)join_parse(stoa_strn(data, n), &j);
	return 0;
}
