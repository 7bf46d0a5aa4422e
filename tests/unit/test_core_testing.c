/* SPDX-License-Identifier: Apache-2.0 */
/* A module inside the test host: configuration, interfaces, hooks, events, timers, reload, control
 * commands, all through the public API as a module's own unit test would use it. */
#include <stoa/control.h>
#include <stoa/event.h>
#include <stoa/hook.h>
#include <stoa/iface.h>
#include <stoa/loop.h>
#include <stoa/metric.h>
#include <stoa/status.h>
#include <stoa/testing.h>

#include <errno.h>

#include "check.h"

struct stoa_hook_demo {
	STOA_HOOK_HEAD;
	int value;
};
STOA_HOOK_POINT(demo, "demo.point", STOA_DENY_WINS, STOA_ALLOW, STOA_DENY);

struct demo {
	int starts, reloads, events, fired;
	int worked;    /* the pool's until done_work is set */
	int done_work; /* ctl's                             */
	struct stoa_timer *timer;
	stoa_metric counter;
	char text[32];
};

static const struct stoa_opt demo_options[] = { { .key = "text",
						  .type = STOA_OPT_STRING,
						  .dflt = "hello",
						  .flags = STOA_OPT_RELOADABLE,
						  .doc = "A text." },
						STOA_OPT_END };

static int demo_reload(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct demo *d = stoa_mod_ctx(m);

	d->reloads++;
	snprintf(d->text, sizeof(d->text), "%s", stoa_conf_string(c, "text"));
	return 0;
}

static enum stoa_verdict on_hook(struct stoa_mod *m, struct stoa_hook_demo *ev)
{
	(void)m;
	return ev->value > 10 ? stoa_deny(&ev->denial, "too_big", "%d is too big", ev->value)
			      : STOA_PASS;
}

static void on_event(const struct stoa_event *ev, void *user)
{
	struct demo *d = user;

	d->events += (int)json_integer_value(json_object_get(ev->data, "n"));
}

static void on_timer(void *user)
{
	((struct demo *)user)->fired++;
}

static void work(void *user)
{
	((struct demo *)user)->worked = 10;
}

static void work_done(void *user)
{
	struct demo *d = user;

	d->done_work = d->worked + 1;
}

static void on_command(struct stoa_control *rq, void *user)
{
	struct demo *d = user;

	stoa_control_reply(
		rq, json_pack("{s:s, s:s}", "text", d->text, "name", stoa_control_arg(rq, "name")));
}

static int demo_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct demo *d = stoa_mod_ctx(m);
	struct stoa_iface other;

	d->starts++;
	snprintf(d->text, sizeof(d->text), "%s", stoa_conf_string(c, "text"));
	CHECK_INT(stoa_iface_bind(m, "other/0", &other), 0);
	CHECK_INT(*(const int *)other.self, 42);
	CHECK_INT(stoa_iface_bind(m, "absent/0", &other), -ENOENT);
	CHECK_INT(STOA_HOOK_ADD(m, demo, on_hook, NULL), 0);
	CHECK_INT(stoa_event_listen(m, "demo.*", on_event, d), 0);
	d->timer = stoa_timer_new(m, on_timer, d);
	stoa_timer_set(d->timer, 1);
	d->counter = stoa_metric_counter(m, "greetings_total", NULL, "Greetings sent.");
	stoa_metric_add(d->counter, 3);
	CHECK_INT(stoa_work(m, work, work_done, d), 0);
	return stoa_control_add(m, "demo greet", "--name NAME", "Greets.", on_command, d);
}

static void demo_stop(struct stoa_mod *m)
{
	stoa_timer_free(((struct demo *)stoa_mod_ctx(m))->timer);
}

static const struct stoa_mod_ops demo_ops = {
	.size = sizeof(demo_ops),
	.start = demo_start,
	.reload = demo_reload,
	.stop = demo_stop,
};

STOA_MODULE(mod_demo, .version = "1.0.0", .summary = "For this test.",
	    .needs = STOA_NAMES("other/0"), .wants = STOA_NAMES("absent/0"),
	    .ctx_size = sizeof(struct demo), .options = demo_options, .ops = &demo_ops);

static bool is_settled(void *user)
{
	struct demo *d = user;

	return d->fired == 1 && d->done_work == 11 && d->events == 7;
}

static void check_control(void)
{
	json_t *r = stoa_test_control("demo greet --name Alice", 1000);

	CHECK(json_is_true(json_object_get(r, "ok")));
	CHECK_STR(json_string_value(json_object_get(json_object_get(r, "data"), "name")), "Alice");
	json_decref(r);
	r = stoa_test_control("demo greet", 1000);
	CHECK(json_is_false(json_object_get(r, "ok")));
	CHECK_STR(json_string_value(json_object_get(r, "error")), "usage");
	json_decref(r);
}

int main(void)
{
	struct stoa_hook_demo ev = { .size = sizeof(ev), .value = 11 };
	static int forty_two = 42;
	struct stoa_mod *m;
	struct demo *d;

	stoa_test_begin();
	stoa_test_provide("other/0", &forty_two, &forty_two);
	m = stoa_test_add(&stoa_module);
	CHECK(m != NULL);
	d = stoa_mod_ctx(m);
	CHECK_INT(stoa_test_start("modules: { mod_demo: { load: yes, text: good day } }"), 0);
	CHECK_INT(d->starts, 1);
	CHECK_STR(d->text, "good day");
	CHECK(stoa_status_ready(NULL, NULL));

	CHECK_INT(stoa_event_emit(m, "demo.happened", json_pack("{s:i}", "n", 7)), 0);
	CHECK_INT(d->events, 0); /* later, not inside the call */
	CHECK(stoa_test_run_until(is_settled, d, 5000));

	CHECK_INT(STOA_HOOK_RUN(m, demo, &ev), STOA_DENY);
	CHECK_STR(ev.denial.code, "too_big");
	ev = (struct stoa_hook_demo){ .size = sizeof(ev), .value = 1 };
	CHECK_INT(STOA_HOOK_RUN(m, demo, &ev), STOA_ALLOW);

	CHECK_INT(stoa_metric_read(d->counter), 3);
	check_control();

	CHECK_INT(stoa_test_reload("modules: { mod_demo: { load: yes, text: [] } }"), -EINVAL);
	CHECK_INT(d->reloads, 0);
	CHECK_INT(stoa_test_reload("modules: { mod_demo: { load: yes, text: good night } }"), 0);
	CHECK_INT(d->reloads, 1);
	CHECK_STR(d->text, "good night");

	stoa_mod_set_ready(m, "database", "it is away");
	CHECK(!stoa_status_ready(NULL, NULL));
	stoa_mod_set_ready(m, "database", NULL);
	CHECK(stoa_status_ready(NULL, NULL));
	stoa_test_end();
	return check_done();
}
