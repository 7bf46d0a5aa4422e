/* SPDX-License-Identifier: Apache-2.0 */
/* Where the modules are when nobody says: beside the program, so that a build tree and an
 * installation below any prefix work without settings; else where the build was told. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "args.h"

const char *args_default_module_dir(void)
{
	static const char *const beside[] = {
		"/../" STOA_LIBDIR "/stoa/modules", /* PREFIX/bin/stoad   */
		"/modules",                         /* build/PRESET/stoad */
	};
	static char dir[PATH_MAX];
	char exe[PATH_MAX], path[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n <= 0)
		return STOA_MODULE_DIR;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return STOA_MODULE_DIR;
	*slash = '\0';
	for (size_t i = 0; i < STOA_ARRAY_SIZE(beside); i++) {
		snprintf(path, sizeof(path), "%s%s", exe, beside[i]);
		if (realpath(path, dir))
			return dir;
	}
	return STOA_MODULE_DIR;
}
