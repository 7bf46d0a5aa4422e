/* SPDX-License-Identifier: Apache-2.0 */
/* RTCP that comes in, and key frame requests that go out. Handlers are a table by packet type;
 * what nobody handles is skipped. */
#include "engine_state.h"

#define NACKS_PER_PACKET 512

struct reading {
	struct engine *e;
	struct peer *peer;
	struct downtrack *downtrack;
	uint64_t now_us;
};

void engine_send_rtcp(struct engine *e, struct peer *p, const struct stoa_wcursor *c)
{
	if (!c->failed && stoa_wcur_len(c))
		e->out->rtcp(e->io, p, c->start, stoa_wcur_len(c));
}

void engine_want_keyframe(struct engine *e, struct layer *l, uint64_t now_us)
{
	struct source *s = l->source;
	uint32_t interval = l->pli_interval_us ? l->pli_interval_us : PLI_INTERVAL_US;
	uint8_t bytes[64];
	struct stoa_wcursor c = stoa_wcur(bytes, sizeof(bytes));
	struct peer *p = s->peer;

	l->is_keyframe_wanted = true;
	if (!p || !p->is_connected || !l->is_started || s->is_muted)
		return;
	if (l->pli_us && now_us - l->pli_us < interval)
		return; /* engine_choose_layers() comes back to it */
	if (l->pli_us && now_us - l->pli_us < 2ull * interval && interval < PLI_INTERVAL_MAX_US)
		l->pli_interval_us = interval * 2; /* the last one was not answered */
	l->pli_us = now_us;
	if (!p->sections || !p->sections->reduced_size)
		rtcp_write_rr(&c, p->ssrc, NULL, 0);
	if (s->set.has_pli || !s->set.has_fir)
		rtcp_write_pli(&c, p->ssrc, l->ssrc);
	else
		rtcp_write_fir(&c, p->ssrc, l->ssrc, l->fir_seq++);
	engine_send_rtcp(e, p, &c);
	e->stats.plis_out++;
}

/* ---- reports ---- */

static void learn_rtt(struct peer *p, uint32_t sample_us)
{
	if (sample_us > 10000000)
		return;
	p->rtt_us = p->rtt_us ? p->rtt_us - p->rtt_us / 8 + sample_us / 8 : sample_us;
	if (p->rtt_us == 0)
		p->rtt_us = 1;
}

static void on_report_blocks(struct reading *r, struct stoa_cursor *body, unsigned n)
{
	struct rtcp_report b;

	for (unsigned i = 0; i < n && rtcp_read_report(body, &b) == 0; i++) {
		struct downtrack *d = peer_find_downtrack(r->peer, b.ssrc);

		if (!d)
			continue;
		d->is_mid_known = true;
		if (b.ssrc != d->set.ssrc)
			continue;
		d->fraction_lost = b.fraction_lost;
		if (b.lsr && b.lsr == d->sr_ntp_mid) {
			uint64_t passed = r->now_us - d->sr_us;
			uint64_t held = (uint64_t)b.dlsr * 1000000 / 65536;

			if (passed >= held)
				learn_rtt(r->peer, (uint32_t)(passed - held));
		}
	}
}

static void on_sr(struct reading *r, struct rtcp_packet *p)
{
	struct rtcp_sender_info info;
	struct ssrc_route *route;
	uint32_t ssrc;

	if (rtcp_read_sr(&p->body, &ssrc, &info) < 0)
		return;
	route = peer_find_route(r->peer, ssrc);
	if (route && !route->is_rtx)
		layer_sender_report(route->layer, &info, r->now_us);
	on_report_blocks(r, &p->body, p->count);
}

static void on_rr(struct reading *r, struct rtcp_packet *p)
{
	stoa_cur_be32(&p->body);
	on_report_blocks(r, &p->body, p->count);
}

/* A stream that ends starts over with its next packet, if there is one. */
static void on_bye(struct reading *r, struct rtcp_packet *p)
{
	for (unsigned i = 0; i < p->count && stoa_cur_left(&p->body) >= 4; i++) {
		struct ssrc_route *route = peer_find_route(r->peer, stoa_cur_be32(&p->body));

		if (route && !route->is_rtx)
			route->layer->has_sr = false;
	}
}

/* ---- feedback ---- */

static void on_nacked_seq(uint16_t seq, void *user)
{
	struct reading *r = user;

	r->e->stats.nacks_in++;
	downtrack_resend(r->e, r->downtrack, seq, r->now_us);
}

static void on_rtpfb(struct reading *r, struct rtcp_packet *p)
{
	struct rtcp_feedback fb;

	if (p->count != RTPFB_NACK || rtcp_read_feedback(&p->body, &fb) < 0)
		return;
	r->downtrack = peer_find_downtrack(r->peer, fb.media_ssrc);
	if (r->downtrack && r->downtrack->set.ssrc == fb.media_ssrc && r->peer->is_connected)
		rtcp_read_nack(&p->body, NACKS_PER_PACKET, on_nacked_seq, r);
}

static void on_keyframe_request(struct reading *r, uint32_t ssrc)
{
	struct downtrack *d = peer_find_downtrack(r->peer, ssrc);

	r->e->stats.plis_in++;
	if (!d || !d->source)
		return;
	if (d->current < SOURCE_LAYERS_MAX)
		engine_want_keyframe(r->e, &d->source->layers[d->current], r->now_us);
	else if (d->target < SOURCE_LAYERS_MAX)
		engine_want_keyframe(r->e, &d->source->layers[d->target], r->now_us);
}

static void on_psfb(struct reading *r, struct rtcp_packet *p)
{
	struct rtcp_feedback fb;
	uint32_t ssrc;
	uint64_t bps;
	uint8_t seq;

	if (rtcp_read_feedback(&p->body, &fb) < 0)
		return;
	switch (p->count) {
	case PSFB_PLI:
		on_keyframe_request(r, fb.media_ssrc);
		break;
	case PSFB_FIR:
		while (rtcp_read_fir(&p->body, &ssrc, &seq))
			on_keyframe_request(r, ssrc);
		break;
	case PSFB_AFB:
		if (rtcp_read_remb(&p->body, &bps) == 0)
			r->peer->remb_bps = bps;
		break;
	default:
		break;
	}
}

typedef void rtcp_handler_fn(struct reading *r, struct rtcp_packet *p);

static rtcp_handler_fn *const handlers[RTCP_XR - RTCP_SR + 1] = {
	[0] = on_sr,
	[RTCP_RR - RTCP_SR] = on_rr,
	[RTCP_BYE - RTCP_SR] = on_bye,
	[RTCP_RTPFB - RTCP_SR] = on_rtpfb,
	[RTCP_PSFB - RTCP_SR] = on_psfb,
};

void engine_rtcp(struct engine *e, struct peer *peer, const uint8_t *bytes, size_t n,
		 uint64_t now_us)
{
	struct reading r = { .e = e, .peer = peer, .now_us = now_us };
	struct stoa_cursor c = stoa_cur(bytes, n);
	struct rtcp_packet p;
	int more;

	e->stats.rtcp_in++;
	while ((more = rtcp_next(&c, &p)) > 0) {
		unsigned i = (unsigned)p.type - RTCP_SR;

		if (p.type >= RTCP_SR && i < STOA_ARRAY_SIZE(handlers) && handlers[i])
			handlers[i](&r, &p);
	}
	e->stats.rtcp_malformed += more < 0;
}
