/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean …?": edit distance with transpositions (optimal string alignment), and a limit so
 * that only typing errors are suggested. Called for unknown keys, choices and module names. */
#include "conf_node.h"

#define NEAR_LEN_MAX 64

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static size_t edit_distance(const char *a, size_t an, const char *b, size_t bn)
{
	size_t row[3][NEAR_LEN_MAX + 1];
	size_t *before = row[0], *last = row[1], *now = row[2];

	for (size_t j = 0; j <= bn; j++)
		last[j] = j;
	for (size_t i = 1; i <= an; i++) {
		size_t *t = before;

		now[0] = i;
		for (size_t j = 1; j <= bn; j++) {
			size_t swap = a[i - 1] != b[j - 1];

			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + swap);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		before = last;
		last = now;
		now = t;
	}
	return last[bn];
}

const char *conf_near(const char *word, const char *const *names, size_t n)
{
	size_t len = strlen(word), best = len < 4   ? 2
					  : len < 8 ? 3
						    : 4; /* first distance refused */
	const char *found = NULL;

	if (len == 0 || len > NEAR_LEN_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t name_len = strlen(names[i]), d;

		if (name_len > NEAR_LEN_MAX)
			continue;
		d = edit_distance(word, len, names[i], name_len);
		if (d < best) {
			best = d;
			found = names[i];
		}
	}
	return found;
}
