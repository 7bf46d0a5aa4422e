#!/usr/bin/env bash
# cppcheck over core and modules. Leaks are left to LeakSanitizer: cppcheck does not know stoa_auto().
set -euo pipefail
cd "$1"
mkdir -p "$2/cppcheck"
git ls-files 'core/*.c' 'modules/*.c' |
	xargs cppcheck -j 2 --quiet --error-exitcode=1 --std=c11 --enable=warning,portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
		--suppress=unknownMacro --suppress=memleak --cppcheck-build-dir="$2/cppcheck" \
		-Iinclude -D__GNUC__ -D_GNU_SOURCE
