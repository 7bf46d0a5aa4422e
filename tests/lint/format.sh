#!/usr/bin/env bash
# Every C file is laid out by clang-format. Remedy: ./dev format.
set -euo pipefail
cd "$1"
git ls-files -z '*.c' '*.h' | xargs -0 -r clang-format --dry-run -Werror
