/* SPDX-License-Identifier: Apache-2.0 */
/* mod_auth: who is calling, what they may do; tokens for media, guests and TURN.
 *
 * Checks run on every thread of every module, so what they look at is immutable and replaced as a
 * whole (gate.h); this file only carries configuration in and old sets out. */
#include "module.h"

#include <errno.h>

#define POLL_MS 20

static const struct stoa_opt auth_options[] = {
	{ .key = "keys",
	  .type = STOA_OPT_MAP,
	  .item = keyset_key_options,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Keys that user tokens are checked with; the name is the token's kid." },
	{ .key = "api-keys",
	  .type = STOA_OPT_MAP,
	  .item = keyset_api_key_options,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Keys of media tokens and of server-to-server calls; the name is the token's "
		 "iss." },
	{ .key = "sign-with",
	  .type = STOA_OPT_STRING,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Name of the HS256 key that signs user tokens made here; unset: the first one." },
	{ .key = "guests",
	  .type = STOA_OPT_BOOL,
	  .dflt = "no",
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Whether anybody gets a token by giving a name." },
	{ .key = "guest-ttl",
	  .type = STOA_OPT_DURATION,
	  .dflt = "12h",
	  .min = 60000,
	  .max = INT64_C(30) * 86400000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "How long a guest's token counts." },
	{ .key = "guest-limit",
	  .type = STOA_OPT_INT,
	  .dflt = "60",
	  .min = 1,
	  .max = 60000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Guests admitted per minute from one address (IPv6: from one /64)." },
	{ .key = "guest-channels",
	  .type = STOA_OPT_LIST,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Channels that a guest belongs to; \"*\" for every one." },
	{ .key = "turn",
	  .type = STOA_OPT_MAP,
	  .item = keyset_turn_options,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "STUN and TURN servers that clients are told of, by any name." },
	{ .key = "turn-ttl",
	  .type = STOA_OPT_DURATION,
	  .dflt = "12h",
	  .min = 60000,
	  .max = INT64_C(7) * 86400000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "How long TURN credentials count; a call that lasts longer gets no new relay." },
	STOA_OPT_END
};

static void poll_gate(void *user)
{
	struct ctx *x = user;

	if (gate_poll(&x->auth.gate) && x->poll_timer)
		stoa_timer_set(x->poll_timer, POLL_MS);
}

void module_poll(struct ctx *x)
{
	poll_gate(x);
}

static void warn_of_short_secrets(struct ctx *x, const struct keyset *s)
{
	for (size_t i = 0; i < s->n_keys; i++)
		if (s->keys[i].alg == KEY_HS256 && s->keys[i].secret_len < 32)
			stoa_log(x->m, STOA_LOG_WARN,
				 "key=%s secret of %zu bytes can be guessed; use 32 random bytes",
				 s->keys[i].name, s->keys[i].secret_len);
}

static int auth_load(struct stoa_mod *m)
{
	struct ctx *x = stoa_mod_ctx(m);
	struct auth *a = &x->auth;

	x->m = m;
	x->guests_total = stoa_metric_counter(m, "guests_total", NULL, "Guest tokens made");
	a->user_ok = stoa_metric_counter(m, "checks_total", "token=\"user\",result=\"ok\"",
					 "Tokens checked");
	a->user_refused = stoa_metric_counter(
		m, "checks_total", "token=\"user\",result=\"refused\"", "Tokens checked");
	a->media_ok = stoa_metric_counter(m, "checks_total", "token=\"media\",result=\"ok\"",
					  "Tokens checked");
	a->media_refused = stoa_metric_counter(
		m, "checks_total", "token=\"media\",result=\"refused\"", "Tokens checked");
	return stoa_iface_publish(m, STOA_AUTH, &auth_ops, a);
}

static int auth_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	struct keyset *s = NULL;
	int err = keyset_new(c, e, &s);

	(void)m;
	keyset_free(s);
	return err;
}

static int auth_reload(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct ctx *x = stoa_mod_ctx(m);
	struct keyset *s;
	int err = keyset_new(c, NULL, &s);

	if (err)
		return err; /* a key file changed since check(): the old set stays */
	warn_of_short_secrets(x, s);
	auth_set_keys(&x->auth, s);
	module_poll(x);
	return 0;
}

static int start_routes(struct ctx *x)
{
	int err = stoa_http_bind(x->m, &x->http);

	if (err == -ENOENT) {
		stoa_log(x->m, STOA_LOG_INFO,
			 "no http: guests cannot ask for tokens, nor backends set roles");
		return 0;
	}
	if (err)
		return err;
	x->has_http = true;
	err = guests_start(x);
	return err ? err : roles_add_routes(x);
}

static void auth_stop(struct stoa_mod *m)
{
	struct ctx *x = stoa_mod_ctx(m);

	if (x->has_http)
		stoa_http_remove(&x->http, m);
	stoa_timer_free(x->poll_timer);
	limit_free(x->limit);
	x->poll_timer = NULL;
	x->limit = NULL;
	x->has_http = false;
}

static int auth_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct ctx *x = stoa_mod_ctx(m);
	int err = -ENOMEM;

	x->poll_timer = stoa_timer_new(m, poll_gate, x);
	x->limit = limit_new();
	if (x->poll_timer && x->limit)
		err = auth_reload(m, c);
	if (!err)
		err = ban_start(x);
	if (!err)
		err = roles_start(x);
	if (!err)
		err = start_routes(x);
	if (!err)
		err = commands_start(x);
	if (err)
		auth_stop(m); /* nobody else calls it then */
	return err;
}

static void auth_unload(struct stoa_mod *m)
{
	struct ctx *x = stoa_mod_ctx(m);

	auth_finish(&x->auth);
}

static const struct stoa_mod_ops auth_mod_ops = {
	.size = sizeof(auth_mod_ops),
	.load = auth_load,
	.check = auth_check,
	.start = auth_start,
	.reload = auth_reload,
	.stop = auth_stop,
	.unload = auth_unload,
};

STOA_MODULE(mod_auth, .version = "0.1.0",
	    .summary = "Who is calling: user tokens, media tokens, guests, TURN credentials.",
	    .ctx_size = sizeof(struct ctx), .provides = STOA_NAMES(STOA_AUTH),
	    .wants = STOA_NAMES(STOA_HTTP), .options = auth_options, .ops = &auth_mod_ops);
