/* SPDX-License-Identifier: Apache-2.0 */
/* Who am I: the class and the loop of the calling thread, and the assertion that public functions
 * open with in debug builds. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop.h"

#define TLS_FAST __attribute__((tls_model("initial-exec"))) /* libstoa is never dlopened */

TLS_FAST _Thread_local struct stoa_loop *loop_self;
TLS_FAST _Thread_local uint32_t thread_class;

struct stoa_loop *stoa_loop_self(void)
{
	return loop_self;
}

static const char *class_name(uint32_t cls)
{
	static const struct {
		uint32_t cls;
		const char *name;
	} names[] = {
		{ STOA_THREAD_CTL, "ctl" }, { STOA_THREAD_NET, "net" }, { STOA_THREAD_IO, "io" },
		{ STOA_THREAD_MED, "med" }, { STOA_THREAD_BLK, "blk" },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(names); i++) {
		if (cls & names[i].cls)
			return names[i].name;
	}
	return "foreign";
}

void stoa_thread_check(uint32_t classes, const char *func)
{
	if (thread_class & classes)
		return;
	fprintf(stderr, "%s() called on a thread of class %s%s%s; it may run on %s%s\n", func,
		class_name(thread_class), loop_self ? " named " : "",
		loop_self ? loop_self->name : "", class_name(classes),
		classes & (classes - 1) ? " and others" : "");
	abort();
}

static const struct {
	enum stoa_thread_class cls;
	const char *key;
	unsigned cpus_per_thread; /* when the option is 0 */
} counts[] = {
	{ STOA_THREAD_NET, "net-threads", 1 },
	{ STOA_THREAD_IO, "io-threads", 2 },
	{ STOA_THREAD_MED, "med-threads", 1 },
	{ STOA_THREAD_BLK, "blk-threads", 1 },
};
static _Atomic unsigned configured[STOA_ARRAY_SIZE(counts)];

void thread_set_counts(const struct stoa_conf *core)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(counts); i++)
		atomic_store(&configured[i], (unsigned)stoa_conf_int(core, counts[i].key));
}

unsigned stoa_thread_count(enum stoa_thread_class cls)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(counts); i++) {
		unsigned n = atomic_load(&configured[i]), cpus;

		if (counts[i].cls != cls)
			continue;
		cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
		return n ? n : (cpus + counts[i].cpus_per_thread - 1) / counts[i].cpus_per_thread;
	}
	return 1;
}
