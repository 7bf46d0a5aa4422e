/* SPDX-License-Identifier: Apache-2.0 */
/* What ctl wants of a worker: objects come in ready-made and are linked; what is unlinked travels
 * back in the same command, whose sender frees it. */
#include "engine_state.h"
#include <stdlib.h>

static void unlink_downtrack(struct downtrack *d)
{
	stoa_list_unlink(&d->in_source);
	stoa_list_unlink(&d->in_peer);
	if (d->peer)
		d->peer->n_downtracks--;
	d->source = NULL;
	d->peer = NULL;
}

static void apply_peer_open(struct engine *e, struct command *c, uint64_t now_us)
{
	struct peer *p = c->peer;

	p->is_linked = true;
	p->report_due_us = now_us; /* at the front: the list is in order of this */
	stoa_list_push(&e->peers, &p->in_engine);
	e->n_peers++;
}

static void apply_peer_close(struct engine *e, struct command *c, uint64_t now_us)
{
	struct peer *p = c->peer;
	struct downtrack *d, *next;
	struct source *s;

	(void)now_us;
	if (!p->is_linked)
		return;
	stoa_list_for_each_safe (d, next, &p->downtracks, struct downtrack, in_peer)
		unlink_downtrack(d);
	stoa_list_for_each (s, &e->sources, struct source, in_engine) {
		if (s->peer == p)
			s->peer = NULL;
	}
	peer_drop_routes(p, NULL);
	stoa_list_unlink(&p->in_engine);
	stoa_list_unlink(&p->in_twcc);
	p->is_linked = p->is_connected = false;
	e->n_peers--;
}

static void apply_sections(struct engine *e, struct command *c, uint64_t now_us)
{
	(void)e;
	(void)now_us;
	c->sections = peer_set_sections(c->peer, c->sections);
}

static void apply_stage_open(struct engine *e, struct command *c, uint64_t now_us)
{
	(void)now_us;
	c->stage->is_linked = true;
	stoa_list_append(&e->stages, &c->stage->in_engine);
}

static void apply_stage_close(struct engine *e, struct command *c, uint64_t now_us)
{
	(void)e;
	(void)now_us;
	stoa_list_unlink(&c->stage->in_engine);
	c->stage->is_linked = false;
}

static void apply_source_add(struct engine *e, struct command *c, uint64_t now_us)
{
	struct source *s = c->source;

	(void)now_us;
	s->is_linked = true;
	stoa_list_append(&e->sources, &s->in_engine);
	stoa_list_append(&s->stage->sources, &s->in_stage);
}

static void apply_source_remove(struct engine *e, struct command *c, uint64_t now_us)
{
	struct source *s = c->source;
	struct downtrack *d, *next;

	(void)now_us;
	speakers_forget(e, s);
	stoa_list_for_each_safe (d, next, &s->downtracks, struct downtrack, in_source)
		unlink_downtrack(d);
	if (s->peer) {
		struct sections *all = s->peer->sections;

		peer_drop_routes(s->peer, s);
		for (uint32_t i = 0; all && i < all->n; i++)
			if (all->s[i].source == s)
				all->s[i].source = NULL;
	}
	for (unsigned i = 0; i < s->set.n_layers; i++)
		layer_reset(&s->layers[i]);
	stoa_list_unlink(&s->in_engine);
	stoa_list_unlink(&s->in_stage);
	s->is_linked = false;
}

static void apply_source_mute(struct engine *e, struct command *c, uint64_t now_us)
{
	struct source *s = c->source;
	struct downtrack *d;

	if (s->is_muted == c->flag)
		return;
	s->is_muted = c->flag;
	if (s->is_muted) {
		stoa_list_for_each (d, &s->downtracks, struct downtrack, in_source)
			downtrack_restart(d);
	}
	engine_choose_for(e, s, now_us);
}

