-- What the suite writes to, and the table of keys that every driver brings.
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

CREATE TABLE items (
	id     text NOT NULL PRIMARY KEY,
	owner  text NOT NULL CHECK (length(owner) <= 255),
	n      bigint CHECK (n >= 0),
	f      double precision,
	flag   boolean,
	at     timestamptz,
	data   jsonb,
	raw    bytea,
	parent text REFERENCES items (id)
);

CREATE TABLE stoa_idempotency (
	actor        text NOT NULL,
	key          text NOT NULL,
	request_hash text NOT NULL,
	status       integer NOT NULL,
	body         text NOT NULL,
	expires_at   timestamptz NOT NULL,
	PRIMARY KEY (actor, key)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON items, stoa_idempotency TO stoa_app, stoa_service;
