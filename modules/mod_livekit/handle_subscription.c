/* SPDX-License-Identifier: Apache-2.0 */
/* subscription, track_setting: what the client wants to receive. Clients repeat themselves a lot
 * here, and name tracks that are gone: both are harmless. */
#include "handlers.h"
#include "render.h"

#include <errno.h>

static void tell_missing(struct session *s, const char *sid)
{
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__SubscriptionResponse no = LK__SUBSCRIPTION_RESPONSE__INIT;

	no.track_sid = (char *)(uintptr_t)sid;
	no.err = LK__SUBSCRIPTION_ERROR__SE_TRACK_NOTFOUND;
	msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_SUBSCRIPTION_RESPONSE;
	msg.subscription_response = &no;
	session_send(s, &msg);
}

static void subscribe(struct session *s, char **sids, size_t n, bool wanted)
{
	stoa_track_id id;
	int err;

	for (size_t i = 0; i < n && i < LK_SIDS_MAX; i++) {
		err = stoa_sfu_track_find(&s->lk->sfu, s->room->id, sids[i], &id);
		if (!err)
			err = stoa_sfu_subscribe(&s->lk->sfu, s->participant, id, wanted);
		if (err == -ENOENT && wanted)
			tell_missing(s, sids[i]);
	}
}

void handle_subscription(struct session *s, struct request *r)
{
	const Lk__UpdateSubscription *u = r->msg->subscription;

	/* browsers fill both lists with the same tracks, others only the second */
	if (u->n_track_sids) {
		subscribe(s, u->track_sids, u->n_track_sids, u->subscribe);
		return;
	}
	for (size_t i = 0; i < u->n_participant_tracks && i < LK_SIDS_MAX; i++)
		subscribe(s, u->participant_tracks[i]->track_sids,
			  u->participant_tracks[i]->n_track_sids, u->subscribe);
}

void handle_track_setting(struct session *s, struct request *r)
{
	const Lk__UpdateTrackSettings *u = r->msg->track_setting;
	struct stoa_track_settings settings = {
		.size = sizeof(settings),
		.disabled = u->disabled,
		.quality = u->quality <= 2 ? u->quality : 2,
		.width = u->width,
		.height = u->height,
		.fps = u->fps,
		.priority = u->priority,
	};
	stoa_track_id id;

	for (size_t i = 0; i < u->n_track_sids && i < LK_SIDS_MAX; i++)
		if (stoa_sfu_track_find(&s->lk->sfu, s->room->id, u->track_sids[i], &id) == 0)
			(void)stoa_sfu_set_track_settings(&s->lk->sfu, s->participant, id,
							  &settings);
}
