-- Calls, who takes part in them, and the connections they were made over.
--
-- The same as 0001 of SQLite, in PostgreSQL's types, with access rules for whoever reads the tables
-- directly. Ids are UUIDv7 text, so that the order of ids is the order of creation; they compare as
-- bytes. User ids are any text of 1 to 255 bytes. Durations are whole seconds.
-- Every index serves a query named in migrations/queries.md.

-- ---- roles: stoa_app acts for a user and sees what the policies show; stoa_service is the daemon ----

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'stoa_app') THEN
		CREATE ROLE stoa_app NOLOGIN;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'stoa_service') THEN
		CREATE ROLE stoa_service NOLOGIN;
	END IF;
END
$$;
GRANT stoa_app, stoa_service TO CURRENT_USER;

-- Who acts: the daemon's own setting, else the claims of PostgREST, else the session of Hasura.
-- Nobody: NULL, which is equal to no user.
CREATE FUNCTION stoa_current_user() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE(
	NULLIF(current_setting('stoa.user_id', true), ''),
	NULLIF(NULLIF(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', ''),
	NULLIF(NULLIF(current_setting('hasura.user', true), '')::jsonb ->> 'x-hasura-user-id', ''));
COMMENT ON FUNCTION stoa_current_user() IS
	'The acting user by stoa.user_id, request.jwt.claims (sub) or hasura.user (x-hasura-user-id); NULL: nobody';

-- ---- tables ----

CREATE TABLE nchat_calls (
	call_id          text COLLATE "C" NOT NULL PRIMARY KEY,
	type             text NOT NULL CHECK (type IN ('audio', 'video', 'screen_share')),
	status           text NOT NULL CHECK (status IN ('initiating', 'ringing', 'active', 'ended', 'declined',
	                                                 'missed', 'cancelled', 'failed')),
	initiator_id     text NOT NULL CHECK (octet_length(initiator_id) BETWEEN 1 AND 255),
	channel_id       text CHECK (octet_length(channel_id) BETWEEN 1 AND 255),
	room_name        text NOT NULL UNIQUE CHECK (length(room_name) BETWEEN 1 AND 255),
	is_direct        boolean NOT NULL DEFAULT false,
	max_participants integer NOT NULL DEFAULT 100 CHECK (max_participants BETWEEN 2 AND 1000),
	metadata         jsonb,
	created_at       timestamptz NOT NULL,
	started_at       timestamptz,
	ended_at         timestamptz,
	duration_seconds integer CHECK (duration_seconds >= 0),
	end_reason       text CHECK (length(end_reason) <= 255),
	updated_at       timestamptz NOT NULL,
	CHECK ((status IN ('initiating', 'ringing', 'active')) = (ended_at IS NULL)),
	CHECK (status NOT IN ('initiating', 'ringing') OR started_at IS NULL),
	CHECK (status <> 'active' OR started_at IS NOT NULL)
);
COMMENT ON TABLE nchat_calls IS 'Calls, open and over';
COMMENT ON COLUMN nchat_calls.call_id IS 'UUIDv7: in the order of creation';
COMMENT ON COLUMN nchat_calls.initiator_id IS 'Who started it';
COMMENT ON COLUMN nchat_calls.channel_id IS 'NULL: a call to users; otherwise everyone of the channel may join';
COMMENT ON COLUMN nchat_calls.room_name IS 'The room of the media plane, as media tokens name it';
COMMENT ON COLUMN nchat_calls.is_direct IS 'Between two people: it ends when either leaves';
COMMENT ON COLUMN nchat_calls.started_at IS 'When the first callee joined';
COMMENT ON COLUMN nchat_calls.duration_seconds IS 'ended_at - started_at; 0 for a call that was never active';
COMMENT ON COLUMN nchat_calls.updated_at IS
	'While the call is open: when the daemon last said that it lives; a call cut off by a crash ends here';

CREATE INDEX nchat_calls_channel ON nchat_calls (channel_id, call_id) WHERE channel_id IS NOT NULL;
CREATE INDEX nchat_calls_open ON nchat_calls (call_id) WHERE status IN ('initiating', 'ringing', 'active');

CREATE TABLE nchat_call_participants (
	call_id           text COLLATE "C" NOT NULL REFERENCES nchat_calls (call_id) ON DELETE CASCADE,
	user_id           text COLLATE "C" NOT NULL CHECK (octet_length(user_id) BETWEEN 1 AND 255),
	name              text NOT NULL DEFAULT '',
	status            text NOT NULL CHECK (status IN ('invited', 'ringing', 'joined', 'left', 'declined', 'missed',
	                                                  'removed')),
	invited_at        timestamptz,
	joined_at         timestamptz,
	left_at           timestamptz,
	present_since     timestamptz,
	duration_seconds  integer NOT NULL DEFAULT 0 CHECK (duration_seconds >= 0),
	is_screen_sharing boolean NOT NULL DEFAULT false,
	PRIMARY KEY (call_id, user_id),
	CHECK (status NOT IN ('joined', 'left') OR joined_at IS NOT NULL),
	CHECK ((status = 'joined') = (present_since IS NOT NULL)),
	CHECK (status <> 'joined' OR left_at IS NULL),
	CHECK (NOT is_screen_sharing OR status = 'joined')
);
COMMENT ON TABLE nchat_call_participants IS 'Who was invited to a call or came to it';
COMMENT ON COLUMN nchat_call_participants.invited_at IS 'NULL: came on their own, as a member of the channel';
COMMENT ON COLUMN nchat_call_participants.joined_at IS 'The first time they came in';
COMMENT ON COLUMN nchat_call_participants.left_at IS 'The last time they went';
COMMENT ON COLUMN nchat_call_participants.present_since IS 'Since when they are in it without a break';
COMMENT ON COLUMN nchat_call_participants.duration_seconds IS 'Time spent in the call, over all stays that are over';

CREATE INDEX nchat_call_participants_user ON nchat_call_participants (user_id, call_id);

CREATE TABLE nchat_webrtc_connections (
	connection_id      text COLLATE "C" NOT NULL PRIMARY KEY,
	call_id            text COLLATE "C" NOT NULL REFERENCES nchat_calls (call_id) ON DELETE CASCADE,
	user_id            text COLLATE "C" NOT NULL CHECK (octet_length(user_id) BETWEEN 1 AND 255),
	participant_sid    text NOT NULL DEFAULT '',
	status             text NOT NULL CHECK (status IN ('connecting', 'connected', 'disconnected')),
	created_at         timestamptz NOT NULL,
	connected_at       timestamptz,
	disconnected_at    timestamptz,
	disconnect_reason  text,
	quality            text CHECK (quality IN ('poor', 'good', 'excellent', 'lost')),
	quality_score      double precision,
	worst_score        double precision,
	quality_changed_at timestamptz,
	CHECK ((status = 'disconnected') = (disconnected_at IS NOT NULL))
);
COMMENT ON TABLE nchat_webrtc_connections IS
	'One row for each time somebody''s media came up: a page reload makes a second one';
COMMENT ON COLUMN nchat_webrtc_connections.participant_sid IS 'The media plane''s id of this presence (PA_…)';
COMMENT ON COLUMN nchat_webrtc_connections.quality_score IS 'Last quality told by the media plane, 0 to 5';
COMMENT ON COLUMN nchat_webrtc_connections.worst_score IS 'Worst quality told by the media plane, 0 to 5';

CREATE INDEX nchat_webrtc_connections_call ON nchat_webrtc_connections (call_id, user_id);

CREATE TABLE stoa_idempotency (
	actor        text COLLATE "C" NOT NULL CHECK (octet_length(actor) BETWEEN 1 AND 255),
	key          text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
	request_hash text NOT NULL,
	status       integer NOT NULL CHECK (status BETWEEN 100 AND 599),
	body         text NOT NULL,
	expires_at   timestamptz NOT NULL,
	PRIMARY KEY (actor, key)
);
COMMENT ON TABLE stoa_idempotency IS 'Answers given under an Idempotency-Key, kept for 24 hours';
COMMENT ON COLUMN stoa_idempotency.request_hash IS
	'Of method, path and body: the same key with another request is refused';

CREATE INDEX stoa_idempotency_expires ON stoa_idempotency (expires_at);

-- ---- access ----
-- A policy that looks at another table would be judged by that table's policies, and those by these:
-- the questions are functions that look with the owner's eyes.

CREATE FUNCTION stoa_is_in_call(id text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT 1 FROM nchat_call_participants p
	WHERE p.call_id = $1 AND p.user_id = stoa_current_user());

CREATE FUNCTION stoa_started_call(id text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT 1 FROM nchat_calls c
	WHERE c.call_id = $1 AND c.initiator_id = stoa_current_user());

COMMENT ON FUNCTION stoa_is_in_call(text) IS 'Was the acting user invited to the call, or in it?';
COMMENT ON FUNCTION stoa_started_call(text) IS 'Did the acting user start the call?';

ALTER TABLE nchat_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE nchat_call_participants ENABLE ROW LEVEL SECURITY;
ALTER TABLE nchat_webrtc_connections ENABLE ROW LEVEL SECURITY;
ALTER TABLE stoa_idempotency ENABLE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON nchat_calls, nchat_call_participants TO stoa_app;
GRANT SELECT ON nchat_webrtc_connections TO stoa_app;
GRANT SELECT, INSERT, UPDATE ON stoa_idempotency TO stoa_app;
GRANT SELECT, INSERT, UPDATE, DELETE
	ON nchat_calls, nchat_call_participants, nchat_webrtc_connections, stoa_idempotency TO stoa_service;

-- A call is seen by who started it and who was invited or came.
CREATE POLICY calls_seen ON nchat_calls FOR SELECT TO stoa_app
	USING (initiator_id = stoa_current_user() OR stoa_is_in_call(call_id));
-- One starts calls in one's own name; what becomes of them is the daemon's business.
CREATE POLICY calls_started ON nchat_calls FOR INSERT TO stoa_app
	WITH CHECK (initiator_id = stoa_current_user() AND status = 'initiating');
-- Who is in a call sees who else is.
CREATE POLICY participants_seen ON nchat_call_participants FOR SELECT TO stoa_app
	USING (stoa_is_in_call(call_id) OR stoa_started_call(call_id));
-- Invitations come from who started the call.
CREATE POLICY participants_invited ON nchat_call_participants FOR INSERT TO stoa_app
	WITH CHECK (stoa_started_call(call_id));
-- How somebody's connection was is their own affair.
CREATE POLICY connections_seen ON nchat_webrtc_connections FOR SELECT TO stoa_app
	USING (user_id = stoa_current_user());
CREATE POLICY keys_own ON stoa_idempotency TO stoa_app
	USING (actor = stoa_current_user()) WITH CHECK (actor = stoa_current_user());

CREATE POLICY calls_service ON nchat_calls TO stoa_service USING (true) WITH CHECK (true);
CREATE POLICY participants_service ON nchat_call_participants TO stoa_service USING (true) WITH CHECK (true);
CREATE POLICY connections_service ON nchat_webrtc_connections TO stoa_service USING (true) WITH CHECK (true);
CREATE POLICY keys_service ON stoa_idempotency TO stoa_service USING (true) WITH CHECK (true);
