/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/auth/guest: a user token for whoever asks, where the operator wants that. */
#include "module.h"

#include <stoa/iface/http_json.h>

#define NAME_MAX_CHARS 64

struct guest_input {
	struct stoa_str name;
};

static const struct stoa_field fields[] = {
	{ .name = "name",
	  .type = STOA_FIELD_STRING,
	  .flags = STOA_FIELD_REQUIRED,
	  .offset = offsetof(struct guest_input, name),
	  .min = 1,
	  .max = NAME_MAX_CHARS },
};

/* Without white space at the ends; false when nothing is left or something cannot be shown. */
static bool clean_name(struct stoa_str s, char out[NAME_MAX_CHARS * 4 + 1])
{
	while (s.n && s.p[0] == ' ')
		s = stoa_strn(s.p + 1, s.n - 1);
	while (s.n && s.p[s.n - 1] == ' ')
		s.n--;
	if (!s.n || s.n > NAME_MAX_CHARS * 4)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

static int make_token(struct ctx *x, const struct keyset *set, const char *id, const char *name,
		      struct stoa_buf *token, int64_t *ret_expires_ms)
{
	struct auth_user_claims u = {
		.id = id,
		.name = name,
		.channels = (const char *const *)set->guest_channels,
		.app_role = "guest",
		.ttl_ms = set->guest_ttl_ms,
	};

	return auth_user_sign(&x->auth, &u, token, ret_expires_ms);
}

static void answer_guest(struct ctx *x, const struct keyset *set, struct stoa_http_req *req,
			 const char *name)
{
	char id[8 + STOA_UUID_LEN] = "guest-", time[STOA_TIME_LEN];
	struct stoa_buf token = { 0 };
	int64_t expires_ms = 0;
	int err;

	stoa_uuid7(id + strlen(id));
	err = make_token(x, set, id, name, &token, &expires_ms);
	if (err) {
		stoa_log(x->m, STOA_LOG_ERROR, "no token for a guest: %s", strerror(-err));
		stoa_http_problem(req, 500, "internal", "The token could not be made.");
		stoa_buf_free(&token);
		return;
	}
	stoa_time_format(expires_ms, time);
	stoa_metric_add(x->guests_total, 1);
	stoa_http_answer_json(
		req, 201,
		json_pack("{s:s, s:s, s:s}", "token", token.p, "userId", id, "expiresAt", time));
	stoa_buf_free(&token);
}

static void handle_guest(struct stoa_http_req *req, void *user)
{
	struct ctx *x = user;
	const struct keyset *set = atomic_load(&x->auth.keys); /* only ctl replaces it */
	struct guest_input in = { { NULL, 0 } };
	char name[NAME_MAX_CHARS * 4 + 1];
	json_t *body;
	uint32_t wait_s;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!set->guests) {
		stoa_http_problem(req, 404, "guests_off", "Guests are not admitted here.");
		return;
	}
	wait_s = limit_take(x->limit, stoa_http_req_peer(req), set->guest_limit, stoa_now_ms());
	if (wait_s) {
		stoa_http_problem_retry(req, 429, "too_many_guests",
					"Too many guests from this address; try again later.",
					wait_s);
		return;
	}
	if (stoa_http_json_fields(req, fields, STOA_ARRAY_SIZE(fields), &in, &body) != 0)
		return;
	if (clean_name(in.name, name)) {
		answer_guest(x, set, req, name);
	} else {
		struct stoa_http_field fault = { "name", "is blank or has control characters" };

		stoa_http_problem_fields(req, &fault, 1);
	}
	json_decref(body);
}

int guests_start(struct ctx *x)
{
	const struct stoa_http_route route = {
		.size = sizeof(route),
		.methods = STOA_HTTP_POST,
		.path = "/api/auth/guest",
		.flags = STOA_HTTP_CTL | STOA_HTTP_CORS,
		.body_max = 4096,
		.fn = handle_guest,
		.user = x,
	};

	return stoa_http_route_add(&x->http, x->m, &route);
}
