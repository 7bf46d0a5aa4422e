/* SPDX-License-Identifier: Apache-2.0 */
/* The receive side: a batch of datagrams per system call. With UDP_GRO the kernel hands over a run
 * of equal datagrams from one sender as a single message; the walk below takes it apart again. Used
 * by the worker's thread only, one inbox for all its sockets. */
#ifndef SFU_INBOX_H
#define SFU_INBOX_H

#include "address.h"

#define INBOX_MESSAGES 32 /* per call */

struct inbox;

struct datagram_in {
	uint8_t *p; /* may be changed in place until the next inbox_receive() */
	size_t n;
	struct address from;
	uint32_t age_us; /* since the kernel got it; 0 when it does not say */
	bool is_cut;     /* longer than any datagram that is wanted */
};

/** -ENOMEM. Buffers are mapped, not touched. */
int inbox_new(struct inbox **ret_inbox);
void inbox_free(struct inbox *in);

/** Lets the kernel join datagrams on this socket and say when they came, if it can. */
void inbox_prepare_socket(int fd);

/** Receives what waits, at most a batch. Yields the number of messages; 0: nothing waits.
 *  True in `ret_more`: the batch was full. */
int inbox_receive(struct inbox *in, int fd, uint8_t socket, bool *ret_more);
/** The datagrams of the last batch one after the other; false at the end. */
bool inbox_next(struct inbox *in, struct datagram_in *ret_d);

#endif
