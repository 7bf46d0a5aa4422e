/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks: the mean level (RFC 6464) of each microphone over a window, told to ctl when it
 * changes by enough to see. */
#include "engine_state.h"
#include <math.h>

#define SPEAKING_DB  40   /* quieter than -40 dBov on average is not speech  */
#define WINDOW_MIN   5    /* packets; fewer is discontinuous transmission    */
#define STEP         0.1f /* smaller changes of the level are not told       */
#define WINDOWS_LOUD 2    /* windows of speech before a speaker is announced */

void speakers_hear(struct source *s, uint8_t level)
{
	s->level_sum += level;
	s->level_count++;
}

static float take_level(struct source *s)
{
	uint32_t mean = s->level_count >= WINDOW_MIN ? s->level_sum / s->level_count : 127;

	s->level_sum = s->level_count = 0;
	if (s->is_muted || mean > SPEAKING_DB) {
		s->loud_windows = 0;
		return 0;
	}
	if (s->loud_windows < WINDOWS_LOUD)
		s->loud_windows++;
	return s->loud_windows >= WINDOWS_LOUD ? powf(10.0f, -(float)mean / 20.0f) : 0;
}

static void tell_stage(struct engine *e, struct stage *stage)
{
	struct notice n = { .type = NOTICE_SPEAKERS, .id = stage->room };
	struct source *s;

	stoa_list_for_each (s, &stage->sources, struct source, in_stage) {
		float level, change;

		if (source_is_video(s))
			continue;
		level = take_level(s);
		change = level > s->level_told ? level - s->level_told : s->level_told - level;
		if ((level > 0) == (s->level_told > 0) && change < STEP)
			continue;
		s->level_told = level;
		n.who[n.n++] = (struct notice_speaker){ s->set.participant, level };
		if (n.n == NOTICE_SPEAKERS_MAX) {
			e->out->notify(e->io, &n);
			n.n = 0;
		}
	}
	if (n.n)
		e->out->notify(e->io, &n);
}

void engine_tell_speakers(struct engine *e)
{
	struct stage *s;

	stoa_list_for_each (s, &e->stages, struct stage, in_engine)
		tell_stage(e, s);
}
