/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the control socket: who is in which room, and sending them away. The answers are what
 * the model knows at this moment; nothing is asked of the workers. */
#include "model_state.h"
#include <jansson.h>
#include <stoa/control.h>

static const char *const states[] = { "joining", "joined", "active", "gone" };
static const char *const sources[] = { "unknown", "camera", "microphone", "screen",
				       "screen_audio" };

static json_t *describe_track(const struct track *t)
{
	uint32_t subscribers = 0;
	const struct subscription *s;

	stoa_list_for_each (s, &t->subscriptions, struct subscription, in_track)
		subscribers += s->downtrack != NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:i}", "sid", t->sid, "source",
			 sources[t->info.source], "mime", t->mime, "mid", t->mid, "muted",
			 t->info.muted, "live", t->info.is_live, "subscribers", (int)subscribers);
}

static json_t *describe_participant(const struct participant *p)
{
	json_t *tracks = json_array();
	const struct track *t;

	stoa_list_for_each (t, &p->tracks, struct track, in_owner)
		json_array_append_new(tracks, describe_track(t));
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "sid", p->sid, "identity", p->identity,
			 "name", p->name, "state", states[p->info.state], "joinedMs",
			 (json_int_t)p->info.joined_ms, "tracks", tracks);
}

static json_t *describe_room(struct room *r)
{
	const struct stoa_room_info *i = room_info(r);

	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:I}", "name", i->name, "sid", i->sid,
			 "participants", (int)i->participants, "publishers", (int)i->publishers,
			 "worker", (int)r->worker, "createdMs", (json_int_t)i->created_ms);
}

static void on_room_list(struct stoa_control *rq, void *user)
{
	struct model *m = user;
	json_t *list = json_array();
	struct room *r;

	stoa_list_for_each (r, &m->rooms, struct room, in_model)
		json_array_append_new(list, describe_room(r));
	stoa_control_reply(rq, list);
}

static struct room *find_room(struct stoa_control *rq, struct model *m)
{
	const char *name = stoa_control_arg(rq, "room");
	struct room *r = stoa_map_get(m->names, stoa_str(name));

	if (!r)
		stoa_control_fail(rq, "room_not_found",
				  "there is no room \"%s\"; `room list` shows those there are",
				  name);
	return r;
}

static void on_room_show(struct stoa_control *rq, void *user)
{
	struct room *r = find_room(rq, user);
	struct participant *p;
	json_t *room, *list;

	if (!r)
		return;
	room = describe_room(r);
	list = json_array();
	stoa_list_for_each (p, &r->participants, struct participant, in_room)
		json_array_append_new(list, describe_participant(p));
	json_object_set_new(room, "people", list);
	stoa_control_reply(rq, room);
}

static void on_room_close(struct stoa_control *rq, void *user)
{
	struct room *r = find_room(rq, user);
	uint32_t n;

	if (!r)
		return;
	n = room_info(r)->participants;
	room_close(r, STOA_LEAVE_ROOM_DELETED);
	stoa_control_reply(rq, json_pack("{s:i}", "removed", (int)n));
}

static struct participant *find_participant(struct stoa_control *rq, struct model *m)
{
	const char *identity = stoa_control_arg(rq, "identity");
	struct room *r = find_room(rq, m);
	struct participant *p = r ? room_find_participant(r, identity) : NULL;

	if (r && !p)
		stoa_control_fail(rq, "participant_not_found",
				  "nobody is \"%s\" in this room; `room show %s` lists who is in",
				  identity, r->name);
	return p;
}

static void on_participant_remove(struct stoa_control *rq, void *user)
{
	struct participant *p = find_participant(rq, user);

	if (!p)
		return;
	participant_leave(p, STOA_LEAVE_REMOVED);
	stoa_control_reply(rq, json_pack("{s:b}", "removed", true));
}

static void on_participant_mute(struct stoa_control *rq, void *user)
{
	const char *sid = stoa_control_arg(rq, "track");
	struct participant *p = find_participant(rq, user);
	struct track *t;
	int n = 0;

	if (!p)
		return;
	stoa_list_for_each (t, &p->tracks, struct track, in_owner) {
		if (sid ? strcmp(t->sid, sid) != 0 : t->info.kind != STOA_AUDIO)
			continue;
		track_set_muted(t, true, true);
		n++;
	}
	if (n == 0)
		stoa_control_fail(rq, "track_not_found", "%s publishes no such track", p->identity);
	else
		stoa_control_reply(rq, json_pack("{s:i}", "muted", n));
}

int model_add_commands(struct model *m, struct stoa_mod *mod)
{
	static const struct {
		const char *command, *usage, *help;
		stoa_control_fn *fn;
	} commands[] = {
		{ "room list", "", "Lists the rooms that are open.", on_room_list },
		{ "room show", "ROOM", "Shows a room, who is in it and what they publish.",
		  on_room_show },
		{ "room close", "ROOM", "Closes a room; everybody in it is sent away.",
		  on_room_close },
		{ "participant remove", "ROOM IDENTITY", "Sends somebody out of a room.",
		  on_participant_remove },
		{ "participant mute", "ROOM IDENTITY [--track SID]",
		  "Mutes somebody's microphones, or the one track named.", on_participant_mute },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(commands); i++) {
		int err = stoa_control_add(mod, commands[i].command, commands[i].usage,
					   commands[i].help, commands[i].fn, m);

		if (err < 0)
			return err;
	}
	return 0;
}
