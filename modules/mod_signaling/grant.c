/* SPDX-License-Identifier: Apache-2.0 */
/* The join grant: what an unmodified livekit-client needs to come into the call. */
#include "signaling.h"

#include <stdio.h>

static int sign_token(const struct request *rq, const struct call *c, struct stoa_buf *out)
{
	struct stoa_media_grant g = {
		.size = sizeof(g),
		.identity = rq->user->id,
		.name = rq->user->name,
		.room = c->room_name,
		.room_join = true,
		.permission = { .can_subscribe = true,
				.can_publish = true,
				.can_publish_data = true,
				.can_update_own_metadata = true },
	};

	return stoa_auth_media_sign(&rq->sg->auth, &g, rq->sg->token_ms, out);
}

/* http://host becomes ws://host, https://host wss://host. */
static json_t *media_url(const struct request *rq)
{
	const char *base = stoa_http_req_base_url(rq->http);
	char url[600];

	if (strncmp(base, "http", 4) == 0)
		base += 4;
	snprintf(url, sizeof(url), "ws%s", base);
	return json_string(url);
}

static json_t *render_ice_server(const struct stoa_ice_server *s)
{
	json_t *urls = json_array();

	for (size_t i = 0; s->urls[i]; i++)
		json_array_append_new(urls, json_string(s->urls[i]));
	return json_pack("{s:o, s:s?, s:s?}", "urls", urls, "username", s->username, "credential",
			 s->credential);
}

/* No servers is a fine answer: the media plane is reachable without. */
static json_t *ice_servers(const struct request *rq)
{
	const struct stoa_ice_server *servers = NULL;
	json_t *list = json_array();
	int64_t expires_ms;
	uint32_t n = 0;

	if (stoa_auth_ice_servers(&rq->sg->auth, rq->user->id, &servers, &n, &expires_ms))
		return list;
	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, render_ice_server(&servers[i]));
	stoa_auth_ice_servers_free(&rq->sg->auth, servers, n);
	return list;
}

int grant_render(const struct request *rq, const struct call *c, json_t **ret_grant)
{
	struct stoa_buf token = { 0 };
	char expires[STOA_TIME_LEN];
	int err = sign_token(rq, c, &token);

	if (!err && token.failed)
		err = -ENOMEM;
	if (!err) {
		stoa_time_format(stoa_wall_ms() + rq->sg->token_ms, expires);
		*ret_grant =
			json_pack("{s:s, s:s, s:s, s:s, s:s%, s:o, s:o, s:s, s:o}", "callId", c->id,
				  "status", call_status_name(c->status), "type", c->type,
				  "roomName", c->room_name, "token", token.p, token.n, "url",
				  media_url(rq), "iceServers", ice_servers(rq), "expiresAt",
				  expires, "participants", render_participants(c));
		err = *ret_grant ? 0 : -ENOMEM;
	}
	stoa_buf_free(&token);
	return err;
}
