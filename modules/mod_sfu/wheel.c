/* SPDX-License-Identifier: Apache-2.0 */
/* The timer wheel of wheel.h: `near` holds the next 256 ticks, `far` the rest by the 256; whenever
 * the near hand comes round, one far slot is dealt out. */
#include "wheel.h"

static uint64_t tick_after(uint64_t us)
{
	return (us + WHEEL_TICK_US - 1) / WHEEL_TICK_US;
}

void wheel_init(struct wheel *w, uint64_t now_us)
{
	memset(w, 0, sizeof(*w));
	w->tick = now_us / WHEEL_TICK_US;
	for (int i = 0; i < WHEEL_NEAR; i++)
		stoa_list_init(&w->near[i]);
	for (int i = 0; i < WHEEL_FAR; i++)
		stoa_list_init(&w->far[i]);
}

void wheel_timer_init(struct wheel_timer *t, wheel_fn *fn)
{
	stoa_list_init(&t->link);
	t->due = 0;
	t->fn = fn;
}

/* Is the timer's slot a near one? Near slots hold the ticks up to the hand's next full turn. */
static bool is_near(const struct wheel *w, uint64_t due)
{
	return due / WHEEL_NEAR == w->tick / WHEEL_NEAR;
}

/* A deadline beyond the wheel's span waits in its last far slot and is dealt out again. */
static void place(struct wheel *w, struct wheel_timer *t)
{
	uint64_t last = w->tick + WHEEL_SPAN, due = t->due < last ? t->due : last;
	uint32_t slot = due % WHEEL_NEAR;

	if (is_near(w, due)) {
		stoa_list_append(&w->near[slot], &t->link);
		w->bits[slot / 64] |= UINT64_C(1) << (slot % 64);
	} else {
		stoa_list_append(&w->far[due / WHEEL_NEAR % WHEEL_FAR], &t->link);
	}
}

void wheel_set(struct wheel *w, struct wheel_timer *t, uint64_t due_us)
{
	uint64_t due = tick_after(due_us);

	wheel_cancel(w, t);
	if (due <= w->tick)
		due = w->tick + 1;
	t->due = due;
	w->n++;
	place(w, t);
}

void wheel_cancel(struct wheel *w, struct wheel_timer *t)
{
	if (!t->due)
		return;
	stoa_list_unlink(&t->link);
	t->due = 0;
	w->n--;
}

static void deal_far(struct wheel *w)
{
	struct stoa_list *slot = &w->far[w->tick / WHEEL_NEAR % WHEEL_FAR];

	while (!stoa_list_empty(slot)) {
		struct wheel_timer *t = STOA_CONTAINER(slot->next, struct wheel_timer, link);

		stoa_list_unlink(&t->link);
		place(w, t);
	}
}

static void fire(struct wheel *w, uint64_t now_us)
{
	uint32_t i = w->tick % WHEEL_NEAR;
	struct stoa_list *slot = &w->near[i];

	w->bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
	while (!stoa_list_empty(slot)) {
		struct wheel_timer *t = STOA_CONTAINER(slot->next, struct wheel_timer, link);

		wheel_cancel(w, t);
		t->fn(t, now_us);
	}
}

void wheel_run(struct wheel *w, uint64_t now_us)
{
	uint64_t end = now_us / WHEEL_TICK_US;

	while (w->tick < end && w->n) {
		w->tick++;
		if (w->tick % WHEEL_NEAR == 0)
			deal_far(w);
		fire(w, now_us);
	}
	if (w->tick < end)
		w->tick = end;
}

uint64_t wheel_next(const struct wheel *w)
{
	uint64_t turn = w->tick / WHEEL_NEAR * WHEEL_NEAR;

	if (!w->n)
		return UINT64_MAX;
	for (uint32_t i = w->tick % WHEEL_NEAR + 1; i < WHEEL_NEAR; i++) {
		uint64_t word = w->bits[i / 64] >> (i % 64);

		if (word)
			return (turn + i + (uint32_t)__builtin_ctzll(word)) * WHEEL_TICK_US;
		i |= 63; /* to the next word */
	}
	return (turn + WHEEL_NEAR) * WHEEL_TICK_US;
}
