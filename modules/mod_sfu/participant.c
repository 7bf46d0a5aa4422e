/* SPDX-License-Identifier: Apache-2.0 */
/* Participants: joining (a second time means replacing), changing, leaving. */
#include "model_state.h"
#include <errno.h>
#include <stdlib.h>

#define ATTRIBUTES_MAX   256
#define CAPABILITIES_MAX 32

static void free_attributes(struct stoa_attribute *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		free((char *)list[i].key);
		free((char *)list[i].value);
	}
	free(list);
}

static void participant_free(struct object *o)
{
	struct participant *p = (struct participant *)(void *)o;

	free_attributes(p->attributes, p->info.n_attributes);
	free(p->capabilities);
	free(p->identity);
	free(p->name);
	free(p->metadata);
	if (p->room)
		object_unref(&p->room->obj);
	free(p);
}

static int set_attributes(struct participant *p, const struct stoa_attribute *from, uint32_t n)
{
	struct stoa_attribute *list;
	size_t bytes = 0;

	if (n > ATTRIBUTES_MAX)
		return -EINVAL;
	if (n && from == p->attributes)
		return 0; /* what participant_get() showed, unchanged */
	list = calloc(n ? n : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		bytes += strlen(from[i].key) + strlen(from[i].value);
		list[i].key = strdup(from[i].key);
		list[i].value = strdup(from[i].value);
		if (!list[i].key || !list[i].value || bytes > BLOB_MAX_BYTES) {
			free_attributes(list, i + 1);
			return bytes > BLOB_MAX_BYTES ? -EINVAL : -ENOMEM;
		}
	}
	free_attributes(p->attributes, p->info.n_attributes);
	p->attributes = list;
	p->info.attributes = list;
	p->info.n_attributes = n;
	return 0;
}

static int set_texts(struct participant *p, const struct stoa_participant_info *want)
{
	int err = text_set(&p->name, want->name, TEXT_MAX_BYTES);

	if (err == 0)
		err = text_set(&p->metadata, want->metadata, BLOB_MAX_BYTES);
	if (err == 0)
		err = set_attributes(p, want->attributes, want->n_attributes);
	p->info.name = p->name;
	p->info.metadata = p->metadata;
	return err;
}

static int fill(struct participant *p, const struct stoa_participant_info *want)
{
	uint32_t n =
		want->n_capabilities < CAPABILITIES_MAX ? want->n_capabilities : CAPABILITIES_MAX;
	int err;

	p->info = (struct stoa_participant_info){
		.size = sizeof(p->info),
		.sid = p->sid,
		.kind = want->kind,
		.client_protocol = want->client_protocol,
		.state = STOA_PARTICIPANT_JOINED,
		.permission = want->permission,
		.joined_ms = stoa_wall_ms(),
		.version = 1,
		.auto_subscribe = want->auto_subscribe,
		.adaptive_stream = want->adaptive_stream,
	};
	model_make_sid("PA_", p->sid);
	if ((err = text_set(&p->identity, want->identity, NAME_MAX_BYTES)) < 0 ||
	    (err = set_texts(p, want)) < 0)
		return err;
	p->info.identity = p->identity;
	if (n && !(p->capabilities = calloc(n, sizeof(p->capabilities[0]))))
		return -ENOMEM;
	if (n)
		memcpy(p->capabilities, want->capabilities, n * sizeof(p->capabilities[0]));
	p->info.capabilities = p->capabilities;
	p->info.n_capabilities = n;
	return 0;
}

struct participant *room_find_participant(struct room *r, const char *identity)
{
	struct participant *p;

	stoa_list_for_each (p, &r->participants, struct participant, in_room) {
		if (strcmp(p->identity, identity) == 0)
			return p;
	}
	return NULL;
}

static bool is_full(struct room *r)
{
	uint32_t n = room_info(r)->participants, limit = r->obj.model->set.max_participants;

	if (r->info.max_participants && r->info.max_participants < limit)
		limit = r->info.max_participants;
	return n >= limit;
}

