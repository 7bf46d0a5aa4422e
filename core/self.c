/* SPDX-License-Identifier: Apache-2.0 */
/* What the core counts of itself, shown as stoa_core_…. */
#include <stoa/status.h>
#include <stoa/util.h>

#include "host.h"
#include "self.h"

struct self_metrics self_metrics;

static double uptime_s(void *user)
{
	(void)user;
	return (double)(stoa_now_ms() - host.started_ms) / 1000.0;
}

static double is_ready(void *user)
{
	(void)user;
	return stoa_status_ready(NULL, NULL);
}

static double count_in_state(void *user)
{
	const enum mod_state *state = user;

	return (double)host_count(*state);
}

void self_declare(void)
{
	static enum mod_state running = MOD_RUNNING, out = MOD_OUT;

	self_metrics = (struct self_metrics){
		.events = stoa_metric_counter(NULL, "events_total", NULL, "Events emitted."),
		.events_dropped = stoa_metric_counter(NULL, "events_dropped_total", NULL,
						      "Events dropped because too many waited."),
		.hook_denials = stoa_metric_counter(NULL, "hook_denials_total", NULL,
						    "Hook chains that ended in a denial."),
		.hook_errors = stoa_metric_counter(NULL, "hook_errors_total", NULL,
						   "Hooks that could not tell."),
		.slow_callbacks =
			stoa_metric_counter(NULL, "slow_callbacks_total", NULL,
					    "Callbacks that held the control thread over 50 ms."),
	};
	stoa_metric_callback(NULL, "uptime_seconds", NULL, "Time since the start.", uptime_s, NULL);
	stoa_metric_callback(NULL, "ready", NULL, "1 when new work is taken, as /readyz.", is_ready,
			     NULL);
	stoa_metric_callback(NULL, "modules", "state=\"running\"", "Modules by state.",
			     count_in_state, &running);
	stoa_metric_callback(NULL, "modules", "state=\"left-out\"", "Modules by state.",
			     count_in_state, &out);
}
