#!/usr/bin/env bash
# Arrows point downwards: modules -> include/stoa, core -> include/stoa. A module includes <stoa/…>,
# libraries, and headers of its own folder; the core never a module's.
set -euo pipefail
cd "$1"
bad=0
complain() {
	echo "$1" >&2
	bad=1
}
while IFS=: read -r file line text; do
	name=$(sed -n 's/.*#include "\([^"]*\)".*/\1/p' <<<"$text")
	dir=$(dirname "$file")
	case $name in
	*../*) complain "$file:$line: include by a relative path: $name" ;;
	*.pb-c.h) ;; # generated into the module's build folder
	*)
		[ -e "$dir/$name" ] ||
			complain "$file:$line: includes \"$name\", which is not in $dir: public headers are <stoa/…>"
		;;
	esac
done < <(git grep -nE '^#include "' -- 'core/*.c' 'core/*.h' 'modules/*.c' 'modules/*.h' || true)
while IFS=: read -r file line text; do
	complain "$file:$line: a public header includes what is not public: $text"
done < <(git grep -nE '^#include' -- 'include/' |
	grep -vE '#include <(stoa/[a-z_/0-9]+|jansson|stdbool|stddef|stdint|stdlib|string|errno|stdarg|sys/socket)\.h>' || true)
# A module names interfaces, never another module.
while IFS=: read -r file line text; do
	own=$(cut -d/ -f2 <<<"$file")
	for other in $(grep -oE '"mod_[a-z_]+"' <<<"$text" | tr -d '"' | sort -u); do
		[ "$other" = "$own" ] || complain "$file:$line: $own names $other: name the interface it needs"
	done
done < <(git grep -nE '"mod_[a-z_]+"' -- 'modules/*.c' 'modules/*.h' || true)
exit "$bad"
