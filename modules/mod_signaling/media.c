/* SPDX-License-Identifier: Apache-2.0 */
/* The media plane's news. They are facts, noted in memory at once; what they mean for the call is
 * decided by the next review. Connections get a row of their own, written as it happens. */
#include "signaling.h"

#include <stdlib.h>

struct presence {              /* one participant of the room */
	struct stoa_list link; /* call.presences */
	struct call *call;
	struct participant *p;
	stoa_participant_id id;
	char connection[STOA_UUID_LEN];
	uint32_t n_screens;
	bool is_lost; /* there, but its media connection is down */
};

static struct stoa_str key_of(const stoa_participant_id *id)
{
	return stoa_strn(id, sizeof(*id));
}

static struct presence *find(const struct signaling *sg, stoa_participant_id id)
{
	return stoa_map_get(sg->presents, key_of(&id));
}

static void free_presence(struct presence *pr)
{
	stoa_map_remove(pr->call->sg->presents, key_of(&pr->id));
	stoa_list_unlink(&pr->link);
	free(pr);
}

/* ---- rooms ---- */

int media_open_room(struct call *c)
{
	const struct stoa_room_info want = {
		.size = sizeof(want),
		.name = c->room_name,
		.metadata = "",
		/* its life is the call's, so its own timeouts lie beyond the longest call */
		.empty_timeout_s = c->sg->longest_ms / 1000 + 3600,
		.departure_timeout_s = c->sg->longest_ms / 1000 + 3600,
		.max_participants = c->max_participants,
	};
	int err = stoa_sfu_room_open(&c->sg->sfu, &want, &c->room);

	if (err)
		stoa_log(c->sg->m, STOA_LOG_WARN, "call=%s no room: %s", c->id, strerror(-err));
	return err;
}

void media_close_room(struct call *c)
{
	while (!stoa_list_empty(&c->presences))
		free_presence(STOA_CONTAINER(c->presences.next, struct presence, link));
	if (c->room && !c->is_room_gone)
		stoa_sfu_room_close(&c->sg->sfu, c->room, STOA_LEAVE_ROOM_CLOSED);
	c->room = 0;
}

static struct call *call_of(struct signaling *sg, stoa_room_id room)
{
	const struct stoa_room_info *info;

	if (stoa_sfu_room_get(&sg->sfu, room, &info))
		return NULL;
	return call_of_room(sg, stoa_str(info->name));
}

static void on_room_closed(const struct stoa_room_info *room, enum stoa_leave_reason why,
			   void *user)
{
	struct call *c = call_of_room(user, stoa_str(room->name));

	(void)why;
	if (!c || c->room != room->id)
		return;
	c->is_room_gone = true;
	review_soon(c);
}

/* ---- rows of connections: nobody waits for them, but those of a call keep their order ---- */

static void write_row(const struct call *c, enum store_statement s, const struct stoa_sql_value *v,
		      uint32_t n)
{
	struct signaling *sg = c->sg;
	struct stoa_tx *tx = stoa_sql_begin(&sg->sql, sg->m, NULL);
	int err = -ENOMEM;

	if (tx) {
		stoa_tx_order(&sg->sql, tx, stoa_str(c->id));
		store_run(sg, tx, s, v, n, STOA_ROWS_ANY);
		err = stoa_tx_commit(&sg->sql, tx, NULL, NULL);
	}
	if (err)
		stoa_log(sg->m, STOA_LOG_WARN, "connection row not written: %s", strerror(-err));
}

static void write_opened(const struct presence *pr, const char *sid)
{
	const struct stoa_sql_value v[] = { STOA_V_TEXT(pr->connection), STOA_V_TEXT(pr->call->id),
					    STOA_V_TEXT(pr->p->user_id), STOA_V_TEXT(sid),
					    STOA_V_TIME(stoa_wall_ms()) };

	write_row(pr->call, STORE_CONN_INSERT, v, STOA_ARRAY_SIZE(v));
}

static const char *reason_name(enum stoa_leave_reason why)
{
	switch (why) {
	case STOA_LEAVE_CLIENT:
		return "left";
	case STOA_LEAVE_DUPLICATE_IDENTITY:
		return "replaced";
	case STOA_LEAVE_SERVER_SHUTDOWN:
		return "server_shutdown";
	case STOA_LEAVE_REMOVED:
		return "removed";
	case STOA_LEAVE_ROOM_DELETED:
	case STOA_LEAVE_ROOM_CLOSED:
		return "room_closed";
	case STOA_LEAVE_JOIN_FAILURE:
		return "join_failed";
	case STOA_LEAVE_SIGNAL_CLOSE:
		return "signal_lost";
	case STOA_LEAVE_CONNECTION_TIMEOUT:
	case STOA_LEAVE_MEDIA_FAILURE:
		return "media_lost";
	default:
		return "unknown";
	}
}

static void write_closed(const struct presence *pr, enum stoa_leave_reason why)
{
	const struct stoa_sql_value v[] = { STOA_V_TEXT(pr->connection),
					    STOA_V_TIME(stoa_wall_ms()),
					    STOA_V_TEXT(reason_name(why)) };

	write_row(pr->call, STORE_CONN_CLOSE, v, STOA_ARRAY_SIZE(v));
}

/* ---- participants ---- */

