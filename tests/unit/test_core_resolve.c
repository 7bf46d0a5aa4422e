/* SPDX-License-Identifier: Apache-2.0 */
/* Order, missing needs, rings, two providers, choices. */
#include <errno.h>

#include "check.h"
#include "iface.h"
#include "loop.h"
#include "resolve.h"

#define N(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct world {
	struct stoa_mod *mods[8];
	size_t n;
	struct stoa_mod *order[8];
	size_t n_order;
	char names[256]; /* of the order, with spaces */
	char errors[1024];
	int r;
};

static struct stoa_mod *add(struct world *w, const char *name, const char *const *provides,
			    const char *const *needs)
{
	struct stoa_mod_desc d = { .abi_major = STOA_ABI_MAJOR,
				   .abi_minor = STOA_ABI_MINOR,
				   .size = sizeof(d),
				   .opt_size = sizeof(struct stoa_opt),
				   .name = name,
				   .version = "1",
				   .summary = "x",
				   .provides = provides,
				   .needs = needs };
	struct stoa_buf why = { 0 };
	struct stoa_mod *m;

	if (mod_new(&d, NULL, &why, &m) < 0)
		abort();
	m->is_named = true;
	w->mods[w->n++] = m;
	return m;
}

static void run(struct world *w, const char *yaml)
{
	struct conf_layers layers = { .builtin = yaml, .no_files = true };
	struct stoa_errors *e = errors_new();
	struct conf_tree *tree = NULL;
	struct resolve_in in = { w->mods, w->n, NULL };
	struct stoa_buf text = { 0 };

	if (yaml && conf_tree_load(&layers, e, &tree) < 0)
		abort();
	in.tree = tree;
	iface_reset();
	w->r = resolve(&in, e, w->order, &w->n_order);
	for (size_t i = 0; w->r == 0 && i < w->n_order; i++) {
		strcat(w->names, w->names[0] ? " " : "");
		strcat(w->names, w->order[i]->desc.name);
	}
	errors_print(e, &text);
	snprintf(w->errors, sizeof(w->errors), "%s", text.p ? text.p : "");
	stoa_buf_free(&text);
	errors_free(e);
	conf_tree_free(tree);
}

static void end(struct world *w)
{
	iface_reset();
	for (size_t i = 0; i < w->n; i++)
		mod_free(w->mods[i]);
	memset(w, 0, sizeof(*w));
}

static void check_order(void)
{
	struct world w = { 0 };

	/* added backwards: the result does not depend on that */
	add(&w, "mod_zeta", NULL, NULL);
	add(&w, "mod_calls", N("calls/0"), N("sql/0", "http/0"));
	add(&w, "mod_sqlite", N("sql/0"), NULL);
	add(&w, "mod_http", N("http/0"), NULL)->desc.after = N("mod_zeta", "mod_absent");
	add(&w, "mod_auth", N("auth/0"), NULL)->desc.wants = N("http/0", "absent/0");
	run(&w, NULL);
	CHECK_STR(w.names, "mod_sqlite mod_zeta mod_http mod_auth mod_calls");
	end(&w);
}

static void check_missing(void)
{
	struct stoa_mod *calls, *chat, *other;
	struct world w = { 0 };

	calls = add(&w, "mod_calls", N("calls/0"), N("sql/0"));
	chat = add(&w, "mod_chat", NULL, N("calls/0"));
	other = add(&w, "mod_other", NULL, NULL);
	run(&w, NULL);
	CHECK_INT(w.r, 0);
	CHECK_STR(w.names, "mod_other");
	CHECK(calls->state == MOD_OUT && chat->state == MOD_OUT && other->state != MOD_OUT);
	CHECK(strstr(calls->why, "needs sql/0") && strstr(calls->why, "mod_storage_sqlite") &&
	      strstr(calls->why, "stoa-mod-storage-sqlite"));
	CHECK(strstr(chat->why, "needs calls/0") && strstr(chat->why, "mod_calls"));
	end(&w);
	/* installed, but not switched on */
	calls = add(&w, "mod_calls", NULL, N("sql/0"));
	add(&w, "mod_mysql", N("sql/0"), NULL)->is_named = false;
	run(&w, NULL);
	CHECK_STR(w.names, "");
	CHECK(strstr(calls->why, "mod_mysql") && strstr(calls->why, "load: yes"));
	end(&w);
}

