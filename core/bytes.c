/* SPDX-License-Identifier: Apache-2.0 */
/* Immutable bytes with a count that threads share. One allocation: the count, the public part, and
 * the bytes behind it. */
#include <stdatomic.h>
#include <stdlib.h>

#include <stoa/list.h>
#include <stoa/util.h>

struct counted_bytes {
	atomic_uint refs;
	struct stoa_bytes pub;
	uint8_t data[];
};

struct stoa_bytes *stoa_bytes_new(const void *p, size_t n)
{
	struct counted_bytes *c;

	if (n > SIZE_MAX / 2 || !(c = malloc(sizeof(*c) + n + 1)))
		return NULL;
	atomic_init(&c->refs, 1);
	if (n)
		memcpy(c->data, p, n);
	c->data[n] = 0; /* not counted: lets text be printed */
	c->pub.p = c->data;
	c->pub.n = n;
	return &c->pub;
}

struct stoa_bytes *stoa_bytes_ref(struct stoa_bytes *b)
{
	struct counted_bytes *c = STOA_CONTAINER(b, struct counted_bytes, pub);

	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return b;
}

void stoa_bytes_unref(struct stoa_bytes *b)
{
	struct counted_bytes *c;

	if (!b)
		return;
	c = STOA_CONTAINER(b, struct counted_bytes, pub);
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
		free(c);
}
