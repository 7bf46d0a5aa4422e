/* SPDX-License-Identifier: Apache-2.0 */
/* An offer's way: planned by the sfu on ctl, its answer rendered and sent on the socket's edge
 * thread. Updates that name the participants whose media the answer carries go first: a client
 * drops media of strangers for good. */
#include "frame.h"
#include "session.h"

#include <errno.h>
#include <stdlib.h>

struct offer_job {
	struct stoa_task task; /* to the edge thread */
	struct conn *conn;     /* that gets the answer; a reference */
	stoa_participant_id participant;
	struct stoa_answer *answer;
	uint32_t id;
};

static void job_free(struct offer_job *job)
{
	stoa_sfu_answer_unref(&job->conn->lk->sfu, job->answer);
	conn_unref(job->conn);
	free(job);
}

STOA_DEFINE_AUTO(struct offer_job, job_free)

/* mid_to_track_id: always all of them, for each answer replaces the one before. */
static int render_mids(struct wire_arena *a, const struct offer_job *job, Lk__SessionDescription *d)
{
	uint32_t n = 0;
	const struct stoa_mid_track *tracks =
		stoa_sfu_answer_tracks(&job->conn->lk->sfu, job->answer, &n);
	Lk__SessionDescription__MidToTrackIdEntry *entries;

	if (!n)
		return 0;
	entries = wire_alloc(a, n * sizeof(*entries));
	d->mid_to_track_id = wire_alloc(a, n * sizeof(*d->mid_to_track_id));
	if (!entries || !d->mid_to_track_id)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		lk__session_description__mid_to_track_id_entry__init(&entries[i]);
		entries[i].key = (char *)(uintptr_t)tracks[i].mid;
		entries[i].value = (char *)(uintptr_t)tracks[i].track_sid;
		d->mid_to_track_id[i] = &entries[i];
	}
	d->n_mid_to_track_id = n;
	return 0;
}

static void send_answer(struct stoa_task *t) /* edge */
{
	stoa_auto(job_free) struct offer_job *job = STOA_CONTAINER(t, struct offer_job, task);
	stoa_auto(wire_arena_free) struct wire_arena *a = wire_arena_new(WIRE_ARENA_MAX);
	Lk__SignalResponse msg = LK__SIGNAL_RESPONSE__INIT;
	Lk__SessionDescription d = LK__SESSION_DESCRIPTION__INIT;
	struct stoa_buf sdp = { 0 };

	if (a && stoa_sfu_answer_render(&job->conn->lk->sfu, job->answer, &sdp) == 0 &&
	    render_mids(a, job, &d) == 0)
		stoa_buf_add(&sdp, "", 1);
	else
		sdp.failed = true;
	if (!sdp.failed) {
		d.type = (char *)(uintptr_t) "answer";
		d.sdp = sdp.p;
		d.id = job->id;
		msg.message_case = LK__SIGNAL_RESPONSE__MESSAGE_ANSWER;
		msg.answer = &d;
		conn_send(job->conn, &msg);
	} else {
		conn_close(job->conn, 1011, "out of memory");
	}
	stoa_buf_free(&sdp);
}

static void on_answer(int err, struct stoa_answer *answer, void *user)
{
	stoa_auto(job_free) struct offer_job *job = user;
	struct session *s = session_find(job->conn->lk, job->participant);

	job->answer = answer;
	if (!s || s->lk->is_stopped)
		return;
	s->offers--;
	if (err) {
		stoa_log(s->lk->mod, STOA_LOG_NOTICE, "participant=%s offer %u refused: %s", s->sid,
			 job->id, strerror(-err));
		session_end(s, STOA_LEAVE_MEDIA_FAILURE);
		return;
	}
	room_flush(s->room);
	job->task.fn = send_answer;
	if (stoa_post_task(stoa_ws_loop(job->conn->ws), &job->task) == 0)
		stoa_take(job);
}

void session_offer(struct session *s, struct stoa_sdp *sdp_take, uint32_t id)
{
	struct offer_job *job =
		s->conn && s->offers < LK_OFFERS_MAX ? calloc(1, sizeof(*job)) : NULL;

	if (!job) {
		stoa_log(s->lk->mod, STOA_LOG_NOTICE, "participant=%s offer %u dropped: %u wait",
			 s->sid, id, s->offers);
		stoa_sfu_sdp_free(&s->lk->sfu, sdp_take);
		return;
	}
	job->conn = conn_ref(s->conn);
	job->participant = s->participant;
	job->id = id;
	s->offers++;
	if (stoa_sfu_transport_offer(&s->lk->sfu, s->transport, sdp_take, on_answer, job) != 0) {
		s->offers--;
		job_free(job);
		session_end(s, STOA_LEAVE_MEDIA_FAILURE);
	}
}
