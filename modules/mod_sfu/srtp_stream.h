/* SPDX-License-Identifier: Apache-2.0 */
/* What SRTP remembers of each SSRC that comes in: the highest packet index (ROC and sequence
 * number) and which packets were seen. A bounded table, found by a small hash. */
#ifndef SFU_SRTP_STREAM_H
#define SFU_SRTP_STREAM_H

#include <stoa/base.h>

#define REPLAY_RTP  1024 /* packets a window remembers; powers of two */
#define REPLAY_RTCP 128

struct srtp_window { /* bit i % size of a word array; indexes above `top` are new */
	uint64_t rtp[REPLAY_RTP / 64];
	uint64_t rtcp[REPLAY_RTCP / 64];
};

struct srtp_stream {
	uint64_t top; /* highest RTP packet index */
	uint32_t ssrc;
	uint32_t rtcp_top;
	uint32_t used; /* the table's clock at the last use */
	bool has_rtp, has_rtcp;
};

struct srtp_table {
	struct srtp_stream *streams;
	struct srtp_window *windows; /* parallel to `streams` */
	uint16_t *slots;             /* 2 * cap places: 1 + position in `streams`, or 0 */
	uint32_t n, cap, limit, clock;
	uint32_t last; /* position found last: packets come in runs */
};

void table_init(struct srtp_table *t, uint32_t limit);
void table_reset(struct srtp_table *t);

/** The stream of an SSRC; NULL when there is none. */
struct srtp_stream *table_find(struct srtp_table *t, uint32_t ssrc);

/** Adds an SSRC that is not there; a full table forgets the stream silent for longest. -ENOMEM. */
int table_add(struct srtp_table *t, uint32_t ssrc, struct srtp_stream **ret_stream);

/** Bytes of heap held. */
size_t table_footprint(const struct srtp_table *t);

/** The most likely 48-bit index of a sequence number after `st` (RFC 3711 section 3.3.1); `st` may
 *  be NULL: the first packet. -EINVAL: before the very first. */
int stream_guess(const struct srtp_stream *st, uint16_t seq, uint64_t *ret_index);

/** Was the packet seen, or is it too old to tell? `words` is one bitmap of `size` bits. */
bool window_has(const uint64_t *words, uint32_t size, uint64_t top, uint64_t index);
/** Marks a packet that window_has() did not know; yields the new top. */
uint64_t window_mark(uint64_t *words, uint32_t size, uint64_t top, uint64_t index);

/** The window of a stream. */
static inline struct srtp_window *table_window(struct srtp_table *t, const struct srtp_stream *st)
{
	return &t->windows[st - t->streams];
}

#endif
