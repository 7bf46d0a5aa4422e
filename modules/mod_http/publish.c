/* SPDX-License-Identifier: Apache-2.0 */
/* The table of published bodies. Written from any thread, read by serve.c on the edges. want_fn runs
 * outside of the lock: a removed rule's user stays valid until offer_remove() has met every edge. */
#include "publish.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define PATHS_MAX 65536u

struct pub_counted {
	struct pub pub;
	atomic_uint refs;
};

struct entry {
	char *path;
	struct stoa_mod *mod;
	struct pub *pub;
	stoa_http_want_fn *want_fn;
	void *user;
	uint32_t park_ms; /* 0: no rule */
	uint64_t waiting; /* a bit per edge */
};

struct published {
	pthread_mutex_t lock;
	struct stoa_map *entries;
	published_wake_fn *wake_fn;
	void *user;
};

/* ---- one body ---- */

struct pub *pub_ref(struct pub *p)
{
	atomic_fetch_add_explicit(&((struct pub_counted *)p)->refs, 1, memory_order_relaxed);
	return p;
}

void pub_unref(struct pub *p)
{
	struct pub_counted *c = (struct pub_counted *)p;

	if (!p || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (p->bytes)
		stoa_bytes_unref(p->bytes);
	if (p->lines)
		stoa_bytes_unref(p->lines);
	free(c);
}

static bool is_clean(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s < 0x20)
			return false;
	return true;
}

static struct pub *pub_new(const struct stoa_http_body *b)
{
	struct pub_counted *c = calloc(1, sizeof(*c));
	struct stoa_buf lines = { 0 };
	struct pub *p = &c->pub;

	if (!c)
		return NULL;
	atomic_init(&c->refs, 1);
	p->bytes = stoa_bytes_ref(b->bytes);
	p->version = b->version;
	p->cors = b->cors;
	/* Keyed by this process, so never equal by accident to another server's tag. */
	snprintf(p->etag, sizeof(p->etag), "\"%016llx-%zx\"",
		 (unsigned long long)stoa_hash(b->bytes->p, b->bytes->n), b->bytes->n);
	if (b->content_type)
		stoa_buf_addf(&lines, "Content-Type: %s\r\n", b->content_type);
	stoa_buf_addf(&lines, "Cache-Control: %s\r\nETag: %s\r\nAccept-Ranges: bytes\r\n",
		      b->cache_control ? b->cache_control : "no-cache", p->etag);
	if (!lines.failed)
		p->lines = stoa_bytes_new(lines.p, lines.n);
	stoa_buf_free(&lines);
	if (p->lines)
		return p;
	pub_unref(p);
	return NULL;
}

/* ---- the table ---- */

struct published *published_new(published_wake_fn *wake_fn, void *user)
{
	struct published *t = calloc(1, sizeof(*t));

