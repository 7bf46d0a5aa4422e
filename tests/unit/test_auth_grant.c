/* SPDX-License-Identifier: Apache-2.0 */
/* grant.c: LiveKit's video grant, with its defaults, there and back. */
#include <errno.h>
#include "grant.h"
#include "check.h"

static const struct stoa_media_grant *make(const char *claims, int *ret_err, const char **ret_why)
{
	const struct jws_times t = { .exp = 2000 };
	const struct stoa_media_grant *g = NULL;
	json_t *o = json_loads(claims, 0, NULL);

	CHECK(o != NULL);
	*ret_err = grant_new(o, &t, &g, ret_why);
	json_decref(o);
	return g;
}

static void test_defaults(void)
{
	const char *why;
	int err;
	const struct stoa_media_grant *g =
		make("{\"iss\":\"k\",\"sub\":\"a\",\"video\":{\"roomJoin\":true,\"room\":\"r\"}}",
		     &err, &why);

	CHECK_INT(err, 0);
	CHECK_STR(g->api_key, "k");
	CHECK_STR(g->identity, "a");
	CHECK_STR(g->room, "r");
	CHECK(g->room_join && !g->room_admin && !g->room_create && !g->room_list);
	CHECK(g->permission.can_publish && g->permission.can_subscribe);
	CHECK(g->permission.can_publish_data && !g->permission.can_update_own_metadata);
	CHECK(!g->permission.hidden && !g->permission.recorder);
	CHECK_INT(g->permission.publish_sources, 0);
	CHECK_INT(g->kind, 0);
	CHECK_STR(g->name, "");
	CHECK_STR(g->room_config, "");
	CHECK_INT(g->expires_ms, 2000000);
	grant_free(g);
	/* data follows publish where nothing is said; without a video grant nobody joins */
	g = make("{\"sub\":\"a\",\"video\":{\"canPublish\":false}}", &err, &why);
	CHECK(!g->permission.can_publish && !g->permission.can_publish_data);
	grant_free(g);
	g = make("{\"jti\":\"old-style\"}", &err, &why);
	CHECK_STR(g->identity, "old-style");
	CHECK(!g->room_join);
	grant_free(g);
	grant_free(NULL);
}

static void test_sources(void)
{
	const char *why;
	int err;
	const struct stoa_media_grant *g = make("{\"sub\":\"a\",\"video\":{\"canPublishSources\":"
						"[\"camera\",\"screen_share_audio\",\"fax\"]}}",
						&err, &why);

	CHECK_INT(g->permission.publish_sources,
		  1u << STOA_SOURCE_CAMERA | 1u << STOA_SOURCE_SCREEN_AUDIO);
	grant_free(g);
	/* a list of what is unknown is not "everything" */
	g = make("{\"sub\":\"a\",\"video\":{\"canPublishSources\":[\"fax\"]}}", &err, &why);
	CHECK(g->permission.publish_sources != 0);
	CHECK(!(g->permission.publish_sources & (1u << STOA_SOURCE_CAMERA)));
	grant_free(g);
}

static void test_refused(void)
{
	const char *why = NULL;
	char text[700];
	int err;

	CHECK(make("{\"sub\":\"a\",\"kind\":\"robot\"}", &err, &why) == NULL);
	CHECK_INT(err, -EACCES);
	snprintf(text, sizeof(text), "{\"sub\":\"%0256d\"}", 0);
	CHECK(make(text, &err, &why) == NULL);
	snprintf(text, sizeof(text), "{\"sub\":\"a\",\"video\":{\"room\":\"%0256d\"}}", 0);
	CHECK(make(text, &err, &why) == NULL);
}

static void test_there_and_back(void)
{
	const struct stoa_attribute attributes[] = { { "team", "red" }, { "seat", "4" } };
	const struct stoa_media_grant in = {
		.size = sizeof(in),
		.identity = "alice",
		.name = "Alice",
		.metadata = "{\"x\":1}",
		.attributes = attributes,
		.n_attributes = 2,
		.kind = 4,
		.room = "r1",
		.room_join = true,
		.room_admin = true,
		.permission = { .can_publish = true,
				.can_subscribe = false,
				.can_publish_data = false,
				.hidden = true,
				.publish_sources = 1u << STOA_SOURCE_MICROPHONE },
		.room_config = "{\"maxParticipants\":4}",
	};
	const struct jws_times t = { .exp = 2000 };
	const struct stoa_media_grant *out = NULL;
	const char *why;
	json_t *claims = grant_claims(&in, "key", 1000, 2000);

	CHECK(claims != NULL);
	CHECK_INT(json_integer_value(json_object_get(claims, "exp")), 2000);
	CHECK_INT(json_integer_value(json_object_get(claims, "iat")), 1000);
	CHECK_INT(grant_new(claims, &t, &out, &why), 0);
	json_decref(claims);
	CHECK_STR(out->api_key, "key");
	CHECK_STR(out->identity, "alice");
	CHECK_STR(out->name, "Alice");
	CHECK_STR(out->metadata, "{\"x\":1}");
	CHECK_INT(out->n_attributes, 2);
	CHECK_STR(out->attributes[1].key, "seat");
	CHECK_STR(out->attributes[1].value, "4");
	CHECK_INT(out->kind, 4);
	CHECK(out->room_join && out->room_admin && !out->room_create);
	CHECK(out->permission.can_publish && !out->permission.can_subscribe);
	CHECK(!out->permission.can_publish_data && out->permission.hidden);
	CHECK_INT(out->permission.publish_sources, 1u << STOA_SOURCE_MICROPHONE);
	CHECK_STR(out->room_config, "{\"maxParticipants\":4}");
	grant_free(out);
}

int main(void)
{
	test_defaults();
	test_sources();
	test_refused();
	test_there_and_back();
	return check_done();
}
