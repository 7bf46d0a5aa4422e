#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rls.py MIGRATIONS: who may do what to each table by direct SQL, beside the server of postgres.sh.

Every check is one statement as one user under the application role, undone at once, with the number of
rows or the SQLSTATE it must end with. The checks must hold as the migrations left the tables; and each
of the changes that take the protection away (a policy dropped or opened, row-level security off) must
make at least one of them fail."""
import os
import subprocess
import sys

DENIED = "42501"

TRY = """
CREATE FUNCTION try_it(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS n = ROW_COUNT;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = n::text;
EXCEPTION
	WHEN SQLSTATE 'ZZ000' THEN RETURN SQLERRM;
	WHEN OTHERS THEN RETURN SQLSTATE;
END
$$;
"""


def call(id, who, status="initiating"):
    return (f"INSERT INTO nchat_calls (call_id, type, status, initiator_id, room_name, created_at, updated_at"
            f"{', started_at' if status == 'active' else ''}) VALUES ('{id}', 'audio', '{status}', '{who}', "
            f"'room-{id}', now(), now(){', now()' if status == 'active' else ''})")


def part(id, who):
    return f"INSERT INTO nchat_call_participants (call_id, user_id, status) VALUES ('{id}', '{who}', 'ringing')"


def conn(id, call_id, who):
    return (f"INSERT INTO nchat_webrtc_connections (connection_id, call_id, user_id, status, created_at) "
            f"VALUES ('{id}', '{call_id}', '{who}', 'connecting', now())")


def key(name, who, more=""):
    return (f"INSERT INTO stoa_idempotency (actor, key, request_hash, status, body, expires_at) "
            f"VALUES ('{who}', '{name}', 'hash', 201, '', now() + interval '1 day') {more}")


CALLS, PARTS = "nchat_calls", "nchat_call_participants"
CONNS, KEYS = "nchat_webrtc_connections", "stoa_idempotency"
TAKE_OVER = "ON CONFLICT (actor, key) DO UPDATE SET body = 'mine'"

# alice called bob; carol called dave and is no participant herself; mallory has a call of her own.
SEED = [call("a", "alice"), part("a", "alice"), part("a", "bob"), conn("a1", "a", "bob"), key("k", "alice"),
        call("c", "carol"), part("c", "dave"),
        call("m", "mallory"), part("m", "mallory"), conn("m1", "m", "mallory"), key("k", "mallory")]

# Writes that a stranger tries on what is alice's.
ATTACKS = {
    CALLS: [(call("x", "alice"), DENIED), ("UPDATE nchat_calls SET status = 'ended', ended_at = now()", DENIED),
            ("UPDATE nchat_calls SET initiator_id = 'eve'", DENIED), ("DELETE FROM nchat_calls", DENIED)],
    PARTS: [(part("a", "eve"), DENIED), (part("a", "zoe"), DENIED),
            ("UPDATE nchat_call_participants SET user_id = 'eve'", DENIED),
            ("DELETE FROM nchat_call_participants", DENIED)],
    CONNS: [(conn("x", "a", "eve"), DENIED), ("UPDATE nchat_webrtc_connections SET user_id = 'eve'", DENIED),
            ("DELETE FROM nchat_webrtc_connections", DENIED)],
    KEYS: [(key("x", "alice"), DENIED), (key("k", "alice", TAKE_OVER), DENIED),
           ("UPDATE stoa_idempotency SET body = 'mine' WHERE actor = 'alice'", "0"),
           ("DELETE FROM stoa_idempotency", DENIED)],
}

# What each sees: rows of calls, participants, connections, keys.
SEES = {"alice": (1, 2, 0, 1), "bob": (1, 2, 1, 0), "carol": (1, 1, 0, 0), "dave": (1, 1, 0, 0),
        "mallory": (1, 1, 1, 1), "eve": (0, 0, 0, 0), None: (0, 0, 0, 0)}

# (user, statement, how it ends)
CHECKS = [(who, f"SELECT 1 FROM {table}", str(n))
          for who, seen in SEES.items() for table, n in zip((CALLS, PARTS, CONNS, KEYS), seen)]
CHECKS += [(who, sql, end) for who in ("eve", "mallory", None) for attacks in ATTACKS.values() for sql, end in attacks]
CHECKS += [
    ("eve", "SELECT 1 FROM stoa_migrations", DENIED),
    ("eve", "TRUNCATE nchat_calls CASCADE", DENIED),
    ("eve", call("x", "eve", "active"), DENIED),  # what becomes of a call is the daemon's business
    ("eve", call("x", "eve"), "1"),
    ("bob", part("a", "zoe"), DENIED),  # who was invited may not invite
    ("alice", part("a", "zoe"), "1"),
    ("carol", part("c", "zoe"), "1"),
    ("alice", key("x", "alice"), "1"),
    ("alice", key("k", "alice", TAKE_OVER), "1"),
    ("alice", "UPDATE stoa_idempotency SET actor = 'bob'", DENIED),
]
SERVICE = [(f"SELECT 1 FROM {t}", n) for t, n in ((CALLS, "3"), (PARTS, "4"), (CONNS, "2"), (KEYS, "2"))]
SERVICE += [(call("x", "zoe"), "1"), (part("c", "zoe"), "1"), (conn("x", "a", "alice"), "1"), (key("x", "zoe"), "1")]
SERVICE += [(f"DELETE FROM {t} WHERE {c} = 'm'", "1") for t, c in ((CALLS, "call_id"), (PARTS, "call_id"),
                                                                  (CONNS, "call_id"))]
SERVICE += [("UPDATE stoa_idempotency SET body = 'x'", "2"), ("DELETE FROM stoa_idempotency", "2")]

IDENTITIES = {  # how a direct reader says who it is
    "stoa.user_id": "{}",
    "request.jwt.claims": '{{"sub": "{}"}}',
    "hasura.user": '{{"x-hasura-role": "user", "x-hasura-user-id": "{}"}}',
}


def psql(script):
    done = subprocess.run([os.path.join(os.environ["STOA_PG_BIN"], "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", "-h",
                           os.environ["STOA_PG_DIR"], "-U", "stoa", "-d", "stoa"],
                          input=script, text=True, capture_output=True, check=False, timeout=60)
    if done.returncode:
        sys.exit(f"psql: {done.stderr}")
    return done.stdout.splitlines()


def step(role, setting, value, sql):
    return (f"DO $do$ BEGIN PERFORM set_config('{setting}', '{value}', true); END $do$;\n"
            f"SET LOCAL ROLE {role};\nSELECT try_it($try${sql}$try$);\nRESET ROLE;\n")


def run(change="", identity="stoa.user_id"):
    """The checks that do not end as they should, on tables with one change."""
    steps = [(who, sql, end, step("stoa_app", identity, IDENTITIES[identity].format(who) if who else "", sql))
             for who, sql, end in CHECKS]
    steps += [("service", sql, end, step("stoa_service", identity, "", sql)) for sql, end in SERVICE]
    got = psql("BEGIN;\n" + change + ";\n" + "".join(s[3] for s in steps) + "ROLLBACK;\n")
    assert len(got) == len(steps), (len(got), len(steps))
    return [f"{who}: {sql}: {end} expected, {g} seen" for (who, sql, end, _), g in zip(steps, got) if g != end]


def mutations():
    for line in psql("SELECT tablename, policyname, qual IS NOT NULL, with_check IS NOT NULL, 'stoa_app' = ANY (roles) "
                     "FROM pg_policies ORDER BY 1, 2"):
        table, policy, has_using, has_check, is_app = line.split("|")
        yield f"DROP POLICY {policy} ON {table}"
        if is_app == "t" and has_using == "t":
            yield f"ALTER POLICY {policy} ON {table} USING (true)"
        if is_app == "t" and has_check == "t":
            yield f"ALTER POLICY {policy} ON {table} WITH CHECK (true)"
    for table in ATTACKS:
        yield f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"


def main():
    bad = []
    folder = sys.argv[1]
    for name in sorted(f for f in os.listdir(folder) if f.endswith(".sql")):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            psql("BEGIN;\n" + f.read() + "\nCOMMIT;\n")
    psql("CREATE TABLE stoa_migrations (number integer);" + TRY + ";\n".join(SEED) + ";\n")
    # a table that nobody attacks here is a table that nobody thought of
    tables = set(psql("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"))
    bad += [f"no attack on {t}" for t in tables - set(ATTACKS) - {"stoa_migrations"}]
    for identity in IDENTITIES:
        bad += [f"{identity}: {b}" for b in run(identity=identity)]
    n = 0
    for change in mutations():
        n += 1
        if not run(change):
            bad.append(f"nobody noticed: {change}")
    print(f"{len(CHECKS) + len(SERVICE)} checks, {len(IDENTITIES)} identities, {n} mutations, {len(bad)} failed")
    print("\n".join(bad), file=sys.stderr)
    sys.exit(1 if bad or not n else 0)


main()
