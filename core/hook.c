/* SPDX-License-Identifier: Apache-2.0 */
/* Hook chains: kept in order when a hook is added, so that running one is a walk over an array. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <stoa/util.h>

#include "hook.h"
#include "iface.h"
#include "loop.h"
#include "self.h"

#define CHAIN_MAX 64
#define COUNT_MS  1
#define LOG_MS    50

struct entry {
	struct stoa_mod *mod;
	stoa_hook_erased_fn *fn;
	struct stoa_hook_order order; /* copies: callers pass compound literals */
	uint64_t n_slow, n_errors;
};

struct chain {
	struct stoa_list link;
	struct stoa_hook_point point; /* the host's copy */
	char *name;
	struct entry *entries;
	size_t n;
	unsigned running; /* runs on the stack: no adding or removing meanwhile */
};

static struct stoa_list chains = STOA_LIST_INIT(chains);

/* A NULL-terminated list in one allocation; NULL for none. */
static int names_dup(const char *const *names, const char *const **ret_copy)
{
	size_t n = 0, bytes = 0;
	const char **copy;
	char *text;

	*ret_copy = NULL;
	if (!names || !*names)
		return 0;
	for (; names[n]; n++)
		bytes += strlen(names[n]) + 1;
	copy = malloc((n + 1) * sizeof(*copy) + bytes);
	if (!copy)
		return -ENOMEM;
	text = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		copy[i] = strcpy(text, names[i]);
		text += strlen(text) + 1;
	}
	copy[n] = NULL;
	*ret_copy = copy;
	return 0;
}

static void order_free(struct stoa_hook_order *o)
{
	free((void *)(uintptr_t)o->after);
	free((void *)(uintptr_t)o->before);
}

static int order_dup(const struct stoa_hook_order *o, struct stoa_hook_order *ret_copy)
{
	*ret_copy = (struct stoa_hook_order){ NULL, NULL };
	if (!o)
		return 0;
	if (names_dup(o->after, &ret_copy->after) < 0 ||
	    names_dup(o->before, &ret_copy->before) < 0) {
		order_free(ret_copy);
		return -ENOMEM;
	}
	return 0;
}

static struct chain *find_chain(const char *name)
{
	struct chain *c;

	stoa_list_for_each (c, &chains, struct chain, link) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

static struct chain *chain_new(const struct stoa_hook_point *p)
{
	struct chain *c = calloc(1, sizeof(*c));

	if (!c || !(c->name = strdup(p->name))) {
		free(c);
		return NULL;
	}
	memcpy(&c->point, p, p->size < sizeof(c->point) ? p->size : sizeof(c->point));
	stoa_list_append(&chains, &c->link);
	return c;
}

static void chain_free(struct chain *c)
{
	stoa_list_unlink(&c->link);
	for (size_t i = 0; i < c->n; i++)
		order_free(&c->entries[i].order);
	free(c->entries);
	free(c->name);
	free(c);
}

/* Must `a` run before `b`? */
static bool goes_first(const struct entry *a, const struct entry *b)
{
	return names_contain(a->order.before, b->mod->desc.name) ||
	       names_contain(b->order.after, a->mod->desc.name);
}

/* Among those that nothing left must precede, the smallest name; ties as they were added. */
static size_t pick_next(const struct entry *e, size_t n, const bool *done)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++) {
		bool is_free = !done[i];

		for (size_t k = 0; is_free && k < n; k++)
			is_free = done[k] || k == i || !goes_first(&e[k], &e[i]);
		if (is_free &&
		    (best == n || strcmp(e[i].mod->desc.name, e[best].mod->desc.name) < 0))
			best = i;
	}
	return best;
}

static void log_ring(const struct chain *c, const struct entry *e, size_t n, const bool *done)
{
	struct stoa_buf names = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (!done[i])
			stoa_buf_addf(&names, "%s%s", names.n ? ", " : "", e[i].mod->desc.name);
	}
	stoa_log(NULL, STOA_LOG_ERROR, "hook %s: the orders of %s make a ring", c->name,
		 names.failed ? "?" : names.p);
	stoa_buf_free(&names);
}

/* Sorts `from` into `to`; -EINVAL for a ring. */
static int sort(const struct chain *c, const struct entry *from, size_t n, struct entry *to)
{
	bool done[CHAIN_MAX] = { false };

	for (size_t made = 0; made < n; made++) {
		size_t i = pick_next(from, n, done);

		if (i == n) {
			log_ring(c, from, n, done);
			return -EINVAL;
		}
		done[i] = true;
		to[made] = from[i];
	}
	return 0;
}

