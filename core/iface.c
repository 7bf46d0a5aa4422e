/* SPDX-License-Identifier: Apache-2.0 */
/* Who provides what. A handful of interfaces, bound at start(): a list is fine. */
#include <errno.h>
#include <stdlib.h>

#include "iface.h"
#include "loop.h"

struct provision { /* one interface and the module chosen or offering */
	struct stoa_list link;
	char *name;
	struct stoa_mod *mod;
	struct stoa_iface iface;
};

static struct stoa_list published = STOA_LIST_INIT(published);
static struct stoa_list chosen = STOA_LIST_INIT(chosen);

bool names_contain(const char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

static struct provision *find(struct stoa_list *list, const char *name, const struct stoa_mod *m)
{
	struct provision *p;

	stoa_list_for_each (p, list, struct provision, link) {
		if (strcmp(p->name, name) == 0 && (!m || p->mod == m))
			return p;
	}
	return NULL;
}

static int add(struct stoa_list *list, const char *name, struct stoa_mod *m, struct stoa_iface i)
{
	struct provision *p = calloc(1, sizeof(*p));

	if (!p || !(p->name = strdup(name))) {
		free(p);
		return -ENOMEM;
	}
	p->mod = m;
	p->iface = i;
	stoa_list_append(list, &p->link);
	return 0;
}

static void forget(struct stoa_list *list, const struct stoa_mod *m)
{
	struct provision *p, *tmp;

	stoa_list_for_each_safe (p, tmp, list, struct provision, link) {
		if (m && p->mod != m)
			continue;
		stoa_list_unlink(&p->link);
		free(p->name);
		free(p);
	}
}

int iface_choose(const char *name, struct stoa_mod *provider)
{
	return add(&chosen, name, provider, (struct stoa_iface){ NULL, NULL });
}

void iface_withdraw(struct stoa_mod *m)
{
	forget(&published, m);
	forget(&chosen, m);
}

void iface_reset(void)
{
	forget(&published, NULL);
	forget(&chosen, NULL);
}

int stoa_iface_publish(struct stoa_mod *m, const char *name, const void *ops, void *self)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	if (!ops || !names_contain(m->desc.provides, name)) {
		stoa_log(m, STOA_LOG_ERROR,
			 "publishes %s, which its descriptor does not list in provides", name);
		return -EINVAL;
	}
	if (find(&published, name, m))
		return -EEXIST;
	return add(&published, name, m, (struct stoa_iface){ ops, self });
}

int stoa_iface_bind(struct stoa_mod *m, const char *name, struct stoa_iface *ret_iface)
{
	const struct provision *choice, *p;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!names_contain(m->desc.needs, name) && !names_contain(m->desc.wants, name)) {
		stoa_log(m, STOA_LOG_ERROR,
			 "binds %s, which its descriptor lists neither in needs nor in wants",
			 name);
		return -EINVAL;
	}
	choice = find(&chosen, name, NULL);
	if (!choice)
		return -ENOENT;
	p = find(&published, name, choice->mod);
	if (!p)
		return -ENOENT;
	*ret_iface = p->iface;
	return 0;
}
