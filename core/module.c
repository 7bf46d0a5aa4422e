/* SPDX-License-Identifier: Apache-2.0 */
/* From a .so to a struct stoa_mod: dlopen, the handshake of sizes and ABI versions, the host's own
 * copy of the descriptor. The code is never unmapped (RTLD_NODELETE): thread-local destructors and
 * atexit handlers of libraries that a module pulls in make dlclose() a classic crash. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "mod.h"

/* The descriptor of the first released ABI: less than that was never valid. */
#define DESC_MIN_SIZE offsetof(struct stoa_mod_desc, flags) + sizeof(uint32_t)

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* mod_ and then lower-case letters, digits and _: it becomes part of file and metric names. */
static bool is_module_name(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	return n > 4 && n < 64 && strncmp(s, "mod_", 4) == 0 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

static int check_abi(const struct stoa_mod_desc *d, const char *file, struct stoa_buf *why)
{
	if (d->abi_major == STOA_ABI_MAJOR && d->abi_minor <= STOA_ABI_MINOR)
		return 0;
	stoa_buf_addf(why,
		      "%s was built for ABI %u.%u, this stoad has %u.%u: install a %s of the same "
		      "release, or a newer stoad",
		      file, d->abi_major, d->abi_minor, STOA_ABI_MAJOR, STOA_ABI_MINOR,
		      base_name(file));
	return -EPROTO;
}

static int check_desc(const struct stoa_mod_desc *d, const char *file, struct stoa_buf *why)
{
	const char *fault = NULL;

	if (d->size < DESC_MIN_SIZE)
		fault = "its descriptor is too small: use STOA_MODULE()";
	else if (!is_module_name(d->name))
		fault = "its name must be mod_ and lower-case letters, digits or _";
	else if (d->flags)
		fault = "it sets flags that this stoad does not know";
	else if (!d->version || !d->summary || !*d->summary)
		fault = "version or summary is missing";
	else if (d->ops && d->ops->size < sizeof(uint32_t))
		fault = "its ops table has no size";
	if (!fault)
		return 0;
	stoa_buf_addf(why, "%s is not a usable module: %s", file, fault);
	return -EINVAL;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

int mod_new(const struct stoa_mod_desc *desc, const char *file, struct stoa_buf *why,
	    struct stoa_mod **ret_mod)
{
	stoa_auto(mod_free) struct stoa_mod *m = NULL;
	const char *shown = file ? file : "the built-in module";
	int r;

	r = check_abi(desc, shown, why);
	if (r < 0 || (r = check_desc(desc, shown, why)) < 0)
		return r;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	pthread_mutex_init(&m->lock, NULL);
	stoa_list_init(&m->owned);
	stoa_list_init(&m->not_ready);
	memcpy(&m->desc, desc, smaller(desc->size, sizeof(m->desc)));
	if (desc->ops)
		memcpy(&m->ops, desc->ops, smaller(desc->ops->size, sizeof(m->ops)));
	m->desc.ops = &m->ops;
	if (file && !(m->file = strdup(file)))
		return -ENOMEM;
	if (desc->ctx_size && !(m->ctx = calloc(1, desc->ctx_size)))
		return -ENOMEM;
	r = conf_table_new(desc->name, desc->version, desc->summary, desc->options, desc->opt_size,
			   &m->table);
	if (r < 0) {
		stoa_buf_addf(why, "%s is not a usable module: its option table is malformed",
			      shown);
		return r;
	}
	*ret_mod = stoa_take(m);
	return 0;
}

void mod_free(struct stoa_mod *m)
{
	struct not_ready *r, *tmp;

	if (!m)
		return;
	stoa_list_for_each_safe (r, tmp, &m->not_ready, struct not_ready, link) {
		stoa_list_unlink(&r->link);
		free(r->what);
		free(r->reason);
		free(r);
	}
	pthread_mutex_destroy(&m->lock);
	conf_table_free(m->table);
	free(m->file);
	free(m->ctx);
	free(m->why);
	free(m);
}

int mod_open(const char *path, struct stoa_buf *why, struct stoa_mod **ret_mod)
{
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	const struct stoa_mod_desc *desc;
	const char *name = base_name(path);
	size_t stem = strcspn(name, ".");
	int r;

	if (!so) {
		const char *text = dlerror();

		stoa_buf_addf(why, "cannot load %s: install the package that it comes from again",
			      text ? text : path);
		return -ENOEXEC;
	}
	desc = dlsym(so, "stoa_module");
	if (!desc) {
		stoa_buf_addf(why,
			      "%s is not a module: it exports no stoa_module; build it with "
			      "STOA_MODULE()",
			      path);
		return -EINVAL;
	}
	r = mod_new(desc, path, why, ret_mod);
	if (r == 0 && !stoa_str_is(stoa_strn(name, stem), (*ret_mod)->desc.name)) {
		stoa_buf_addf(why, "%s calls itself %s: file and module must have one name", path,
			      (*ret_mod)->desc.name);
		mod_free(*ret_mod);
		*ret_mod = NULL;
		return -EINVAL;
	}
	return r;
}

void *stoa_mod_ctx(const struct stoa_mod *m)
{
	return m->ctx;
}

const char *stoa_mod_name(const struct stoa_mod *m)
{
	return m ? m->desc.name : "core";
}