int participant_join(struct model *m, struct room *r, const struct stoa_participant_info *want,
		     stoa_participant_id *ret_p)
{
	struct participant *p, *former;
	int err;

	if (!want->identity || !want->identity[0])
		return -EINVAL;
	if (m->is_draining)
		return -ESHUTDOWN;
	former = room_find_participant(r, want->identity);
	if (!former && !want->permission.hidden && is_full(r))
		return -EUSERS;
	if (!(p = calloc(1, sizeof(*p))))
		return -ENOMEM;
	stoa_list_init(&p->in_room);
	stoa_list_init(&p->tracks);
	stoa_list_init(&p->subscriptions);
	stoa_list_init(&p->transports);
	if ((err = fill(p, want)) < 0 ||
	    (err = object_init(m, &p->obj, OBJECT_PARTICIPANT, participant_free)) < 0) {
		participant_free(&p->obj);
		return err;
	}
	p->room = r;
	r->obj.refs++;
	p->info.id = p->obj.id;
	p->info.room = r->obj.id;
	if (former)
		participant_leave(former, STOA_LEAVE_DUPLICATE_IDENTITY);
	stoa_list_append(&r->participants, &p->in_room);
	r->empty_since_ms = 0;
	r->was_joined = true;
	model_tell(m, EVENT_PARTICIPANT_JOINED, &p->obj);
	participant_subscribe_all(p);
	*ret_p = p->obj.id;
	return 0;
}

void participant_leave(struct participant *p, enum stoa_leave_reason why)
{
	struct room *r = p->room;

	if (p->obj.is_gone)
		return;
	while (!stoa_list_empty(&p->tracks))
		track_unpublish(STOA_CONTAINER(p->tracks.next, struct track, in_owner));
	while (!stoa_list_empty(&p->subscriptions))
		subscription_free(
			STOA_CONTAINER(p->subscriptions.next, struct subscription, in_participant));
	while (!stoa_list_empty(&p->transports))
		connection_close(
			STOA_CONTAINER(p->transports.next, struct connection, in_participant));
	stoa_list_unlink(&p->in_room);
	if (stoa_list_empty(&r->participants))
		r->empty_since_ms = model_now_ms(p->obj.model);
	p->info.state = STOA_PARTICIPANT_GONE;
	p->info.leave_reason = why;
	p->info.version++;
	model_tell(p->obj.model, EVENT_PARTICIPANT_LEFT, &p->obj);
	object_remove(&p->obj);
}

void participant_changed(struct participant *p)
{
	p->info.version++;
	model_tell(p->obj.model, EVENT_PARTICIPANT_UPDATED, &p->obj);
}

void participant_check_active(struct participant *p)
{
	if (p->info.state != STOA_PARTICIPANT_JOINED)
		return;
	p->info.state = STOA_PARTICIPANT_ACTIVE;
	participant_changed(p);
}

static void apply_permission(struct participant *p, const struct stoa_permission *now)
{
	struct stoa_permission former = p->info.permission;
	struct subscription *s, *next;

	p->info.permission = *now;
	while (!now->can_publish && !stoa_list_empty(&p->tracks))
		track_unpublish(STOA_CONTAINER(p->tracks.next, struct track, in_owner));
	if (former.can_subscribe && !now->can_subscribe) {
		stoa_list_for_each_safe (s, next, &p->subscriptions, struct subscription,
					 in_participant)
			subscription_free(s);
		participant_check_sections(p, true);
	}
	if (!former.can_subscribe && now->can_subscribe)
		participant_subscribe_all(p);
}

int participant_update(struct participant *p, const struct stoa_participant_info *changed)
{
	struct stoa_permission permission = changed->permission; /* may be our own info */
	int err = set_texts(p, changed);

	if (err < 0)
		return err;
	apply_permission(p, &permission);
	participant_changed(p);
	return 0;
}
