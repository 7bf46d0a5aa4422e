#!/usr/bin/env bash
# Every public header compiles alone, as C11 and as C++20, with gcc and clang.
set -euo pipefail
cd "$1"
flags=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude)
bad=0
for h in $(git ls-files 'include/*.h'); do
	printf '#include <%s>\n' "${h#include/}" |
		gcc -std=c11 "${flags[@]}" -xc - || bad=1
	printf '#include <%s>\n' "${h#include/}" |
		clang -std=c11 "${flags[@]}" -xc - || bad=1
	printf '#include <%s>\n' "${h#include/}" |
		g++ -std=c++20 "${flags[@]}" -xc++ - || bad=1
	printf '#include <%s>\n' "${h#include/}" |
		clang++ -std=c++20 "${flags[@]}" -xc++ - || bad=1
	[ "$bad" -eq 0 ] || { echo "$h does not stand alone" >&2; exit 1; }
done
