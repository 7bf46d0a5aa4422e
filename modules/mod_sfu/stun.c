/* SPDX-License-Identifier: Apache-2.0 */
/* Binding requests through libnice's STUN library. What fails to authenticate is dropped without a
 * reply: an error response would only serve those who spoof addresses. */
#include "stun.h"

#include <errno.h>
#include <stdlib.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>

struct stun_server {
	StunAgent agent;
};

/* Attributes that may demand understanding; all others of that range make a request invalid. */
static const uint16_t known_attributes[] = {
	STUN_ATTRIBUTE_USERNAME,       STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
	STUN_ATTRIBUTE_PRIORITY,       STUN_ATTRIBUTE_USE_CANDIDATE,
	STUN_ATTRIBUTE_ICE_CONTROLLED, STUN_ATTRIBUTE_ICE_CONTROLLING,
	STUN_ATTRIBUTE_FINGERPRINT,    0,
};

struct lookup { /* what validate_user() is told, and what it tells back */
	stun_lookup_fn *fn;
	void *user;
	bool is_known;
};

int stun_server_new(struct stun_server **ret_server)
{
	struct stun_server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	stun_agent_init(&s->agent, known_attributes, STUN_COMPATIBILITY_RFC5389,
			STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
	*ret_server = s;
	return 0;
}

void stun_server_free(struct stun_server *s)
{
	free(s);
}

/* The library asks for the password of USERNAME, "local:remote" (RFC 8445 section 7.2.2). */
static bool validate_user(StunAgent *agent, StunMessage *message, uint8_t *username,
			  uint16_t username_len, uint8_t **password, size_t *password_len,
			  void *data)
{
	struct lookup *l = data;
	struct stoa_str local = stoa_strn(username, username_len), remote, pwd;
	const char *colon = username_len ? memchr(username, ':', username_len) : NULL;

	(void)agent;
	(void)message;
	if (!colon)
		return false;
	local.n = (size_t)(colon - local.p);
	remote = stoa_strn(colon + 1, username_len - local.n - 1);
	if (!l->fn(l->user, local, remote, &pwd) || !pwd.n)
		return false;
	l->is_known = true;
	*password = (uint8_t *)(uintptr_t)pwd.p;
	*password_len = pwd.n;
	return true;
}

/* The library accepts a message without MESSAGE-INTEGRITY in some settings; we never do. */
static bool has_integrity(const StunMessage *msg)
{
	return stun_message_has_attribute(msg, STUN_ATTRIBUTE_MESSAGE_INTEGRITY) &&
	       stun_message_has_attribute(msg, STUN_ATTRIBUTE_FINGERPRINT);
}

int stun_server_check(struct stun_server *s, const uint8_t *msg, size_t n,
		      const struct address *from, stun_lookup_fn *lookup, void *user,
		      struct stun_check *ret_check)
{
	struct lookup l = { .fn = lookup, .user = user };
	StunMessage request, reply;
	StunUsageIceReturn made;
	struct sockaddr_storage peer;
	union sockaddr_any sa;
	socklen_t sa_len;
	bool is_controlling = false; /* a lite agent never is */

	/* Only requests: anything else must not reach the library's table of transactions. */
	if (n < 2 || msg[0] != 0 || msg[1] != 1)
		return -EINVAL;
	if (stun_agent_validate(&s->agent, &request, msg, n, validate_user, &l) !=
	    STUN_VALIDATION_SUCCESS)
		return l.is_known ? -EBADMSG : -ENOENT;
	if (!l.is_known || !has_integrity(&request))
		return -EBADMSG;

	sa_len = address_to(from, &sa);
	memset(&peer, 0, sizeof(peer));
	memcpy(&peer, &sa, sizeof(sa));
	*ret_check = (struct stun_check){ .reply_len = sizeof(ret_check->reply) };
	made = stun_usage_ice_conncheck_create_reply(
		&s->agent, &request, &reply, ret_check->reply, &ret_check->reply_len, &peer, sa_len,
		&is_controlling, 1, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
	if (made != STUN_USAGE_ICE_RETURN_SUCCESS && made != STUN_USAGE_ICE_RETURN_ROLE_CONFLICT)
		return -EINVAL;
	ret_check->is_authentic = made == STUN_USAGE_ICE_RETURN_SUCCESS;
	ret_check->priority = stun_usage_ice_conncheck_priority(&request);
	ret_check->use_candidate = stun_usage_ice_conncheck_use_candidate(&request);
	return 0;
}
