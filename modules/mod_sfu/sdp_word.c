/* SPDX-License-Identifier: Apache-2.0 */
/* The words that lines of a description are made of. */
#include "sdp_word.h"
#include "sdp.h"
#include <strings.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

struct stoa_str word_take(struct stoa_str *s, char sep)
{
	struct stoa_str word = *s;
	size_t i = 0;

	while (i < s->n && !(sep == ' ' ? is_space(s->p[i]) : s->p[i] == sep))
		i++;
	word.n = i;
	if (i < s->n)
		i++;
	while (sep == ' ' && i < s->n && is_space(s->p[i]))
		i++;
	if (i) {
		s->p += i;
		s->n -= i;
	}
	return word;
}

struct stoa_str word_trim(struct stoa_str s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && (is_space(s.p[s.n - 1]) || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

bool sdp_number(struct stoa_str s, uint64_t max, uint64_t *ret_n)
{
	uint64_t n = 0;

	if (s.n == 0 || s.n > 19)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	if (n > max)
		return false;
	*ret_n = n;
	return true;
}

bool word_is(struct stoa_str s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

bool sdp_fmtp_get(struct stoa_str fmtp, const char *key, struct stoa_str *ret_value)
{
	while (fmtp.n) {
		struct stoa_str value = word_trim(word_take(&fmtp, ';'));
		struct stoa_str name = word_take(&value, '=');

		if (word_is(word_trim(name), key)) {
			*ret_value = word_trim(value);
			return true;
		}
	}
	return false;
}
