/* SPDX-License-Identifier: Apache-2.0 */
/* A whole media plane without a network: the control model, one engine, a clock that the test
 * moves, and everything the engine sends in an array. For tests and fuzz targets of mod_sfu. */
#ifndef STOA_TEST_SFU_WORLD_H
#define STOA_TEST_SFU_WORLD_H

#include "engine_state.h"
#include "model_state.h"
#include <stdlib.h>

#ifndef WORLD_OUT_MAX
#define WORLD_OUT_MAX 4096
#endif
#define WORLD_PEERS_MAX 16

struct world_out { /* one packet that left */
	struct peer *peer;
	uint64_t peer_id;
	bool is_rtcp, is_resend;
	uint64_t index;
	uint32_t ssrc;
	size_t n, head_len;
	uint8_t bytes[1600];
};

struct world {
	struct model *model;
	struct plane plane;
	struct engine *engine;
	struct packet_pool *pool;
	uint64_t now_us;
	struct peer *peers[WORLD_PEERS_MAX];
	uint32_t n_peers;
	struct world_out *out;
	uint32_t n_out;
	struct notice notices[64];
	uint32_t n_notices;
	bool is_awake;
};

static const struct plane_address world_address = { "127.0.0.1", 7882, false };
static const struct plane_address *const world_addresses[] = { &world_address };
static const uint32_t world_n_addresses[] = { 1 };

static void world_post(void *io, uint32_t worker, struct command *c)
{
	struct world *w = io;

	(void)worker;
	if (c->type == COMMAND_PEER_OPEN && w->n_peers < WORLD_PEERS_MAX)
		w->peers[w->n_peers++] = c->peer;
	if (c->type == COMMAND_PEER_CLOSE)
		for (uint32_t i = 0; i < w->n_peers; i++)
			if (w->peers[i] == c->peer)
				w->peers[i] = NULL;
	engine_apply(w->engine, c, w->now_us);
	command_finish(c);
}

static void world_wake(void *io)
{
	((struct world *)io)->is_awake = true;
}

static uint64_t world_now_ms(void *io)
{
	return ((struct world *)io)->now_us / 1000;
}

static struct world_out *world_next_out(struct world *w, struct peer *peer)
{
	struct world_out *o = &w->out[w->n_out < WORLD_OUT_MAX - 1 ? w->n_out++ : w->n_out];

	o->peer = peer;
	o->peer_id = peer_id(peer);
	return o;
}

static void world_on_rtp(void *io, struct peer *peer, const struct send_rtp *s)
{
	struct world_out *o = world_next_out(io, peer);
	size_t clear = (size_t)s->head_len + s->prefix_len;

	o->is_rtcp = false;
	o->is_resend = s->is_retransmission;
	o->index = s->index;
	o->ssrc = s->ssrc;
	o->head_len = s->head_len;
	memcpy(o->bytes, s->head, clear);
	if (s->packet)
		memcpy(o->bytes + clear, s->packet->data + s->payload_off, s->payload_len);
	o->n = clear + s->payload_len;
	if (s->pad_len) {
		o->bytes[0] |= 0x20;
		memset(o->bytes + o->n, 0, s->pad_len);
		o->n += s->pad_len;
		o->bytes[o->n - 1] = s->pad_len;
	}
}

static void world_on_rtcp(void *io, struct peer *peer, const uint8_t *bytes, size_t n)
{
	struct world_out *o = world_next_out(io, peer);

	o->is_rtcp = true;
	o->n = n;
	memcpy(o->bytes, bytes, n);
}

static void world_on_notice(void *io, const struct notice *n)
{
	struct world *w = io;

	if (w->n_notices < STOA_ARRAY_SIZE(w->notices))
		w->notices[w->n_notices++] = *n;
}

static const struct engine_out world_engine_out = { world_on_rtp, world_on_rtcp, world_on_notice };

/* Moves the clock to `now_us`, ticking the engine whenever it asked for it. */
static STOA_UNUSED void world_run_to(struct world *w, uint64_t now_us)
{
	while (w->now_us < now_us) {
		uint64_t next = engine_tick(w->engine, w->now_us);

		if (next <= w->now_us)
			next = w->now_us + 1000;
		w->now_us = next < now_us ? next : now_us;
	}
	engine_tick(w->engine, w->now_us);
}

/* Delivers notices and events until there are none. */
static STOA_UNUSED void world_settle(struct world *w)
{
	while (w->n_notices || w->is_awake) {
		struct notice list[64];
		uint32_t n = w->n_notices;

		memcpy(list, w->notices, n * sizeof(list[0]));
		w->n_notices = 0;
		w->is_awake = false;
		for (uint32_t i = 0; w->model && i < n; i++)
			model_notice(w->model, &list[i]);
		if (w->model)
			model_flush(w->model);
	}
}

static STOA_UNUSED void world_open_engine(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->now_us = 1000000;
	w->out = calloc(WORLD_OUT_MAX, sizeof(w->out[0]));
	if (!w->out || packet_pool_new(4096, &w->pool) < 0 ||
	    engine_new(&world_engine_out, w, w->pool, w->now_us, &w->engine) < 0)
		abort();
}

static STOA_UNUSED void world_open(struct world *w)
{
	world_open_engine(w);
	w->plane = (struct plane){
		.io = w,
		.post = world_post,
		.wake = world_wake,
		.now_ms = world_now_ms,
		.n_workers = 1,
		.fingerprint =
			"sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:"
			"44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
		.addresses = world_addresses,
		.n_addresses = world_n_addresses,
	};
	if (model_new(NULL, &w->model) < 0 || model_attach(w->model, &w->plane) < 0)
		abort();
}

static STOA_UNUSED void world_close(struct world *w)
{
	if (w->model) {
		model_detach(w->model);
		model_free(w->model);
	}
	engine_free(w->engine);
	packet_pool_free(w->pool);
	free(w->out);
}

static STOA_UNUSED struct peer *world_peer(struct world *w, uint64_t id)
{
	for (uint32_t i = 0; i < w->n_peers; i++)
		if (w->peers[i] && peer_id(w->peers[i]) == id)
			return w->peers[i];
	return NULL;
}

static STOA_UNUSED void world_rtp(struct world *w, struct peer *p, const void *bytes, size_t n)
{
	struct packet *packet = packet_new(w->pool);

	if (!packet || n > PACKET_ROOM)
		abort();
	if (n)
		memcpy(packet->data, bytes, n);
	packet->len = (uint16_t)n;
	packet->arrived_us = w->now_us;
	engine_rtp(w->engine, p, packet, w->now_us);
	engine_flush(w->engine, w->now_us);
}

static STOA_UNUSED void world_rtcp(struct world *w, struct peer *p, const void *bytes, size_t n)
{
	engine_rtcp(w->engine, p, bytes, n, w->now_us);
}

#endif
