/* SPDX-License-Identifier: Apache-2.0 */
/* Which layer is an incoming packet of? The SSRC table answers for all but the first packet of a
 * stream; that one is placed by what the description says, and its SSRC is locked to the answer.
 * Extension ids are read with the section they were negotiated in, so that a bundle in which one id
 * has two meanings is still told apart. */
#include "peer.h"
#include "source.h"

#define ROUTES_USED_MAX (PEER_SSRCS_MAX * 3 / 4)

static unsigned slot_of(uint32_t ssrc)
{
	return (ssrc * 2654435761u) >> 26; /* top 6 bits: PEER_SSRCS_MAX slots */
}

struct ssrc_route *peer_find_route(struct peer *p, uint32_t ssrc)
{
	for (unsigned i = slot_of(ssrc), n = 0; n < PEER_SSRCS_MAX; i++, n++) {
		struct ssrc_route *r = &p->routes[i % PEER_SSRCS_MAX];

		if (!r->layer)
			return NULL;
		if (r->ssrc == ssrc)
			return r;
	}
	return NULL;
}

static struct ssrc_route *insert(struct peer *p, const struct ssrc_route *route)
{
	unsigned i = slot_of(route->ssrc);

	while (p->routes[i % PEER_SSRCS_MAX].layer)
		i++;
	p->n_routes++;
	p->routes[i % PEER_SSRCS_MAX] = *route;
	return &p->routes[i % PEER_SSRCS_MAX];
}

/* Open addressing has no cheap removal; it is rare, so the table is built anew. */
static void rebuild(struct peer *p, bool (*keep)(const struct ssrc_route *, const void *),
		    const void *arg)
{
	struct ssrc_route old[PEER_SSRCS_MAX];

	memcpy(old, p->routes, sizeof(old));
	memset(p->routes, 0, sizeof(p->routes));
	p->n_routes = 0;
	for (unsigned i = 0; i < PEER_SSRCS_MAX; i++)
		if (old[i].layer && keep(&old[i], arg))
			insert(p, &old[i]);
}

static bool is_other_ssrc(const struct ssrc_route *r, const void *ssrc)
{
	return r->ssrc != *(const uint32_t *)ssrc;
}

static bool is_of_other_source(const struct ssrc_route *r, const void *source)
{
	return source && r->layer->source != source;
}

static bool is_section_unchanged(const struct ssrc_route *r, const void *sections)
{
	const struct sections *s = sections;

	return r->section < s->n && s->s[r->section].source == r->layer->source;
}

struct ssrc_route *peer_add_route(struct peer *p, uint32_t ssrc, struct layer *layer,
				  uint16_t section, bool is_rtx)
{
	struct ssrc_route r = { ssrc, section, is_rtx, layer };
	uint32_t former = is_rtx ? layer->rtx_ssrc : layer->ssrc;

	if (former && former != ssrc)
		rebuild(p, is_other_ssrc, &former);
	if (p->n_routes >= ROUTES_USED_MAX)
		return NULL;
	if (is_rtx) {
		layer->rtx_ssrc = ssrc;
	} else {
		if (former && former != ssrc)
			layer_reset(layer);
		layer->ssrc = ssrc;
	}
	return insert(p, &r);
}

void peer_drop_routes(struct peer *p, const struct source *source)
{
	rebuild(p, is_of_other_source, source);
}

struct sections *peer_set_sections(struct peer *p, struct sections *sections)
{
	struct sections *former = p->sections;

	p->sections = sections;
	rebuild(p, is_section_unchanged, sections);
	return former;
}

static bool element_is(const uint8_t *data, const struct rtp_header *h, uint8_t id,
		       const char *text, size_t n)
{
	struct rtp_element e;

	return id && rtp_ext_find(data, h, id, &e) && e.len == n &&
	       memcmp(data + e.off, text, n) == 0;
}

static bool has_mid(const struct section *s, const uint8_t *data, const struct rtp_header *h)
{
	return element_is(data, h, section_ext_id(s, RTP_EXT_MID), s->mid, s->mid_len);
}

/* The layer an RID element names: LAYERS_MAX when there is none or it is not ours. */
static unsigned layer_by_rid(const struct section *s, const uint8_t *data,
			     const struct rtp_header *h, bool is_rtx)
{
	uint8_t id = section_ext_id(s, is_rtx ? RTP_EXT_REPAIRED_RID : RTP_EXT_RID);
	unsigned i;

	for (i = 0; i < s->n_rids; i++)
		if (element_is(data, h, id, s->rids[i], strlen(s->rids[i])))
			return i;
	return SOURCE_LAYERS_MAX;
}

static const struct section_ssrc *find_ssrc(const struct section *s, uint32_t ssrc)
{
	for (const struct section_ssrc *i = s->ssrcs; i < s->ssrcs + s->n_ssrcs; i++)
		if (i->ssrc == ssrc)
			return i;
	return NULL;
}

static const struct section *find_section(const struct sections *all, const uint8_t *data,
					  const struct rtp_header *h)
{
	const struct section *only = NULL, *s;
	unsigned n = 0;

	for (s = all->s; s < all->s + all->n; s++)
		if (s->source && section_find_pt(s, h->pt) && has_mid(s, data, h))
			return s;
	for (s = all->s; s < all->s + all->n; s++)
		if (s->source && section_find_pt(s, h->pt) && find_ssrc(s, h->ssrc))
			return s;
	for (s = all->s; s < all->s + all->n; s++) {
		if (s->source && section_find_pt(s, h->pt)) {
			only = s;
			n++;
		}
	}
	return n == 1 ? only : NULL;
}

static unsigned find_layer(const struct section *s, const uint8_t *data, const struct rtp_header *h,
			   bool is_rtx)
{
	const struct section_ssrc *known = find_ssrc(s, h->ssrc);
	unsigned layer = layer_by_rid(s, data, h, is_rtx);

	if (layer < SOURCE_LAYERS_MAX)
		return layer;
	if (known)
		return known->layer;
	return s->n_rids ? SOURCE_LAYERS_MAX : 0; /* simulcast without a name: cannot tell */
}

struct ssrc_route *peer_demux(struct peer *p, const uint8_t *data, const struct rtp_header *h)
{
	struct ssrc_route *r = peer_find_route(p, h->ssrc);
	const struct section *s;
	unsigned layer;
	bool is_rtx;

	if (r)
		return r;
	if (!p->sections || !(s = find_section(p->sections, data, h)))
		return NULL;
	is_rtx = section_find_pt(s, h->pt)->is_rtx;
	layer = find_layer(s, data, h, is_rtx);
	if (layer >= s->source->set.n_layers)
		return NULL;
	return peer_add_route(p, h->ssrc, &s->source->layers[layer], (uint16_t)(s - p->sections->s),
			      is_rtx);
}
