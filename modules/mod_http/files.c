/* SPDX-License-Identifier: Apache-2.0 */
/* Files: opened beneath their directory (the kernel refuses every way out of it), with conditions,
 * ranges and precompressed variants. Runs on the edge thread: the files are a web app's, small and in
 * the page cache; what is large is read piece by piece as the client takes it. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "http.h"
#include "range.h"

static const struct {
	const char *ending, *type;
} types[] = {
	{ "html", "text/html; charset=utf-8" },
	{ "js", "text/javascript; charset=utf-8" },
	{ "mjs", "text/javascript; charset=utf-8" },
	{ "css", "text/css; charset=utf-8" },
	{ "json", "application/json" },
	{ "map", "application/json" },
	{ "webmanifest", "application/manifest+json" },
	{ "svg", "image/svg+xml" },
	{ "png", "image/png" },
	{ "jpg", "image/jpeg" },
	{ "jpeg", "image/jpeg" },
	{ "webp", "image/webp" },
	{ "ico", "image/vnd.microsoft.icon" },
	{ "woff2", "font/woff2" },
	{ "wasm", "application/wasm" },
	{ "txt", "text/plain; charset=utf-8" },
	{ "vtt", "text/vtt; charset=utf-8" },
	{ "m3u8", "application/vnd.apple.mpegurl" },
	{ "mp4", "video/mp4" },
	{ "m4s", "video/iso.segment" },
	{ "webm", "video/webm" },
	{ "mp3", "audio/mpeg" },
	{ "ogg", "audio/ogg" },
	{ "pdf", "application/pdf" },
};

static const char *type_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < STOA_ARRAY_SIZE(types); i++)
		if (strcasecmp(dot + 1, types[i].ending) == 0)
			return types[i].type;
	return "application/octet-stream";
}

/* ---- conditions and ranges ---- */

static bool is_unchanged(const struct file_request *q, struct stoa_str etag, int64_t modified_s)
{
	int64_t since;

	if (q->if_none_match.n) /* the other condition is then ignored */
		return answer_etag_matches(q->if_none_match, etag);
	return modified_s && q->if_modified_since.n &&
	       answer_date_parse(q->if_modified_since, &since) == 0 && modified_s <= since;
}

/* If-Range: is the part still of what the client has? A weak tag never is. */
static bool range_applies(const struct file_request *q, struct stoa_str etag, int64_t modified_s)
{
	int64_t when;

	if (!q->range.n || !(q->method & STOA_HTTP_GET))
		return false;
	if (!q->if_range.n)
		return true;
	if (q->if_range.p[0] == '"')
		return stoa_str_eq(q->if_range, etag);
	return answer_date_parse(q->if_range, &when) == 0 && when == modified_s;
}

void files_conditions(const struct file_request *q, struct stoa_str etag, int64_t modified_s,
		      uint64_t n, struct answer *a)
{
	char text[96];

	if (is_unchanged(q, etag, modified_s)) {
		a->status = 304;
		a->n = 0;
		return;
	}
	if (!range_applies(q, etag, modified_s))
		return;
	switch (range_parse(q->range, n, &a->at, &a->n)) {
	case RANGE_WHOLE:
		break;
	case RANGE_PART:
		a->status = 206;
		snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)a->at,
			 (unsigned long long)(a->at + a->n - 1), (unsigned long long)n);
		answer_add(a, "Content-Range", text);
		break;
	case RANGE_UNSATISFIABLE:
		a->status = 416;
		a->n = 0;
		snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)n);
		answer_add(a, "Content-Range", text);
		break;
	}
}

/* ---- opening ---- */

struct opened {
	int fd;
	struct stat st;
	const char *encoding; /* NULL: as it is */
};

/* openat2 keeps us beneath the directory whatever links and dots say. */
static int open_beneath(int dir_fd, const char *path, struct opened *ret)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	if (fd < 0)
		return -errno;
	if (fstat((int)fd, &ret->st) < 0 ||
	    (!S_ISREG(ret->st.st_mode) && !S_ISDIR(ret->st.st_mode))) {
		close((int)fd);
		return -ENOENT;
	}
	ret->fd = (int)fd;
	ret->encoding = NULL;
	return 0;
}

/* Does Accept-Encoding name the coding with a weight above zero (RFC 9110 section 12.5.3)? */
static bool takes_coding(struct stoa_str accept, const char *coding)
{
	size_t n = strlen(coding);

	while (accept.n) {
		const char *comma = memchr(accept.p, ',', accept.n);
		size_t len = comma ? (size_t)(comma - accept.p) : accept.n, skip = 0;
		struct stoa_str e = stoa_strn(accept.p, len);

		while (skip < e.n && e.p[skip] == ' ')
			skip++;
		if (e.n - skip >= n && h1_name_is(stoa_strn(e.p + skip, n), coding) &&
		    (e.n - skip == n || e.p[skip + n] == ';' || e.p[skip + n] == ' ')) {
			const char *q = memmem(e.p + skip, e.n - skip, "q=0", 3);

			if (!q)
				return true;
			for (q += 3; q < e.p + e.n && (*q == '.' || *q == '0'); q++)
				;
			return q < e.p + e.n && *q >= '1' && *q <= '9';
		}
		len += comma ? 1 : 0;
		accept = stoa_strn(accept.p + len, accept.n - len);
	}
	return false;
}

/* The variant the client prefers, or the file itself. */
static int open_variant(int dir_fd, const char *path, const struct file_request *q,
			struct opened *ret)
{
	static const struct {
		const char *coding, *ending;
	} variants[] = { { "br", ".br" }, { "gzip", ".gz" } };
	struct opened plain = { .fd = -1 };
	int err = open_beneath(dir_fd, path, &plain);
	char name[4200];

