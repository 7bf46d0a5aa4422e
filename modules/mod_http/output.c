/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection has to write. Small things are gathered into one buffer, shared bodies stay
 * where they are, files are read as they leave; the socket gets one TLS record or one large write at
 * a time. What libwebsockets could not write it keeps and writes first. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "edge.h"
#include "tls.h"

#define GATHER_MAX  8192u          /* bodies up to this are copied behind their head */
#define TURN_MAX    (512u * 1024u) /* then others have their turn */
#define GATHER_KEEP (16u * 1024u)  /* memory kept by an idle connection */

bool out_is_empty(const struct conn *c)
{
	return !c->out_first && c->gather_at == c->gather.n;
}

static struct out *node_new(struct conn *c, size_t n_copied)
{
	struct out *o = malloc(sizeof(*o) + n_copied);

	if (!o) {
		conn_kill(c);
		return NULL;
	}
	o->next = NULL;
	o->bytes = NULL;
	o->file = -1;
	o->is_counted = false;
	o->at = 0;
	if (c->out_last)
		c->out_last->next = o;
	else
		c->out_first = o;
	c->out_last = o;
	return o;
}

static void node_free(struct out *o)
{
	if (o->bytes)
		stoa_bytes_unref(o->bytes);
	if (o->file >= 0)
		close(o->file);
	free(o);
}

void out_copy(struct conn *c, const void *p, size_t n, bool is_counted)
{
	struct out *o;

	if (n == 0)
		return;
	conn_touch(c);
	if (!c->out_first && !is_counted) {
		stoa_buf_add(&c->gather, p, n);
		if (c->gather.failed)
			conn_kill(c);
		return;
	}
	o = node_new(c, n);
	if (!o)
		return;
	memcpy(o->copied, p, n);
	o->n = n;
	o->is_counted = is_counted;
}

void out_bytes(struct conn *c, struct stoa_bytes *b_take, uint64_t at, uint64_t n, bool is_counted)
{
	struct out *o;

	if (n <= GATHER_MAX && !is_counted) {
		out_copy(c, b_take->p + at, (size_t)n, false);
		stoa_bytes_unref(b_take);
		return;
	}
	conn_touch(c);
	o = node_new(c, 0);
	if (!o) {
		stoa_bytes_unref(b_take);
		return;
	}
	o->bytes = b_take;
	o->at = at;
	o->n = n;
	o->is_counted = is_counted;
}

void out_file(struct conn *c, int fd_take, uint64_t at, uint64_t n)
{
	struct out *o;

	conn_touch(c);
	o = node_new(c, 0);
	if (!o) {
		close(fd_take);
		return;
	}
	o->file = fd_take;
	o->at = at;
	o->n = n;
}

void out_clear(struct conn *c)
{
	for (struct out *o = c->out_first, *next; o; o = next) {
		next = o->next;
		node_free(o);
	}
	c->out_first = c->out_last = NULL;
	stoa_buf_free(&c->gather);
	c->gather_at = 0;
}

static const uint8_t *node_data(const struct out *o)
{
	return (o->bytes ? o->bytes->p : o->copied) + o->at;
}

/* `n` bytes of the first node are done with. */
static void node_advance(struct conn *c, size_t n)
{
	struct out *o = c->out_first;

	o->at += n;
	o->n -= n;
	if (o->is_counted && c->ws)
		ws_sent(c->ws, n);
	else if (o->is_counted && c->req)
		request_sent(c->req, n);
	if (o->n)
		return;
	c->out_first = o->next;
	if (!o->next)
		c->out_last = NULL;
	node_free(o);
}

/* Fills the scratch buffer with the next bytes; -EIO when a file became shorter. */
static int gather(struct conn *c)
{
	uint8_t *buf = c->e->scratch;
	size_t n = c->gather.n - c->gather_at;

	if (n > SCRATCH_SIZE)
		n = SCRATCH_SIZE;
	if (n)
		memcpy(buf, c->gather.p + c->gather_at, n);
	c->gather_at += n;
	if (c->gather_at == c->gather.n) {
		if (c->gather.cap > GATHER_KEEP)
			stoa_buf_free(&c->gather);
		else
			stoa_buf_clear(&c->gather);
		c->gather_at = 0;
	}
	while (n < SCRATCH_SIZE && c->out_first && c->gather_at == c->gather.n) {
		struct out *o = c->out_first;
		size_t take = SCRATCH_SIZE - n < o->n ? SCRATCH_SIZE - n : (size_t)o->n;

		if (o->file >= 0) {
			ssize_t got = pread(o->file, buf + n, take, (off_t)o->at);

			if (got <= 0)
				return -EIO;
			take = (size_t)got;
		} else {
			memcpy(buf + n, node_data(o), take);
		}
		n += take;
		node_advance(c, take);
	}
	return (int)n;
}

/* The next bytes as they lie, or gathered in the scratch buffer; at most `max`. */
static bool write_next(struct conn *c, size_t max, size_t *ret_n)
{
	struct out *o = c->out_first;
	const uint8_t *p = c->e->scratch;
	bool is_direct = o && o->file < 0 && o->n >= SCRATCH_SIZE && c->gather_at == c->gather.n;
	bool ok;
	int n;

	if (is_direct) {
		p = node_data(o);
		n = (int)(o->n < max ? o->n : max);
	} else {
		n = gather(c);
	}
	*ret_n = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		return false;
	stoa_metric_add(c->e->h->metrics.bytes_out, n);
	ok = c->ssl ? tls_write(c, p, (size_t)n)
		    : lws_write(c->wsi, (unsigned char *)(uintptr_t)p, (size_t)n, LWS_WRITE_RAW) >=
			      0;
	if (is_direct)
		node_advance(c, (size_t)n);
	return ok;
}

/* Several TLS records leave in one write. */
static bool write_some(struct conn *c, size_t *ret_n)
{
	size_t n;

	if (!c->ssl)
		return write_next(c, PLAIN_WRITE, ret_n);
	*ret_n = 0;
	do {
		if (!write_next(c, SCRATCH_SIZE, &n))
			return false;
		*ret_n += n;
	} while (!out_is_empty(c) && tls_pending(c) < PLAIN_WRITE - SCRATCH_SIZE - 512);
	return tls_flush(c);
}

bool out_write(struct conn *c)
{
	size_t written = 0, n;

	while (!out_is_empty(c)) {
		if (lws_partial_buffered(c->wsi))
			break;
		if (written >= TURN_MAX) {
			lws_callback_on_writable(c->wsi);
			break;
		}
		if (!write_some(c, &n))
			return false;
		written += n;
	}
	if (out_is_empty(c) && !lws_partial_buffered(c->wsi))
		c->write_deadline_ms = UINT64_MAX;
	else if (written || c->write_deadline_ms == UINT64_MAX)
		c->write_deadline_ms = c->e->now_ms + c->e->settings->idle_ms;
	return true;
}
