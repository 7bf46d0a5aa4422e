/* SPDX-License-Identifier: Apache-2.0 */
/* Order, rings, rules and errors of hook chains. */
#include <errno.h>

#include "check.h"
#include "hook.h"
#include "loop.h"

struct stoa_hook_gate {
	STOA_HOOK_HEAD;
	char ran[16];
	const char *answers; /* what hook a, b, c … say: p a d e */
};
STOA_HOOK_POINT(gate, "test.gate", STOA_DENY_WINS, STOA_ALLOW, STOA_DENY);

struct stoa_hook_lenient {
	STOA_HOOK_HEAD;
	char ran[16];
	const char *answers;
};
STOA_HOOK_POINT(lenient, "test.lenient", STOA_DENY_WINS, STOA_DENY, STOA_PASS);

struct stoa_hook_pick {
	STOA_HOOK_HEAD;
	char ran[16];
	const char *answers;
};
STOA_HOOK_POINT(pick, "test.pick", STOA_FIRST_WINS, STOA_DENY, STOA_PASS);

static struct stoa_mod mods[] = { { .desc.name = "mod_a" },
				  { .desc.name = "mod_b" },
				  { .desc.name = "mod_c" },
				  { .desc.name = "mod_d" } };

static enum stoa_verdict answer(struct stoa_mod *m, struct stoa_denial *d, char *ran,
				const char *answers)
{
	char who[2] = { m->desc.name[4], '\0' };

	strcat(ran, who);
	switch (answers[m - mods]) {
	case 'a':
		return STOA_ALLOW;
	case 'd':
		return stoa_deny(d, m->desc.name, "%s says no", m->desc.name);
	case 'e':
		return STOA_ERROR;
	case '?':
		return (enum stoa_verdict)99;
	default:
		return STOA_PASS;
	}
}

static enum stoa_verdict on_gate(struct stoa_mod *m, struct stoa_hook_gate *ev)
{
	return answer(m, &ev->denial, ev->ran, ev->answers);
}

static enum stoa_verdict on_lenient(struct stoa_mod *m, struct stoa_hook_lenient *ev)
{
	return answer(m, &ev->denial, ev->ran, ev->answers);
}

static enum stoa_verdict on_pick(struct stoa_mod *m, struct stoa_hook_pick *ev)
{
	return answer(m, &ev->denial, ev->ran, ev->answers);
}

#define ORDER(member, ...)                                                                         \
	(&(struct stoa_hook_order){ .member = (const char *const[]){ __VA_ARGS__, NULL } })

static enum stoa_verdict run_gate(const char *answers, const char *ran, const char *code)
{
	struct stoa_hook_gate ev = { .size = sizeof(ev), .answers = answers };
	enum stoa_verdict v = STOA_HOOK_RUN(NULL, gate, &ev);

	CHECK_STR(ev.ran, ran);
	CHECK_STR(ev.denial.code, code);
	return v;
}

static void check_deny_wins(void)
{
	/* Added d, c, b, a; c must run first, and a after b. */
	CHECK_INT(STOA_HOOK_ADD(&mods[3], gate, on_gate, NULL), 0);
	CHECK_INT(STOA_HOOK_ADD(&mods[2], gate, on_gate, ORDER(before, "mod_a", "mod_b", "mod_d")),
		  0);
	CHECK_INT(STOA_HOOK_ADD(&mods[1], gate, on_gate, ORDER(after, "mod_absent")), 0);
	CHECK_INT(STOA_HOOK_ADD(&mods[0], gate, on_gate, ORDER(after, "mod_b")), 0);
	CHECK_INT(run_gate("pppp", "cbad", ""), STOA_ALLOW);
	CHECK_INT(run_gate("pppd", "cbad", "mod_d"), STOA_DENY);
	CHECK_INT(run_gate("aaad", "cbad", "mod_d"), STOA_DENY); /* allowing cannot skip a denial */
	CHECK_INT(run_gate("dddd", "cbad", "mod_c"), STOA_DENY); /* the first denial is told */
	CHECK_INT(run_gate("ppep", "cbad", "policy_error"), STOA_DENY);
	CHECK_INT(run_gate("pp?p", "cbad", "policy_error"), STOA_DENY);
	/* b after a would close a ring with a after b */
	CHECK_INT(STOA_HOOK_ADD(&mods[1], gate, on_gate, ORDER(before, "mod_c")), -EINVAL);
	CHECK_INT(run_gate("pppp", "cbad", ""), STOA_ALLOW); /* as before */
	hook_remove_of(&mods[1]);
	CHECK_INT(run_gate("pppp", "cad", ""), STOA_ALLOW);
}

static void check_lenient(void)
{
	struct stoa_hook_lenient ev = { .size = sizeof(ev), .answers = "epep" };

	CHECK_INT(STOA_HOOK_ADD(&mods[0], lenient, on_lenient, NULL), 0);
	CHECK_INT(STOA_HOOK_RUN(NULL, lenient, &ev), STOA_DENY); /* an error is no opinion */
	CHECK_STR(ev.denial.code, "refused");
	ev = (struct stoa_hook_lenient){ .size = sizeof(ev), .answers = "aaaa" };
	CHECK_INT(STOA_HOOK_RUN(NULL, lenient, &ev), STOA_ALLOW);
	hook_remove_of(&mods[0]);
	ev = (struct stoa_hook_lenient){ .size = sizeof(ev) };
	CHECK_INT(STOA_HOOK_RUN(NULL, lenient, &ev), STOA_DENY); /* nobody there: all pass */
}

static void check_first_wins(void)
{
	struct stoa_hook_pick ev = { .size = sizeof(ev), .answers = "padd" };

	for (int i = 0; i < 4; i++)
		CHECK_INT(STOA_HOOK_ADD(&mods[i], pick, on_pick, NULL), 0);
	CHECK_INT(STOA_HOOK_RUN(NULL, pick, &ev), STOA_ALLOW);
	CHECK_STR(ev.ran, "ab");
	ev = (struct stoa_hook_pick){ .size = sizeof(ev), .answers = "pedp" };
	CHECK_INT(STOA_HOOK_RUN(NULL, pick, &ev), STOA_DENY);
	CHECK_STR(ev.ran, "abc");
	CHECK_STR(ev.denial.code, "mod_c");
}

static void check_bound(void)
{
	int r = 0;

	for (int i = 0; i < 100 && r == 0; i++)
		r = STOA_HOOK_ADD(&mods[0], lenient, on_lenient, NULL);
	CHECK_INT(r, -ENOBUFS);
}

int main(void)
{
	json_t *list;

	CHECK_INT(loop_init_ctl(), 0);
	check_deny_wins();
	check_lenient();
	check_first_wins();
	list = hook_list("test.pick");
	CHECK_INT(json_array_size(list), 4);
	CHECK_STR(json_string_value(json_object_get(json_array_get(list, 2), "owner")), "mod_c");
	json_decref(list);
	check_bound();
	hook_reset();
	loop_free_all();
	return check_done();
}
