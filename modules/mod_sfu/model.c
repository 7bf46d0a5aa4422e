/* SPDX-License-Identifier: Apache-2.0 */
/* The model's own life: objects by id, commands to workers, notices from them, and the table that
 * the interface `sfu` is made of (model_ops.c). */
#include "model_state.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define PARTICIPANTS_DEFAULT 4096
#define ROOMS_DEFAULT        1000

int model_new(struct stoa_mod *mod, struct model **ret_model)
{
	struct model *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->mod = mod;
	m->objects = stoa_map_new();
	m->names = stoa_map_new();
	stoa_list_init(&m->rooms);
	stoa_list_init(&m->queue);
	if (!m->objects || !m->names) {
		model_free(m);
		return -ENOMEM;
	}
	if (mod && (err = model_add_commands(m, mod)) < 0) {
		model_free(m);
		return err;
	}
	model_configure(m, &(struct model_settings){ .max_rooms = 0 });
	*ret_model = m;
	return 0;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	assert(!m->plane && stoa_list_empty(&m->rooms));
	model_drop_queue(m);
	stoa_map_free(m->objects);
	stoa_map_free(m->names);
	free(m->worker_load);
	free(m);
}

void model_configure(struct model *m, const struct model_settings *s)
{
	m->set = *s;
	if (!m->set.max_rooms)
		m->set.max_rooms = ROOMS_DEFAULT;
	if (!m->set.max_participants)
		m->set.max_participants = PARTICIPANTS_DEFAULT;
	if (!m->set.empty_timeout_s)
		m->set.empty_timeout_s = 300;
	if (!m->set.departure_timeout_s)
		m->set.departure_timeout_s = 20;
}

int model_attach(struct model *m, const struct plane *plane)
{
	m->worker_load = calloc(plane->n_workers, sizeof(m->worker_load[0]));
	if (!m->worker_load)
		return -ENOMEM;
	m->plane = plane;
	m->is_draining = false;
	return 0;
}

void model_detach(struct model *m)
{
	struct room *r, *next;

	if (!m->plane)
		return;
	stoa_list_for_each_safe (r, next, &m->rooms, struct room, in_model)
		room_close(r, STOA_LEAVE_SERVER_SHUTDOWN);
	model_flush(m);
	m->plane = NULL;
	free(m->worker_load);
	m->worker_load = NULL;
	m->n_listeners = 0;
}

void model_drain(struct model *m)
{
	m->is_draining = true;
}

bool model_is_idle(const struct model *m)
{
	const struct room *r;

	stoa_list_for_each (r, &m->rooms, struct room, in_model) {
		if (!stoa_list_empty(&r->participants))
			return false;
	}
	return true;
}

uint64_t model_now_ms(const struct model *m)
{
	return m->plane->now_ms(m->plane->io);
}

uint32_t model_random32(void)
{
	uint32_t n;

	do
		stoa_random(&n, sizeof(n));
	while (n == 0);
	return n;
}

void model_make_sid(const char *prefix, char out[SID_LEN])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t n = strlen(prefix);
	uint8_t random[12];

	stoa_random(random, sizeof(random));
	memcpy(out, prefix, n);
	for (size_t i = 0; i < sizeof(random); i++)
		out[n + i] = letters[random[i] % (sizeof(letters) - 1)];
	out[n + sizeof(random)] = '\0';
}

int text_set(char **field, const char *value, size_t max)
{
	size_t n = value ? strlen(value) : 0;
	char *copy;

	if (n > max || !stoa_utf8_valid(stoa_strn(value, n)))
		return -EINVAL;
	copy = strdup(value ? value : "");
	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

/* ---- objects ---- */

static struct stoa_str key_of(const uint64_t *id)
{
	return stoa_strn(id, sizeof(*id));
}

int object_init(struct model *m, struct object *o, enum object_type type,
		void (*free_fn)(struct object *))
{
	int err;

	o->id = ++m->last_id;
	o->type = type;
	o->refs = 1;
	o->model = m;
	o->free_fn = free_fn;
	err = stoa_map_set(m->objects, key_of(&o->id), o, NULL);
	return err;
}

void object_remove(struct object *o)
{
	if (o->is_gone)
		return;
	o->is_gone = true;
	stoa_map_remove(o->model->objects, key_of(&o->id));
	object_unref(o);
}

void object_unref(struct object *o)
{
	if (--o->refs == 0)
		o->free_fn(o);
}

static void *find(struct model *m, uint64_t id, enum object_type type)
{
	struct object *o = stoa_map_get(m->objects, key_of(&id));

	return o && o->type == type ? o : NULL;
}

struct room *model_room(struct model *m, uint64_t id)
{
	return find(m, id, OBJECT_ROOM);
}

struct participant *model_participant(struct model *m, uint64_t id)
{
	return find(m, id, OBJECT_PARTICIPANT);
}

struct track *model_track(struct model *m, uint64_t id)
{
	return find(m, id, OBJECT_TRACK);
}

struct connection *model_connection(struct model *m, uint64_t id)
{
	return find(m, id, OBJECT_TRANSPORT);
}

/* ---- workers ---- */

struct command *command_new(enum command_type type)
{
	struct command *c = calloc(1, sizeof(*c));

	if (c)
		c->type = type;
	return c;
}

void model_post(struct model *m, const struct room *r, struct command *c)
{
	m->plane->post(m->plane->io, r->worker, c);
}

static void on_peer_connected(struct model *m, const struct notice *n)
{
	struct connection *t = model_connection(m, n->id);

	if (!t || t->is_connected)
		return;
	t->is_connected = true;
	t->lost_ms = 0;
	model_tell_transport_state(t, true);
	participant_check_active(t->participant);
}

static void on_peer_lost(struct model *m, const struct notice *n)
{
	struct connection *t = model_connection(m, n->id);

	if (!t || !t->is_connected)
		return;
	t->is_connected = false;
	t->lost_ms = model_now_ms(m);
	model_tell_transport_state(t, false);
}

static void on_source_live(struct model *m, const struct notice *n)
{
	struct track *t = model_track(m, n->id);

	if (!t || t->info.is_live)
		return;
	t->info.is_live = true;
	model_tell(m, EVENT_TRACK_UPDATED, &t->obj);
}

static void on_speakers(struct model *m, const struct notice *n)
{
	struct participant *p;

	if (!model_room(m, n->id))
		return;
	for (uint32_t i = 0; i < n->n; i++)
		if ((p = model_participant(m, n->who[i].participant)))
			p->info.audio_level = n->who[i].level;
	model_tell_speakers(m, n);
}

static void on_quality(struct model *m, const struct notice *n)
{
	struct connection *t = model_connection(m, n->id);

	if (t)
		model_tell_quality(t->participant, n->score);
}

void model_notice(struct model *m, const struct notice *n)
{
	static void (*const handlers[])(struct model *, const struct notice *) = {
		[NOTICE_PEER_CONNECTED] = on_peer_connected,
		[NOTICE_PEER_LOST] = on_peer_lost,
		[NOTICE_SOURCE_LIVE] = on_source_live,
		[NOTICE_SPEAKERS] = on_speakers,
		[NOTICE_QUALITY] = on_quality,
	};

	if (m->plane)
		handlers[n->type](m, n);
}

void model_tick(struct model *m)
{
	struct room *r, *next;
	uint64_t now_ms;

	if (!m->plane)
		return;
	now_ms = model_now_ms(m);
	stoa_list_for_each_safe (r, next, &m->rooms, struct room, in_model)
		room_check_timeout(r, now_ms);
}
