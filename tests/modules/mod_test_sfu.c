/* SPDX-License-Identifier: Apache-2.0 */
/* mod_test_sfu: a media plane without media, for tests of calls. Rooms exist, and POST /test/media
 * says who came, went, shares or suffers. Its hooks refuse calls whose metadata has
 * {"refuse": code}, and users whose name is "Refused". Never installed. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/hook/call_initiate.h>
#include <stoa/hook/call_join.h>
#include <stoa/iface/http.h>
#include <stoa/iface/sfu.h>
#include <stoa/list.h>
#include <stoa/loop.h>
#include <stoa/module.h>

struct room {
	struct stoa_list link, people;
	struct stoa_room_info info;
	char name[256];
};

struct person {
	struct stoa_list link;
	struct stoa_participant_info info;
	char identity[256], sid[32];
};

struct test_sfu {
	struct stoa_mod *m;
	struct stoa_http http;
	struct stoa_list rooms;
	uint64_t last_id;
	const struct stoa_sfu_events *events;
	void *user;
};

/* ---- rooms ---- */

static struct room *find_name(struct test_sfu *t, const char *name)
{
	struct room *r;

	stoa_list_for_each (r, &t->rooms, struct room, link)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

static struct room *find_id(struct test_sfu *t, stoa_room_id id)
{
	struct room *r;

	stoa_list_for_each (r, &t->rooms, struct room, link)
		if (r->info.id == id)
			return r;
	return NULL;
}

static int listen_to(void *self, struct stoa_mod *m, const struct stoa_sfu_events *ev, void *user)
{
	struct test_sfu *t = self;

	(void)m;
	t->events = ev; /* one listener is all that these tests have */
	t->user = user;
	return 0;
}

static int room_open(void *self, const struct stoa_room_info *want, stoa_room_id *ret_room)
{
	struct test_sfu *t = self;
	struct room *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	snprintf(r->name, sizeof(r->name), "%s", want->name);
	r->info = *want;
	r->info.name = r->name;
	r->info.id = ++t->last_id;
	stoa_list_init(&r->people);
	stoa_list_append(&t->rooms, &r->link);
	*ret_room = r->info.id;
	return 0;
}

static int room_find(void *self, const char *name, stoa_room_id *ret_room)
{
	struct room *r = find_name(self, name);

	if (!r)
		return -ENOENT;
	*ret_room = r->info.id;
	return 0;
}

static int room_get(void *self, stoa_room_id id, const struct stoa_room_info **ret_info)
{
	struct room *r = find_id(self, id);

	if (!r)
		return -ENOENT;
	*ret_info = &r->info;
	return 0;
}

static void free_room(struct room *r)
{
	stoa_list_unlink(&r->link);
	while (!stoa_list_empty(&r->people)) {
		struct person *p = STOA_CONTAINER(r->people.next, struct person, link);

		stoa_list_unlink(&p->link);
		free(p);
	}
	free(r);
}

static int room_close(void *self, stoa_room_id id, enum stoa_leave_reason why)
{
	struct room *r = find_id(self, id);

	(void)why;
	if (!r)
		return -ENOENT;
	free_room(r);
	return 0;
}

/* ---- people ---- */

static struct person *find_person(struct room *r, const char *identity)
{
	struct person *p;

