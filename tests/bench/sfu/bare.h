/* SPDX-License-Identifier: Apache-2.0 */
/* The limit to measure against: a loop that does nothing but encrypt the same packets with OpenSSL
 * and send them, with the batching that the media plane has (GSO trains, sendmmsg). */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stddef.h>
#include <stdint.h>

struct bare_case {
	const uint16_t *ports; /* subscriber i is 127.0.0.1:ports[i] */
	uint32_t subscribers;
	uint32_t burst;  /* packets to each subscriber, per byte read from `go` */
	size_t head_len; /* of the RTP header */
	size_t payload_len;
	int go; /* a byte starts a burst; the end of the file ends the loop */
};

/* Key, salt and SSRC are the same for all subscribers: the benchmark's receivers know them. */
extern const uint8_t bare_key[16], bare_salt[12];
#define BARE_SSRC 0x12345678u

/** The plain packet number `number` of a case: header and payload, as every receiver expects it. */
void bare_fill(uint8_t *pkt, size_t head_len, size_t payload_len, uint64_t number);

/** Runs until `go` ends. For a process of its own. */
int bare_run(const struct bare_case *c);

#endif
