/* SPDX-License-Identifier: Apache-2.0 */
/* Growable bytes. Always NUL-terminated behind the end, so that `p` can be printed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <stoa/util.h>

/* Room for `n` more bytes and a NUL; NULL after the first failure, for good. */
static char *make_room(struct stoa_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	char *p;

	if (b->failed || n >= SIZE_MAX / 2 - b->n - 1)
		goto fail;
	while (cap < b->n + n + 1)
		cap *= 2;
	if (cap != b->cap) {
		p = realloc(b->p, cap);
		if (!p)
			goto fail;
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->n;
fail:
	b->failed = true;
	return NULL;
}

void stoa_buf_add(struct stoa_buf *b, const void *p, size_t n)
{
	char *to = make_room(b, n);

	if (!to)
		return;
	if (n)
		memcpy(to, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void stoa_buf_adds(struct stoa_buf *b, const char *s)
{
	stoa_buf_add(b, s, strlen(s));
}

void stoa_buf_addf(struct stoa_buf *b, const char *fmt, ...)
{
	va_list ap;
	char *to;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	to = make_room(b, (size_t)n);
	if (!to)
		return;
	va_start(ap, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void stoa_buf_clear(struct stoa_buf *b)
{
	b->n = 0;
	b->failed = false;
	if (b->p)
		b->p[0] = '\0';
}

void stoa_buf_free(struct stoa_buf *b)
{
	free(b->p);
	memset(b, 0, sizeof(*b));
}
