/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks: the mean amplitude of each microphone over a window, out of the levels in its packets
 * (RFC 6464), told to ctl when it starts, stops or changes by enough to see. */
#include "engine_state.h"

#define SPEAKING      0.006f /* mean amplitude: -44 dBov */
#define STEP          0.1f   /* smaller changes are not told */
#define QUIET_WINDOWS 2      /* before a speaker counts as silent: pauses between words */

/* 10^(-level/20) in 16-bit steps, built by halving every 6.02 dB: exact enough for a meter. */
static uint32_t amplitude_of(uint8_t level)
{
	static const uint32_t step[] = { 65536, 58409, 52057, 46396, 41350, 36854 };

	return step[level % 6] >> (level / 6);
}

void speakers_hear(struct source *s, uint8_t level)
{
	s->level_sum += amplitude_of(level);
	s->level_count++;
}

static float take_level(struct source *s)
{
	/* Discontinuous transmission leaves silence out: a window is 20 packets of 20 ms. */
	uint32_t n = s->level_count > 20 ? s->level_count : 20;
	float level = (float)s->level_sum / (float)n / 65536.0f;

	s->level_sum = s->level_count = 0;
	if (s->is_muted)
		return 0;
	if (level >= SPEAKING) {
		s->quiet_windows = 0;
		return level;
	}
	if (s->quiet_windows < QUIET_WINDOWS)
		s->quiet_windows++;
	return s->quiet_windows < QUIET_WINDOWS ? s->level_told : 0;
}

static bool is_worth_telling(float level, float told)
{
	float change = level > told ? level - told : told - level;

	return (level > 0) != (told > 0) || change >= STEP;
}

static void tell_stage(struct engine *e, struct stage *stage)
{
	struct notice n = { .type = NOTICE_SPEAKERS, .id = stage->room };
	struct source *s;

	stoa_list_for_each (s, &stage->sources, struct source, in_stage) {
		float level;

		if (source_is_video(s))
			continue;
		level = take_level(s);
		if (!is_worth_telling(level, s->level_told))
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
