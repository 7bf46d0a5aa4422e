/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_PUBLISH_H
#define MOD_HTTP_PUBLISH_H

#include <stoa/iface/http.h>

/* Published bodies: one table for all threads, from exact paths to immutable bodies. A lookup is a
 * short lock and a reference; who publishes wakes only the edges that have somebody waiting. */

struct stoa_mod;
struct published;

struct pub { /* immutable; counted */
	struct stoa_bytes *bytes;
	struct stoa_bytes *lines; /* Content-Type, Cache-Control, ETag, … ready made */
	char etag[40];
	uint64_t version;
	bool cors;
};

struct pub *pub_ref(struct pub *p);
void pub_unref(struct pub *p);

/* Called without a lock, on the publishing thread, once per edge that has waiters for the path. */
typedef void published_wake_fn(void *user, unsigned edge, struct stoa_str path);

struct published *published_new(published_wake_fn *wake_fn, void *user);
void published_free(struct published *t);

/* The operations of the interface; thread: any. */
int published_put(struct published *t, struct stoa_mod *m, const struct stoa_http_body *b);
int published_take(struct published *t, struct stoa_str path);
int published_rule(struct published *t, struct stoa_mod *m, const char *path,
		   stoa_http_want_fn *want_fn, void *user, uint32_t park_ms);
void published_remove(struct published *t, struct stoa_mod *m);

struct published_found {
	bool is_known;   /* published, or has a rule */
	struct pub *pub; /* referenced; NULL: nothing there, or refused */
	int status;      /* what want_fn refuses with; 0 */
	bool must_wait;  /* for `version`, at most `park_ms`; the edge is noted */
	uint64_t version;
	uint32_t park_ms;
};

void published_find(struct published *t, unsigned edge, struct stoa_str path, struct stoa_str query,
		    struct published_found *ret);
/* Is the version there (ret->pub), gone (not is_known), or still awaited (must_wait)? */
void published_check(struct published *t, unsigned edge, struct stoa_str path, uint64_t version,
		     struct published_found *ret);

#endif
