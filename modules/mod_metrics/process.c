/* SPDX-License-Identifier: Apache-2.0 */
/* The process as the kernel sees it, under the names that Prometheus' own libraries use, so that
 * ready-made dashboards work. Read from /proc when asked for; nothing is kept. */
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "module.h"

static void add(struct stoa_buf *out, const char *name, const char *type, const char *help,
		double value)
{
	stoa_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name,
		      value);
}

/* Pages mapped and resident. */
static bool read_pages(unsigned long *ret_virtual, unsigned long *ret_resident)
{
	FILE *f = fopen("/proc/self/statm", "re");
	bool is_ok = f && fscanf(f, "%lu %lu", ret_virtual, ret_resident) == 2;

	if (f)
		fclose(f);
	return is_ok;
}

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = -3; /* ".", ".." and the directory itself */

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static double cpu_seconds(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) < 0)
		return 0;
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void process_add(struct stoa_buf *out)
{
	unsigned long virtual_pages, resident_pages;
	double page = (double)sysconf(_SC_PAGESIZE);
	struct rlimit limit;
	int fds = count_fds();

	add(out, "process_cpu_seconds_total", "counter", "User and system time spent.",
	    cpu_seconds());
	if (read_pages(&virtual_pages, &resident_pages)) {
		add(out, "process_virtual_memory_bytes", "gauge", "Memory mapped.",
		    (double)virtual_pages * page);
		add(out, "process_resident_memory_bytes", "gauge", "Memory resident.",
		    (double)resident_pages * page);
	}
	if (fds >= 0)
		add(out, "process_open_fds", "gauge", "Open file descriptors.", fds);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		add(out, "process_max_fds", "gauge", "Most file descriptors allowed.",
		    (double)limit.rlim_cur);
}
