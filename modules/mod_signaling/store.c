/* SPDX-License-Identifier: Apache-2.0 */
/* Every statement of the module, and how rows become calls. The text is for SQLite and PostgreSQL
 * alike but for the list of channels in a parameter, which each takes apart in its own way. */
#include "signaling.h"

#include <stdlib.h>

#define OPEN "('initiating', 'ringing', 'active')"
#define CALL                                                                                       \
	"c.call_id, c.type, c.status, c.initiator_id, c.channel_id, c.room_name, c.is_direct, "    \
	"c.max_participants, c.metadata, c.created_at, c.started_at, c.ended_at, c.end_reason, "   \
	"c.updated_at"
#define CALL_LETTERS "ttttttoijmmmtm"
#define PART                                                                                       \
	"p.call_id, p.user_id, p.name, p.status, p.invited_at, p.joined_at, p.left_at, "           \
	"p.present_since, p.duration_seconds, p.is_screen_sharing"
#define PART_LETTERS "ttttmmmmio"

#define ONE_OF_SQLITE(n) "(SELECT value FROM json_each(" n "))"
#define ONE_OF_PG(n)     "(SELECT jsonb_array_elements_text(" n "))"

/* $1 call, $2 staff, $3 user, $4 every channel, $5 channels */
#define CALL_GET(one_of)                                                                           \
	"SELECT " CALL " FROM nchat_calls c WHERE c.call_id = $1 AND ($2 OR EXISTS "               \
	"(SELECT 1 FROM nchat_call_participants p WHERE p.call_id = c.call_id AND p.user_id = "    \
	"$3) "                                                                                     \
	"OR (c.channel_id IS NOT NULL AND ($4 OR c.channel_id IN " one_of("$5") ")))"

/* $1 user, $2 before this id, $3 status or '', $4 channel or '', $5 limit, $6 channels. The two
 * halves are cut off each for itself, so that each walks its own index from the newest down. */
#define MATCHES "AND ($3 = '' OR c.status = $3) AND ($4 = '' OR c.channel_id = $4) "
#define MINE                                                                                       \
	"SELECT call_id FROM (SELECT p.call_id FROM nchat_call_participants p JOIN nchat_calls c " \
	"ON c.call_id = p.call_id WHERE p.user_id = $1 AND p.call_id < $2 " MATCHES                \
	"ORDER BY p.call_id DESC LIMIT $5) a "
#define CALL_LIST(which)                                                                           \
	"SELECT " CALL " FROM nchat_calls c WHERE c.call_id IN (" MINE                             \
	"UNION SELECT call_id FROM (SELECT c.call_id FROM nchat_calls c WHERE " which              \
	"AND c.call_id < $2 " MATCHES                                                              \
	"ORDER BY c.call_id DESC LIMIT $5) b) ORDER BY c.call_id DESC LIMIT $5"
#define LIST_CHANNELS(one_of) CALL_LIST("c.channel_id IN " one_of("$6") " ")

