/* SPDX-License-Identifier: Apache-2.0 */
/* The transport behind an offer: ICE credentials, the certificate to expect, the worker's peer. */
#include "negotiate.h"
#include <stdlib.h>
#include <errno.h>

static void make_credentials(struct peer_ice *ice)
{
	uint8_t random[27];
	char text[40];

	/* RFC 8839 section 5.4: ice-char is base64's alphabet; at least 24 and 128 bits of it. */
	stoa_random(random, sizeof(random));
	stoa_base64_encode(random, 6, text);
	memcpy(ice->local_ufrag, text, 8);
	ice->local_ufrag[8] = '\0';
	stoa_base64_encode(random + 3, 24, text);
	memcpy(ice->local_pwd, text, 32);
	ice->local_pwd[32] = '\0';
}

static struct command *new_ice_command(const struct connection *t, enum command_type type)
{
	struct command *c = command_new(type);

	if (!c || !(c->ice = malloc(sizeof(*c->ice)))) {
		command_finish(c);
		return NULL;
	}
	*c->ice = t->ice;
	c->peer = t->peer;
	return c;
}

static void set_remote(struct negotiation *n)
{
	struct peer_ice *ice = &n->t->ice;

	make_credentials(ice);
	memcpy(ice->remote_ufrag, n->tagged->ufrag.p, n->tagged->ufrag.n);
	ice->remote_ufrag[n->tagged->ufrag.n] = '\0';
}

static int open_peer(struct negotiation *n)
{
	struct connection *t = n->t;
	struct command *c;

	set_remote(n);
	t->dtls = n->dtls;
	t->peer = peer_new(t->obj.id, model_random32());
	if (!t->peer)
		return -ENOMEM;
	c = new_ice_command(t, COMMAND_PEER_OPEN);
	if (!c || !(c->dtls = malloc(sizeof(*c->dtls)))) {
		command_finish(c);
		peer_free(stoa_take(t->peer));
		return -ENOMEM;
	}
	*c->dtls = t->dtls;
	model_post(t->obj.model, t->participant->room, c);
	return 0;
}

int negotiate_peer(struct negotiation *n)
{
	struct connection *t = n->t;
	struct command *c;

	if (!t->peer)
		return open_peer(n);
	if (!n->tagged || stoa_str_is(n->tagged->ufrag, t->ice.remote_ufrag))
		return 0;
	set_remote(n);
	if (!(c = new_ice_command(t, COMMAND_PEER_ICE)))
		return -ENOMEM;
	model_post(t->obj.model, t->participant->room, c);
	return 0;
}
