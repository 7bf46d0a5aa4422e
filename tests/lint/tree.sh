#!/usr/bin/env bash
# The tree itself: licence lines, no machine's paths, no download addresses, no unfinished marks.
set -euo pipefail
cd "$1"
bad=0
complain() {
	printf '%s\n%s\n' "$1" "$2" >&2
	bad=1
}
out=$(git ls-files '*.c' '*.h' | while read -r f; do
	head -n 1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$f"
done)
[ -z "$out" ] || complain "no licence line:" "$out"
out=$(git grep -nIE '(^|[^A-Za-z0-9_.])/(work|home|root)/' -- . ':!tests/lint/tree.sh' || true)
[ -z "$out" ] || complain "paths of a machine:" "$out"
out=$(git grep -nIE '"resolved": "https?://' -- '*package-lock.json' | head -n 3 || true)
[ -z "$out" ] || complain "download addresses in a lock file (.npmrc: omit-lockfile-registry-resolved=true):" "$out"
out=$(git grep -nIE '\b(TODO|FIXME|XXX)\b' -- '*.c' '*.h' '*.lua' '*.ts' '*.tsx' '*.mjs' '*.sh' ':!tests/lint/tree.sh' || true)
[ -z "$out" ] || complain "unfinished marks:" "$out"
for m in modules/mod_*/; do
	[ -f "${m}README.md" ] || complain "no README.md:" "$m"
	[ -f "conf.d/50-$(basename "$m").yaml" ] || complain "no drop-in conf.d/50-$(basename "$m").yaml:" "$m"
done
exit "$bad"