static int add_presence(struct call *c, const struct stoa_participant_info *info)
{
	struct participant *p = call_participant(c, stoa_str(info->identity));
	struct presence *pr = calloc(1, sizeof(*pr));
	int err = pr ? 0 : -ENOMEM;

	if (!err && !p) /* came with a token that a backend made */
		err = call_add_participant(c, stoa_str(info->identity), stoa_str(info->name), &p);
	if (!err)
		err = stoa_map_set(c->sg->presents, key_of(&info->id), pr, NULL);
	if (err) {
		free(pr);
		return err;
	}
	pr->call = c;
	pr->p = p;
	pr->id = info->id;
	stoa_uuid7(pr->connection);
	stoa_list_append(&c->presences, &pr->link);
	p->n_present++;
	p->absent_at = 0;
	write_opened(pr, info->sid);
	review_soon(c);
	return 0;
}

static void on_joined(const struct stoa_participant_info *info, void *user)
{
	struct signaling *sg = user;
	struct call *c = call_of(sg, info->room);
	int err;

	if (!c || info->permission.hidden || info->permission.recorder)
		return;
	err = add_presence(c, info);
	if (err)
		stoa_log(sg->m, STOA_LOG_ERROR, "call=%s user=%s presence lost: %s", c->id,
			 info->identity, strerror(-err));
}

/* Lost is lost from the first moment: that the room lets go of somebody later counts no more. */
static void lose(struct presence *pr)
{
	if (pr->is_lost)
		return;
	pr->is_lost = true;
	if (--pr->p->n_present == 0)
		pr->p->absent_at = stoa_now_ms() + pr->call->sg->lost_ms;
	review_soon(pr->call);
}

static void find_again(struct presence *pr)
{
	if (!pr->is_lost)
		return;
	pr->is_lost = false;
	pr->p->n_present++;
	pr->p->absent_at = 0;
	review_soon(pr->call);
}

static void drop(struct presence *pr, enum stoa_leave_reason why)
{
	write_closed(pr, why);
	lose(pr);
	pr->p->n_screens -= pr->n_screens;
	if (why == STOA_LEAVE_REMOVED)
		pr->p->is_removed_now = true;
	review_soon(pr->call);
	free_presence(pr);
}

static void on_left(const struct stoa_participant_info *info, void *user)
{
	struct presence *pr = find(user, info->id);

	if (pr)
		drop(pr, info->leave_reason);
}

/* The fact is noted at once: whoever left by request is not taken for somebody who came back. */
void media_remove(struct call *c, const char *user_id)
{
	struct presence *pr, *tmp;

	stoa_list_for_each_safe (pr, tmp, &c->presences, struct presence, link) {
		if (strcmp(pr->p->user_id, user_id) != 0)
			continue;
		stoa_sfu_leave(&c->sg->sfu, pr->id, STOA_LEAVE_CLIENT);
		drop(pr, STOA_LEAVE_CLIENT);
	}
}

/* ---- screens ---- */

static void count_screen(const struct stoa_track_info *t, void *user, bool is_there)
{
	struct presence *pr = find(user, t->participant);

	if (!pr || t->source != STOA_SOURCE_SCREEN || (!is_there && !pr->n_screens))
		return;
	pr->n_screens += is_there ? 1 : (uint32_t)-1;
	pr->p->n_screens += is_there ? 1 : (uint32_t)-1;
	review_soon(pr->call);
}

static void on_published(const struct stoa_track_info *t, void *user)
{
	count_screen(t, user, true);
}

static void on_unpublished(const struct stoa_track_info *t, void *user)
{
	count_screen(t, user, false);
}

/* ---- connections ---- */

static void on_transport(stoa_transport_id t, stoa_participant_id id, bool is_connected, void *user)
{
	struct presence *pr = find(user, id);

	(void)t;
	if (!pr)
		return;
	if (!is_connected) {
		lose(pr);
	} else {
		const struct stoa_sql_value v[] = { STOA_V_TEXT(pr->connection),
						    STOA_V_TIME(stoa_wall_ms()) };

		write_row(pr->call, STORE_CONN_CONNECTED, v, STOA_ARRAY_SIZE(v));
		find_again(pr);
	}
}

static void on_quality(stoa_participant_id id, enum stoa_connection_quality q, float score,
		       void *user)
{
	static const char *const names[] = { [STOA_QUALITY_POOR] = "poor",
					     [STOA_QUALITY_GOOD] = "good",
					     [STOA_QUALITY_EXCELLENT] = "excellent",
					     [STOA_QUALITY_LOST] = "lost" };
	struct presence *pr = find(user, id);

	if (pr && (size_t)q < STOA_ARRAY_SIZE(names)) {
		const struct stoa_sql_value v[] = {
			STOA_V_TEXT(pr->connection),
			STOA_V_TEXT(names[q]),
			{ STOA_SQL_REAL, 0, (double)score, { NULL, 0 } },
			STOA_V_TIME(stoa_wall_ms()),
		};

		write_row(pr->call, STORE_CONN_QUALITY, v, STOA_ARRAY_SIZE(v));
	}
}

const struct stoa_sfu_events media_events = {
	.size = sizeof(media_events),
	.room_closed = on_room_closed,
	.participant_joined = on_joined,
	.participant_left = on_left,
	.track_published = on_published,
	.track_unpublished = on_unpublished,
	.transport_state = on_transport,
	.quality_changed = on_quality,
};
