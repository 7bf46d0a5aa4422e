/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what each module opened. Timers and descriptors come and go on the module's own
 * threads, so the list has a lock; it is taken when something opens or closes, never per event. */
#include "mod.h"

void owned_add(struct owned *o, struct stoa_mod *m, enum owned_kind kind)
{
	stoa_list_init(&o->link);
	o->mod = m;
	o->kind = kind;
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	stoa_list_append(&m->owned, &o->link);
	pthread_mutex_unlock(&m->lock);
}

void owned_remove(struct owned *o)
{
	if (!o->mod)
		return;
	pthread_mutex_lock(&o->mod->lock);
	stoa_list_unlink(&o->link);
	pthread_mutex_unlock(&o->mod->lock);
}

size_t owned_count(struct stoa_mod *m, enum owned_kind kind)
{
	struct owned *o;
	size_t n = 0;

	pthread_mutex_lock(&m->lock);
	stoa_list_for_each (o, &m->owned, struct owned, link)
		n += o->kind == kind;
	pthread_mutex_unlock(&m->lock);
	return n;
}

struct owned *owned_first(struct stoa_mod *m, enum owned_kind kind)
{
	struct owned *o, *found = NULL;

	pthread_mutex_lock(&m->lock);
	stoa_list_for_each (o, &m->owned, struct owned, link) {
		if (o->kind == kind) {
			found = o;
			break;
		}
	}
	pthread_mutex_unlock(&m->lock);
	return found;
}
