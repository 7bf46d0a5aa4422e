/* SPDX-License-Identifier: Apache-2.0 */
/* A change from the inside: change.c makes it, change_commit.c stores and applies it. */
#ifndef SIGNALING_CHANGE_H
#define SIGNALING_CHANGE_H

#include "signaling.h"

struct part_values {
	enum part_status status;
	int64_t joined_ms, left_ms, present_ms;
	uint32_t seconds;
	bool is_sharing;
};

struct part_change {
	struct participant *p;
	struct part_values v; /* the ones not in force */
};

struct note { /* an event to be */
	const char *event;
	struct participant *p; /* NULL: of the whole call */
	char *reason;
};

struct change {
	struct stoa_list link; /* signaling.changes */
	struct signaling *sg;
	struct call *call;
	struct stoa_tx *tx;
	struct part_change *parts;
	uint32_t n_parts;
	struct note *notes;
	uint32_t n_notes;
	/* the call's values not in force */
	enum call_status status;
	int64_t started_ms, ended_ms;
	char *end_reason;
	bool is_future; /* the memory shows what will be */
	int err;
	int64_t now_ms;
	change_done_fn *fn;
	void *user;
};

/** Exchanges the values in force and those kept in the change: there, and back. */
void change_swap(struct change *ch);

#endif
