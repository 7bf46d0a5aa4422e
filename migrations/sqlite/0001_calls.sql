-- Calls, who takes part in them, and the connections they were made over.
--
-- Ids are UUIDv7 text, so that the order of ids is the order of creation. User ids are any text of
-- 1 to 255 bytes. Times are RFC 3339 text in UTC with milliseconds (2026-01-02T03:04:05.678Z): equal
-- length, so that text order is time order. Durations are whole seconds.
-- Every index serves a query named in migrations/queries.md.

CREATE TABLE nchat_calls (
	call_id          TEXT NOT NULL PRIMARY KEY,
	type             TEXT NOT NULL CHECK (type IN ('audio', 'video', 'screen_share')),
	status           TEXT NOT NULL CHECK (status IN ('initiating', 'ringing', 'active', 'ended', 'declined',
	                                                 'missed', 'cancelled', 'failed')),
	initiator_id     TEXT NOT NULL CHECK (length(CAST(initiator_id AS BLOB)) BETWEEN 1 AND 255),
	-- NULL: a call to users. Otherwise everyone of the channel may join.
	channel_id       TEXT CHECK (length(CAST(channel_id AS BLOB)) BETWEEN 1 AND 255),
	-- The room of the media plane, as media tokens name it.
	room_name        TEXT NOT NULL UNIQUE CHECK (length(room_name) BETWEEN 1 AND 255),
	-- 1: between two people; it ends when either leaves. 0: a group.
	is_direct        INTEGER NOT NULL DEFAULT 0 CHECK (is_direct IN (0, 1)),
	max_participants INTEGER NOT NULL DEFAULT 100 CHECK (max_participants BETWEEN 2 AND 1000),
	metadata         TEXT CHECK (metadata IS NULL OR json_valid(metadata)),
	created_at       TEXT NOT NULL CHECK (length(created_at) = 24),
	-- When the first callee joined.
	started_at       TEXT CHECK (length(started_at) = 24),
	ended_at         TEXT CHECK (length(ended_at) = 24),
	-- ended_at - started_at; 0 for a call that was never active.
	duration_seconds INTEGER CHECK (duration_seconds >= 0),
	end_reason       TEXT CHECK (length(end_reason) <= 255),
	-- While the call is open: when the daemon last said that it lives. A call cut off by a crash ends here.
	updated_at       TEXT NOT NULL CHECK (length(updated_at) = 24),
	CHECK ((status IN ('initiating', 'ringing', 'active')) = (ended_at IS NULL)),
	CHECK (status NOT IN ('initiating', 'ringing') OR started_at IS NULL),
	CHECK (status <> 'active' OR started_at IS NOT NULL)
) STRICT;

CREATE INDEX nchat_calls_channel ON nchat_calls (channel_id, call_id) WHERE channel_id IS NOT NULL;
CREATE INDEX nchat_calls_open ON nchat_calls (call_id) WHERE status IN ('initiating', 'ringing', 'active');

CREATE TABLE nchat_call_participants (
	call_id           TEXT NOT NULL REFERENCES nchat_calls (call_id) ON DELETE CASCADE,
	user_id           TEXT NOT NULL CHECK (length(CAST(user_id AS BLOB)) BETWEEN 1 AND 255),
	name              TEXT NOT NULL DEFAULT '',
	status            TEXT NOT NULL CHECK (status IN ('invited', 'ringing', 'joined', 'left', 'declined', 'missed',
	                                                  'removed')),
	-- NULL: came on their own, as a member of the channel.
	invited_at        TEXT CHECK (length(invited_at) = 24),
	-- The first time they came in, and the last time they went.
	joined_at         TEXT CHECK (length(joined_at) = 24),
	left_at           TEXT CHECK (length(left_at) = 24),
	-- Since when they are in it without a break.
	present_since     TEXT CHECK (length(present_since) = 24),
	-- Time spent in the call, over all stays that are over.
	duration_seconds  INTEGER NOT NULL DEFAULT 0 CHECK (duration_seconds >= 0),
	is_screen_sharing INTEGER NOT NULL DEFAULT 0 CHECK (is_screen_sharing IN (0, 1)),
	PRIMARY KEY (call_id, user_id),
	CHECK (status NOT IN ('joined', 'left') OR joined_at IS NOT NULL),
	CHECK ((status = 'joined') = (present_since IS NOT NULL)),
	CHECK (status <> 'joined' OR left_at IS NULL),
	CHECK (is_screen_sharing = 0 OR status = 'joined')
) STRICT, WITHOUT ROWID;

CREATE INDEX nchat_call_participants_user ON nchat_call_participants (user_id, call_id);

-- One row for each time somebody's media came up: a page reload makes a second one.
CREATE TABLE nchat_webrtc_connections (
	connection_id      TEXT NOT NULL PRIMARY KEY,
	call_id            TEXT NOT NULL REFERENCES nchat_calls (call_id) ON DELETE CASCADE,
	user_id            TEXT NOT NULL CHECK (length(CAST(user_id AS BLOB)) BETWEEN 1 AND 255),
	-- The media plane's id of this presence ("PA_…").
	participant_sid    TEXT NOT NULL DEFAULT '',
	status             TEXT NOT NULL CHECK (status IN ('connecting', 'connected', 'disconnected')),
	created_at         TEXT NOT NULL CHECK (length(created_at) = 24),
	connected_at       TEXT CHECK (length(connected_at) = 24),
	disconnected_at    TEXT CHECK (length(disconnected_at) = 24),
	disconnect_reason  TEXT,
	-- Last and worst quality told by the media plane; the score goes from 0 to 5.
	quality            TEXT CHECK (quality IN ('poor', 'good', 'excellent', 'lost')),
	quality_score      REAL,
	worst_score        REAL,
	quality_changed_at TEXT CHECK (length(quality_changed_at) = 24),
	CHECK ((status = 'disconnected') = (disconnected_at IS NOT NULL))
) STRICT;

CREATE INDEX nchat_webrtc_connections_call ON nchat_webrtc_connections (call_id, user_id);

-- Answers given under an Idempotency-Key, kept for 24 hours.
CREATE TABLE stoa_idempotency (
	actor        TEXT NOT NULL CHECK (length(CAST(actor AS BLOB)) BETWEEN 1 AND 255),
	key          TEXT NOT NULL CHECK (length(CAST(key AS BLOB)) BETWEEN 1 AND 255),
	-- Of method, path and body: the same key with another request is refused.
	request_hash TEXT NOT NULL,
	status       INTEGER NOT NULL CHECK (status BETWEEN 100 AND 599),
	body         TEXT NOT NULL,
	expires_at   TEXT NOT NULL CHECK (length(expires_at) = 24),
	PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX stoa_idempotency_expires ON stoa_idempotency (expires_at);
