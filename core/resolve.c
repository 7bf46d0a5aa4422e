/* SPDX-License-Identifier: Apache-2.0 */
/* Who can run, and in which order. Called once at start, and again when load() or start() of a
 * module failed and its dependants have to go as well. The result does not depend on the order in
 * which modules were opened: ties go by name. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <stoa/util.h>

#include "iface.h"
#include "resolve.h"

static bool is_in(const struct stoa_mod *m)
{
	return m->is_named && m->state != MOD_OUT;
}

void mod_leave_out(struct stoa_mod *m, const char *fmt, ...)
{
	struct stoa_buf b = { 0 };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	stoa_buf_adds(&b, text);
	free(m->why);
	m->why = b.p;
	m->state = MOD_OUT;
}

/* ---- providers ---- */

static size_t count_providers(const struct resolve_in *in, const char *iface,
			      struct stoa_mod **ret_first)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n; i++) {
		if (!is_in(in->mods[i]) || !names_contain(in->mods[i]->desc.provides, iface))
			continue;
		if (!n++ && ret_first)
			*ret_first = in->mods[i];
	}
	return n;
}

static struct stoa_mod *find_named(const struct resolve_in *in, const char *name)
{
	for (size_t i = 0; i < in->n; i++) {
		if (is_in(in->mods[i]) && strcmp(in->mods[i]->desc.name, name) == 0)
			return in->mods[i];
	}
	return NULL;
}

struct stoa_mod *resolve_provider(const struct resolve_in *in, const char *iface)
{
	const char *choice = in->tree ? conf_tree_bind(in->tree, iface, NULL) : NULL;
	struct stoa_mod *m = NULL;

	if (!choice)
		return count_providers(in, iface, &m) == 1 ? m : NULL;
	m = find_named(in, choice);
	return m && names_contain(m->desc.provides, iface) ? m : NULL;
}

/* Where the configuration speaks of the module. */
static struct conf_origin place_of(const struct resolve_in *in, const struct stoa_mod *m)
{
	struct conf_module cm = { .name = NULL };

	if (in->tree)
		(void)conf_tree_find(in->tree, m->desc.name, &cm);
	return cm.at;
}

/* Two providers and no choice, or a choice that provides nothing: one error per interface. */
static int check_choice(const struct resolve_in *in, const char *iface, struct stoa_errors *e)
{
	struct conf_origin at = { 0 };
	const char *choice = in->tree ? conf_tree_bind(in->tree, iface, &at) : NULL;
	struct stoa_buf names = { 0 };
	int r = 0;

	if (choice && find_named(in, choice) && !resolve_provider(in, iface)) {
		errors_at(e, CONF_ERROR, &at,
			  "bind: %s does not provide %s: name a module that does", choice, iface);
		return -EEXIST;
	}
	if (choice || count_providers(in, iface, NULL) < 2)
		return 0;
	for (size_t i = 0; i < in->n; i++) {
		if (is_in(in->mods[i]) && names_contain(in->mods[i]->desc.provides, iface)) {
			stoa_buf_addf(&names, "%s%s", names.n ? " and " : "",
				      in->mods[i]->desc.name);
			at = place_of(in, in->mods[i]);
		}
	}
	if (names.failed)
		r = -ENOMEM;
	else
		errors_at(e, CONF_ERROR, &at,
			  "%s both provide %s: choose one with `bind: { \"%s\": NAME }`, or set "
			  "`load: no` for the other",
			  names.p, iface, iface);
	stoa_buf_free(&names);
	return r < 0 ? r : -EEXIST;
}

static int check_choices(const struct resolve_in *in, struct stoa_errors *e)
{
	int r = 0;

	for (size_t i = 0; i < in->n; i++) {
		const char *const *p = is_in(in->mods[i]) ? in->mods[i]->desc.provides : NULL;

		for (; p && *p; p++) {
			struct stoa_mod *first = NULL;

			count_providers(in, *p, &first);
			if (first == in->mods[i] && check_choice(in, *p, e) < 0)
				r = -EEXIST; /* told once, at its first provider */
		}
	}
	return r;
}

/* ---- missing needs ---- */

static const struct { /* who could have it: for the message, when the module is not installed */
	const char *iface, *mods;
} known[] = {
	{ "http/0", "mod_http" },
	{ "auth/0", "mod_auth" },
	{ "sql/0", "mod_storage_sqlite or mod_storage_pg" },
	{ "objects/0", "mod_store_fs or mod_store_s3" },
	{ "realtime/0", "mod_realtime" },
	{ "sfu/0", "mod_sfu" },
	{ "calls/0", "mod_signaling" },
	{ "streams/0", "mod_streams" },
	{ "transcode/0", "mod_transcode" },
};

