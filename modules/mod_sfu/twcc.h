/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_TWCC_H
#define SFU_TWCC_H

#include <stoa/cursor.h>

/*
 * Transport-wide congestion control, receiving side: when did which packet of a transport arrive
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1). Publishers do not raise their
 * bitrate without this feedback. One recorder per publishing peer.
 */

#define TWCC_WINDOW 512 /* packets remembered between two feedbacks; a power of two */

struct twcc {
	bool started;
	uint8_t feedback_count;
	uint32_t next;                 /* extended: first sequence number not yet reported */
	uint32_t high;                 /* extended: highest seen                           */
	uint32_t arrived[TWCC_WINDOW]; /* 250 µs ticks + 1 (never 0) by sequence; 0: not arrived */
	uint32_t n_new;                /* arrivals since the last feedback */
};

/** A packet with this transport-wide sequence number arrived. */
void twcc_record(struct twcc *t, uint16_t seq, uint64_t now_us);

/** Appends one feedback packet about what is new, at most `room` octets of it (what does not fit
 *  is left for the next call). Returns 1 if something was written, else 0. */
int twcc_write(struct twcc *t, struct stoa_wcursor *c, uint32_t sender, uint32_t media);

#endif
