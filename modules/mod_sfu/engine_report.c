/* SPDX-License-Identifier: Apache-2.0 */
/* The reports of one peer, about once per second: what we received from it (report blocks) and
 * what we sent to it (sender reports, each with its CNAME). */
#include "engine_state.h"

#define BLOCKS_MAX  31 /* of one packet */
#define COMPOUND    1200
#define FAR_AWAY_US 400000
#define SENDER_SIZE (28 + 12 + 36) /* sender report without blocks, and its description */

static unsigned collect_blocks(struct peer *p, uint64_t now_us, struct rtcp_report *blocks)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PEER_SSRCS_MAX && n < BLOCKS_MAX; i++) {
		const struct ssrc_route *r = &p->routes[i];

		if (!r->layer || r->is_rtx || !layer_report(r->layer, now_us, &blocks[n]))
			continue;
		if (blocks[n].fraction_lost > p->worst_lost)
			p->worst_lost = blocks[n].fraction_lost;
		n++;
	}
	return n;
}

/* How a call feels, roughly: what is lost before it is repaired, and how far away the peer is. */
static uint8_t score_of(const struct peer *p)
{
	static const uint8_t limits[] = { 26, 13, 7, 3 }; /* 10 %, 5 %, 2.5 %, 1 % of 256 */
	uint8_t score = 1;

	while (score <= STOA_ARRAY_SIZE(limits) && p->worst_lost < limits[score - 1])
		score++;
	return p->rtt_us > FAR_AWAY_US && score > 1 ? (uint8_t)(score - 1) : score;
}

static void judge_quality(struct engine *e, struct peer *p, uint64_t now_us)
{
	struct downtrack *d;
	uint8_t score;

	stoa_list_for_each (d, &p->downtracks, struct downtrack, in_peer) {
		if (d->fraction_lost > p->worst_lost)
			p->worst_lost = d->fraction_lost;
	}
	if (now_us < p->quality_us)
		return;
	score = score_of(p);
	p->quality_us = now_us + QUALITY_INTERVAL_US;
	p->worst_lost = 0;
	if (score == p->score)
		return;
	p->score = score;
	e->out->notify(e->io,
		       &(struct notice){ .type = NOTICE_QUALITY, .id = p->id, .score = score });
}

void engine_send_reports(struct engine *e, struct peer *p, uint64_t now_us)
{
	struct rtcp_report blocks[BLOCKS_MAX];
	unsigned n = collect_blocks(p, now_us, blocks);
	uint8_t bytes[COMPOUND];
	struct stoa_wcursor c = stoa_wcur(bytes, sizeof(bytes));
	struct rtcp_sender_info info;
	struct downtrack *d;

	if (n)
		rtcp_write_rr(&c, p->ssrc, blocks, n);
	stoa_list_for_each (d, &p->downtracks, struct downtrack, in_peer) {
		if (!downtrack_report(d, now_us, &info))
			continue;
		if ((size_t)(c.end - c.p) < SENDER_SIZE) {
			engine_send_rtcp(e, p, &c);
			c = stoa_wcur(bytes, sizeof(bytes));
		}
		rtcp_write_sr(&c, d->set.ssrc, &info, NULL, 0);
		rtcp_write_sdes(&c, d->set.ssrc, stoa_str(d->set.cname));
	}
	engine_send_rtcp(e, p, &c);
	judge_quality(e, p, now_us);
}