/* "; mod_x (package y) provides it" as far as it is known. */
static void describe_providers(const struct resolve_in *in, const char *iface, struct stoa_buf *b)
{
	for (size_t i = 0; i < in->n; i++) {
		const struct stoa_mod *m = in->mods[i];

		if (!names_contain(m->desc.provides, iface))
			continue;
		if (m->state == MOD_OUT)
			stoa_buf_addf(b, "; %s, which provides it, is left out itself",
				      m->desc.name);
		else
			stoa_buf_addf(b, "; %s provides it: set `load: yes` for it", m->desc.name);
		return;
	}
	for (size_t i = 0; i < STOA_ARRAY_SIZE(known); i++) {
		const char *package;
		char first[64];

		if (strcmp(known[i].iface, iface) != 0)
			continue;
		snprintf(first, sizeof(first), "%.*s", (int)strcspn(known[i].mods, " "),
			 known[i].mods);
		package = conf_module_package(first);
		stoa_buf_addf(b, "; %s could provide it%s%s%s", known[i].mods,
			      package ? " (package " : "", package ? package : "",
			      package ? ")" : "");
		return;
	}
}

static const char *missing_need(const struct resolve_in *in, const struct stoa_mod *m)
{
	const char *const *need;

	for (need = m->desc.needs; need && *need; need++) {
		if (!resolve_provider(in, *need))
			return *need;
	}
	return NULL;
}

void resolve_leave_out_dependants(const struct resolve_in *in)
{
	bool is_changed = true;

	while (is_changed) {
		is_changed = false;
		for (size_t i = 0; i < in->n; i++) {
			struct stoa_mod *m = in->mods[i];
			const char *need = is_in(m) ? missing_need(in, m) : NULL;
			struct stoa_buf who = { 0 };

			if (!need)
				continue;
			describe_providers(in, need, &who);
			mod_leave_out(m, "needs %s, which nobody provides%s", need,
				      who.p ? who.p : "");
			stoa_buf_free(&who);
			is_changed = true;
		}
	}
}

/* ---- order ---- */

static bool names_provider(const struct resolve_in *in, const char *const *names,
			   const struct stoa_mod *first)
{
	for (; names && *names; names++) {
		if (resolve_provider(in, *names) == first)
			return true;
	}
	return false;
}

/* Must `first` start before `m`? */
static bool comes_before(const struct resolve_in *in, const struct stoa_mod *first,
			 const struct stoa_mod *m)
{
	return first != m && (names_provider(in, m->desc.needs, first) ||
			      names_provider(in, m->desc.wants, first) ||
			      names_contain(m->desc.after, first->desc.name));
}

static bool is_placed(struct stoa_mod *const *order, size_t n, const struct stoa_mod *m)
{
	for (size_t i = 0; i < n; i++) {
		if (order[i] == m)
			return true;
	}
	return false;
}

/* One that `m` waits for; NULL when it may start. */
static struct stoa_mod *waits_for(const struct resolve_in *in, const struct stoa_mod *m,
				  struct stoa_mod *const *order, size_t n)
{
	for (size_t i = 0; i < in->n; i++) {
		struct stoa_mod *x = in->mods[i];

		if (is_in(x) && !is_placed(order, n, x) && comes_before(in, x, m))
			return x;
	}
	return NULL;
}

/* Everybody left waits for somebody: following that from anywhere leads into the ring. */
static void tell_ring(const struct resolve_in *in, struct stoa_mod *const *order, size_t n,
		      struct stoa_errors *e)
{
	struct stoa_buf b = { 0 };
	struct stoa_mod *start = NULL, *m;
	struct conf_origin at;

	for (size_t i = 0; i < in->n && !start; i++) {
		if (is_in(in->mods[i]) && !is_placed(order, n, in->mods[i]))
			start = in->mods[i];
	}
	for (size_t i = 0; i < in->n; i++)
		start = waits_for(in, start, order, n);
	m = start;
	do {
		stoa_buf_addf(&b, "%s -> ", m->desc.name);
		m = waits_for(in, m, order, n);
	} while (m != start);
	at = place_of(in, start);
	if (!b.failed)
		errors_at(e, CONF_ERROR, &at,
			  "these modules wait for each other: %s%s: set `load: no` for one of them",
			  b.p, start->desc.name);
	stoa_buf_free(&b);
}

static int sort(const struct resolve_in *in, struct stoa_errors *e, struct stoa_mod **order,
		size_t *ret_n)
{
	size_t n = 0, total = 0;

	for (size_t i = 0; i < in->n; i++)
		total += is_in(in->mods[i]);
	while (n < total) {
		struct stoa_mod *best = NULL;

		for (size_t i = 0; i < in->n; i++) {
			struct stoa_mod *m = in->mods[i];

			if (is_in(m) && !is_placed(order, n, m) && !waits_for(in, m, order, n) &&
			    (!best || strcmp(m->desc.name, best->desc.name) < 0))
				best = m;
		}
		if (!best) {
			tell_ring(in, order, n, e);
			return -ELOOP;
		}
		order[n++] = best;
	}
	*ret_n = n;
	return 0;
}

static int choose_all(const struct resolve_in *in)
{
	for (size_t i = 0; i < in->n; i++) {
		const char *const *p = is_in(in->mods[i]) ? in->mods[i]->desc.provides : NULL;

		for (; p && *p; p++) {
			if (resolve_provider(in, *p) == in->mods[i] &&
			    iface_choose(*p, in->mods[i]) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

int resolve(const struct resolve_in *in, struct stoa_errors *e, struct stoa_mod **order,
	    size_t *ret_n)
{
	int r = check_choices(in, e);

	if (r < 0)
		return r;
	resolve_leave_out_dependants(in);
	r = sort(in, e, order, ret_n);
	return r < 0 ? r : choose_all(in);
}
