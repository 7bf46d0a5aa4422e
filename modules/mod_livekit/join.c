/* SPDX-License-Identifier: Apache-2.0 */
/* From the query parameter to a JoinRequest. Called on the edge thread before the socket exists, so
 * everything here is bounded: the text, what it inflates to, and what the message costs. */
#include "join.h"

#include <errno.h>
#include <stdlib.h>
#include <stoa/util.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* zlib: largest window, gzip wrapper only */

struct blob {
	uint8_t *p;
	size_t n;
};

static void blob_free(struct blob *b)
{
	free(b->p);
}

#define auto_blob __attribute__((cleanup(blob_free))) struct blob

static int decode_text(struct stoa_str text, struct blob *ret_blob)
{
	int n;

	if (text.n > JOIN_TEXT_MAX)
		return -E2BIG;
	ret_blob->p = malloc(text.n + 1);
	if (!ret_blob->p)
		return -ENOMEM;
	n = stoa_base64_decode(text, ret_blob->p, text.n + 1);
	if (n < 0)
		return -EBADMSG;
	ret_blob->n = (size_t)n;
	return 0;
}

/* Inflates into a buffer that doubles up to the limit: a small bomb costs at most the limit. */
static int inflate_blob(const void *p, size_t n, struct blob *ret_blob)
{
	z_stream z = { .next_in = (void *)(uintptr_t)p, .avail_in = (uInt)n };
	size_t cap = 32u * 1024;
	uint8_t *grown;
	int state, err = 0;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return -ENOMEM;
	do {
		if (ret_blob->n == cap && (cap *= 2) > JOIN_INNER_MAX)
			err = -E2BIG;
		grown = err ? NULL : realloc(ret_blob->p, cap);
		if (!grown) {
			err = err ? err : -ENOMEM;
			break;
		}
		ret_blob->p = grown;
		z.next_out = grown + ret_blob->n;
		z.avail_out = (uInt)(cap - ret_blob->n);
		state = inflate(&z, Z_NO_FLUSH);
		ret_blob->n = cap - z.avail_out;
	} while (state == Z_OK && z.avail_out == 0);
	inflateEnd(&z);
	return err ? err : state == Z_STREAM_END ? 0 : -EBADMSG;
}

int join_parse_bytes(const void *p, size_t n, struct join **ret_join)
{
	stoa_auto(join_free) struct join *j = calloc(1, sizeof(*j));
	ProtobufCMessage *m;
	int err;

	if (!j || !(j->arena = wire_arena_new(WIRE_ARENA_MAX)))
		return -ENOMEM;
	err = wire_parse(j->arena, &lk__join_request__descriptor, p, n, &m);
	if (err)
		return err;
	j->msg = (Lk__JoinRequest *)m;
	*ret_join = stoa_take(j);
	return 0;
}

static int unwrap(const Lk__WrappedJoinRequest *w, struct join **ret_join)
{
	auto_blob inner = { NULL, 0 };
	int err;

	switch ((unsigned)w->compression) {
	case LK__WRAPPED_JOIN_REQUEST__COMPRESSION__NONE:
		return join_parse_bytes(w->join_request.data, w->join_request.len, ret_join);
	case LK__WRAPPED_JOIN_REQUEST__COMPRESSION__GZIP:
		err = inflate_blob(w->join_request.data, w->join_request.len, &inner);
		return err ? err : join_parse_bytes(inner.p, inner.n, ret_join);
	default:
		return -EBADMSG;
	}
}

int join_parse(struct stoa_str text, struct join **ret_join)
{
	stoa_auto(wire_arena_free) struct wire_arena *arena = wire_arena_new(WIRE_ARENA_MAX);
	auto_blob raw = { NULL, 0 };
	ProtobufCMessage *m;
	int err = arena ? decode_text(text, &raw) : -ENOMEM;

	if (!err)
		err = wire_parse(arena, &lk__wrapped_join_request__descriptor, raw.p, raw.n, &m);
	return err ? err : unwrap((const Lk__WrappedJoinRequest *)m, ret_join);
}

void join_free(struct join *j)
{
	if (!j)
		return;
	wire_arena_free(j->arena);
	free(j);
}
