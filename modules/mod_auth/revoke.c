/* SPDX-License-Identifier: Apache-2.0 */
/* Revocations: a sorted table, replaced as a whole by each change; changes are rare and lookups are
 * on every request. The file has one line for each user, "SECOND base64url(user)", after a header;
 * a damaged file is an error, because forgetting a revocation lets somebody back in. */
#include "revoke.h"

#include <errno.h>
#include <stdlib.h>
#include "file.h"

#define HEADER      "stoa revocations 1\n"
#define FILE_MAX    (32u << 20)
#define USER_MAX    255
#define ENCODED_MAX 344 /* base64url of 255 bytes and NUL, rounded up */

struct entry {
	char *user;
	int64_t before_s;
};

struct revoked {
	size_t n;
	struct entry e[];
};

static struct revoked *make(size_t cap)
{
	return calloc(1, sizeof(struct revoked) + cap * sizeof(struct entry));
}

struct revoked *revoked_new(void)
{
	return make(0);
}

void revoked_free(void *table)
{
	struct revoked *t = table;

	for (size_t i = 0; t && i < t->n; i++)
		free(t->e[i].user);
	free(t);
}

size_t revoked_count(const struct revoked *t)
{
	return t->n;
}

/* Where `user` is, or would be inserted. */
static size_t find(const struct revoked *t, const char *user, bool *ret_found)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(t->e[mid].user, user);

		if (cmp == 0) {
			*ret_found = true;
			return mid;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_found = false;
	return lo;
}

int64_t revoked_before(const struct revoked *t, const char *user)
{
	bool found;
	size_t i = find(t, user, &found);

	return found ? t->e[i].before_s : 0;
}

static int append(struct revoked *t, const char *user, int64_t before_s)
{
	char *copy = strdup(user);

	if (!copy)
		return -ENOMEM;
	t->e[t->n++] = (struct entry){ copy, before_s };
	return 0;
}

int revoked_add(const struct revoked *t, const char *user, int64_t now_s, struct revoked **ret_new,
		int64_t *ret_before)
{
	stoa_auto(revoked_free) struct revoked *r = NULL;
	bool found;
	size_t at = find(t, user, &found);
	int64_t before = now_s;
	int err = 0;

	if (!found && t->n >= REVOKE_MAX)
		return -ENOSPC;
	/* a token made right after the last revocation is dated one second ahead: end that too */
	if (found && t->e[at].before_s >= now_s)
		before = t->e[at].before_s + 1;
	r = make(t->n + 1);
	if (!r)
		return -ENOMEM;
	for (size_t i = 0; i < at && !err; i++)
		err = append(r, t->e[i].user, t->e[i].before_s);
	if (!err)
		err = append(r, user, before);
	for (size_t i = at + found; i < t->n && !err; i++)
		err = append(r, t->e[i].user, t->e[i].before_s);
	if (err)
		return err;
	*ret_before = before;
	*ret_new = stoa_take(r);
	return 0;
}

void revoked_write(const struct revoked *t, struct stoa_buf *out)
{
	char name[ENCODED_MAX];

	stoa_buf_adds(out, HEADER);
	for (size_t i = 0; i < t->n; i++) {
		stoa_base64url_encode(t->e[i].user, strlen(t->e[i].user), name);
		stoa_buf_addf(out, "%lld %s\n", (long long)t->e[i].before_s, name);
	}
}

/* One line without its newline: "SECOND NAME". */
static int read_line(struct revoked *t, struct stoa_str line)
{
	char copy[ENCODED_MAX + 24], user[USER_MAX + 1], *end;
	long long before;
	int n;

	if (!line.n || line.n >= sizeof(copy))
		return -EBADMSG;
	memcpy(copy, line.p, line.n);
	copy[line.n] = '\0';
	errno = 0;
	before = strtoll(copy, &end, 10);
	if (errno || before <= 0 || *end != ' ')
		return -EBADMSG;
	n = stoa_base64_decode(stoa_str(end + 1), user, USER_MAX);
	if (n <= 0 || memchr(user, 0, (size_t)n))
		return -EBADMSG;
	user[n] = '\0';
	if (t->n && strcmp(t->e[t->n - 1].user, user) >= 0)
		return -EBADMSG;
	return append(t, user, before);
}

static size_t count_lines(struct stoa_str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

int revoked_read(struct stoa_str text, struct revoked **ret_table, int *ret_line)
{
	stoa_auto(revoked_free) struct revoked *t = NULL;
	size_t lines = count_lines(text), at = strlen(HEADER);

	*ret_line = 1;
	if (text.n < at || memcmp(text.p, HEADER, at) != 0 || text.p[text.n - 1] != '\n' ||
	    lines > REVOKE_MAX + 1)
		return -EBADMSG;
	t = make(lines);
	if (!t)
		return -ENOMEM;
	while (at < text.n) {
		const char *nl = memchr(text.p + at, '\n', text.n - at);
		size_t n = (size_t)(nl - (text.p + at));
		int err;

		(*ret_line)++;
		err = read_line(t, stoa_strn(text.p + at, n));
		if (err)
			return err;
		at += n + 1;
	}
	*ret_table = stoa_take(t);
	return 0;
}

int revoked_load(const char *path, struct revoked **ret_table, int *ret_line)
{
	struct stoa_buf b = { 0 };
	int err = file_load(path, FILE_MAX, &b);

	*ret_line = 0;
	if (err == -ENOENT) {
		*ret_table = revoked_new();
		err = *ret_table ? 0 : -ENOMEM;
	} else if (!err) {
		err = revoked_read(stoa_strn(b.p, b.n), ret_table, ret_line);
	}
	stoa_buf_free(&b);
	return err;
}
