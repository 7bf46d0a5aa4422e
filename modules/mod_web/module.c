/* SPDX-License-Identifier: Apache-2.0 */
/* mod_web: serves the web app. The app is a client like any other: it uses the public API and the
 * LiveKit socket, and this module only hands out its files. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stoa/iface/http.h>
#include <stoa/module.h>

#define ROOT_MAX PATH_MAX

static const struct stoa_opt web_options[] = {
	{ .key = "root",
	  .type = STOA_OPT_PATH,
	  .doc = "Directory with the built web app; unset: the one that came with this module." },
	STOA_OPT_END
};

struct web {
	struct stoa_http http;
};

extern const struct stoa_mod_desc stoa_module;

static bool has_index(const char *dir)
{
	char path[ROOT_MAX + 16];

	return (size_t)snprintf(path, sizeof(path), "%s/index.html", dir) < sizeof(path) &&
	       access(path, R_OK) == 0;
}

/* The directory of this very module. */
static bool find_module_dir(char out[ROOT_MAX])
{
	Dl_info info;

	if (!dladdr(&stoa_module, &info) || !info.dli_fname || !realpath(info.dli_fname, out))
		return false;
	out[strlen(out) - strlen(basename(out)) - 1] = '\0';
	return *out != '\0';
}

/* As option; else where it was built, where it was installed, where it was to be installed. */
static const char *find_root(const struct stoa_conf *c, char out[ROOT_MAX])
{
	static const char *const places[] = { "../web", STOA_WEB_FROM_MODULE };
	const char *set = stoa_conf_string(c, "root");
	char dir[ROOT_MAX], path[ROOT_MAX + 256];

	if (*set)
		return set;
	for (size_t i = 0; find_module_dir(dir) && i < STOA_ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, places[i]);
		if (realpath(path, out) && has_index(out))
			return out;
	}
	return STOA_WEB_ROOT;
}

static int web_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	char built[ROOT_MAX];
	const char *root = find_root(c, built);

	(void)m;
	if (has_index(root))
		return 0;
	stoa_errors_add(e, c, "root", "no readable index.html in %s: build the web app or set root",
			root);
	return -ENOENT;
}

/* The app's files: those under /assets have a hash of their content in their name; every other
 * address is a place inside the app and gets index.html. */
static int web_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct web *w = stoa_mod_ctx(m);
	char built[ROOT_MAX], assets[ROOT_MAX + 8];
	const char *root = find_root(c, built);
	int err;

	snprintf(assets, sizeof(assets), "%s/assets", root);
	err = stoa_http_bind(m, &w->http);
	if (!err)
		err = stoa_http_files_add(&w->http, m, "/assets/", assets,
					  STOA_HTTP_FILES_IMMUTABLE);
	if (!err)
		err = stoa_http_files_add(&w->http, m, "/", root, STOA_HTTP_FILES_SPA);
	if (err && w->http.ops)
		stoa_http_remove(&w->http, m); /* stop() is for what has started */
	return err;
}

static void web_stop(struct stoa_mod *m)
{
	struct web *w = stoa_mod_ctx(m);

	stoa_http_remove(&w->http, m);
}

static const struct stoa_mod_ops web_ops = {
	.size = sizeof(web_ops),
	.check = web_check,
	.start = web_start,
	.stop = web_stop,
};

STOA_MODULE(mod_web, .version = "0.1.0", .summary = "The web app: guest sign-in, calls by link.",
	    .ctx_size = sizeof(struct web), .needs = STOA_NAMES(STOA_HTTP), .options = web_options,
	    .ops = &web_ops);
