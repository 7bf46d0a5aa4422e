/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted table, replaced as a whole by each change. Tables share their entries, so that a change
 * costs an array of pointers and not 65,536 strings. The file has one line for each entry, in the
 * table's order, after a header: "ROLE SINCE_MS base64url(channel) base64url(user)". */
#include "members.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "user.h"

#define HEADER       "stoa members 1\n"
#define ENCODED_MAX  344 /* base64url of 255 bytes and NUL, rounded up */
#define LINE_LEN_MAX (2 * ENCODED_MAX + 48)

struct entry {
	struct member m;
	uint32_t refs; /* tables that hold it; the maker's thread alone looks at this */
	char text[];
};

struct members {
	size_t n;
	struct entry *e[];
};

static struct members *make(size_t cap)
{
	return calloc(1, sizeof(struct members) + cap * sizeof(struct entry *));
}

struct members *members_new(void)
{
	return make(0);
}

void members_free(void *table)
{
	struct members *t = table;

	for (size_t i = 0; t && i < t->n; i++)
		if (--t->e[i]->refs == 0)
			free(t->e[i]);
	free(t);
}

size_t members_count(const struct members *t)
{
	return t->n;
}

static int compare(const struct member *m, const char *channel, const char *user)
{
	int cmp = strcmp(m->channel, channel);

	return cmp ? cmp : strcmp(m->user, user);
}

/* Where the entry is, or would be inserted. */
static size_t find(const struct members *t, const char *channel, const char *user, bool *ret_found)
{
	size_t lo = 0, hi = t->n;

	*ret_found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = compare(&t->e[mid]->m, channel, user);

		if (cmp == 0) {
			*ret_found = true;
			return mid;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct member *members_find(const struct members *t, const char *channel, const char *user)
{
	bool found;
	size_t at = find(t, channel, user, &found);

	return found ? &t->e[at]->m : NULL;
}

static struct entry *copy_entry(const struct member *m)
{
	size_t n_channel = strlen(m->channel) + 1, n_user = strlen(m->user) + 1;
	struct entry *e = malloc(sizeof(*e) + n_channel + n_user);

	if (!e)
		return NULL;
	e->m = *m;
	e->refs = 0;
	e->m.channel = memcpy(e->text, m->channel, n_channel);
	e->m.user = memcpy(e->text + n_channel, m->user, n_user);
	return e;
}

static void append(struct members *t, struct entry *e)
{
	e->refs++;
	t->e[t->n++] = e;
}

/* A copy of `t` with `e_take` (NULL: nothing) in place of `n_out` entries at `at`. */
static int splice(const struct members *t, size_t at, size_t n_out, struct entry *e_take,
		  struct members **ret_new)
{
	struct members *r = make(t->n + 1);

	if (!r) {
		free(e_take);
		return -ENOMEM;
	}
	for (size_t i = 0; i < at; i++)
		append(r, t->e[i]);
	if (e_take)
		append(r, e_take);
	for (size_t i = at + n_out; i < t->n; i++)
		append(r, t->e[i]);
	*ret_new = r;
	return 0;
}

int members_set(const struct members *t, const struct member *m, struct members **ret_new)
{
	bool found;
	size_t at = find(t, m->channel, m->user, &found);
	struct entry *e;

	if (!found && t->n >= MEMBERS_MAX)
		return -ENOSPC;
	e = copy_entry(m);
	return e ? splice(t, at, found, e, ret_new) : -ENOMEM;
}

int members_remove(const struct members *t, const char *channel, const char *user,
		   struct members **ret_new)
{
	bool found;
	size_t at = find(t, channel, user, &found);

	return found ? splice(t, at, 1, NULL, ret_new) : -ENOENT;
}

void members_write(const struct members *t, struct stoa_buf *out)
{
	char channel[ENCODED_MAX], user[ENCODED_MAX];

	stoa_buf_adds(out, HEADER);
	for (size_t i = 0; i < t->n; i++) {
		const struct member *m = &t->e[i]->m;

		stoa_base64url_encode(m->channel, strlen(m->channel), channel);
		stoa_base64url_encode(m->user, strlen(m->user), user);
		stoa_buf_addf(out, "%s %lld %s %s\n", role_name(m->role), (long long)m->since_ms,
			      channel, user);
	}
}

/* Cuts the next word off; NULL at the end. Words are separated by one space each. */
static char *next_word(char **rest)
{
	char *word = *rest, *space;

	if (!word)
		return NULL;
	space = strchr(word, ' ');
	if (space)
		*space = '\0';
	*rest = space ? space + 1 : NULL;
	return word;
}

static bool read_id(const char *word, char out[MEMBERS_ID_MAX + 1])
{
	int n = word ? stoa_base64_decode(stoa_str(word), out, MEMBERS_ID_MAX) : -EINVAL;

	if (n <= 0 || !stoa_utf8_valid(stoa_strn(out, (size_t)n)))
		return false;
	out[n] = '\0';
	return true;
}

static bool read_since(const char *word, int64_t *ret_ms)
{
	char *end;
	long long ms;

	if (!word || word[0] < '0' || word[0] > '9')
		return false;
	errno = 0;
	ms = strtoll(word, &end, 10);
	*ret_ms = ms;
	return !errno && !*end && ms <= MEMBERS_SINCE_MAX;
}

/* One line without its newline. */
static int read_line(struct members *t, struct stoa_str line)
{
	char copy[LINE_LEN_MAX], channel[MEMBERS_ID_MAX + 1], user[MEMBERS_ID_MAX + 1];
	char *rest = copy, *role;
	struct member m = { .channel = channel, .user = user };
	struct entry *e;

	if (line.n >= sizeof(copy) || memchr(line.p, 0, line.n))
		return -EBADMSG;
	memcpy(copy, line.p, line.n);
	copy[line.n] = '\0';
	role = next_word(&rest);
	m.role = role_parse(role);
	if (m.role == STOA_ROLE_NONE || !read_since(next_word(&rest), &m.since_ms) ||
	    !read_id(next_word(&rest), channel) || !read_id(next_word(&rest), user) || rest)
		return -EBADMSG;
	if (t->n && compare(&t->e[t->n - 1]->m, channel, user) >= 0)
		return -EBADMSG;
	e = copy_entry(&m);
	if (!e)
		return -ENOMEM;
	append(t, e);
	return 0;
}

static size_t count_lines(struct stoa_str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

int members_read(struct stoa_str text, struct members **ret_table, int *ret_line)
{
	stoa_auto(members_free) struct members *t = NULL;
	size_t lines = count_lines(text), at = strlen(HEADER);

	*ret_line = 1;
	if (text.n < at || memcmp(text.p, HEADER, at) != 0 || text.p[text.n - 1] != '\n' ||
	    lines > MEMBERS_MAX + 1)
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
