/* SPDX-License-Identifier: Apache-2.0 */
/* Which layer does every subscriber get? For now the highest that is live and not larger than what
 * the subscriber asked for; an estimate of the path's bandwidth will be one more bound here. */
#include "engine_state.h"

/* The publisher stops its upper layers when its path gets narrow: a layer is live as long as it
 * keeps up with the newest packet of the track. */
static uint8_t find_top(const struct source *s)
{
	uint8_t top = 0;

	for (uint8_t i = 0; i < s->set.n_layers; i++) {
		const struct layer *l = &s->layers[i];

		if (l->is_started && l->last_us + LAYER_SILENT_US >= s->last_us)
			top = i;
	}
	return top;
}

void engine_aim(struct source *s)
{
	struct downtrack *d;

	s->top = find_top(s);
	stoa_list_for_each (d, &s->downtracks, struct downtrack, in_source)
		downtrack_aim(d);
}

void engine_choose_for(struct engine *e, struct source *s, uint64_t now_us)
{
	struct downtrack *d;

	s->top = find_top(s);
	stoa_list_for_each (d, &s->downtracks, struct downtrack, in_source) {
		if (downtrack_aim(d))
			engine_want_keyframe(e, &s->layers[d->target], now_us);
	}
}

void engine_choose_layers(struct engine *e, uint64_t now_us)
{
	struct source *s;

	stoa_list_for_each (s, &e->sources, struct source, in_engine) {
		engine_choose_for(e, s, now_us);
		for (unsigned i = 0; i < s->set.n_layers; i++) {
			struct layer *l = &s->layers[i];

			if (l->is_keyframe_wanted && !stoa_list_empty(&s->downtracks))
				engine_want_keyframe(e, l, now_us);
			if (now_us - l->window_us >= 1000000)
				layer_measure(l, now_us);
		}
	}
}