const struct stoa_sql_stmt store_statements[STORE_N] = {
	[STORE_CALL_INSERT] = {
		.name = "call-insert",
		.text = "INSERT INTO nchat_calls (call_id, type, status, initiator_id, channel_id, "
			"room_name, is_direct, max_participants, metadata, created_at, updated_at) "
			"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
		.params = "ttttttoijm",
		.columns = "",
	},
	[STORE_CALL_STATUS] = {
		.name = "call-status",
		.text = "UPDATE nchat_calls SET status = $2, started_at = $3, updated_at = $4 "
			"WHERE call_id = $1 AND status = $5",
		.params = "ttmmt",
		.columns = "",
	},
	[STORE_CALL_CLOSE] = {
		.name = "call-close",
		.text = "UPDATE nchat_calls SET status = $2, ended_at = $3, end_reason = $4, "
			"duration_seconds = $5, updated_at = $3 WHERE call_id = $1 AND status = $6",
		.params = "ttmtit",
		.columns = "",
	},
	[STORE_CALL_GET] = {
		.name = "call-get",
		.text = CALL_GET(ONE_OF_SQLITE),
		.text_pg = CALL_GET(ONE_OF_PG),
		.params = "totoj",
		.columns = CALL_LETTERS,
	},
	[STORE_CALL_LIST] = {
		.name = "call-list",
		.text = LIST_CHANNELS(ONE_OF_SQLITE),
		.text_pg = LIST_CHANNELS(ONE_OF_PG),
		.params = "ttttij",
		.columns = CALL_LETTERS,
	},
	[STORE_CALL_LIST_ALL] = {
		.name = "call-list-every-channel",
		.text = CALL_LIST("c.channel_id IS NOT NULL "),
		.params = "tttti",
		.columns = CALL_LETTERS,
	},
	[STORE_CALLS_OPEN] = {
		.name = "calls-open",
		.text = "SELECT " CALL " FROM nchat_calls c WHERE c.status IN " OPEN
			" AND c.call_id > $1 ORDER BY c.call_id LIMIT $2",
		.params = "ti",
		.columns = CALL_LETTERS,
	},
	[STORE_CALLS_PULSE] = {
		.name = "calls-pulse",
		.text = "UPDATE nchat_calls SET updated_at = $1 WHERE status IN " OPEN,
		.params = "m",
		.columns = "",
	},
	[STORE_PART_INSERT] = {
		.name = "participant-insert",
		.text = "INSERT INTO nchat_call_participants (call_id, user_id, name, status, "
			"invited_at, joined_at, present_since) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		.params = "ttttmmm",
		.columns = "",
	},
	[STORE_PARTS_RING] = {
		.name = "participants-ring",
		.text = "UPDATE nchat_call_participants SET status = 'ringing' "
			"WHERE call_id = $1 AND status = 'invited'",
		.params = "t",
		.columns = "",
	},
	[STORE_PART_JOIN] = {
		.name = "participant-join",
		.text = "UPDATE nchat_call_participants SET status = 'joined', name = $3, "
			"joined_at = COALESCE(joined_at, $4), present_since = $4, left_at = NULL "
			"WHERE call_id = $1 AND user_id = $2 AND status = $5",
		.params = "tttmt",
		.columns = "",
	},
	[STORE_PART_STATUS] = {
		.name = "participant-status",
		.text = "UPDATE nchat_call_participants SET status = $3 "
			"WHERE call_id = $1 AND user_id = $2 AND status = $4",
		.params = "tttt",
		.columns = "",
	},
	[STORE_PART_LEAVE] = {
		.name = "participant-leave",
		.text = "UPDATE nchat_call_participants SET status = $3, left_at = $4, "
			"present_since = NULL, duration_seconds = $5, is_screen_sharing = $6 "
			"WHERE call_id = $1 AND user_id = $2 AND status = 'joined'",
		.params = "tttmio",
		.columns = "",
	},
	[STORE_PART_SHARING] = {
		.name = "participant-sharing",
		.text = "UPDATE nchat_call_participants SET is_screen_sharing = $3 "
			"WHERE call_id = $1 AND user_id = $2 AND status = 'joined'",
		.params = "tto",
		.columns = "",
	},
	[STORE_PARTS_MISS] = {
		.name = "participants-miss",
		.text = "UPDATE nchat_call_participants SET status = 'missed' "
			"WHERE call_id = $1 AND status = 'ringing'",
		.params = "t",
		.columns = "",
	},
	[STORE_PARTS_OF] = {
		.name = "participants-of",
		.text = "SELECT " PART " FROM nchat_call_participants p WHERE p.call_id = $1 "
			"ORDER BY COALESCE(p.joined_at, p.invited_at), p.user_id",
		.params = "t",
		.columns = PART_LETTERS,
	},
	[STORE_PARTS_OF_MANY] = {
		.name = "participants-of-many",
		.text = "SELECT " PART " FROM nchat_call_participants p WHERE p.call_id IN "
			ONE_OF_SQLITE("$1")
			" ORDER BY p.call_id, COALESCE(p.joined_at, p.invited_at), p.user_id",
		.text_pg = "SELECT " PART " FROM nchat_call_participants p WHERE p.call_id IN "
			ONE_OF_PG("$1")
			" ORDER BY p.call_id, COALESCE(p.joined_at, p.invited_at), p.user_id",
		.params = "j",
		.columns = PART_LETTERS,
	},
	[STORE_CONN_INSERT] = {
		.name = "connection-insert",
		.text = "INSERT INTO nchat_webrtc_connections (connection_id, call_id, user_id, "
			"participant_sid, status, created_at) "
			"VALUES ($1, $2, $3, $4, 'connecting', $5)",
		.params = "ttttm",
		.columns = "",
	},
	[STORE_CONN_CONNECTED] = {
		.name = "connection-connected",
		.text = "UPDATE nchat_webrtc_connections SET status = 'connected', "
			"connected_at = COALESCE(connected_at, $2) "
			"WHERE connection_id = $1 AND status = 'connecting'",
		.params = "tm",
		.columns = "",
	},
	[STORE_CONN_QUALITY] = {
		.name = "connection-quality",
		.text = "UPDATE nchat_webrtc_connections SET quality = $2, quality_score = $3, "
			"worst_score = CASE WHEN worst_score < $3 THEN worst_score ELSE $3 END, "
			"quality_changed_at = $4 WHERE connection_id = $1",
		.params = "ttfm",
		.columns = "",
	},
	[STORE_CONN_CLOSE] = {
		.name = "connection-close",
		.text = "UPDATE nchat_webrtc_connections SET status = 'disconnected', "
			"disconnected_at = $2, disconnect_reason = $3 "
			"WHERE connection_id = $1 AND status <> 'disconnected'",
		.params = "tmt",
		.columns = "",
	},
	[STORE_CONNS_CLOSE] = {
		.name = "connections-close",
		.text = "UPDATE nchat_webrtc_connections SET status = 'disconnected', "
			"disconnected_at = $2, disconnect_reason = 'call_over' "
			"WHERE call_id = $1 AND status <> 'disconnected'",
		.params = "tm",
		.columns = "",
	},
};

