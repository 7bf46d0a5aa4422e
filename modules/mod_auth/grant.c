/* SPDX-License-Identifier: Apache-2.0 */
/* The claims of a LiveKit access token. A grant keeps its parsed claims and borrows every string
 * from them, so nothing is copied. Absent means: publish and subscribe yes, data as publish,
 * the rest no. */
#include "grant.h"

#include <errno.h>
#include <stdlib.h>
#include "user.h"

struct grant {
	struct stoa_media_grant pub;
	json_t *claims;
	char *room_config;
	struct stoa_attribute attributes[];
};

static const struct {
	const char *name;
	uint32_t number;
} kinds[] = {
	{ "standard", 0 }, { "ingress", 1 },   { "egress", 2 }, { "sip", 3 },
	{ "agent", 4 },    { "connector", 7 }, { "bridge", 8 },
};

static const struct {
	const char *name;
	enum stoa_track_source source;
} sources[] = {
	{ "camera", STOA_SOURCE_CAMERA },
	{ "microphone", STOA_SOURCE_MICROPHONE },
	{ "screen_share", STOA_SOURCE_SCREEN },
	{ "screen_share_audio", STOA_SOURCE_SCREEN_AUDIO },
};

static bool read_bool(const json_t *o, const char *name, bool absent)
{
	const json_t *v = json_object_get(o, name);

	return json_is_boolean(v) ? json_is_true(v) : absent;
}

static bool read_kind(const char *name, uint32_t *ret_kind)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			*ret_kind = kinds[i].number;
			return true;
		}
	}
	return false;
}

/* Sources nobody knows still limit: bit 0 stands for them and lets nothing known through. */
static uint32_t read_sources(const json_t *video)
{
	const json_t *list = json_object_get(video, "canPublishSources");
	uint32_t bits = json_array_size(list) ? 1u << STOA_SOURCE_UNKNOWN : 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		for (size_t k = 0; name && k < STOA_ARRAY_SIZE(sources); k++)
			if (strcmp(sources[k].name, name) == 0)
				bits |= 1u << sources[k].source;
	}
	return bits & ~1u ? bits & ~1u : bits;
}

static void read_permission(const json_t *video, struct stoa_permission *p)
{
	p->can_publish = read_bool(video, "canPublish", true);
	p->can_subscribe = read_bool(video, "canSubscribe", true);
	p->can_publish_data = read_bool(video, "canPublishData", p->can_publish);
	p->can_update_own_metadata = read_bool(video, "canUpdateOwnMetadata", false);
	p->hidden = read_bool(video, "hidden", false);
	p->recorder = read_bool(video, "recorder", false);
	p->publish_sources = read_sources(video);
}

static void read_attributes(json_t *map, struct grant *g)
{
	const char *key;
	json_t *v;

	json_object_foreach(map, key, v) if (json_is_string(v))
		g->attributes[g->pub.n_attributes++] =
		(struct stoa_attribute){ key, json_string_value(v) };
	g->pub.attributes = g->attributes;
}