	stoa_list_for_each (p, &r->people, struct person, link)
		if (strcmp(p->identity, identity) == 0)
			return p;
	return NULL;
}

static void drop(struct test_sfu *t, struct person *p, enum stoa_leave_reason why)
{
	stoa_list_unlink(&p->link);
	p->info.leave_reason = why;
	if (t->events && t->events->participant_left)
		t->events->participant_left(&p->info, t->user);
	free(p);
}

static int leave(void *self, stoa_participant_id id, enum stoa_leave_reason why)
{
	struct test_sfu *t = self;
	struct room *r;
	struct person *p;

	(void)why;
	stoa_list_for_each (r, &t->rooms, struct room, link) {
		stoa_list_for_each (p, &r->people, struct person, link) {
			if (p->info.id != id)
				continue;
			stoa_list_unlink(&p->link); /* whoever asked knows */
			free(p);
			return 0;
		}
	}
	return -ENOENT;
}

static void come(struct test_sfu *t, struct room *r, const char *identity)
{
	struct person *before = find_person(r, identity), *p = calloc(1, sizeof(*p));

	if (before)
		drop(t, before, STOA_LEAVE_DUPLICATE_IDENTITY);
	if (!p)
		return;
	snprintf(p->identity, sizeof(p->identity), "%s", identity);
	snprintf(p->sid, sizeof(p->sid), "PA_%llu", (unsigned long long)++t->last_id);
	p->info = (struct stoa_participant_info){ .size = sizeof(p->info),
						  .id = t->last_id,
						  .room = r->info.id,
						  .sid = p->sid,
						  .identity = p->identity,
						  .name = p->identity };
	stoa_list_append(&r->people, &p->link);
	t->events->participant_joined(&p->info, t->user);
	t->events->transport_state(t->last_id, p->info.id, true, t->user);
}

/* ---- POST /test/media {"room", "action", "identity"?, "score"?} ---- */

static void share(struct test_sfu *t, struct person *p, bool on)
{
	struct stoa_track_info track = { .size = sizeof(track),
					 .participant = p->info.id,
					 .source = STOA_SOURCE_SCREEN };

	(on ? t->events->track_published : t->events->track_unpublished)(&track, t->user);
}

static bool act(struct test_sfu *t, struct room *r, const char *action, const char *identity,
		double score)
{
	struct person *p = find_person(r, identity);

	if (strcmp(action, "close") == 0) {
		t->events->room_closed(&r->info, STOA_LEAVE_ROOM_DELETED, t->user);
		free_room(r);
	} else if (strcmp(action, "in") == 0) {
		come(t, r, identity);
	} else if (!p) {
		return false;
	} else if (strcmp(action, "lost") == 0) {
		drop(t, p, STOA_LEAVE_SIGNAL_CLOSE);
	} else if (strcmp(action, "removed") == 0) {
		drop(t, p, STOA_LEAVE_REMOVED);
	} else if (strcmp(action, "share") == 0 || strcmp(action, "unshare") == 0) {
		share(t, p, action[0] == 's');
	} else if (strcmp(action, "quality") == 0) {
		t->events->quality_changed(p->info.id,
					   score < 2 ? STOA_QUALITY_POOR : STOA_QUALITY_GOOD,
					   (float)score, t->user);
	} else {
		return false;
	}
	return true;
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void on_media(struct stoa_http_req *req, void *user)
{
	struct stoa_str body = stoa_http_req_body(req);
	json_t *o = json_loadb(body.n ? body.p : "", body.n, 0, NULL);
	struct room *r = find_name(user, text(o, "room"));
	bool ok = r && act(user, r, text(o, "action"), text(o, "identity"),
			   json_number_value(json_object_get(o, "score")));

	json_decref(o);
	stoa_http_answer_text(req, ok ? 204 : 404, NULL, stoa_str(""));
}

/* ---- hooks ---- */

static enum stoa_verdict on_initiate(struct stoa_mod *m, struct stoa_hook_call_initiate *ev)
{
	json_t *o = json_loads(ev->metadata, 0, NULL);
	const char *code = text(o, "refuse");
	enum stoa_verdict v = STOA_PASS;

	(void)m;
	if (code[0])
		v = stoa_deny(&ev->denial, code, "The test refuses.");
	json_decref(o);
	return v;
}

static enum stoa_verdict on_join(struct stoa_mod *m, struct stoa_hook_call_join *ev)
{
	(void)m;
	return strcmp(ev->user_name, "Refused") == 0
		       ? stoa_deny(&ev->denial, "test_refuses", "The test refuses.")
		       : STOA_PASS;
}

/* ---- life ---- */

static const struct stoa_sfu_ops sfu_ops = {
	.size = sizeof(sfu_ops),
	.listen = listen_to,
	.room_open = room_open,
	.room_find = room_find,
	.room_get = room_get,
	.room_close = room_close,
	.leave = leave,
};

static int test_load(struct stoa_mod *m)
{
	struct test_sfu *t = stoa_mod_ctx(m);

	t->m = m;
	stoa_list_init(&t->rooms);
	return stoa_iface_publish(m, STOA_SFU, &sfu_ops, t);
}

static int test_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct test_sfu *t = stoa_mod_ctx(m);
	struct stoa_http_route r = { .size = sizeof(r),
				     .methods = STOA_HTTP_POST,
				     .path = "/test/media",
				     .flags = STOA_HTTP_CTL,
				     .fn = on_media,
				     .user = t };
	int err = stoa_http_bind(m, &t->http);

	(void)c;
	if (!err)
		err = stoa_http_route_add(&t->http, m, &r);
	if (!err)
		err = STOA_HOOK_ADD(m, call_initiate, on_initiate, NULL);
	return err ? err : STOA_HOOK_ADD(m, call_join, on_join, NULL);
}

static void test_stop(struct stoa_mod *m)
{
	struct test_sfu *t = stoa_mod_ctx(m);

	while (!stoa_list_empty(&t->rooms))
		free_room(STOA_CONTAINER(t->rooms.next, struct room, link));
}

static const struct stoa_mod_ops test_ops = {
	.size = sizeof(test_ops),
	.load = test_load,
	.start = test_start,
	.stop = test_stop,
};

STOA_MODULE(mod_test_sfu, .version = "0.1.0", .summary = "A media plane without media, for tests.",
	    .ctx_size = sizeof(struct test_sfu), .provides = STOA_NAMES(STOA_SFU),
	    .needs = STOA_NAMES(STOA_HTTP), .ops = &test_ops);
