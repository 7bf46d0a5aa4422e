/* SPDX-License-Identifier: Apache-2.0 */
/* Transports: opening, closing, and telling the client when its description has to change. */
#include "model_state.h"
#include <errno.h>
#include <stdlib.h>

static void connection_free(struct object *o)
{
	struct connection *t = (struct connection *)(void *)o;

	free(t->slots);
	if (t->participant)
		object_unref(&t->participant->obj);
	free(t);
}

int connection_open(struct participant *p, stoa_transport_id *ret_t)
{
	struct connection *t;
	int err;

	if (p->n_transports >= TRANSPORTS_MAX)
		return -EMFILE;
	if (!(t = calloc(1, sizeof(*t))))
		return -ENOMEM;
	stoa_list_init(&t->in_participant);
	if ((err = object_init(p->obj.model, &t->obj, OBJECT_TRANSPORT, connection_free)) < 0) {
		free(t);
		return err;
	}
	t->participant = p;
	p->obj.refs++;
	t->lost_ms = model_now_ms(p->obj.model);
	t->session = (uint64_t)model_random32() << 16 | (model_random32() & 0xffff);
	stoa_list_append(&p->transports, &t->in_participant);
	p->n_transports++;
	*ret_t = t->obj.id;
	return 0;
}

void connection_close(struct connection *t)
{
	struct participant *p = t->participant;
	struct command *c;

	if (t->obj.is_gone)
		return;
	for (uint32_t i = 0; i < t->n_slots; i++) {
		if (t->slots[i].track)
			track_unpublish(t->slots[i].track);
		if (t->slots[i].subscription)
			subscription_detach(t->slots[i].subscription);
	}
	if (t->peer && (c = command_new(COMMAND_PEER_CLOSE))) {
		c->peer = t->peer;
		model_post(p->obj.model, p->room, c);
	}
	t->peer = NULL;
	stoa_list_unlink(&t->in_participant);
	p->n_transports--;
	object_remove(&t->obj);
}

static void count_wanted(const struct connection *t, uint32_t wanted[2])
{
	const struct subscription *s;

	wanted[0] = wanted[1] = 0;
	stoa_list_for_each (s, &t->participant->subscriptions, struct subscription,
			    in_participant) {
		if (s->is_wanted && !s->transport && s->track->source && !s->is_codec_missing)
			wanted[s->track->info.kind]++;
	}
}

static void count_free(const struct connection *t, uint32_t free_slots[2])
{
	free_slots[0] = free_slots[1] = 0;
	for (uint32_t i = 0; i < t->n_slots; i++)
		if (t->slots[i].is_free_to_receive && !t->slots[i].subscription &&
		    t->slots[i].kind <= SDP_VIDEO)
			free_slots[t->slots[i].kind]++;
}

void connection_check_sections(struct connection *t, bool is_changed)
{
	uint32_t wanted[2], unused[2], ask[2];

	if (!t->has_answered)
		return; /* the first offer is still to come */
	count_wanted(t, wanted);
	count_free(t, unused);
	for (int k = 0; k < 2; k++) {
		uint32_t have = unused[k] + t->asked[k];

		ask[k] = wanted[k] > have ? wanted[k] - have : 0;
	}
	if (!ask[0] && !ask[1]) {
		if (t->is_asked || (!wanted[0] && !wanted[1] && !is_changed))
			return;
	}
	t->is_asked = true;
	t->asked_ms = model_now_ms(t->obj.model);
	t->asked[0] += ask[0];
	t->asked[1] += ask[1];
	model_tell_offer_needed(t, ask[0], ask[1]);
}

void participant_check_sections(struct participant *p, bool is_changed)
{
	struct connection *t;

	if (stoa_list_empty(&p->transports))
		return;
	/* What is received comes over the first transport. */
	t = STOA_CONTAINER(p->transports.next, struct connection, in_participant);
	connection_check_sections(t, is_changed);
}
