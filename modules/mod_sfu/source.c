/* SPDX-License-Identifier: Apache-2.0 */
/* Making and freeing a published track with its rings, on ctl. What arrives is handled in
 * receiver.c, what leaves in downtrack.c. */
#include "source.h"
#include <stdlib.h>

#define RING_VIDEO 512
#define RING_AUDIO 64

struct source *source_new(const struct source_settings *set, struct stage *stage, struct peer *peer)
{
	uint32_t slots = set->codec == CODEC_OPUS ? RING_AUDIO : RING_VIDEO;
	struct source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->set = *set;
	s->stage = stage;
	s->peer = peer;
	stoa_list_init(&s->in_engine);
	stoa_list_init(&s->in_stage);
	stoa_list_init(&s->downtracks);
	for (uint8_t i = 0; i < SOURCE_LAYERS_MAX; i++) {
		struct layer *l = &s->layers[i];

		l->source = s;
		l->index = i;
		l->ring_mask = slots - 1;
		stoa_list_init(&l->in_nacking);
		if (i < set->n_layers && !(l->ring = calloc(slots, sizeof(l->ring[0])))) {
			source_free(s);
			return NULL;
		}
	}
	return s;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	for (int i = 0; i < SOURCE_LAYERS_MAX; i++)
		free(s->layers[i].ring);
	free(s);
}
