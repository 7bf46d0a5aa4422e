/* SPDX-License-Identifier: Apache-2.0 */
/* The timer wheel against a plain list: never early, at most a tick late, also for deadlines moved,
 * cancelled, set from within a timer, and after long sleeps. */
#include "check.h"

#include "../../modules/mod_sfu/wheel.c"

#define TIMERS 200

struct entry {
	struct wheel_timer timer;
	uint64_t due_us; /* 0: not set */
	unsigned fired;
};

static struct wheel wheel;
static struct entry entries[TIMERS];
static uint64_t seed = 7;
static unsigned early, late;

static uint64_t roll(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static void set(struct entry *e, uint64_t now_us, uint64_t wait_us)
{
	e->due_us = now_us + wait_us;
	wheel_set(&wheel, &e->timer, e->due_us);
}

static void on_timer(struct wheel_timer *t, uint64_t now_us)
{
	struct entry *e = STOA_CONTAINER(t, struct entry, timer);

	early += !e->due_us || now_us < e->due_us;
	late += now_us > e->due_us + 3 * WHEEL_TICK_US;
	e->due_us = 0;
	e->fired++;
	if (roll(4) == 0)
		set(e, now_us, roll(20000000));
}

static void test_random(void)
{
	uint64_t now = 123456789;

	wheel_init(&wheel, now);
	for (int i = 0; i < TIMERS; i++)
		wheel_timer_init(&entries[i].timer, on_timer);
	for (int step = 0; step < 60000; step++) {
		struct entry *e = &entries[roll(TIMERS)];

		now += roll(WHEEL_TICK_US);
		wheel_run(&wheel, now);
		if (roll(10) == 0) {
			wheel_cancel(&wheel, &e->timer);
			e->due_us = 0;
		} else if (roll(3) == 0) {
			set(e, now, roll(roll(2) ? 300000 : 30000000));
		}
		for (int i = 0; i < TIMERS && step % 50 == 0; i++) /* none forgotten */
			late += entries[i].due_us && entries[i].due_us + 2 * WHEEL_TICK_US < now;
	}
	CHECK_INT(early, 0);
	CHECK_INT(late, 0);
	for (int i = 0; i < TIMERS; i++)
		CHECK(entries[i].fired > 3);
}

/* wheel_next() never names a time after a deadline's tick, so a loop that sleeps by it is in time. */
static void test_next(void)
{
	uint64_t now = 5000000;
	struct entry *e = &entries[0];

	wheel_init(&wheel, now);
	wheel_timer_init(&e->timer, on_timer);
	CHECK(wheel_next(&wheel) == UINT64_MAX);
	for (int k = 0; k < 2000; k++) {
		unsigned fired = e->fired, wakes = 0;
		uint64_t wait = roll(30000000), due = now + wait;

		set(e, now, wait);
		while (e->fired == fired && wakes++ < 100) {
			uint64_t next = wheel_next(&wheel);

			CHECK(next > now - WHEEL_TICK_US);
			now = next > now ? next : now + WHEEL_TICK_US;
			wheel_run(&wheel, now);
		}
		CHECK(e->fired == fired + 1 && now >= due && now <= due + 2 * WHEEL_TICK_US);
		wheel_cancel(&wheel, &e->timer);
		CHECK(wheel_next(&wheel) == UINT64_MAX);
	}
}

static void test_long_sleep(void)
{
	uint64_t now = 1000000;

	wheel_init(&wheel, now);
	for (int i = 0; i < TIMERS; i++) {
		wheel_timer_init(&entries[i].timer, on_timer);
		entries[i].fired = 0;
		set(&entries[i], now, roll(100000000));
	}
	late = 0;
	wheel_run(&wheel, now + 200000000);
	for (int i = 0; i < TIMERS; i++)
		CHECK(entries[i].fired >= 1);
	CHECK_INT(early, 0);
}

int main(void)
{
	test_random();
	test_next();
	test_long_sleep();
	return check_done();
}