static int read_claims(struct grant *g, const char **ret_why)
{
	const json_t *c = g->claims, *video = json_object_get(c, "video");
	const json_t *config = json_object_get(c, "roomConfig");
	const char *kind = jws_text(c, "kind");
	struct stoa_media_grant *p = &g->pub;

	p->api_key = jws_text(c, "iss");
	p->identity = *jws_text(c, "sub") ? jws_text(c, "sub") : jws_text(c, "jti");
	p->name = jws_text(c, "name");
	p->metadata = jws_text(c, "metadata");
	p->sha256 = jws_text(c, "sha256");
	p->room = jws_text(video, "room");
	p->room_join = read_bool(video, "roomJoin", false);
	p->room_create = read_bool(video, "roomCreate", false);
	p->room_list = read_bool(video, "roomList", false);
	p->room_admin = read_bool(video, "roomAdmin", false);
	p->room_record = read_bool(video, "roomRecord", false);
	p->ingress_admin = read_bool(video, "ingressAdmin", false);
	p->room_config = "";
	read_permission(video, &p->permission);
	read_attributes(json_object_get(c, "attributes"), g);
	if (strlen(p->identity) > 255 || strlen(p->room) > 255) {
		*ret_why = "its identity or room is longer than 255 bytes";
		return -EACCES;
	}
	if (*kind && !read_kind(kind, &p->kind)) {
		*ret_why = "its kind of participant is unknown";
		return -EACCES;
	}
	if (!json_is_object(config))
		return 0;
	g->room_config = json_dumps(config, JSON_COMPACT);
	if (!g->room_config) {
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	p->room_config = g->room_config;
	return 0;
}

int grant_new(json_t *claims, const struct jws_times *times,
	      const struct stoa_media_grant **ret_grant, const char **ret_why)
{
	size_t n = json_object_size(json_object_get(claims, "attributes"));
	struct grant *g = calloc(1, sizeof(*g) + n * sizeof(g->attributes[0]));
	int err;

	if (!g) {
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	g->pub.size = sizeof(g->pub);
	g->pub.expires_ms = times->exp * 1000;
	g->claims = json_incref(claims);
	err = read_claims(g, ret_why);
	if (err) {
		grant_free(&g->pub);
		return err;
	}
	*ret_grant = &g->pub;
	return 0;
}

void grant_free(const struct stoa_media_grant *pub)
{
	struct grant *g;

	if (!pub)
		return;
	g = (struct grant *)(void *)((char *)(uintptr_t)pub - offsetof(struct grant, pub));
	json_decref(g->claims);
	free(g->room_config);
	free(g);
}

static int set_text(json_t *o, const char *name, const char *s)
{
	return s && *s ? json_object_set_new(o, name, json_string(s)) : 0;
}

static int set_true(json_t *o, const char *name, bool v)
{
	return v ? json_object_set_new(o, name, json_true()) : 0;
}

static int set_sources(json_t *video, uint32_t bits)
{
	json_t *list;

	if (!bits)
		return 0;
	list = json_array();
	for (size_t i = 0; i < STOA_ARRAY_SIZE(sources); i++)
		if (bits & 1u << sources[i].source)
			json_array_append_new(list, json_string(sources[i].name));
	return json_object_set_new(video, "canPublishSources", list);
}

static json_t *make_video(const struct stoa_media_grant *g)
{
	const struct stoa_permission *p = &g->permission;
	json_t *v = json_object();
	int bad = 0;

	bad |= set_text(v, "room", g->room);
	bad |= set_true(v, "roomJoin", g->room_join);
	bad |= set_true(v, "roomCreate", g->room_create);
	bad |= set_true(v, "roomList", g->room_list);
	bad |= set_true(v, "roomAdmin", g->room_admin);
	bad |= set_true(v, "roomRecord", g->room_record);
	bad |= set_true(v, "ingressAdmin", g->ingress_admin);
	bad |= json_object_set_new(v, "canPublish", json_boolean(p->can_publish));
	bad |= json_object_set_new(v, "canSubscribe", json_boolean(p->can_subscribe));
	bad |= json_object_set_new(v, "canPublishData", json_boolean(p->can_publish_data));
	bad |= set_true(v, "canUpdateOwnMetadata", p->can_update_own_metadata);
	bad |= set_true(v, "hidden", p->hidden);
	bad |= set_true(v, "recorder", p->recorder);
	bad |= set_sources(v, p->publish_sources);
	if (!bad)
		return v;
	json_decref(v);
	return NULL;
}

static int set_attributes(json_t *o, const struct stoa_media_grant *g)
{
	json_t *map;
	int bad = 0;

	if (!g->n_attributes)
		return 0;
	map = json_object();
	for (uint32_t i = 0; i < g->n_attributes; i++)
		bad |= json_object_set_new(map, g->attributes[i].key,
					   json_string(g->attributes[i].value));
	return json_object_set_new(o, "attributes", map) | bad;
}

static int set_kind(json_t *o, uint32_t kind)
{
	for (size_t i = 1; i < STOA_ARRAY_SIZE(kinds); i++)
		if (kinds[i].number == kind)
			return json_object_set_new(o, "kind", json_string(kinds[i].name));
	return 0;
}

static int set_room_config(json_t *o, const char *text)
{
	return text && *text ? json_object_set_new(o, "roomConfig", json_loads(text, 0, NULL)) : 0;
}

json_t *grant_claims(const struct stoa_media_grant *g, const char *api_key, int64_t issued_s,
		     int64_t expires_s)
{
	json_t *o = json_object();
	int bad = 0;

	bad |= set_text(o, "iss", api_key);
	bad |= set_text(o, "sub", g->identity);
	bad |= json_object_set_new(o, "iat", json_integer(issued_s));
	bad |= json_object_set_new(o, "nbf", json_integer(issued_s));
	bad |= json_object_set_new(o, "exp", json_integer(expires_s));
	bad |= set_text(o, "name", g->name);
	bad |= set_text(o, "metadata", g->metadata);
	bad |= set_text(o, "sha256", g->sha256);
	bad |= set_kind(o, g->kind);
	bad |= set_attributes(o, g);
	bad |= set_room_config(o, g->room_config);
	bad |= json_object_set_new(o, "video", make_video(g));
	if (!bad)
		return o;
	json_decref(o);
	return NULL;
}
