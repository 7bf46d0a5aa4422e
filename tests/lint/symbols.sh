#!/usr/bin/env bash
# A module exports exactly one symbol; libstoa only stoa_*.
set -euo pipefail
build=$2
bad=0
for so in "$build"/modules/mod_*.so; do
	got=$(nm -D --defined-only "$so" | awk '{ sub(/@.*/, "", $3); print $3 }' |
		grep -vE '^(__asan|__odr_asan|__ubsan|__tsan)' | sort | tr '\n' ' ')
	if [ "$got" != "stoa_module " ]; then
		echo "$(basename "$so") exports: $got; only stoa_module is wanted" >&2
		bad=1
	fi
done
got=$(nm -D --defined-only "$build"/libstoa.so | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
	grep -vE '^(stoa_|__asan|__odr_asan|_init$|_fini$)' || true)
if [ -n "$got" ]; then
	echo "libstoa.so exports without the prefix: $got" >&2
	bad=1
fi
exit "$bad"
