/* SPDX-License-Identifier: Apache-2.0 */
/* Parses request heads. Called by the connection on its edge thread; pure, so
 * that the fuzz target sees all of it. Every ambiguity that request smuggling lives on (a bare LF,
 * folded lines, two lengths, a length beside chunks) is a 400. */
#include "h1.h"

#include <errno.h>
#include <stoa/cursor.h>
#include <stoa/iface/http.h>

/* RFC 9110 section 5.6.2: the characters of a token. */
static bool is_tchar(unsigned char c)
{
	static const char extra[] = "!#$%&'*+-.^_`|~";

	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr(extra, c));
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool h1_name_is(struct stoa_str name, const char *want)
{
	size_t i;

	for (i = 0; i < name.n && want[i]; i++)
		if (lower(name.p[i]) != want[i])
			return false;
	return i == name.n && !want[i];
}

static struct stoa_str trim(struct stoa_str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool h1_list_has(struct stoa_str list, const char *token)
{
	while (list.n) {
		const char *comma = memchr(list.p, ',', list.n);
		size_t n = comma ? (size_t)(comma - list.p) : list.n;

		if (h1_name_is(trim(stoa_strn(list.p, n)), token))
			return true;
		n += comma ? 1 : 0;
		list = stoa_strn(list.p + n, list.n - n);
	}
	return false;
}

struct stoa_str h1_header(const struct h1_head *h, const char *name)
{
	for (unsigned i = 0; i < h->n_headers; i++)
		if (h1_name_is(h->headers[i].name, name))
			return h->headers[i].value;
	return stoa_str("");
}

/* Looks for the empty line. Checks that every line ends in CR LF on the way. */
static int find_end(const char *buf, size_t n, size_t *scanned, const struct h1_limits *limits,
		    size_t *ret_len)
{
	size_t at = *scanned;

	while (at < n) {
		const char *lf = memchr(buf + at, '\n', n - at);
		size_t end;

		if (!lf)
			break;
		end = (size_t)(lf - buf);
		if (end == 0 || buf[end - 1] != '\r')
			return 400;
		if (end + 1 > limits->head_max)
			return 431;
		if (end >= 3 && buf[end - 2] == '\n') {
			*ret_len = end + 1;
			return 0;
		}
		at = end + 1;
	}
	*scanned = at;
	if (at == 0 && n > limits->line_max)
		return 414;
	return n > limits->head_max ? 431 : -EAGAIN;
}

/* The next line without its CR LF; find_end() has proved that there is one. */
static struct stoa_str take_line(struct stoa_cursor *c)
{
	const char *start = (const char *)c->p;
	const char *lf = memchr(start, '\n', stoa_cur_left(c));
	size_t n = lf ? (size_t)(lf - start) + 1 : stoa_cur_left(c);

	stoa_cur_skip(c, n);
	return stoa_strn(start, n >= 2 ? n - 2 : 0);
}

static uint32_t method_of(struct stoa_str s)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} methods[] = {
		{ "GET", STOA_HTTP_GET },         { "HEAD", STOA_HTTP_HEAD },
		{ "POST", STOA_HTTP_POST },       { "PUT", STOA_HTTP_PUT },
		{ "PATCH", STOA_HTTP_PATCH },     { "DELETE", STOA_HTTP_DELETE },
		{ "OPTIONS", STOA_HTTP_OPTIONS },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(methods); i++)
		if (stoa_str_is(s, methods[i].name))
			return methods[i].bit;
	return 0;
}

/* Origin form, "*" for OPTIONS, or absolute form, of which the authority is split off. */
static int parse_target(struct stoa_str t, struct h1_head *h)
{
	size_t skip;

	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] <= 0x20 || (unsigned char)t.p[i] >= 0x7f)
			return 400;
	h->authority = stoa_str("");
	if (t.n && t.p[0] != '/' && !(stoa_str_is(t, "*") && h->method == STOA_HTTP_OPTIONS)) {
		skip = t.n > 7 && h1_name_is(stoa_strn(t.p, 7), "http://")    ? 7
		       : t.n > 8 && h1_name_is(stoa_strn(t.p, 8), "https://") ? 8
									      : 0;
		if (!skip)
			return 400;
		t = stoa_strn(t.p + skip, t.n - skip);
		skip = strcspn(t.p, "/?# \r"); /* the line ends in CR: cannot run away */
		if (skip == 0 || skip > t.n)
			return 400;
		h->authority = stoa_strn(t.p, skip);
		t = stoa_strn(t.p + skip, t.n - skip);
		if (!t.n)
			t = stoa_str("/");
		else if (t.p[0] != '/')
			return 400;
	}
	if (!t.n)
		return 400;
	h->target = t;
	return 0;
}

static int parse_request_line(struct stoa_str line, const struct h1_limits *limits,
			      struct h1_head *h)
{
	const char *sp1, *sp2;
	struct stoa_str method, version;
	size_t rest;

