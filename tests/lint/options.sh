#!/usr/bin/env bash
# Every module's option table is complete: a doc for each option, a schema, a sample and a manual page
# that mandoc has nothing to say about.
set -euo pipefail
build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
stoad=("$build/stoad" --module-dir "$build/modules")
bad=0
"${stoad[@]}" --print-schema >"$tmp/schema.json"
python3 - "$tmp/schema.json" <<'PY' || bad=1
import json, sys

def walk(node, path, bad):
    for name, sub in node.get("properties", {}).items():
        if not sub.get("description"):
            bad.append("/".join(path + [name]))
        walk(sub, path + [name], bad)
        extra = sub.get("additionalProperties")
        if isinstance(extra, dict):
            walk(extra, path + [name, "*"], bad)

missing = []
walk(json.load(open(sys.argv[1])), [], missing)
for m in missing:
    print("no doc for option", m, file=sys.stderr)
sys.exit(1 if missing else 0)
PY
for so in "$build"/modules/mod_*.so; do
	name=$(basename "$so" .so)
	"${stoad[@]}" --print-sample "$name" >"$tmp/$name.yaml" || bad=1
	"${stoad[@]}" --print-man "$name" >"$tmp/$name.5" || bad=1
	mandoc -T lint -W warning "$tmp/$name.5" >&2 || { echo "manual page of $name" >&2; bad=1; }
done
exit "$bad"
