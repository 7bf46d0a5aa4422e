#!/usr/bin/env bash
# Builds the web app: build.sh SOURCE WORK OUT. npm's packages go to WORK, where builds of several
# presets share them, and are installed anew only when the lock file changed.
set -euo pipefail
source=$1 work=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)

fail() {
	printf 'mod_web: %s\n' "$*" >&2
	exit 1
}

remedy="run ./dev setup, or build without the web app: cmake -DSTOA_WITH_MOD_WEB=OFF"
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	fail "node and npm are not installed: $remedy"
fi
node -e 'const [a, b] = process.versions.node.split(".").map(Number);
	process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
	fail "node $(node --version) is older than 20.19: $remedy"

mkdir -p "$work"
exec 9>"$work/lock"
flock 9

for part in src public index.html package.json package-lock.json .npmrc tsconfig.json vite.config.ts; do
	rm -rf "${work:?}/$part"
	cp -R "$source/$part" "$work/$part"
done
cd "$work"
if ! cmp -s package-lock.json node_modules/.installed-lock; then
	npm ci --no-audit --no-fund --loglevel=error --ignore-scripts >&2 || fail "npm ci failed in $work"
	cp package-lock.json node_modules/.installed-lock
fi
node_modules/.bin/tsc --noEmit
node_modules/.bin/vite build --logLevel warn --outDir "$out" --emptyOutDir
node "$here/compress.mjs" "$out/assets"
touch "$out/index.html"
