#!/usr/bin/env bash
# usage: symbols.sh LIBSTOA SOURCE-DIR
# libstoa.so exports what its version script lists, nothing else; and the headers declare exactly that.
set -euo pipefail
lib=$1 source=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

nm -D --defined-only "$lib" | awk '$2 == "T" || $2 == "D" || $2 == "B" || $2 == "R" { sub(/@.*/, "", $3); print $3 }' |
	sort -u >"$tmp/exported"
grep -oE '^	[a-z0-9_]+;' "$source/core/libstoa.syms" | tr -d '	;' | sort -u >"$tmp/listed"
# Declarations may span lines: take the name before the first parenthesis after each STOA_EXPORT.
cat "$source"/include/stoa/*.h | tr '\n\t' '  ' | grep -oE '(^| )STOA_EXPORT [^(;]*\(' |
	grep -oE '[a-z0-9_]+ ?\($' | tr -d ' (' | grep '^stoa_' | sort -u >"$tmp/declared"
echo stoa_main >>"$tmp/declared" # the daemon's own entry
sort -u -o "$tmp/declared" "$tmp/declared"

bad=0
diff "$tmp/listed" "$tmp/exported" >"$tmp/diff" || { echo "listed (<) and exported (>) differ:"; cat "$tmp/diff"; bad=1; }
diff "$tmp/declared" "$tmp/listed" >"$tmp/diff" || { echo "declared (<) and listed (>) differ:"; cat "$tmp/diff"; bad=1; }
[ "$(wc -l <"$tmp/exported")" -gt 50 ] || { echo "too few symbols: is this libstoa.so?"; bad=1; }
exit "$bad"
