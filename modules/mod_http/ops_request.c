/* SPDX-License-Identifier: Apache-2.0 */
/* How a module reads a request. The functions are members of struct stoa_http_ops; what they mean
 * stands in <stoa/iface/http.h>. What a request has is made up when it is asked for: a decoded query
 * value, joined headers, and freed with it. */
#include <stdio.h>
#include <stdlib.h>

#include "ops.h"

enum stoa_http_method req_method(const struct stoa_http_req *b)
{
	return (enum stoa_http_method)request_of(b)->method;
}

struct stoa_str req_path(const struct stoa_http_req *b)
{
	return request_of(b)->target.path;
}

struct stoa_str req_body(const struct stoa_http_req *b)
{
	const struct request *r = request_of(b);

	return stoa_strn(r->body.p, r->body.n);
}

const char *req_peer(const struct stoa_http_req *b)
{
	return request_of(b)->peer;
}

int req_watch(struct stoa_http_req *b, const struct stoa_http_watch *w, void *user)
{
	struct request *r = request_mut(b);

	if (atomic_load(&r->gone))
		return -EPIPE;
	r->watch = w;
	r->watch_user = user;
	return 0;
}

struct stoa_str req_param(const struct stoa_http_req *b, const char *name)
{
	const struct request *r = request_of(b);
	int i = route_param_index(r->route, name);

	return i >= 0 && (unsigned)i < r->n_params ? r->params[i] : stoa_str("");
}

/* ---- values that are made ---- */

/* Room for `n` bytes and a NUL that lives as long as the request. */
static char *keep(struct request *r, size_t n)
{
	struct request_value *v = malloc(sizeof(*v) + n + 1);

	if (!v)
		return NULL;
	v->next = r->values;
	r->values = v;
	return v->text;
}

struct stoa_str req_query(const struct stoa_http_req *b, const char *name, bool *ret_found)
{
	struct request *r = request_mut(b);
	struct stoa_str value = stoa_str("");
	bool found = false;
	char *buf;

	if (r->target.query.n && (buf = keep(r, r->target.query.n)))
		found = target_query(r->target.query, name, buf, &value);
	if (ret_found)
		*ret_found = found;
	return value;
}

/* Several fields of one name are one list (RFC 9110 section 5.3); cookies are joined by "; ". */
static struct stoa_str join_headers(struct request *r, const char *name, size_t n_values,
				    size_t n_bytes)
{
	bool is_cookie = strcmp(name, "cookie") == 0;
	char *buf = keep(r, n_bytes + 2 * n_values), *p = buf;

	if (!buf)
		return stoa_str("");
	for (unsigned i = 0; i < r->n_headers; i++) {
		if (!h1_name_is(r->headers[i].name, name))
			continue;
		if (p != buf) {
			*p++ = is_cookie ? ';' : ',';
			*p++ = ' ';
		}
		memcpy(p, r->headers[i].value.p, r->headers[i].value.n);
		p += r->headers[i].value.n;
	}
	*p = '\0';
	return stoa_strn(buf, (size_t)(p - buf));
}

struct stoa_str req_header(const struct stoa_http_req *b, const char *name)
{
	struct request *r = request_mut(b);
	struct stoa_str first = stoa_str("");
	size_t n_values = 0, n_bytes = 0;
	char lower[64];
	size_t i;

	for (i = 0; i < sizeof(lower) - 1 && name[i]; i++)
		lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
	lower[i] = '\0';
	for (unsigned k = 0; k < r->n_headers; k++) {
		if (!h1_name_is(r->headers[k].name, lower))
			continue;
		if (n_values++ == 0)
			first = r->headers[k].value;
		n_bytes += r->headers[k].value.n;
	}
	return n_values > 1 ? join_headers(r, lower, n_values, n_bytes) : first;
}

/* ---- where the client reached us ---- */

/* The last element of a list such as X-Forwarded-Proto: what the nearest proxy saw. */
static struct stoa_str last_of(struct stoa_str list)
{
	const char *comma = list.n ? memrchr(list.p, ',', list.n) : NULL;

	if (comma)
		list = stoa_strn(comma + 1, (size_t)(list.p + list.n - comma - 1));
	while (list.n && list.p[0] == ' ')
		list = stoa_strn(list.p + 1, list.n - 1);
	return list;
}

static bool is_host(struct stoa_str s)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";

	if (!s.p || s.n == 0 || s.n > 255)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr(allowed, s.p[i]))
			return false;
	return true;
}

const char *req_base_url(const struct stoa_http_req *b)
{
	struct request *r = request_mut(b);
	struct stoa_str host = r->host, forwarded;
	bool is_tls = r->is_tls;

	if (r->settings->public_url)
		return r->settings->public_url;
	if (r->base_url)
		return r->base_url;
	if (r->via_proxy) {
		forwarded = last_of(request_header(r, "x-forwarded-host"));
		if (is_host(forwarded))
			host = forwarded;
		forwarded = last_of(request_header(r, "x-forwarded-proto"));
		if (forwarded.n)
			is_tls = h1_name_is(forwarded, "https") || h1_name_is(forwarded, "wss");
	}
	if (!is_host(host))
		host = stoa_str("localhost");
	if (asprintf(&r->base_url, "%s://%.*s", is_tls ? "https" : "http", STOA_FMT(host)) < 0)
		r->base_url = NULL;
	return r->base_url ? r->base_url : "http://localhost";
}
