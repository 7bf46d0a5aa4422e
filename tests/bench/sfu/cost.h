/* SPDX-License-Identifier: Apache-2.0 */
/* What a process has cost so far: CPU time of its threads by the scheduler's clock (user and
 * kernel, nanoseconds) and, where the machine lets us count, instructions in user mode. */
#ifndef BENCH_COST_H
#define BENCH_COST_H

#include <stdint.h>
#include <sys/types.h>

#define COST_THREADS 64

struct cost {
	uint64_t cpu_ns;
	uint64_t instructions; /* 0: not counted */
};

struct cost_meter {
	pid_t pid;
	int n;
	int fds[COST_THREADS]; /* one counter per thread; -1: none */
};

/** Starts counting the threads that `pid` has now. */
void cost_meter_open(struct cost_meter *m, pid_t pid);
void cost_meter_close(struct cost_meter *m);
struct cost cost_read(const struct cost_meter *m);

#endif
