/* SPDX-License-Identifier: Apache-2.0 */
/* A whole HTTP/1.1 input: head, target, route, chunked body, as a connection does it. Checks that
 * the segmentation does not matter and that strings stay inside of the input. */
#include <errno.h>
#include <stdlib.h>

#include "h1.h"
#include "route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct route_table *table;

static void make_table(void)
{
	static const char *const paths[] = { "/", "/api/calls/{id}/join", "/api/{x}/mine/{y}",
					     "/hls/{rest...}", "/api/calls/initiate" };
	struct route *all[STOA_ARRAY_SIZE(paths)];

	for (size_t i = 0; i < STOA_ARRAY_SIZE(paths); i++) {
		all[i] = route_new(ROUTE_HTTP, NULL, paths[i]);
		all[i]->methods = 127;
	}
	if (route_table_new(all, STOA_ARRAY_SIZE(paths), &table) < 0)
		abort();
}

static void check_inside(struct stoa_str s, const char *p, size_t n)
{
	if (s.n && (s.p < p || s.p + s.n > p + n))
		abort();
}

static void take_target(const struct h1_head *h)
{
	char *buf = malloc(h->target.n + 2), *value = malloc(h->target.n + 1);
	struct route_match m;
	struct stoa_str v;
	struct target t;

	if (target_parse(h->target, buf, &t) == 0) {
		if (t.path.n != strlen(t.path.p) || t.path.n > h->target.n + 1)
			abort();
		route_find(table, &t, h->method, &m);
		for (unsigned i = 0; i < m.n_params; i++)
			check_inside(m.params[i], buf, h->target.n + 2);
		if (target_query(t.query, "x", value, &v))
			check_inside(v, value, h->target.n + 1);
	}
	free(buf);
	free(value);
}

static void take_body(const char *p, size_t n)
{
	struct h1_chunked c = { 0 };
	size_t at = 0;
	int r = 0;

	while (r == 0 && at < n) {
		struct stoa_str piece;
		size_t used;

		r = h1_chunked_take(&c, stoa_strn(p + at, n - at), &used, &piece);
		check_inside(piece, p + at, n - at);
		if (used > n - at || (r == 0 && used == 0))
			abort();
		at += used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct h1_limits limits = { 2048, 8192 };
	static struct h1_head whole, pieces;
	const char *p = (const char *)data;
	size_t scanned = 0, step = 0;
	int err, again = -EAGAIN;

	if (!table)
		make_table();
	err = h1_parse(p, n, &scanned, &limits, &whole);
	scanned = 0;
	while (again == -EAGAIN && step < n)
		again = h1_parse(p, ++step, &scanned, &limits, &pieces);
	if (err == 0) {
		if (again != 0 || pieces.len != whole.len || whole.len > n)
			abort();
		for (unsigned i = 0; i < whole.n_headers; i++) {
			check_inside(whole.headers[i].name, p, whole.len);
			check_inside(whole.headers[i].value, p, whole.len);
		}
		take_target(&whole);
		take_body(p + whole.len, n - whole.len);
	}
	return 0;
}
