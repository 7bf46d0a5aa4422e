/* SPDX-License-Identifier: Apache-2.0 */
/* Every pair of status and event, allowed or forbidden, against lists written down here: the table
 * "Life of a call" of the public contract, and what participants may do. */
#include <errno.h>
#include "check.h"
#include "state.h"

struct call_edge {
	enum call_status from;
	enum call_event ev;
	enum call_status to;
};

static const struct call_edge call_allowed[] = {
	{ CALL_NONE, CALL_EV_STORED, CALL_INITIATING },
	{ CALL_INITIATING, CALL_EV_ALLOWED, CALL_RINGING },
	{ CALL_INITIATING, CALL_EV_REFUSED, CALL_FAILED },
	{ CALL_INITIATING, CALL_EV_RESTART, CALL_FAILED },
	{ CALL_RINGING, CALL_EV_ANSWERED, CALL_ACTIVE },
	{ CALL_RINGING, CALL_EV_DECLINED, CALL_DECLINED },
	{ CALL_RINGING, CALL_EV_UNANSWERED, CALL_MISSED },
	{ CALL_RINGING, CALL_EV_CALLER_LEFT, CALL_CANCELLED },
	{ CALL_RINGING, CALL_EV_ROOM_CLOSED, CALL_CANCELLED },
	{ CALL_RINGING, CALL_EV_RESTART, CALL_ENDED },
	{ CALL_ACTIVE, CALL_EV_PEER_LEFT, CALL_ENDED },
	{ CALL_ACTIVE, CALL_EV_EMPTY, CALL_ENDED },
	{ CALL_ACTIVE, CALL_EV_END, CALL_ENDED },
	{ CALL_ACTIVE, CALL_EV_TOO_LONG, CALL_ENDED },
	{ CALL_ACTIVE, CALL_EV_ROOM_CLOSED, CALL_ENDED },
	{ CALL_ACTIVE, CALL_EV_RESTART, CALL_ENDED },
};

struct part_edge {
	enum part_status from;
	enum part_event ev;
	enum part_status to;
};

static const struct part_edge part_allowed[] = {
	{ PART_NONE, PART_EV_INVITE, PART_INVITED },
	{ PART_NONE, PART_EV_JOIN, PART_JOINED },
	{ PART_INVITED, PART_EV_RING, PART_RINGING },
	{ PART_RINGING, PART_EV_JOIN, PART_JOINED },
	{ PART_RINGING, PART_EV_DECLINE, PART_DECLINED },
	{ PART_RINGING, PART_EV_MISS, PART_MISSED },
	{ PART_RINGING, PART_EV_REMOVE, PART_REMOVED },
	{ PART_JOINED, PART_EV_JOIN, PART_JOINED },
	{ PART_JOINED, PART_EV_LEAVE, PART_LEFT },
	{ PART_JOINED, PART_EV_REMOVE, PART_REMOVED },
	{ PART_LEFT, PART_EV_JOIN, PART_JOINED },
	{ PART_DECLINED, PART_EV_JOIN, PART_JOINED },
	{ PART_MISSED, PART_EV_JOIN, PART_JOINED },
};

static enum call_status expected_call(enum call_status from, enum call_event ev)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(call_allowed); i++)
		if (call_allowed[i].from == from && call_allowed[i].ev == ev)
			return call_allowed[i].to;
	return CALL_NONE;
}

static enum part_status expected_part(enum part_status from, enum part_event ev)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(part_allowed); i++)
		if (part_allowed[i].from == from && part_allowed[i].ev == ev)
			return part_allowed[i].to;
	return PART_NONE;
}

static void test_call_edges(void)
{
	size_t n = 0;

	for (int s = 0; s < CALL_STATUS_N; s++)
		for (int e = 0; e < CALL_EVENT_N; e++) {
			enum call_status to = CALL_NONE;
			enum call_status want =
				expected_call((enum call_status)s, (enum call_event)e);
			int err = call_next((enum call_status)s, (enum call_event)e, &to);

			CHECK_INT(err, want ? 0 : -EPERM);
			CHECK_INT(to, want);
			n += !err;
		}
	CHECK_INT(n, STOA_ARRAY_SIZE(call_allowed));
}

static void test_part_edges(void)
{
	size_t n = 0;

	for (int s = 0; s < PART_STATUS_N; s++)
		for (int e = 0; e < PART_EVENT_N; e++) {
			enum part_status to = PART_NONE;
			enum part_status want =
				expected_part((enum part_status)s, (enum part_event)e);
			int err = part_next((enum part_status)s, (enum part_event)e, &to);

			CHECK_INT(err, want ? 0 : -EPERM);
			CHECK_INT(to, want);
			n += !err;
		}
	CHECK_INT(n, STOA_ARRAY_SIZE(part_allowed));
}

/* What is over stays over: no event leads out, and every way to be over has a reason. */
static void test_over(void)
{
	for (int s = CALL_ENDED; s < CALL_STATUS_N; s++) {
		CHECK(!call_is_open((enum call_status)s));
		for (int e = 0; e < CALL_EVENT_N; e++) {
			enum call_status to;

			CHECK_INT(call_next((enum call_status)s, (enum call_event)e, &to), -EPERM);
		}
	}
	for (size_t i = 0; i < STOA_ARRAY_SIZE(call_allowed); i++)
		CHECK(call_is_open(call_allowed[i].to) ==
		      (call_event_reason(call_allowed[i].ev) == NULL));
}

static void test_names(void)
{
	for (int s = 1; s < CALL_STATUS_N; s++)
		CHECK_INT(call_status_parse(stoa_str(call_status_name((enum call_status)s))), s);
	for (int s = 1; s < PART_STATUS_N; s++)
		CHECK_INT(part_status_parse(stoa_str(part_status_name((enum part_status)s))), s);
	CHECK_INT(call_status_parse(stoa_str("Active")), CALL_NONE);
	CHECK_INT(call_status_parse(stoa_str("")), CALL_NONE);
	CHECK_INT(part_status_parse(stoa_str("gone")), PART_NONE);
}

int main(void)
{
	test_call_edges();
	test_part_edges();
	test_over();
	test_names();
	return check_done();
}