static void apply_downtrack_add(struct engine *e, struct command *c, uint64_t now_us)
{
	struct downtrack *d = c->downtrack;

	if (!d->source->is_linked || !d->peer->is_linked) {
		d->source = NULL;
		d->peer = NULL;
		return;
	}
	stoa_list_append(&d->source->downtracks, &d->in_source);
	stoa_list_append(&d->peer->downtracks, &d->in_peer);
	d->peer->n_downtracks++;
	engine_choose_for(e, d->source, now_us);
}

static void apply_downtrack_remove(struct engine *e, struct command *c, uint64_t now_us)
{
	(void)e;
	(void)now_us;
	unlink_downtrack(c->downtrack);
}

static void apply_downtrack_set(struct engine *e, struct command *c, uint64_t now_us)
{
	struct downtrack *d = c->downtrack;

	if (!d->is_paused && c->flag)
		downtrack_restart(d);
	d->is_paused = c->flag;
	d->max_layer = (uint8_t)(c->number < SOURCE_LAYERS_MAX ? c->number : SOURCE_LAYERS_MAX - 1);
	if (d->source)
		engine_choose_for(e, d->source, now_us);
}

typedef void apply_fn(struct engine *e, struct command *c, uint64_t now_us);

static apply_fn *const appliers[COMMAND_TYPES] = {
	[COMMAND_PEER_OPEN] = apply_peer_open,
	[COMMAND_PEER_CLOSE] = apply_peer_close,
	[COMMAND_SECTIONS] = apply_sections,
	[COMMAND_STAGE_OPEN] = apply_stage_open,
	[COMMAND_STAGE_CLOSE] = apply_stage_close,
	[COMMAND_SOURCE_ADD] = apply_source_add,
	[COMMAND_SOURCE_REMOVE] = apply_source_remove,
	[COMMAND_SOURCE_MUTE] = apply_source_mute,
	[COMMAND_DOWNTRACK_ADD] = apply_downtrack_add,
	[COMMAND_DOWNTRACK_REMOVE] = apply_downtrack_remove,
	[COMMAND_DOWNTRACK_SET] = apply_downtrack_set,
};

void engine_apply(struct engine *e, struct command *c, uint64_t now_us)
{
	engine_flush(e, now_us);
	if (c->type < COMMAND_TYPES && appliers[c->type])
		appliers[c->type](e, c, now_us);
}

void engine_peer_connected(struct engine *e, struct peer *peer, uint64_t now_us)
{
	struct downtrack *d;

	peer->is_connected = true;
	peer->quality_us = now_us + QUALITY_INTERVAL_US;
	stoa_list_for_each (d, &peer->downtracks, struct downtrack, in_peer) {
		downtrack_restart(d);
		engine_choose_for(e, d->source, now_us);
	}
	e->out->notify(e->io, &(struct notice){ .type = NOTICE_PEER_CONNECTED, .id = peer->id });
}

void engine_peer_lost(struct engine *e, struct peer *peer, enum peer_loss why, uint64_t now_us)
{
	(void)now_us;
	peer->is_connected = false;
	e->out->notify(e->io,
		       &(struct notice){ .type = NOTICE_PEER_LOST, .id = peer->id, .why = why });
}

/* ---- the way back ---- */

void command_finish(struct command *c)
{
	if (!c)
		return;
	switch (c->type) {
	case COMMAND_PEER_CLOSE:
		peer_free(c->peer);
		break;
	case COMMAND_STAGE_CLOSE:
		stage_free(c->stage);
		break;
	case COMMAND_SOURCE_REMOVE:
		source_free(c->source);
		break;
	case COMMAND_DOWNTRACK_REMOVE:
		downtrack_free(c->downtrack);
		break;
	case COMMAND_SECTIONS:
		free(c->sections);
		break;
	default:
		break;
	}
	free(c->ice);
	free(c->dtls);
	free(c);
}

struct stage *stage_new(uint64_t room)
{
	struct stage *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->room = room;
	stoa_list_init(&s->in_engine);
	stoa_list_init(&s->sources);
	return s;
}

void stage_free(struct stage *s)
{
	free(s);
}
