/* SPDX-License-Identifier: Apache-2.0 */
/* The send side of one UDP socket: packets are written into a slab and leave together by
 * sendmmsg(). Consecutive packets of equal size to one address become one message that the kernel
 * cuts up (UDP_SEGMENT); the last of such a train may be shorter. Used by the worker's thread only.
 *
 * When the socket would block, the slab waits and another takes over; when all wait, packets are
 * dropped and counted. */
#ifndef SFU_OUTBOX_H
#define SFU_OUTBOX_H

#include "address.h"

#define OUTBOX_PACKET_MAX 1600 /* room that outbox_begin() gives */

struct outbox;

struct outbox_stats {
	uint64_t packets, bytes; /* handed to the kernel                          */
	uint64_t messages;       /* trains and single packets among them          */
	uint64_t calls;          /* sendmmsg() calls                              */
	uint64_t dropped;        /* queue full, or the kernel refused the packet  */
	uint64_t blocked;        /* times the socket would have blocked           */
};

/** `fd` stays the caller's. -ENOMEM. */
int outbox_new(int fd, struct outbox **ret_outbox);
void outbox_free(struct outbox *o);

/** Room for the next packet, NULL when everything is full (counted). May send what is there. */
uint8_t *outbox_begin(struct outbox *o);
/** The packet in that room is `n` bytes long and goes to `to` (copied). */
void outbox_commit(struct outbox *o, const struct address *to, size_t n);

/** Sends all. True when the socket blocks: call again when it is writable. */
bool outbox_flush(struct outbox *o);
const struct outbox_stats *outbox_stats(const struct outbox *o);

#endif
