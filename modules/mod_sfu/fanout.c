/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves in one turn of the loop. The engine speaks packet by packet; here the packets wait,
 * as a header and a reference, in a list per peer, and are encrypted peer by peer at the end of the
 * turn: each cipher's state is loaded once, and a peer's packets lie side by side in the slab, so
 * that the kernel takes a run of equal ones as a single train. */
#include "peer_io.h"

struct pending {
	struct pending *next;
	struct packet *packet; /* a reference; NULL: no payload */
	uint64_t index;
	uint16_t payload_off, payload_len;
	uint16_t clear_len, head_len;
	uint8_t pad;
	bool is_rtcp; /* all of it is in `head` */
	uint8_t head[];
};

#define PENDING_MAX 1400 /* a head, or an RTCP compound */

static struct pending *queue(struct peer_io *t, const uint8_t *head, size_t n)
{
	struct worker *w = t->worker;
	size_t size = (sizeof(struct pending) + n + 7) & ~(size_t)7;
	struct pending *p;

	if (!t->out || t->is_lost || !t->remote.family || n > PENDING_MAX) {
		w->counters.send_unready++;
		return NULL;
	}
	if (w->pending_used + size > WORKER_PENDING)
		peer_io_flush_all(w);
	p = (struct pending *)(void *)(w->pending + w->pending_used);
	w->pending_used += (uint32_t)size;
	p->next = NULL;
	p->packet = NULL;
	memcpy(p->head, head, n);
	*t->last = p;
	t->last = &p->next;
	if (stoa_list_empty(&t->in_dirty))
		stoa_list_append(&w->dirty, &t->in_dirty);
	return p;
}

void peer_io_send_rtp(struct peer_io *t, const struct send_rtp *s)
{
	size_t n = (size_t)s->head_len + s->prefix_len;
	struct pending *p = queue(t, s->head, n);

	if (!p)
		return;
	p->packet = s->packet ? packet_ref(s->packet) : NULL;
	p->index = s->index;
	p->payload_off = s->payload_off;
	p->payload_len = s->payload_len;
	p->clear_len = s->head_len;
	p->head_len = (uint16_t)n;
	p->pad = s->pad_len;
	p->is_rtcp = false;
}

void peer_io_send_rtcp(struct peer_io *t, const uint8_t *bytes, size_t n)
{
	struct pending *p = queue(t, bytes, n);

	if (!p)
		return;
	p->head_len = (uint16_t)n;
	p->is_rtcp = true;
}

static int seal(struct srtp *out, const struct pending *p, uint8_t *room, size_t *ret_len)
{
	struct srtp_plain plain = {
		.head = p->head,
		.clear_len = p->clear_len,
		.head_len = p->head_len,
		.index = p->index,
		.payload = p->packet ? p->packet->data + p->payload_off : NULL,
		.payload_len = p->packet ? p->payload_len : 0,
		.pad = p->pad,
	};

	return srtp_protect(out, &plain, room, OUTBOX_PACKET_MAX, ret_len);
}

static void send_one(struct peer_io *t, struct outbox *o, const struct pending *p)
{
	uint8_t *room = outbox_begin(o);
	size_t n;
	int err;

	if (!room)
		return; /* the outbox counts */
	err = p->is_rtcp
		      ? srtp_protect_rtcp(t->out, p->head, p->head_len, room, OUTBOX_PACKET_MAX, &n)
		      : seal(t->out, p, room, &n);
	if (err)
		t->worker->counters.send_failed++;
	else
		outbox_commit(o, &t->remote, n);
}

static void flush(struct peer_io *t)
{
	struct outbox *o = worker_socket_of(t->worker, &t->remote)->outbox;
	struct pending *next;

	for (struct pending *p = t->first; p; p = next) {
		next = p->next;
		send_one(t, o, p);
		packet_unref(p->packet);
	}
	t->first = NULL;
	t->last = &t->first;
}

void peer_io_flush_all(struct worker *w)
{
	while (!stoa_list_empty(&w->dirty)) {
		struct peer_io *t = STOA_CONTAINER(w->dirty.next, struct peer_io, in_dirty);

		stoa_list_unlink(&t->in_dirty);
		flush(t);
	}
	w->pending_used = 0;
}