const size_t store_n_statements = STORE_N;

/* A failure is remembered by the list and comes out at its commit. */
void store_run(struct signaling *sg, struct stoa_tx *tx, enum store_statement s,
	       const struct stoa_sql_value *v, uint32_t n, enum stoa_sql_expect expect)
{
	int err = stoa_tx_run(&sg->sql, tx, &store_statements[s], v, n, expect);

	(void)err;
}

int store_query(struct signaling *sg, const char *actor, enum store_statement s,
		const struct stoa_sql_value *v, uint32_t n, stoa_sql_done_fn *fn, void *user)
{
	return stoa_sql_query(&sg->sql, sg->m, actor, &store_statements[s], v, n, fn, user);
}

/* ---- rows ---- */

struct row {
	const struct stoa_sql *sql;
	const struct stoa_sql_result *r;
	uint32_t n;
};

static struct stoa_str text_at(const struct row *row, uint32_t col)
{
	return stoa_sql_text(row->sql, row->r, row->n, col);
}

static int64_t int_at(const struct row *row, uint32_t col)
{
	return stoa_sql_int(row->sql, row->r, row->n, col);
}

static char *dup_at(const struct row *row, uint32_t col)
{
	struct stoa_str s = text_at(row, col);

	return stoa_sql_is_null(row->sql, row->r, row->n, col) ? NULL : strndup(s.p, s.n);
}

static json_t *json_at(const struct row *row, uint32_t col)
{
	struct stoa_str s = text_at(row, col);

	return s.n ? json_loadb(s.p, s.n, JSON_DECODE_ANY, NULL) : NULL;
}

static void fill_call(struct call *c, const struct row *row)
{
	struct stoa_str room = text_at(row, 5);

	c->type = dup_at(row, 1);
	c->status = call_status_parse(text_at(row, 2));
	c->initiator_id = dup_at(row, 3);
	c->channel_id = dup_at(row, 4);
	if (room.n < sizeof(c->room_name)) {
		memcpy(c->room_name, room.p, room.n);
		c->room_name[room.n] = '\0';
	}
	c->is_direct = int_at(row, 6) != 0;
	c->max_participants = (uint32_t)int_at(row, 7);
	c->metadata = json_at(row, 8);
	c->created_ms = int_at(row, 9);
	c->started_ms = int_at(row, 10);
	c->ended_ms = int_at(row, 11);
	c->end_reason = dup_at(row, 12);
	c->updated_ms = int_at(row, 13);
}

int store_read_call(struct signaling *sg, const struct stoa_sql_result *r, uint32_t row,
		    struct call **ret_call)
{
	struct row at = { &sg->sql, r, row };
	char *id = dup_at(&at, 0);
	struct call *c;
	int err = id ? call_new(sg, id, &c) : -ENOMEM;

	free(id);
	if (err)
		return err;
	fill_call(c, &at);
	if (!c->type || !c->initiator_id || !c->status) {
		call_free(c);
		return -ENOMEM;
	}
	*ret_call = c;
	return 0;
}

int store_read_participant(struct signaling *sg, const struct stoa_sql_result *r, uint32_t row,
			   struct call *c)
{
	struct row at = { &sg->sql, r, row };
	struct participant *p;
	int err = call_add_participant(c, text_at(&at, 1), text_at(&at, 2), &p);

	if (err)
		return err;
	p->status = part_status_parse(text_at(&at, 3));
	p->invited_ms = int_at(&at, 4);
	p->joined_ms = int_at(&at, 5);
	p->left_ms = int_at(&at, 6);
	p->present_ms = int_at(&at, 7);
	p->seconds = (uint32_t)int_at(&at, 8);
	p->is_sharing = int_at(&at, 9) != 0;
	return 0;
}
