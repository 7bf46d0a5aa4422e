/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "check.h"
#include "event.h"
#include "loop.h"

static struct stoa_mod mods[] = { { .desc.name = "mod_a" }, { .desc.name = "mod_b" } };
static char seen[4096];
static char prefix[] = "prefix", exact[] = "exact", all[] = "all", gone[] = "gone";
static int count;

static void note(const struct stoa_event *ev, void *user)
{
	size_t n = strlen(seen);

	snprintf(seen + n, sizeof(seen) - n, "%s:%s:%d ", (char *)user, ev->name,
		 (int)json_integer_value(json_object_get(ev->data, "n")));
}

static void emit(const char *name, int n)
{
	CHECK_INT(stoa_event_emit(&mods[0], name, json_pack("{s:i}", "n", n)), 0);
}

static void note_and_emit(const struct stoa_event *ev, void *user)
{
	note(ev, user);
	if (strcmp(ev->name, "call.started") == 0)
		emit("call.ended", 9);
}

static void remove_other(const struct stoa_event *ev, void *user)
{
	(void)ev;
	(void)user;
	event_remove_of(&mods[1]);
}

static void just_count(const struct stoa_event *ev, void *user)
{
	(void)ev;
	(void)user;
	count++;
}

static void turn(void)
{
	for (int i = 0; i < 3; i++)
		loop_turn_ctl(0);
}

static void check_order_and_names(void)
{
	CHECK_INT(stoa_event_listen(&mods[0], "call.*", note_and_emit, prefix), 0);
	CHECK_INT(stoa_event_listen(&mods[0], "call.ended", note, exact), 0);
	CHECK_INT(stoa_event_listen(&mods[1], "*", note, all), 0);
	emit("call.started", 1);
	emit("room.made", 2);
	emit("calls", 3);
	CHECK_STR(seen, ""); /* nothing inside the call */
	turn();
	CHECK_STR(seen, "prefix:call.started:1 all:call.started:1 all:room.made:2 all:calls:3 "
			"prefix:call.ended:9 exact:call.ended:9 all:call.ended:9 ");
	seen[0] = '\0';
}

static void check_removal_while_delivered(void)
{
	event_reset();
	CHECK_INT(stoa_event_listen(&mods[0], "x", remove_other, NULL), 0);
	CHECK_INT(stoa_event_listen(&mods[1], "x", note, gone), 0);
	emit("x", 1);
	turn();
	CHECK_STR(seen, "");
	emit("x", 2);
	turn();
	CHECK_STR(seen, "");
}

static void check_bound(void)
{
	int kept = 0, refused = 0;

	event_reset();
	CHECK_INT(stoa_event_listen(&mods[0], "many", just_count, NULL), 0);
	for (int i = 0; i < 70000; i++) {
		int r = stoa_event_emit(&mods[0], "many", json_object());

		kept += r == 0;
		refused += r == -ENOBUFS;
	}
	CHECK_INT(kept, 65536);
	CHECK_INT(refused, 70000 - 65536);
	CHECK_INT(event_dropped(), refused);
	loop_turn_ctl(0);
	CHECK(count > 0 && count < 65536); /* a flood does not hold the loop */
	for (int i = 0; i < 1000 && count < 65536; i++)
		loop_turn_ctl(0);
	CHECK_INT(count, 65536);
}

int main(void)
{
	CHECK_INT(loop_init_ctl(), 0);
	check_order_and_names();
	check_removal_while_delivered();
	CHECK_INT(stoa_event_emit(&mods[0], "x", json_array()), -EINVAL);
	check_bound();
	emit("x", 1);
	event_flush();
	emit("x", 2); /* dropped without a leak */
	event_reset();
	loop_free_all();
	return check_done();
}
