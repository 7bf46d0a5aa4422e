#!/usr/bin/env bash
# Every tracked shell script passes shellcheck.
set -euo pipefail
cd "$1"
git grep -lE '^#!.*\b(ba)?sh$' -- . | xargs -r shellcheck