	if (err)
		return err;
	*ret = plain;
	if (!S_ISREG(plain.st.st_mode) || q->range.n)
		return 0;
	for (size_t i = 0; i < STOA_ARRAY_SIZE(variants); i++) {
		if (!takes_coding(q->accept_encoding, variants[i].coding))
			continue;
		if ((size_t)snprintf(name, sizeof(name), "%s%s", path, variants[i].ending) >=
		    sizeof(name))
			continue;
		if (open_beneath(dir_fd, name, ret) == 0) {
			if (S_ISREG(ret->st.st_mode) && ret->st.st_mtime >= plain.st.st_mtime) {
				ret->encoding = variants[i].coding;
				close(plain.fd);
				return 0;
			}
			close(ret->fd);
		}
	}
	*ret = plain;
	return 0;
}

/* ---- answering ---- */

static void describe(const struct opened *o, const char *type, const char *cache_control,
		     const struct file_request *q, struct answer *a)
{
	char etag[64], date[ANSWER_DATE_LEN];

	/* Times have nanoseconds: two versions within a second differ as well. */
	snprintf(etag, sizeof(etag), "\"%llx.%lx-%llx%s\"",
		 (unsigned long long)o->st.st_mtim.tv_sec, o->st.st_mtim.tv_nsec,
		 (unsigned long long)o->st.st_size, o->encoding ? o->encoding : "");
	answer_date(o->st.st_mtim.tv_sec, date);
	a->status = 200;
	a->file = o->fd;
	a->n = (uint64_t)o->st.st_size;
	answer_add(a, "Content-Type", type);
	answer_add(a, "Cache-Control", cache_control);
	answer_add(a, "ETag", etag);
	answer_add(a, "Last-Modified", date);
	answer_add(a, "Accept-Ranges", "bytes");
	answer_add(a, "X-Content-Type-Options", "nosniff");
	if (o->encoding)
		answer_add(a, "Content-Encoding", o->encoding);
	answer_add(a, "Vary", "Accept-Encoding");
	files_conditions(q, stoa_str(etag), o->st.st_mtim.tv_sec, (uint64_t)o->st.st_size, a);
}

static void redirect_to_slash(const struct target *t, struct answer *a)
{
	struct stoa_buf where = { 0 };

	/* Relative, so that it holds behind any proxy; the last segment names the directory. */
	for (size_t i = 0; i < t->segments[t->n_segments - 1].n; i++) {
		unsigned char c = (unsigned char)t->segments[t->n_segments - 1].p[i];

		if (c > 0x20 && c < 0x7f && !strchr("%?#:\\\"<>", c))
			stoa_buf_add(&where, &c, 1);
		else
			stoa_buf_addf(&where, "%%%02X", c);
	}
	stoa_buf_add(&where, "/", 2);
	a->status = 301;
	if (!where.failed)
		answer_add(a, "Location", where.p);
	stoa_buf_free(&where);
}

/* A page of the app that is no file: the browser asks for HTML and the name has no ending. */
static bool is_app_path(const struct route *route, const struct target *t,
			const struct file_request *q)
{
	struct stoa_str last = t->segments[t->n_segments - 1];

	return (route->flags & STOA_HTTP_FILES_SPA) && !memchr(last.p ? last.p : "", '.', last.n) &&
	       q->accept.n && memmem(q->accept.p, q->accept.n, "text/html", 9);
}

/* No hidden files, no decoded slashes: a name is one plain segment. */
static bool is_servable(const struct target *t)
{
	for (unsigned i = 0; i < t->n_segments; i++)
		if ((t->segments[i].n && t->segments[i].p[0] == '.') ||
		    (t->segments[i].n == 0 && i + 1 < t->n_segments))
			return false;
	return t->n_segments && !t->has_slash;
}

void files_serve(const struct route *route, const struct target *t, const struct file_request *q,
		 struct answer *a)
{
	size_t prefix = strlen(route->path);
	const char *cache = "no-cache";
	char path[4096];
	struct opened o;
	int n, err = -ENOENT;

	n = snprintf(path, sizeof(path), "%s", t->path.p + prefix);
	if (!is_servable(t) || n < 0 || (size_t)n + sizeof("index.html") > sizeof(path))
		goto not_found;
	if (n == 0 || path[n - 1] == '/')
		memcpy(path + n, "index.html", sizeof("index.html"));
	else if (route->flags & STOA_HTTP_FILES_IMMUTABLE)
		cache = "public, max-age=31536000, immutable";
	err = open_variant(route->dir_fd, path, q, &o);
	if (err == 0 && S_ISDIR(o.st.st_mode)) {
		close(o.fd);
		redirect_to_slash(t, a);
		return;
	}
	if (err && is_app_path(route, t, q)) {
		snprintf(path, sizeof(path), "index.html");
		cache = "no-cache";
		err = open_variant(route->dir_fd, path, q, &o);
	}
	if (err)
		goto not_found;
	describe(&o, type_of(path), cache, q, a);
	return;
not_found:
	if (err == -EMFILE || err == -ENFILE)
		answer_refuse(a, 503, "overloaded", "The server has too many files open.");
	else
		answer_refuse(a, 404, "not_found", "There is no such file.");
}

void files_serve_path(const char *path, const char *content_type, const char *cache_control,
		      const struct file_request *q, struct answer *a)
{
	struct opened o = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };

	if (o.fd >= 0 && (fstat(o.fd, &o.st) < 0 || !S_ISREG(o.st.st_mode))) {
		close(o.fd);
		o.fd = -1;
	}
	if (o.fd < 0) {
		answer_refuse(a, 404, "not_found", "There is no such file.");
		return;
	}
	describe(&o, content_type ? content_type : type_of(path),
		 cache_control ? cache_control : "no-cache", q, a);
}
