/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded arena and protobuf parsing in it. The generated code never checks that strings are UTF-8,
 * yet browsers refuse a whole message for one bad string: so what came in is checked here, once,
 * by walking the descriptors, and nobody can poison the updates of others. */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <stoa/util.h>

#define CHUNK_MIN 4096u

struct chunk {
	struct chunk *next;
	size_t used, cap;
	max_align_t bytes[];
};

struct wire_arena {
	struct chunk *chunks; /* the newest first; only that one has room */
	size_t left;          /* of the limit */
	bool failed;
};

struct wire_arena *wire_arena_new(size_t limit)
{
	struct wire_arena *a = calloc(1, sizeof(*a));

	if (a)
		a->left = limit;
	return a;
}

void wire_arena_free(struct wire_arena *a)
{
	struct chunk *c, *next;

	if (!a)
		return;
	for (c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

static struct chunk *add_chunk(struct wire_arena *a, size_t n)
{
	size_t cap = n > CHUNK_MIN ? n : CHUNK_MIN;
	struct chunk *c = calloc(1, sizeof(*c) + cap);

	if (!c)
		return NULL;
	c->cap = cap;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

void *wire_alloc(struct wire_arena *a, size_t n)
{
	struct chunk *c = a->chunks;
	void *p;

	if (n > a->left) {
		a->failed = true;
		return NULL;
	}
	n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!c || c->cap - c->used < n)
		c = add_chunk(a, n);
	if (!c) {
		a->failed = true;
		return NULL;
	}
	p = (char *)c->bytes + c->used;
	c->used += n;
	a->left -= n < a->left ? n : a->left;
	return p;
}

char *wire_dupn(struct wire_arena *a, const void *p, size_t n)
{
	char *s = wire_alloc(a, n + 1);

	if (s && n)
		memcpy(s, p, n);
	return s;
}

char *wire_dup(struct wire_arena *a, const char *s)
{
	return wire_dupn(a, s, s ? strlen(s) : 0);
}

bool wire_failed(const struct wire_arena *a)
{
	return a->failed;
}

static void *arena_alloc(void *a, size_t n)
{
	return wire_alloc(a, n);
}

static void arena_free(void *a, void *p) /* memory goes with the arena */
{
	(void)a;
	(void)p;
}

static bool is_message_clean(const ProtobufCMessage *m);

/* One value of a string or message field. */
static bool is_value_clean(const ProtobufCFieldDescriptor *f, const void *value)
{
	if (!value)
		return true;
	if (f->type == PROTOBUF_C_TYPE_STRING)
		return stoa_utf8_valid(stoa_str(value));
	return is_message_clean(value);
}

static bool is_field_clean(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	const char *base = (const char *)m;
	const void *const *values;
	size_t n;

	if (f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_MESSAGE)
		return true;
	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		n = *(const size_t *)(const void *)(base + f->quantifier_offset);
		values = *(const void *const *const *)(const void *)(base + f->offset);
		for (size_t i = 0; i < n; i++)
			if (!is_value_clean(f, values[i]))
				return false;
		return true;
	}
	if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
	    *(const uint32_t *)(const void *)(base + f->quantifier_offset) != f->id)
		return true; /* another member of the union is set */
	return is_value_clean(f, *(const void *const *)(const void *)(base + f->offset));
}

static bool is_message_clean(const ProtobufCMessage *m)
{
	for (unsigned i = 0; i < m->descriptor->n_fields; i++)
		if (!is_field_clean(m, &m->descriptor->fields[i]))
			return false;
	return true;
}

int wire_parse(struct wire_arena *a, const ProtobufCMessageDescriptor *d, const void *p, size_t n,
	       ProtobufCMessage **ret_msg)
{
	ProtobufCAllocator allocator = { arena_alloc, arena_free, a };
	ProtobufCMessage *m = protobuf_c_message_unpack(d, &allocator, n, p);

	if (!m)
		return a->failed ? -E2BIG : -EBADMSG;
	if (!is_message_clean(m))
		return -EBADMSG;
	*ret_msg = m;
	return 0;
}
