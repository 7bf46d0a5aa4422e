/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves: every packet the engine sends is encrypted straight into the slab of its socket. The
 * engine speaks subscriber by subscriber, so a peer's packets lie side by side there and leave as
 * trains. */
#include "peer_io.h"

static struct outbox *ready_outbox(struct peer_io *t)
{
	if (!t->out || t->is_lost || !t->remote.family) {
		t->worker->counters.send_unready++;
		return NULL;
	}
	return worker_socket_of(t->worker, &t->remote)->outbox;
}

void peer_io_send_rtp(struct peer_io *t, const struct send_rtp *s)
{
	struct outbox *o = ready_outbox(t);
	uint8_t *room = o ? outbox_begin(o) : NULL;
	struct srtp_plain plain = {
		.head = s->head,
		.clear_len = s->head_len,
		.head_len = (uint16_t)(s->head_len + s->prefix_len),
		.index = s->index,
		.payload = s->packet ? s->packet->data + s->payload_off : NULL,
		.payload_len = s->packet ? s->payload_len : 0,
		.pad = s->pad_len,
	};
	size_t n;

	if (!room)
		return; /* counted */
	if (srtp_protect(t->out, &plain, room, OUTBOX_PACKET_MAX, &n))
		t->worker->counters.send_failed++;
	else
		outbox_commit(o, &t->remote, n);
}

void peer_io_send_rtcp(struct peer_io *t, const uint8_t *bytes, size_t n)
{
	struct outbox *o = ready_outbox(t);
	uint8_t *room = o ? outbox_begin(o) : NULL;
	size_t len;

	if (!room)
		return;
	if (srtp_protect_rtcp(t->out, bytes, n, room, OUTBOX_PACKET_MAX, &len))
		t->worker->counters.send_failed++;
	else
		outbox_commit(o, &t->remote, len);
}
