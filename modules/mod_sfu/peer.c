/* SPDX-License-Identifier: Apache-2.0 */
/* Making and freeing the objects of a transport, on ctl; and what the shell may see of a peer. */
#include "peer.h"
#include "downtrack.h"
#include <stdlib.h>

struct peer *peer_new(uint64_t id, uint32_t ssrc)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->id = id;
	p->ssrc = ssrc;
	stoa_list_init(&p->in_engine);
	stoa_list_init(&p->in_twcc);
	stoa_list_init(&p->downtracks);
	return p;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	free(p->sections);
	free(p);
}

struct sections *sections_new(uint32_t n)
{
	struct sections *s = calloc(1, sizeof(*s) + n * sizeof(s->s[0]));

	if (s)
		s->n = n;
	return s;
}

struct downtrack *peer_find_downtrack(struct peer *p, uint32_t ssrc)
{
	struct downtrack *d;

	stoa_list_for_each (d, &p->downtracks, struct downtrack, in_peer) {
		if (d->set.ssrc == ssrc || (d->set.rtx_ssrc && d->set.rtx_ssrc == ssrc))
			return d;
	}
	return NULL;
}

struct peer_io *peer_io(const struct peer *p)
{
	return p->io;
}

void peer_set_io(struct peer *p, struct peer_io *io)
{
	p->io = io;
}

uint64_t peer_id(const struct peer *p)
{
	return p->id;
}
