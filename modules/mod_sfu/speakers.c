/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks: the level of each microphone over a window, as RFC 6464 would state it for the whole
 * window (root mean square), out of the levels in its packets; told to ctl when it starts, stops or
 * changes by enough to see. */
#include "engine_state.h"
#include <math.h>

#define WINDOW_MS     (SPEAK_INTERVAL_US / 1000)
#define LATE_MS       2000  /* further back is another clock */
#define PACKET_MS     20    /* of which nothing is known */
#define OPUS_TICKS    48    /* per millisecond, at every sample rate (RFC 7587 section 4.1) */
#define SPEAKING      0.01f /* -40 dBov */
#define STEP          0.1f  /* smaller changes are not told */
#define QUIET_WINDOWS 3     /* before a speaker counts as silent: pauses between words */

/* 10^(-level/10) in 16-bit steps, built by halving every 3.01 dB: exact enough for a meter. */
static uint32_t power_of(uint8_t level)
{
	static const uint32_t step[] = { 65536, 52057, 41350 };

	return level < 3 * 17 ? step[level % 3] >> (level / 3) : 0;
}

/* What a packet's level stands for: the time since the packet before it, so that packets of any
 * length weigh what they last, and one behind a pause or a loss stands for that too. */
static uint32_t span_of(struct source *s, uint32_t timestamp)
{
	int32_t ms = (int32_t)(timestamp - s->level_timestamp) / OPUS_TICKS;
	bool is_start = !s->is_level_known || ms < -LATE_MS || ms > WINDOW_MS;

	if (!is_start && ms <= 0)
		return 0; /* late: the one behind it stood for it */
	s->level_timestamp = timestamp;
	s->is_level_known = true;
	return is_start ? PACKET_MS : (uint32_t)ms;
}

void speakers_hear(struct source *s, uint8_t level, uint32_t timestamp)
{
	uint32_t ms = span_of(s, timestamp);

	s->level_sum += (uint64_t)power_of(level) * ms;
	s->level_ms += ms;
}

static float take_level(struct source *s)
{
	/* Discontinuous transmission leaves silence out; a burst may bring more than a window. */
	uint32_t ms = s->level_ms > WINDOW_MS ? s->level_ms : WINDOW_MS;
	float level = sqrtf((float)s->level_sum / (float)ms / 65536.0f);

	s->level_sum = s->level_ms = 0;
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

void speakers_forget(struct engine *e, struct source *s)
{
	struct notice n = { .type = NOTICE_SPEAKERS, .id = s->stage->room, .n = 1 };

	if (s->level_told == 0)
		return;
	s->level_told = 0;
	n.who[0] = (struct notice_speaker){ s->set.participant, 0 };
	e->out->notify(e->io, &n);
}
