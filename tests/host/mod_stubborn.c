/* SPDX-License-Identifier: Apache-2.0 */
/* A module for tests of drain: it is never done, unless told to by `stoactl be done`. */
#include <stoa/control.h>
#include <stoa/module.h>

static void on_done(struct stoa_control *rq, void *user)
{
	stoa_mod_drained(user);
	stoa_control_reply(rq, json_object());
}

static int stubborn_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	(void)c;
	return stoa_control_add(m, "be done", "", "Ends the drain.", on_done, m);
}

static void stubborn_drain(struct stoa_mod *m, uint64_t deadline_ms)
{
	stoa_log(m, STOA_LOG_INFO, "asked to drain within %llu ms",
		 (unsigned long long)deadline_ms);
}

static const struct stoa_mod_ops stubborn_ops = {
	.size = sizeof(stubborn_ops),
	.start = stubborn_start,
	.drain = stubborn_drain,
};

STOA_MODULE(mod_stubborn, .version = "1.0.0", .summary = "Does not end by itself.",
	    .ops = &stubborn_ops);
