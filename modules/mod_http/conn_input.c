/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection has read and not yet consumed: it is offered to whoever the connection's state
 * says, as long as that one takes more. Beyond RX_AHEAD the socket is not read. */
#include <string.h>

#include "conn.h"

#define RX_KEEP 8192u /* memory kept by an idle connection */

static void compact(struct conn *c)
{
	if (c->waiter || c->rx_at == 0)
		return; /* the parked head points into rx */
	if (c->rx_at == c->rx.n) {
		if (c->rx.cap > RX_KEEP)
			stoa_buf_free(&c->rx);
		else
			stoa_buf_clear(&c->rx);
	} else {
		memmove(c->rx.p, c->rx.p + c->rx_at, c->rx.n - c->rx_at);
		c->rx.n -= c->rx_at;
	}
	c->rx_at = 0;
}

void conn_take_input(struct conn *c)
{
	bool more = true;

	c->in_input = true;
	while (more && !c->dead) {
		switch (c->state) {
		case CONN_HEAD:
			more = conn_take_head(c);
			break;
		case CONN_BODY:
			more = conn_take_body(c);
			break;
		case CONN_DISCARD:
			more = conn_take_discard(c);
			break;
		case CONN_WS:
			ws_input(c);
			more = false;
			break;
		case CONN_LINGER:
			c->rx_at = c->rx.n;
			more = false;
			break;
		case CONN_WAIT:
		case CONN_H2:
			more = false;
			break;
		}
	}
	c->in_input = false;
	compact(c);
	if (c->state != CONN_WS)
		conn_pause(c, c->rx.n - c->rx_at + c->ahead.n > RX_AHEAD &&
				      (c->state != CONN_HEAD || c->held_back));
}

void conn_plain(struct conn *c, const void *p, size_t n)
{
	struct stoa_buf *b = c->waiter ? &c->ahead : &c->rx;

	stoa_metric_add(c->e->h->metrics.bytes_in, (int64_t)n);
	if (c->state == CONN_LINGER || c->close_after)
		return;
	if (c->state == CONN_H2) {
		h2_receive(c, p, n);
		return;
	}
	stoa_buf_add(b, p, n);
	if (b->failed)
		conn_kill(c);
	else
		conn_take_input(c);
}

void conn_secured(struct conn *c, bool is_h2)
{
	if (is_h2 && h2_begin(c) < 0)
		conn_kill(c);
}