/* The chain with one more entry, in order; takes `added` when it succeeds. */
static int insert(struct chain *c, const struct entry *added)
{
	struct entry all[CHAIN_MAX], *sorted;
	int r;

	if (c->n)
		memcpy(all, c->entries, c->n * sizeof(*all));
	all[c->n] = *added;
	sorted = calloc(c->n + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	r = sort(c, all, c->n + 1, sorted);
	if (r < 0) {
		free(sorted);
		return r;
	}
	free(c->entries);
	c->entries = sorted;
	c->n++;
	return 0;
}

int stoa_hook_add(struct stoa_mod *m, const struct stoa_hook_point *point, stoa_hook_erased_fn *fn,
		  const struct stoa_hook_order *order)
{
	struct entry e = { .mod = m, .fn = fn };
	struct chain *c = find_chain(point->name);
	int r;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!c && !(c = chain_new(point)))
		return -ENOMEM;
	if (c->running)
		return -EBUSY;
	if (c->n == CHAIN_MAX)
		return -ENOBUFS;
	r = order_dup(order, &e.order);
	if (r == 0)
		r = insert(c, &e);
	if (r < 0)
		order_free(&e.order);
	return r;
}

enum stoa_verdict stoa_deny(struct stoa_denial *d, const char *code, const char *fmt, ...)
{
	va_list ap;

	if (d->code[0])
		return STOA_DENY; /* the first denial is the one told */
	snprintf(d->code, sizeof(d->code), "%s", code);
	va_start(ap, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	return STOA_DENY;
}

/* What one hook says: PASS, ALLOW or DENY; errors are already turned into what the point says. */
static enum stoa_verdict ask(struct chain *c, struct entry *e, struct stoa_hook_any *ev)
{
	uint64_t began = stoa_now_us(), took;
	enum stoa_verdict v = c->point.call_fn(e->fn, e->mod, ev);

	took = (stoa_now_us() - began) / 1000;
	if (took >= COUNT_MS)
		e->n_slow++;
	if (took >= LOG_MS)
		stoa_log(e->mod, STOA_LOG_WARN, "hook %s took %llu ms", c->name,
			 (unsigned long long)took);
	if (v == STOA_PASS || v == STOA_ALLOW || v == STOA_DENY)
		return v;
	e->n_errors++;
	stoa_metric_add(self_metrics.hook_errors, 1);
	stoa_log(e->mod, STOA_LOG_WARN, "hook %s failed: counts as %s", c->name,
		 c->point.on_error == STOA_DENY ? "a denial" : "no opinion");
	if (c->point.on_error == STOA_DENY)
		return stoa_deny(&ev->denial, "policy_error", "A rule could not be checked.");
	return STOA_PASS;
}

static enum stoa_verdict run_chain(struct chain *c, struct stoa_hook_any *ev)
{
	enum stoa_verdict result = STOA_PASS;

	for (size_t i = 0; i < c->n; i++) {
		enum stoa_verdict v = ask(c, &c->entries[i], ev);

		if (v == STOA_PASS)
			continue;
		if (c->point.rule == STOA_FIRST_WINS)
			return v;
		if (v == STOA_DENY || result == STOA_PASS)
			result = v;
	}
	return result;
}

enum stoa_verdict stoa_hook_run(struct stoa_mod *m, const struct stoa_hook_point *point, void *ev)
{
	struct stoa_hook_any *any = ev;
	struct chain *c = find_chain(point->name);
	enum stoa_verdict v = STOA_PASS;

	stoa_assert_thread(STOA_THREAD_CTL);
	(void)m;
	if (c) {
		c->running++;
		v = run_chain(c, any);
		c->running--;
	}
	if (v == STOA_PASS)
		v = point->all_pass;
	if (v != STOA_ALLOW) {
		stoa_metric_add(self_metrics.hook_denials, 1);
		stoa_deny(&any->denial, "refused", "This is not allowed here.");
	}
	return v == STOA_ALLOW ? STOA_ALLOW : STOA_DENY;
}

void hook_remove_of(const struct stoa_mod *m)
{
	struct chain *c, *tmp;

	stoa_list_for_each_safe (c, tmp, &chains, struct chain, link) {
		size_t kept = 0;

		for (size_t i = 0; i < c->n; i++) {
			if (c->entries[i].mod == m)
				order_free(&c->entries[i].order);
			else
				c->entries[kept++] = c->entries[i];
		}
		c->n = kept;
		if (!kept)
			chain_free(c);
	}
}

void hook_reset(void)
{
	while (!stoa_list_empty(&chains))
		chain_free(STOA_CONTAINER(chains.next, struct chain, link));
}

json_t *hook_list(const char *point)
{
	json_t *list = json_array();
	struct chain *c;

	stoa_list_for_each (c, &chains, struct chain, link) {
		if (point && strcmp(point, c->name) != 0)
			continue;
		for (size_t i = 0; i < c->n; i++) {
			const struct entry *e = &c->entries[i];

			json_array_append_new(
				list,
				json_pack("{s:s, s:s, s:i, s:s, s:I, s:I}", "hook", c->name, "rule",
					  c->point.rule == STOA_DENY_WINS ? "deny-wins"
									  : "first-wins",
					  "order", (int)i + 1, "owner", e->mod->desc.name, "slow",
					  (json_int_t)e->n_slow, "errors",
					  (json_int_t)e->n_errors));
		}
	}
	return list;
}
