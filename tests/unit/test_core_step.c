/* SPDX-License-Identifier: Apache-2.0 */
/* The life of modules: order of calls, failing starts, rollback, leftovers. */
#include <errno.h>
#include <stoa/util.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "host.h"
#include "log.h"
#include "loop.h"
#include <stoa/event.h>
#include <stoa/iface.h>
#include <stoa/loop.h>
#include <stoa/status.h>
#include <stoa/testing.h>

static char calls[512], logged[4096];

struct behaviour {
	bool fails_load, fails_start, fails_check, leaves_things, is_busy;
};
static struct behaviour of_a, of_b;

static void keep_log(enum stoa_log_level level, const char *module, const char *text)
{
	size_t n = strlen(logged);

	snprintf(logged + n, sizeof(logged) - n, "%s %s: %s\n", log_level_name(level), module,
		 text);
}

static void say(const struct stoa_mod *m, const char *what)
{
	size_t n = strlen(calls);

	snprintf(calls + n, sizeof(calls) - n, "%s%c.%s", n ? " " : "", stoa_mod_name(m)[4], what);
}

static struct behaviour *of(const struct stoa_mod *m)
{
	return strcmp(stoa_mod_name(m), "mod_a") == 0 ? &of_a : &of_b;
}

static void nothing(void *user)
{
	(void)user;
}

static void on_accept(int fd, const struct sockaddr *peer, unsigned n, void *user)
{
	(void)peer;
	(void)n;
	(void)user;
	close(fd);
}

static int pipe_fds[2];

static void on_fd(int fd, uint32_t events, void *user)
{
	(void)fd;
	(void)events;
	(void)user;
}

static void leave_things(struct stoa_mod *m)
{
	struct stoa_listener *listener;
	struct stoa_loop *loop;

	CHECK_INT(pipe(pipe_fds), 0);
	stoa_timer_set(stoa_timer_new(m, nothing, NULL), 1000000);
	CHECK(stoa_timer_new(m, nothing, NULL) != NULL);
	CHECK(stoa_fd_new(m, pipe_fds[0], STOA_FD_READ, on_fd, NULL) != NULL);
	CHECK_INT(stoa_loop_start(m, STOA_THREAD_IO, "left", &loop), 0);
	CHECK_INT(stoa_listen(m, "127.0.0.1:0", on_accept, NULL, &listener), 0);
}

/* ---- what comes after stop() ---- */

static void hear(const struct stoa_event *ev, void *user)
{
	(void)ev;
	say(user, "heard");
}

static void work(void *user)
{
	(void)user;
	usleep(50000);
}

static void worked(void *user)
{
	say(user, "worked");
}

static int do_load(struct stoa_mod *m)
{
	static const int ops = 1;

	say(m, "load");
	if (of(m) == &of_a)
		CHECK_INT(stoa_iface_publish(m, "a/0", &ops, NULL), 0);
	return of(m)->fails_load ? -EIO : 0;
}

static int do_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	say(m, "check");
	if (of(m)->fails_check)
		stoa_errors_add(e, c, "load", "no such luck");
	return 0;
}

static int do_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	(void)c;
	say(m, "start");
	if (of(m)->leaves_things)
		leave_things(m);
	if (of(m)->is_busy)
		CHECK_INT(stoa_event_listen(m, "x.done", hear, m), 0);
	return of(m)->fails_start ? -EADDRINUSE : 0;
}

static void do_drain(struct stoa_mod *m, uint64_t deadline_ms)
{
	(void)deadline_ms;
	say(m, "drain");
}

static void do_stop(struct stoa_mod *m)
{
	say(m, "stop");
	if (of(m)->is_busy) {
		CHECK_INT(stoa_work(m, work, worked, m), 0);
		CHECK_INT(stoa_event_emit(m, "x.done", json_object()), 0);
	}
}

static void do_unload(struct stoa_mod *m)
{
	say(m, "unload");
}

static const struct stoa_mod_ops ops = { .size = sizeof(ops),
					 .load = do_load,
					 .check = do_check,
					 .start = do_start,
					 .drain = do_drain,
					 .stop = do_stop,
					 .unload = do_unload };
#define DESC(mod, ...)                                                                             \
	{                                                                                          \
		.abi_major = STOA_ABI_MAJOR, .abi_minor = STOA_ABI_MINOR,                          \
		.size = sizeof(struct stoa_mod_desc), .opt_size = sizeof(struct stoa_opt),         \
		.name = mod, .version = "1", .summary = "x", .ops = &ops, __VA_ARGS__              \
	}
static const char *const list_a[] = { "a/0", NULL };
static const struct stoa_mod_desc desc_a = DESC("mod_a", .provides = list_a);
static const struct stoa_mod_desc desc_b = DESC("mod_b", .needs = list_a);

/* One whole life; returns what stoa_test_start() said. */
static int live(struct behaviour a, struct behaviour b, const char *yaml)
{
	int r;

	calls[0] = logged[0] = '\0';
	of_a = a;
	of_b = b;
	stoa_test_begin();
	stoa_test_add(&desc_b);
	stoa_test_add(&desc_a);
	r = stoa_test_start(yaml);
	if (r == 0)
		CHECK(stoa_status_ready(NULL, NULL));
	stoa_test_end();
	return r;
}