static void check_ring(void)
{
	struct world w = { 0 };

	add(&w, "mod_a", N("a/0"), N("c/0"));
	add(&w, "mod_b", N("b/0"), N("a/0"));
	add(&w, "mod_c", N("c/0"), N("b/0"));
	add(&w, "mod_before", NULL, NULL);
	add(&w, "mod_late", NULL, N("a/0")); /* waits for the ring, is not in it */
	run(&w, NULL);
	CHECK_INT(w.r, -ELOOP);
	CHECK(strstr(w.errors, "mod_a -> mod_c -> mod_b -> mod_a") ||
	      strstr(w.errors, "mod_c -> mod_b -> mod_a -> mod_c") ||
	      strstr(w.errors, "mod_b -> mod_a -> mod_c -> mod_b"));
	CHECK(!strstr(w.errors, "mod_late") && !strstr(w.errors, "mod_before"));
	end(&w);
}

static void check_two_providers(void)
{
	struct world w = { 0 };
	struct stoa_iface found;
	struct stoa_mod *pg, *user;
	static const int ops = 1;

	pg = add(&w, "mod_pg", N("sql/0"), NULL);
	add(&w, "mod_sqlite", N("sql/0"), NULL);
	user = add(&w, "mod_user", NULL, N("sql/0"));
	run(&w, NULL);
	CHECK_INT(w.r, -EEXIST);
	CHECK(strstr(w.errors, "mod_pg and mod_sqlite") && strstr(w.errors, "bind:"));
	w.names[0] = '\0';
	run(&w, "bind: { \"sql/0\": mod_pg }\n");
	CHECK_INT(w.r, 0);
	CHECK_STR(w.names, "mod_pg mod_sqlite mod_user");
	CHECK_INT(stoa_iface_publish(pg, "sql/0", &ops, pg), 0);
	CHECK_INT(stoa_iface_bind(user, "sql/0", &found), 0);
	CHECK(found.self == pg);
	w.names[0] = '\0';
	run(&w, "bind: { \"sql/0\": mod_user }\n");
	CHECK_INT(w.r, -EEXIST);
	CHECK(strstr(w.errors, "mod_user does not provide sql/0"));
	end(&w);
}

static void check_iface(void)
{
	struct world w = { 0 };
	struct stoa_mod *a = add(&w, "mod_a", N("a/0"), NULL);
	struct stoa_mod *b = add(&w, "mod_b", NULL, N("a/0"));
	struct stoa_iface i;
	static const int ops = 1;

	run(&w, NULL);
	CHECK_INT(stoa_iface_bind(b, "a/0", &i), -ENOENT); /* not published yet */
	CHECK_INT(stoa_iface_publish(a, "b/0", &ops, NULL), -EINVAL);
	CHECK_INT(stoa_iface_publish(a, "a/0", NULL, NULL), -EINVAL);
	CHECK_INT(stoa_iface_publish(a, "a/0", &ops, NULL), 0);
	CHECK_INT(stoa_iface_publish(a, "a/0", &ops, NULL), -EEXIST);
	CHECK_INT(stoa_iface_bind(b, "a/0", &i), 0);
	CHECK(i.ops == &ops);
	CHECK_INT(stoa_iface_bind(b, "undeclared/0", &i), -EINVAL);
	iface_withdraw(a);
	CHECK_INT(stoa_iface_bind(b, "a/0", &i), -ENOENT);
	end(&w);
}

int main(void)
{
	CHECK_INT(loop_init_ctl(), 0);
	check_order();
	check_missing();
	check_ring();
	check_two_providers();
	check_iface();
	loop_free_all();
	return check_done();
}
