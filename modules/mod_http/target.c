/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes request targets. Called once per request by the connection and by the accessors; pure and
 * fuzzed. The path is split before it is decoded: "/a%2Fb" is one segment, "/%2e%2e/" is "..". */
#include "target.h"

#include <errno.h>
#include <stoa/cursor.h>

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int target_decode(struct stoa_str in, bool plus, char *out)
{
	struct stoa_cursor c = stoa_cur(in.p, in.n);
	char *p = out;

	while (stoa_cur_left(&c)) {
		uint8_t b = stoa_cur_u8(&c);

		if (b == '%') {
			int hi = hex_value(stoa_cur_u8(&c)), lo = hex_value(stoa_cur_u8(&c));

			if (!stoa_cur_ok(&c) || hi < 0 || lo < 0)
				return -EINVAL;
			b = (uint8_t)(hi * 16 + lo);
			if (b < 0x20 && !(plus && (b == '\n' || b == '\r' || b == '\t')))
				return -EINVAL;
			if (b == 0x7f)
				return -EINVAL;
		} else if (b == '+' && plus) {
			b = ' ';
		} else if (b < 0x20 || b == 0x7f) {
			return -EINVAL;
		}
		*p++ = (char)b;
	}
	return (int)(p - out);
}

/* Takes one decoded segment; dot segments change what is there instead (RFC 3986 section 5.2.4). */
static int add_segment(struct target *t, struct stoa_str s, bool is_last)
{
	if (stoa_str_is(s, ".") || stoa_str_is(s, "..")) {
		if (s.n == 2) {
			if (t->n_segments == 0)
				return 400; /* above the root: nobody means that */
			t->n_segments--;
		}
		if (!is_last)
			return 0;
		s.n = 0; /* "/a/." is "/a/" */
	}
	if (t->n_segments == TARGET_SEGMENTS_MAX)
		return 414;
	t->segments[t->n_segments++] = s;
	return 0;
}

/* Writes the path anew from its segments, which lie in `buf` in ascending order. */
static void join_path(struct target *t, char *buf)
{
	char *p = buf;

	for (unsigned i = 0; i < t->n_segments; i++) {
		struct stoa_str *s = &t->segments[i];

		*p++ = '/';
		memmove(p, s->p, s->n);
		s->p = p;
		p += s->n;
		if (memchr(s->p, '/', s->n))
			t->has_slash = true;
	}
	*p = '\0';
	t->path = stoa_strn(buf, (size_t)(p - buf));
}

int target_parse(struct stoa_str target, char *buf, struct target *t)
{
	const char *question, *end, *p;
	char *out = buf;

	t->n_segments = 0;
	t->has_slash = false;
	t->query = stoa_str("");
	if (stoa_str_is(target, "*")) {
		memcpy(buf, "*", 2);
		t->path = stoa_strn(buf, 1);
		return 0;
	}
	if (target.n == 0 || target.p[0] != '/' || memchr(target.p, '#', target.n))
		return 400;
	question = memchr(target.p, '?', target.n);
	end = question ? question : target.p + target.n;
	if (question)
		t->query = stoa_strn(question + 1, (size_t)(target.p + target.n - question - 1));
	for (p = target.p; p < end;) {
		const char *slash = memchr(p + 1, '/', (size_t)(end - p - 1));
		const char *stop = slash ? slash : end;
		int n, err;

		*out++ = '/';
		n = target_decode(stoa_strn(p + 1, (size_t)(stop - p - 1)), false, out);
		if (n < 0)
			return 400;
		err = add_segment(t, stoa_strn(out, (size_t)n), !slash);
		if (err)
			return err;
		out += n;
		p = stop;
	}
	join_path(t, buf);
	return 0;
}

/* Is the raw name, once decoded, the wanted one? */
static bool name_matches(struct stoa_str raw, const char *name, char *buf)
{
	int n = target_decode(raw, true, buf);

	return n >= 0 && stoa_str_is(stoa_strn(buf, (size_t)n), name);
}

bool target_query(struct stoa_str query, const char *name, char *buf, struct stoa_str *ret)
{
	while (query.n) {
		const char *amp = memchr(query.p, '&', query.n);
		size_t n = amp ? (size_t)(amp - query.p) : query.n;
		const char *eq = memchr(query.p, '=', n);
		size_t name_n = eq ? (size_t)(eq - query.p) : n;

		if (name_matches(stoa_strn(query.p, name_n), name, buf)) {
			size_t skip = eq ? name_n + 1 : n;
			int len = target_decode(stoa_strn(query.p + skip, n - skip), true, buf);

			if (len < 0)
				return false;
			buf[len] = '\0';
			*ret = stoa_strn(buf, (size_t)len);
			return true;
		}
		n += amp ? 1 : 0;
		query = stoa_strn(query.p + n, query.n - n);
	}
	return false;
}