	if (line.n > limits->line_max)
		return 414;
	if (!(sp1 = memchr(line.p, ' ', line.n)))
		return 400;
	method = stoa_strn(line.p, (size_t)(sp1 - line.p));
	for (size_t i = 0; i < method.n; i++)
		if (!is_tchar((unsigned char)method.p[i]))
			return 400;
	rest = line.n - method.n - 1;
	if (method.n == 0 || !(sp2 = memchr(sp1 + 1, ' ', rest)))
		return 400;
	version = stoa_strn(sp2 + 1, (size_t)(line.p + line.n - sp2 - 1));
	if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0)
		return 400;
	if (memcmp(version.p + 5, "1.", 2) != 0 || version.p[7] < '0' || version.p[7] > '9')
		return 505;
	h->is_http10 = version.p[7] == '0';
	h->method = method_of(method);
	return parse_target(stoa_strn(sp1 + 1, (size_t)(sp2 - sp1 - 1)), h);
}

static int parse_header(struct stoa_str line, struct h1_header *ret)
{
	const char *colon = memchr(line.p, ':', line.n);

	if (!colon || colon == line.p)
		return 400;
	ret->name = stoa_strn(line.p, (size_t)(colon - line.p));
	for (size_t i = 0; i < ret->name.n; i++)
		if (!is_tchar((unsigned char)ret->name.p[i]))
			return 400; /* also a folded line, and a space before the colon */
	ret->value = trim(stoa_strn(colon + 1, line.n - ret->name.n - 1));
	for (size_t i = 0; i < ret->value.n; i++)
		if (((unsigned char)ret->value.p[i] < 0x20 && ret->value.p[i] != '\t') ||
		    ret->value.p[i] == 0x7f)
			return 400;
	return 0;
}

static int parse_length(struct stoa_str v, struct h1_head *h)
{
	uint64_t n = 0;

	if (v.n == 0 || v.n > 18)
		return 400;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return 400;
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	if (h->has_length && n != h->content_length)
		return 400;
	h->has_length = true;
	h->content_length = n;
	return 0;
}

struct interest { /* what the headers say about the message itself */
	bool close, keep_alive, upgrade, websocket;
	unsigned hosts;
};

/* The headers that frame the message; the others are for the handler. */
static int note_header(const struct h1_header *f, struct h1_head *h, struct interest *in)
{
	switch (f->name.n) {
	case 4:
		if (h1_name_is(f->name, "host")) {
			h->host = f->value;
			in->hosts++;
		}
		break;
	case 6:
		if (h1_name_is(f->name, "expect")) {
			if (!h1_name_is(f->value, "100-continue"))
				return 417;
			h->expects_continue = true;
		}
		break;
	case 7:
		if (h1_name_is(f->name, "upgrade"))
			in->websocket |= h1_list_has(f->value, "websocket");
		break;
	case 10:
		if (h1_name_is(f->name, "connection")) {
			in->close |= h1_list_has(f->value, "close");
			in->keep_alive |= h1_list_has(f->value, "keep-alive");
			in->upgrade |= h1_list_has(f->value, "upgrade");
		}
		break;
	case 14:
		if (h1_name_is(f->name, "content-length"))
			return parse_length(f->value, h);
		break;
	case 17:
		if (h1_name_is(f->name, "transfer-encoding")) {
			if (h->is_chunked || h->is_http10)
				return 400;
			if (!h1_name_is(f->value, "chunked"))
				return 501;
			h->is_chunked = true;
		}
		break;
	}
	return 0;
}

static int check_host(const struct h1_head *h, const struct interest *in)
{
	if (in->hosts > 1 || (in->hosts == 0 && !h->is_http10))
		return 400;
	for (size_t i = 0; i < h->host.n; i++)
		if (!is_tchar((unsigned char)h->host.p[i]) && !strchr(":[]", h->host.p[i]))
			return 400;
	return 0;
}

int h1_parse(const char *buf, size_t n, size_t *scanned, const struct h1_limits *limits,
	     struct h1_head *h)
{
	struct interest in = { 0 };
	struct stoa_cursor c;
	size_t len = 0;
	int err;

	while (n >= 2 && *scanned == 0 && buf[0] == '\r' && buf[1] == '\n')
		return 400; /* the connection skips empty lines between requests itself */
	err = find_end(buf, n, scanned, limits, &len);
	if (err)
		return err;
	memset(h, 0, offsetof(struct h1_head, headers));
	memset(&h->n_headers, 0, sizeof(*h) - offsetof(struct h1_head, n_headers));
	h->len = len;
	c = stoa_cur(buf, len - 2);
	err = parse_request_line(take_line(&c), limits, h);
	while (!err && stoa_cur_left(&c)) {
		struct h1_header *f = &h->headers[h->n_headers];

		if (h->n_headers == H1_HEADERS_MAX)
			return 431;
		err = parse_header(take_line(&c), f);
		if (!err)
			err = note_header(f, h, &in);
		h->n_headers++;
	}
	if (err || (err = check_host(h, &in)))
		return err;
	if (h->is_chunked && h->has_length)
		return 400;
	h->keep_alive = !in.close && (!h->is_http10 || in.keep_alive);
	h->wants_upgrade = in.upgrade && in.websocket && !h->is_http10;
	return 0;
}
