-- What the suite writes to, and the table of keys that every driver brings.
CREATE TABLE items (
	id     TEXT NOT NULL PRIMARY KEY,
	owner  TEXT NOT NULL CHECK (length(owner) <= 255),
	n      INTEGER CHECK (n >= 0),
	f      REAL,
	flag   INTEGER CHECK (flag IN (0, 1)),
	at     TEXT CHECK (length(at) = 24),
	data   TEXT CHECK (data IS NULL OR json_valid(data)),
	raw    BLOB,
	parent TEXT REFERENCES items (id)
) STRICT;

CREATE TABLE stoa_idempotency (
	actor        TEXT NOT NULL,
	key          TEXT NOT NULL,
	request_hash TEXT NOT NULL,
	status       INTEGER NOT NULL,
	body         TEXT NOT NULL,
	expires_at   TEXT NOT NULL,
	PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;
