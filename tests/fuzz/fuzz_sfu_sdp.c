/* SPDX-License-Identifier: Apache-2.0 */
/* An offer as a client may send it: parsed, applied to a participant who has two announced tracks
 * and somebody to listen to, answered, rendered; then once more, as clients do. */
#define WORLD_OUT_MAX 128
#include "../unit/sfu_world.h"
#include <stoa/testing.h>

static struct world w;
static stoa_room_id room;

static void on_answer(int err, struct stoa_answer *a, void *user)
{
	struct stoa_buf b = { .p = NULL };

	(void)err;
	(void)user;
	if (a && model_ops.answer_render(w.model, a, &b) < 0)
		abort();
	stoa_buf_free(&b);
	answer_unref(a);
}

static stoa_transport_id join(const char *identity, stoa_participant_id *ret_p)
{
	struct stoa_participant_info want = {
		.identity = identity,
		.auto_subscribe = true,
		.permission = { .can_publish = true, .can_subscribe = true },
	};
	stoa_transport_id t;

	if (model_ops.join(w.model, room, &want, ret_p) < 0 ||
	    model_ops.transport_open(w.model, *ret_p, &t) < 0)
		abort();
	return t;
}

static void announce(stoa_participant_id p, const char *cid, enum stoa_media_kind kind)
{
	struct stoa_track_info want = { .cid = cid, .kind = kind };
	stoa_track_id t;

	if (model_ops.track_announce(w.model, p, &want, &t) < 0)
		abort();
}

static void offer(stoa_transport_id t, struct stoa_str text)
{
	struct stoa_sdp *sdp;

	if (model_ops.sdp_parse(w.model, text, &sdp) < 0)
		return;
	model_ops.transport_offer(w.model, t, sdp, on_answer, NULL);
	world_settle(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stoa_room_info want = { .name = "r" };
	stoa_transport_id a, b;
	stoa_participant_id pa, pb;

	stoa_test_begin();
	world_open(&w);
	if (model_ops.room_open(w.model, &want, &room) < 0)
		abort();
	a = join("a", &pa);
	b = join("b", &pb);
	announce(pa, "mic", STOA_AUDIO);
	announce(pa, "cam", STOA_VIDEO);
	offer(a, stoa_strn(data, n));
	offer(b, stoa_strn(data, n));
	offer(a, stoa_strn(data, n / 2));
	announce(pb, "mic", STOA_AUDIO);
	offer(b, stoa_strn(data, n));
	model_ops.leave(w.model, pa, STOA_LEAVE_CLIENT);
	offer(b, stoa_strn(data, n));
	model_ops.room_close(w.model, room, STOA_LEAVE_ROOM_DELETED);
	world_settle(&w);
	if (stoa_map_len(w.model->objects) != 0 || w.engine->n_peers != 0 ||
	    packet_pool_used(w.pool) != 0)
		abort();
	world_close(&w);
	stoa_test_end();
	return 0;
}
