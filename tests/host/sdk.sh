#!/usr/bin/env bash
# The example module of packaging/sdk, built against an installation below a temporary prefix as a third
# party would, passes its own test and is loaded by the installed stoad.
# usage: sdk.sh SOURCE-DIR BUILD-DIR C-FLAGS
set -euo pipefail
source_dir=$1 build=$2 flags=$3
tmp=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true; rm -rf "$tmp"' EXIT
fail() { echo "sdk: $*" >&2; exit 1; }

for component in host dev; do
	cmake --install "$build" --component "$component" --prefix "$tmp/prefix" >"$tmp/log" || { cat "$tmp/log" >&2; fail install; }
done
cp -r "$source_dir/packaging/sdk/mod_hello" "$tmp/mod_hello"  # nothing beside it but the installation

cmake -S "$tmp/mod_hello" -B "$tmp/build" -DCMAKE_PREFIX_PATH="$tmp/prefix" -DCMAKE_BUILD_TYPE=Debug \
	-DCMAKE_C_FLAGS="-Wall -Wextra -Wpedantic -Werror $flags" >"$tmp/log" || { cat "$tmp/log" >&2; fail configure; }
cmake --build "$tmp/build" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; fail build; }
ctest --test-dir "$tmp/build" --output-on-failure >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; fail "its own test"; }
cmake --install "$tmp/build" >"$tmp/log" || { cat "$tmp/log" >&2; fail "install of the module"; }

# The same by pkg-config, and exactly one symbol.
pc=$(find "$tmp/prefix" -name stoa.pc)
export PKG_CONFIG_PATH=${pc%/*}
# shellcheck disable=SC2046,SC2086
cc -shared -fPIC -fvisibility=hidden $flags -o "$tmp/mod_hello.so" "$tmp/mod_hello/module.c" $(pkg-config --cflags --libs stoa)
moduledir=$(pkg-config --variable=moduledir stoa)
[ -e "$moduledir/mod_hello.so" ] || fail "not in moduledir $moduledir"
[ "$(pkg-config --variable=abi stoa)" = 0 ] || fail "abi of stoa.pc"
symbols=$(nm -D --defined-only "$moduledir/mod_hello.so" | awk '{print $3}')
[ "$symbols" = stoa_module ] || fail "exported symbols: $symbols"

"$tmp/prefix/bin/stoad" --check-config --config "$tmp/prefix/share/stoa/conf.d/50-mod_hello.yaml" \
	--state "$tmp/state" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; fail "check-config"; }
"$tmp/prefix/bin/stoad" --config "$tmp/prefix/share/stoa/conf.d/50-mod_hello.yaml" --state "$tmp/state" 2>"$tmp/daemon.log" &
daemon=$!
for _ in $(seq 100); do
	[ -S "$tmp/state/control" ] && break
	sleep 0.05
done
ctl=("$tmp/prefix/bin/stoactl" --state "$tmp/state")
"${ctl[@]}" module list | grep -Eq '^mod_hello +1\.0\.0 +running' || { cat "$tmp/daemon.log" >&2; fail "module list"; }
[ "$("${ctl[@]}" --json hello --to Alice | tr -d ' \n')" = '{"said":"Goodbye"}' ] || fail "command"
"${ctl[@]}" metrics | grep -qx 'stoa_hello_greetings_total 1' || fail "metric"
"${ctl[@]}" drain --exit >/dev/null
wait "$daemon" || fail "the daemon ended with status $?"
daemon=
grep -q 'mod_hello: Goodbye, Alice' "$tmp/daemon.log" || { cat "$tmp/daemon.log" >&2; fail "log line"; }
echo "mod_hello: built, tested, installed, loaded"