static void check_lives(void)
{
	struct behaviour good = { 0 };

	CHECK_INT(live(good, good, NULL), 0);
	CHECK_STR(calls, "a.load b.load a.check b.check a.start b.start b.stop a.stop b.unload "
			 "a.unload");
	CHECK_INT(live(good, (struct behaviour){ .fails_start = true }, NULL), -ECANCELED);
	CHECK_STR(calls, "a.load b.load a.check b.check a.start b.start a.stop b.unload a.unload");
	CHECK(strstr(logged, "mod_b left out: start() failed: Address already in use"));
	/* a goes, and b with it, before it is even started */
	CHECK_INT(live((struct behaviour){ .fails_start = true }, good, NULL), -ECANCELED);
	CHECK_STR(calls, "a.load b.load a.check b.check a.start b.unload a.unload");
	CHECK(strstr(logged, "mod_b left out: needs a/0"));
	CHECK_INT(live((struct behaviour){ .fails_load = true }, good, NULL), -ECANCELED);
	CHECK_STR(calls, "a.load");
	CHECK_INT(live(good, (struct behaviour){ .fails_check = true }, NULL), -EINVAL);
	CHECK_STR(calls, "a.load b.load a.check b.check b.unload a.unload");
	/* required: the whole start is called off, what had started stops again */
	CHECK_INT(live(good, (struct behaviour){ .fails_start = true },
		       "modules: { mod_a: { load: yes }, mod_b: { load: yes, required: yes } }"),
		  -EINVAL);
	CHECK_STR(calls, "a.load b.load a.check b.check a.start b.start a.stop b.unload a.unload");
}

static int count_lines(const char *what)
{
	int n = 0;

	for (const char *p = logged; (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* Every dependant is told, and once, wherever it stands. */
static void check_all_dependants_told(void)
{
	static const char *const names[] = { "mod_c", "mod_d", "mod_e" };
	struct stoa_mod_desc more[3];

	for (int at_load = 0; at_load < 2; at_load++) {
		logged[0] = '\0';
		of_a = (struct behaviour){ .fails_load = at_load, .fails_start = !at_load };
		of_b = (struct behaviour){ 0 };
		stoa_test_begin();
		stoa_test_add(&desc_b);
		stoa_test_add(&desc_a);
		for (int i = 0; i < 3; i++) {
			more[i] = desc_b;
			more[i].name = names[i];
			stoa_test_add(&more[i]);
		}
		CHECK_INT(stoa_test_start(NULL), -ECANCELED);
		CHECK_INT(count_lines("mod_a left out:"), 1);
		CHECK_INT(count_lines("mod_b left out:"), 1);
		CHECK_INT(count_lines("mod_c left out:"), 1);
		CHECK_INT(count_lines("mod_e left out:"), 1);
		CHECK(!stoa_status_ready(NULL, NULL));
		stoa_test_end();
	}
}

static void check_leftovers(void)
{
	struct behaviour good = { 0 }, bad = { .leaves_things = true };
	int status = 0;
	pid_t child;

	host_aborts_on_leftovers = false;
	CHECK_INT(live(good, bad, NULL), 0);
	CHECK(strstr(logged, "error mod_b: stop() left 1 thread behind"));
	CHECK(strstr(logged, "error mod_b: stop() left 1 listener behind"));
	CHECK(strstr(logged, "error mod_b: stop() left 1 watched descriptor behind"));
	CHECK(strstr(logged, "error mod_b: stop() left 2 timers behind"));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	/* a start that failed may leave things: they go without reproach */
	bad.fails_start = true;
	CHECK_INT(live(good, bad, NULL), -ECANCELED);
	CHECK(!strstr(logged, "behind"));
	close(pipe_fds[0]);
	close(pipe_fds[1]);

	bad.fails_start = false;
	child = fork();
	if (child == 0) {
		fclose(stderr);
		host_aborts_on_leftovers = true;
		live(good, bad, NULL);
		_exit(0);
	}
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 0); /* sanitizers turn SIGABRT to exit */
}

/* Its job is waited for; meanwhile the loop turns, and no event reaches a module that stopped. */
static void check_stopped_hears_nothing(void)
{
	CHECK_INT(live((struct behaviour){ 0 }, (struct behaviour){ .is_busy = true }, NULL), 0);
	CHECK_STR(calls, "a.load b.load a.check b.check a.start b.start b.stop b.worked a.stop "
			 "b.unload a.unload");
}

static void check_drain(void)
{
	struct behaviour good = { 0 };
	const char *who;

	of_a = of_b = good;
	stoa_test_begin();
	stoa_test_add(&desc_b);
	stoa_test_add(&desc_a);
	CHECK_INT(stoa_test_start(NULL), 0);
	calls[0] = '\0';
	stoa_test_drain(1000);
	CHECK_STR(calls, "b.drain a.drain");
	CHECK_STR(stoa_status_phase(), "draining");
	CHECK(!stoa_status_ready(NULL, NULL));
	CHECK(!host_is_drained());
	stoa_mod_drained(host_find("mod_b"));
	stoa_mod_drained(host_find("mod_b"));
	CHECK(!host_is_drained());
	stoa_mod_drained(host_find("mod_a"));
	CHECK(host_is_drained());
	CHECK_INT(host_undrain(&who), -ENOTSUP); /* they have no undrain() */
	CHECK_STR(stoa_status_phase(), "draining");
	stoa_test_end();
}

int main(void)
{
	log_set_sink(keep_log);
	check_lives();
	check_all_dependants_told();
	check_leftovers();
	check_stopped_hears_nothing();
	check_drain();
	return check_done();
}