	if (!t || !(t->entries = stoa_map_new())) {
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	t->wake_fn = wake_fn;
	t->user = user;
	return t;
}

static void entry_free(struct entry *e)
{
	if (!e)
		return;
	pub_unref(e->pub);
	free(e->path);
	free(e);
}

void published_free(struct published *t)
{
	size_t pos = 0;
	void *e;

	if (!t)
		return;
	while (stoa_map_next(t->entries, &pos, NULL, &e))
		entry_free(e);
	stoa_map_free(t->entries);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* The entry of a path, made if need be; under the lock. */
static int entry_get(struct published *t, struct stoa_mod *m, const char *path, struct entry **ret)
{
	struct entry *e = stoa_map_get(t->entries, stoa_str(path));

	if (!e) {
		if (stoa_map_len(t->entries) >= PATHS_MAX)
			return -ENOSPC;
		e = calloc(1, sizeof(*e));
		if (!e || !(e->path = strdup(path)) ||
		    stoa_map_set(t->entries, stoa_str(path), e, NULL) < 0) {
			entry_free(e);
			return -ENOMEM;
		}
	}
	e->mod = m;
	*ret = e;
	return 0;
}

static void wake(struct published *t, uint64_t waiting, struct stoa_str path)
{
	for (unsigned i = 0; waiting; i++, waiting >>= 1)
		if (waiting & 1)
			t->wake_fn(t->user, i, path);
}

int published_put(struct published *t, struct stoa_mod *m, const struct stoa_http_body *b)
{
	struct pub *p, *old = NULL;
	struct entry *e;
	uint64_t waiting = 0;
	int err;

	if (!b->path || b->path[0] != '/' || !b->bytes || !is_clean(b->content_type) ||
	    !is_clean(b->cache_control))
		return -EINVAL;
	p = pub_new(b);
	if (!p)
		return -ENOMEM;
	pthread_mutex_lock(&t->lock);
	err = entry_get(t, m, b->path, &e);
	if (!err && e->pub && e->pub->version > p->version)
		err = -ESTALE;
	if (!err) {
		old = e->pub;
		e->pub = p;
		waiting = e->waiting;
		e->waiting = 0;
	}
	pthread_mutex_unlock(&t->lock);
	pub_unref(err ? p : old);
	wake(t, waiting, stoa_str(b->path));
	return err;
}

int published_take(struct published *t, struct stoa_str path)
{
	uint64_t waiting = 0;
	struct entry *e;

	pthread_mutex_lock(&t->lock);
	e = stoa_map_remove(t->entries, path);
	if (e)
		waiting = e->waiting;
	pthread_mutex_unlock(&t->lock);
	if (!e)
		return -ENOENT;
	wake(t, waiting, path);
	entry_free(e);
	return 0;
}

int published_rule(struct published *t, struct stoa_mod *m, const char *path,
		   stoa_http_want_fn *want_fn, void *user, uint32_t park_ms)
{
	struct entry *e;
	int err;

	if (!path || path[0] != '/' || park_ms == 0)
		return -EINVAL;
	pthread_mutex_lock(&t->lock);
	err = entry_get(t, m, path, &e);
	if (!err) {
		e->want_fn = want_fn;
		e->user = user;
		e->park_ms = park_ms;
	}
	pthread_mutex_unlock(&t->lock);
	return err;
}

void published_remove(struct published *t, struct stoa_mod *m)
{
	bool again = true;

	while (again) { /* one at a time: waking happens without the lock */
		char *path = NULL;
		struct entry *e;
		size_t pos = 0;
		void *value;

		again = false;
		pthread_mutex_lock(&t->lock);
		while (!path && stoa_map_next(t->entries, &pos, NULL, &value)) {
			e = value;
			if (e->mod == m && (path = strdup(e->path)))
				again = true;
		}
		pthread_mutex_unlock(&t->lock);
		if (path)
			published_take(t, stoa_str(path));
		free(path);
	}
}

/* What is there for a version; under the lock. */
static void look(struct entry *e, unsigned edge, struct published_found *ret)
{
	ret->is_known = true;
	ret->park_ms = e->park_ms;
	if (e->park_ms && (e->pub ? e->pub->version : 0) < ret->version) {
		e->waiting |= (uint64_t)1 << edge;
		ret->must_wait = true;
	} else if (e->pub) {
		ret->pub = pub_ref(e->pub);
	} else {
		ret->is_known = false;
	}
}

void published_check(struct published *t, unsigned edge, struct stoa_str path, uint64_t version,
		     struct published_found *ret)
{
	struct entry *e;

	memset(ret, 0, sizeof(*ret));
	ret->version = version;
	pthread_mutex_lock(&t->lock);
	e = stoa_map_get(t->entries, path);
	if (e)
		look(e, edge, ret);
	pthread_mutex_unlock(&t->lock);
}

void published_find(struct published *t, unsigned edge, struct stoa_str path, struct stoa_str query,
		    struct published_found *ret)
{
	stoa_http_want_fn *want_fn = NULL;
	void *user = NULL;
	uint64_t version = 0;
	struct entry *e;

	memset(ret, 0, sizeof(*ret));
	pthread_mutex_lock(&t->lock);
	e = stoa_map_get(t->entries, path);
	if (e && e->park_ms && (e->want_fn || !e->pub)) {
		want_fn = e->want_fn;
		user = e->user;
		version = 1;
		ret->is_known = true;
	} else if (e) {
		look(e, edge, ret);
	}
	pthread_mutex_unlock(&t->lock);
	if (version == 0)
		return;
	if (want_fn) {
		version = 0;
		ret->status = want_fn(query, &version, user);
		if (ret->status)
			return;
	}
	published_check(t, edge, path, version, ret);
}
