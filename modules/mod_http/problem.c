/* SPDX-License-Identifier: Apache-2.0 */
/* Problem documents (RFC 9457): the one form of every error, whether a module answers it or this
 * one refuses. */
#include <stdio.h>

#include "answer.h"

/* A JSON string; what is not UTF-8 becomes U+FFFD, so that the document is valid whatever the
 * detail quotes. */
static void add_string(struct stoa_buf *b, const char *s)
{
	stoa_buf_add(b, "\"", 1);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

		if (c == '"' || c == '\\') {
			stoa_buf_addf(b, "\\%c", c);
		} else if (c < 0x20) {
			stoa_buf_addf(b, "\\u%04x", c);
		} else if (strnlen(s, n) == n && stoa_utf8_valid(stoa_strn(s, n))) {
			stoa_buf_add(b, s, n);
			s += n - 1;
		} else {
			stoa_buf_adds(b, "\xef\xbf\xbd");
		}
	}
	stoa_buf_add(b, "\"", 1);
}

static void add_member(struct stoa_buf *b, const char *name, const char *value)
{
	stoa_buf_addf(b, ",\"%s\":", name);
	add_string(b, value);
}

static void render(struct stoa_buf *b, const struct stoa_http_problem *p)
{
	const char *title = answer_reason(p->status);

	stoa_buf_adds(b, "{\"type\":\"about:blank\"");
	add_member(b, "title", title);
	stoa_buf_addf(b, ",\"status\":%d", p->status);
	add_member(b, "detail", p->detail ? p->detail : title);
	add_member(b, "error", p->error ? p->error : "error");
	if (p->n_fields) {
		stoa_buf_adds(b, ",\"errors\":[");
		for (size_t i = 0; i < p->n_fields; i++) {
			stoa_buf_adds(b, i ? ",{\"field\":" : "{\"field\":");
			add_string(b, p->fields[i].field);
			add_member(b, "reason", p->fields[i].reason);
			stoa_buf_adds(b, "}");
		}
		stoa_buf_adds(b, "]");
	}
	stoa_buf_adds(b, "}\n");
}

void answer_problem(struct answer *a, const struct stoa_http_problem *p)
{
	struct stoa_buf b = { 0 };

	a->status = p->status;
	answer_add(a, "Content-Type", "application/problem+json");
	answer_add(a, "Cache-Control", "no-store");
	if (p->status == 401)
		answer_add(a, "WWW-Authenticate", "Bearer");
	if (p->retry_after_s)
		answer_add_number(a, "Retry-After", p->retry_after_s);
	render(&b, p);
	if (!b.failed)
		a->body = stoa_bytes_new(b.p, b.n);
	a->n = a->body ? a->body->n : 0;
	stoa_buf_free(&b);
}

void answer_refuse(struct answer *a, int status, const char *error, const char *detail)
{
	struct stoa_http_problem p = {
		.size = sizeof(p), .status = status, .error = error, .detail = detail
	};

	if (status == 429 || status == 503)
		p.retry_after_s = 1;
	answer_problem(a, &p);
}
