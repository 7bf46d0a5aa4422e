/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the cost of a process, see cost.h. */
#include "cost.h"

#include <dirent.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_counter(pid_t tid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static DIR *open_tasks(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return opendir(path);
}

void cost_meter_open(struct cost_meter *m, pid_t pid)
{
	DIR *d = open_tasks(pid);
	struct dirent *e;

	m->pid = pid;
	m->n = 0;
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && m->n < COST_THREADS)
			m->fds[m->n++] = open_counter((pid_t)atoi(e->d_name));
	if (d)
		closedir(d);
}

void cost_meter_close(struct cost_meter *m)
{
	for (int i = 0; i < m->n; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->n = 0;
}

static uint64_t read_cpu_ns(pid_t pid, const char *tid)
{
	char path[320];
	unsigned long long ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, tid);
	if (!(f = fopen(path, "r")))
		return 0;
	if (fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	fclose(f);
	return ns;
}

struct cost cost_read(const struct cost_meter *m)
{
	struct cost c = { 0 };
	DIR *d = open_tasks(m->pid);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			c.cpu_ns += read_cpu_ns(m->pid, e->d_name);
	if (d)
		closedir(d);
	for (int i = 0; i < m->n; i++) {
		uint64_t n;

		if (m->fds[i] >= 0 && read(m->fds[i], &n, sizeof(n)) == sizeof(n))
			c.instructions += n;
	}
	return c;
}
