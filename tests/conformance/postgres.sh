#!/usr/bin/env bash
# postgres.sh COMMAND [ARGUMENT…]: runs the command beside a PostgreSQL cluster of its own, which is
# made in a temporary folder, listens on a socket in it alone, and is removed afterwards. "@PG@" in
# an argument, and STOA_PG_DIR in the environment, are that folder. The server refuses to run as
# root: then it runs as `postgres`, or as `nobody`.
set -euo pipefail
bin=${STOA_PG_BIN:-$(pg_config --bindir)}
dir=$(mktemp -d /tmp/stoa-pg-XXXXXX)
as=()
if [ "$(id -u)" = 0 ]; then
	user=postgres
	id -u "$user" >/dev/null 2>&1 || user=nobody
	chown "$user" "$dir"
	as=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups env HOME="$dir")
fi
chmod 755 "$dir"
# shellcheck disable=SC2317 # the trap runs it
stop() {
	cd /
	"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 20 stop >/dev/null 2>&1 || true
	rm -rf "$dir"
}
trap stop EXIT
trap 'exit 1' INT TERM
cd "$dir"
"${as[@]}" "$bin/initdb" -D "$dir/data" -U stoa -A trust -N --locale=C -E UTF8 >"$dir/initdb.log" 2>&1 ||
	{ cat "$dir/initdb.log" >&2; exit 1; }
# For tests that stop and start the server: $STOA_PG_DIR/ctl start | stop -m immediate | kill
# shellcheck disable=SC2016 # expanded there
{
	printf '#!/bin/sh\n'
	printf '[ "$1" = kill ] && exec kill -9 "$(head -n 1 %q)"\n' "$dir/data/postmaster.pid"
	printf 'exec'
	printf ' %q' "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/data/server.log" \
		-o "-c listen_addresses= -k $dir -c shared_buffers=16MB -c max_connections=60"
	printf ' "$@" >/dev/null 2>&1\n'
} >"$dir/ctl"
chmod +x "$dir/ctl"
"$dir/ctl" start || { cat "$dir/data/server.log" >&2; exit 1; }
"$bin/psql" -qX -h "$dir" -U stoa -d postgres -c 'CREATE DATABASE stoa'
cd - >/dev/null
export STOA_PG_DIR=$dir STOA_PG_BIN=$bin
rc=0
"${@//@PG@/$dir}" || rc=$?
[ "$rc" = 0 ] || { [ -z "${STOA_PG_LOG:-}" ] || cat "$dir/data/server.log" >&2; }
exit "$rc"
