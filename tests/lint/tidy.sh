#!/usr/bin/env bash
# clang-tidy with the checks of .clang-tidy. A file whose preprocessed text was clean before is skipped.
set -euo pipefail
cd "$1"
build=$2
cache=$build/tidy
mkdir -p "$cache"
one() {
	local file=$1 sum out
	sum=$({
		cat .clang-tidy "$file"
		cat "$(dirname "$file")"/*.h include/stoa/*.h include/stoa/*/*.h 2>/dev/null
	} | sha256sum | cut -d' ' -f1)
	[ ! -e "$cache/$sum" ] || return 0
	out=$(mktemp "$cache/out.XXXXXX")
	if clang-tidy --quiet --extra-arg=-Wno-unknown-warning-option -p "$build" "$file" >"$out" 2>/dev/null; then
		: >"$cache/$sum"
		rm -f "$out"
	else
		cat "$out" >&2
		rm -f "$out"
		return 1
	fi
}
export -f one
export build cache
git ls-files 'core/*.c' 'modules/*.c' | xargs -P 2 -I{} bash -c 'one {}'
