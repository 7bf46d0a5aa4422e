/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what an initiate asks for, field by field, and says of each what is wrong with it. */
#include "wish.h"

#define USER_MAX     255
#define METADATA_MAX 16384

static void complain(struct wish *w, const char *field, const char *reason)
{
	if (w->n_wrong < WISH_FIELDS_MAX)
		w->wrong[w->n_wrong++] = (struct stoa_http_field){ field, reason };
}

static const json_t *field(const struct request *rq, const char *name)
{
	const json_t *v = json_object_get(rq->body, name);

	return json_is_null(v) ? NULL : v;
}

static bool is_id(const json_t *v)
{
	return json_is_string(v) && json_string_length(v) >= 1 && json_string_length(v) <= USER_MAX;
}

static void read_type(struct wish *w, const struct request *rq)
{
	static const char *const types[] = { "audio", "video", "screen_share" };
	const char *type = json_string_value(field(rq, "type"));

	for (size_t i = 0; type && i < STOA_ARRAY_SIZE(types); i++)
		if (strcmp(type, types[i]) == 0)
			w->type = types[i];
	if (!w->type)
		complain(w, "type", "must be audio, video or screen_share");
}

static void read_max(struct wish *w, const struct request *rq)
{
	const json_t *v = field(rq, "maxParticipants");
	json_int_t n = v ? json_integer_value(v) : 100;

	if (n < 2 || n > CALL_SIZE_MAX || (v && !json_is_integer(v)))
		complain(w, "maxParticipants", "must be a whole number from 2 to 1000");
	else
		w->max_participants = (uint32_t)n;
}

static void read_metadata(struct wish *w, const struct request *rq)
{
	json_t *v = json_object_get(rq->body, "metadata");

	if (!v || json_is_null(v))
		return;
	if (!json_is_object(v) || json_dumpb(v, NULL, 0, JSON_COMPACT) > METADATA_MAX)
		complain(w, "metadata", "must be an object of at most 16384 bytes");
	else
		w->metadata = v;
}

static bool has_callee(const struct wish *w, const char *id)
{
	for (uint32_t i = 0; i < w->n_callees; i++)
		if (strcmp(w->callees[i], id) == 0)
			return true;
	return false;
}

static void read_callee(struct wish *w, const struct request *rq, const char *name, const json_t *v)
{
	if (!is_id(v))
		complain(w, name, "must be a user id of 1 to 255 bytes");
	else if (strcmp(json_string_value(v), rq->user->id) == 0)
		complain(w, name, "is the caller");
	else if (!has_callee(w, json_string_value(v)))
		w->callees[w->n_callees++] = json_string_value(v);
}

static void read_callees(struct wish *w, const struct request *rq, const json_t *list)
{
	size_t i, n = json_array_size(list);
	json_t *v;

	if (!n || n >= CALL_SIZE_MAX || (w->max_participants && n >= w->max_participants)) {
		complain(w, "targetUserIds",
			 "must be a list of at least one user id and fewer than maxParticipants");
		return;
	}
	json_array_foreach(list, i, v)
	{
		if (!w->n_wrong)
			read_callee(w, rq, "targetUserIds", v);
	}
}

static void read_target(struct wish *w, const struct request *rq)
{
	const json_t *one = field(rq, "targetUserId"), *many = field(rq, "targetUserIds");
	const json_t *channel = field(rq, "channelId");

	if ((one != NULL) + (many != NULL) + (channel != NULL) != 1) {
		complain(w, one || many || channel ? "channelId" : "targetUserId",
			 "name one of targetUserId, targetUserIds and channelId");
		return;
	}
	if (one)
		read_callee(w, rq, "targetUserId", one);
	else if (many)
		read_callees(w, rq, many);
	else if (is_id(channel))
		w->channel_id = json_string_value(channel);
	else
		complain(w, "channelId", "must be a channel id of 1 to 255 bytes");
	w->is_direct = one || (many && w->n_callees == 1);
}

bool wish_read(struct wish *w, struct request *rq)
{
	read_type(w, rq);
	read_max(w, rq);
	read_metadata(w, rq);
	read_target(w, rq);
	if (!w->n_wrong)
		return true;
	stoa_http_problem_fields(stoa_take(rq->http), w->wrong, w->n_wrong);
	return false;
}
