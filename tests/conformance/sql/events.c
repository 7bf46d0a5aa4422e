/* SPDX-License-Identifier: Apache-2.0 */
/* Events come after the commit, in the order of commits, and never after a rollback. */
#include "suite.h"

static void emit(struct stoa_tx *tx, const char *event, int tag)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", tag);
	CHECK_INT(stoa_tx_emit(&sql, tx, event, json_pack("{s:s}", "tag", text)), 0);
}

static void test_after_commit(void)
{
	struct stoa_tx *tx = begin();

	n_heard = 0;
	ADD(tx, ITEM_INSERT, STOA_ROWS_ONE, STOA_V_TEXT(name("event")), STOA_V_TEXT(""),
	    STOA_V_INT(1));
	emit(tx, "item.made", 1);
	emit(tx, "item.seen", 2);
	CHECK_INT(n_heard, 0);
	CHECK_INT(run(tx, -1)->err, 0);
	hear_all();
	CHECK_INT(n_heard, 2);
	CHECK_STR(heard[0], "item.made:1");
	CHECK_STR(heard[1], "item.seen:2");
}

static void test_never_after_rollback(void)
{
	const char *absent = name("no-event");
	struct stoa_tx *tx = begin();

	n_heard = 0;
	emit(tx, "item.wrong", 1);
	ADD(tx, ITEM_ADD, STOA_ROWS_ONE, STOA_V_TEXT(absent), STOA_V_INT(1));
	emit(tx, "item.wrong", 2);
	CHECK_INT(run(tx, -1)->err, -ENOENT);
	tx = begin();
	emit(tx, "item.wrong", 3);
	stoa_tx_cancel(&sql, tx);
	hear_all();
	CHECK_INT(n_heard, 0);
}

#define MANY 300

static bool are_all_done(void *user)
{
	const struct outcome *o = user;

	for (int i = 0; i < MANY; i++)
		if (!o[i].is_done)
			return false;
	return true;
}

/* Every third list fails: the others' events come, in the order in which the lists ended. */
static void test_order(void)
{
	static struct outcome o[MANY];
	char id[64];
	size_t at = 0;

	memset(o, 0, sizeof(o));
	n_heard = 0;
	snprintf(id, sizeof(id), "%s", name("ordered"));
	insert(id, 0);
	for (int i = 0; i < MANY; i++) {
		struct stoa_tx *tx = begin();

		ADD(tx, ITEM_ADD, STOA_ROWS_ONE, STOA_V_TEXT(id), STOA_V_INT(1));
		ADD(tx, ITEM_ADD, i % 3 == 2 ? STOA_ROWS_ONE : STOA_ROWS_ANY, STOA_V_TEXT("absent"),
		    STOA_V_INT(1));
		emit(tx, "item.counted", i);
		CHECK_INT(start(tx, &o[i]), 0);
	}
	CHECK(stoa_test_run_until(are_all_done, o, 20000));
	hear_all();
	CHECK_INT(n_heard, MANY - MANY / 3);
	for (int turn = 0, k = 0; k < MANY; k++) { /* find the lists by the turn they ended in */
		int i = 0, least = -1;
		char want[48];

		for (; i < MANY; i++)
			if (o[i].turn > turn && (least < 0 || o[i].turn < o[least].turn))
				least = i;
		turn = o[least].turn;
		CHECK_INT(o[least].err, least % 3 == 2 ? -ENOENT : 0);
		if (o[least].err)
			continue;
		snprintf(want, sizeof(want), "item.counted:%d", least);
		CHECK_STR(heard[at++], want);
	}
	CHECK_INT(number_of(id), MANY - MANY / 3);
}

void case_events(void)
{
	test_after_commit();
	test_never_after_rollback();
	test_order();
}
