/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-origin answers (Fetch standard, "HTTP extensions"): who may read, and preflights. No
 * credentials mode: tokens travel in Authorization. */
#include <stdio.h>

#include "http.h"

static const struct {
	uint32_t bit;
	const char *name;
} methods[] = {
	{ STOA_HTTP_GET, "GET" },         { STOA_HTTP_HEAD, "HEAD" },
	{ STOA_HTTP_POST, "POST" },       { STOA_HTTP_PUT, "PUT" },
	{ STOA_HTTP_PATCH, "PATCH" },     { STOA_HTTP_DELETE, "DELETE" },
	{ STOA_HTTP_OPTIONS, "OPTIONS" },
};

const char *method_name(uint32_t method)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(methods); i++)
		if (methods[i].bit == method)
			return methods[i].name;
	return "-";
}

void cors_allow_line(uint32_t allowed, char *out, size_t n)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < STOA_ARRAY_SIZE(methods); i++)
		if ((allowed & methods[i].bit) && at < n)
			at += (size_t)snprintf(out + at, n - at, "%s%s", at ? ", " : "",
					       methods[i].name);
}

/* What to allow for this origin: "*", the origin, or NULL. */
static const char *allowed_origin(const struct settings *s, struct stoa_str origin, bool *ret_any)
{
	*ret_any = false;
	for (size_t i = 0; i < s->n_cors_origins; i++) {
		if (strcmp(s->cors_origins[i], "*") == 0) {
			*ret_any = true;
			return "*";
		}
		if (origin.n && stoa_str_is(origin, s->cors_origins[i]))
			return s->cors_origins[i];
	}
	return NULL;
}

void cors_decorate(const struct settings *s, struct stoa_str origin, struct answer *a)
{
	bool any;
	const char *allowed = allowed_origin(s, origin, &any);

	if (!any && s->n_cors_origins)
		answer_add(a, "Vary", "Origin");
	if (!allowed || !origin.n)
		return;
	answer_add(a, "Access-Control-Allow-Origin", allowed);
	answer_add(a, "Access-Control-Expose-Headers",
		   "ETag, Location, Link, Retry-After, Content-Range, Accept-Ranges, Date");
}

void cors_preflight(const struct settings *s, struct stoa_str origin, struct stoa_str headers,
		    uint32_t allowed_methods, struct answer *a)
{
	char text[1024];
	bool any;
	const char *allowed = allowed_origin(s, origin, &any);

	answer_add(a, "Vary", "Origin, Access-Control-Request-Headers");
	if (!allowed || !origin.n)
		return;
	answer_add(a, "Access-Control-Allow-Origin", allowed);
	cors_allow_line(allowed_methods, text, sizeof(text));
	answer_add(a, "Access-Control-Allow-Methods", text);
	if (headers.n && headers.n < sizeof(text)) {
		memcpy(text, headers.p, headers.n);
		text[headers.n] = '\0';
		answer_add(a, "Access-Control-Allow-Headers", text);
	}
	answer_add(a, "Access-Control-Max-Age", "7200");
}
