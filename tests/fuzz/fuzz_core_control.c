/* SPDX-License-Identifier: Apache-2.0 */
/* A request line of the control socket, from JSON to a command's arguments. */
#include <stdlib.h>

#include "control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char usage[] = "ROOM [REASON] [--user ID] [--force] [--tag T]…";
	const char *words[CONTROL_WORDS_MAX];
	json_t *root, *args = NULL;
	struct stoa_buf why = { 0 };
	size_t count = 0;

	root = control_parse_line((const char *)data, n, words, &count);
	if (!root)
		return 0;
	if (usage_parse(usage, words, count, &args, &why) == 0) {
		if (!json_object_get(args, "room"))
			abort(); /* a word that must be there */
		json_decref(args);
	}
	stoa_buf_free(&why);
	json_decref(root);
	return 0;
}
