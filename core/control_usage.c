/* SPDX-License-Identifier: Apache-2.0 */
/* A command's usage line is its grammar: "ROOM [--reason TEXT] [--force] [--tag T]…". Read each
 * time it is used; commands are few and typed by people. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include <stoa/util.h>

#include "control.h"

#define ITEMS_MAX 32

struct item {
	char name[32];
	bool is_option, is_switch, is_optional, is_repeated;
};

static size_t count_name(struct stoa_str s)
{
	size_t n = 0;

	while (n < s.n && (isalnum((unsigned char)s.p[n]) || (n && strchr("-_", s.p[n]))))
		n++;
	return n;
}

/* What stands for a value: ROOM, ID, DAYS-OLD; capitals tell it from an option's name. */
static bool is_placeholder(struct stoa_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (islower((unsigned char)s.p[i]))
			return false;
	}
	return s.n && count_name(s) == s.n;
}

/* "--max-age SECONDS", "--force" or "ROOM", without brackets. */
static int read_item(struct stoa_str s, struct item *it)
{
	struct stoa_str value;
	size_t n;

	if (s.n > 2 && memcmp(s.p, "--", 2) == 0) {
		it->is_option = true;
		s = stoa_strn(s.p + 2, s.n - 2);
	}
	n = count_name(s);
	if (!n || n >= sizeof(it->name))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		it->name[i] = (char)tolower((unsigned char)s.p[i]);
	it->name[n] = '\0';
	if (!it->is_option)
		return is_placeholder(s) ? 0 : -EINVAL;
	it->is_switch = n == s.n;
	if (it->is_switch)
		return 0;
	value = stoa_strn(s.p + n + 1, s.n - n - 1);
	return s.p[n] == ' ' && is_placeholder(value) ? 0 : -EINVAL;
}

static bool step_over(const char **p, const char *what)
{
	size_t n = strlen(what);

	if (strncmp(*p, what, n) != 0)
		return false;
	*p += n;
	return true;
}

/* "NAME..." and "NAME…" without their dots; both have three bytes. */
static bool cut_dots(struct stoa_str *s)
{
	if (s->n <= 3 ||
	    (memcmp(s->p + s->n - 3, "...", 3) != 0 && memcmp(s->p + s->n - 3, "…", 3) != 0))
		return false;
	s->n -= 3;
	return true;
}

/* Where an item without brackets ends: an option takes the capital word after it along. */
static const char *end_of_item(const char *p)
{
	const char *end = p + strcspn(p, " ");

	if (strncmp(p, "--", 2) == 0 && *end == ' ' && isupper((unsigned char)end[1]))
		end += 1 + strcspn(end + 1, " ");
	return end;
}

static int read_usage(const char *p, struct item *items, size_t *ret_n)
{
	size_t n = 0;

	while (p += strspn(p, " "), *p) {
		struct item *it = &items[n];
		struct stoa_str text;
		const char *end;

		if (n++ == ITEMS_MAX)
			return -EINVAL;
		memset(it, 0, sizeof(*it));
		it->is_optional = step_over(&p, "[");
		end = it->is_optional ? strchr(p, ']') : end_of_item(p);
		if (!end)
			return -EINVAL;
		text = stoa_strn(p, (size_t)(end - p));
		p = end;
		if (it->is_optional)
			p++; /* the bracket; what repeats stands behind it */
		else
			it->is_repeated = cut_dots(&text);
		if (step_over(&p, "...") || step_over(&p, "…"))
			it->is_repeated = true;
		if (read_item(text, it) < 0)
			return -EINVAL;
	}
	*ret_n = n;
	return 0;
}

static int add_value(json_t *args, const struct item *it, const char *value, struct stoa_buf *why)
{
	json_t *list = json_object_get(args, it->name);

	if (list && !it->is_repeated && !it->is_switch) {
		stoa_buf_addf(why, "--%s is given twice", it->name);
		return -EINVAL;
	}
	if (!list) {
		list = json_array();
		if (json_object_set_new(args, it->name, list) < 0)
			return -ENOMEM;
	}
	if (json_array_append_new(list, json_string(value)) < 0) {
		stoa_buf_addf(why, "%s is not valid UTF-8", it->name);
		return -EINVAL;
	}
	return 0;
}

static const struct item *find_option(const struct item *items, size_t n, struct stoa_str name)
{
	for (size_t i = 0; i < n; i++) {
		if (items[i].is_option && stoa_str_is(name, items[i].name))
			return &items[i];
	}
	return NULL;
}

/* One option from the front of `words`: "--name value", "--name=value" or "--name". Returns how
 * many words it took. */
static int take_option(const struct item *items, size_t n_items, const char *const *words, size_t n,
		       json_t *args, struct stoa_buf *why)
{
	const char *text = words[0] + 2, *eq = strchr(text, '=');
	struct stoa_str name = eq ? stoa_strn(text, (size_t)(eq - text)) : stoa_str(text);
	const struct item *it = find_option(items, n_items, name);
	int r;

	if (!it) {
		stoa_buf_addf(why, "unknown option --%.*s", STOA_FMT(name));
		return -EINVAL;
	}
	if (it->is_switch && eq) {
		stoa_buf_addf(why, "--%s takes no value", it->name);
		return -EINVAL;
	}
	if (!it->is_switch && !eq && n < 2) {
		stoa_buf_addf(why, "--%s needs a value", it->name);
		return -EINVAL;
	}
	r = add_value(args, it, it->is_switch ? "yes" : eq ? eq + 1 : words[1], why);
	return r < 0 ? r : it->is_switch || eq ? 1 : 2;
}

static const struct item *next_word_item(const struct item *items, size_t n, const json_t *args)
{
	for (size_t i = 0; i < n; i++) {
		if (!items[i].is_option &&
		    (items[i].is_repeated || !json_object_get(args, items[i].name)))
			return &items[i];
	}
	return NULL;
}

static int take_words(const struct item *items, size_t n_items, const char *const *words, size_t n,
		      json_t *args, struct stoa_buf *why)
{
	bool only_words = false;
	const struct item *it;
	int took;

	for (size_t i = 0; i < n; i += (size_t)took) {
		took = 1;
		if (!only_words && strcmp(words[i], "--") == 0) {
			only_words = true;
			continue;
		}
		if (!only_words && strncmp(words[i], "--", 2) == 0) {
			took = take_option(items, n_items, words + i, n - i, args, why);
			if (took < 0)
				return took;
			continue;
		}
		it = next_word_item(items, n_items, args);
		if (!it) {
			stoa_buf_addf(why, "unexpected word \"%s\"", words[i]);
			return -EINVAL;
		}
		if (add_value(args, it, words[i], why) < 0)
			return -EINVAL;
	}
	return 0;
}

static int check_required(const struct item *items, size_t n, const json_t *args,
			  struct stoa_buf *why)
{
	for (size_t i = 0; i < n; i++) {
		if (items[i].is_optional || json_object_get(args, items[i].name))
			continue;
		stoa_buf_addf(why, "%s%s is missing", items[i].is_option ? "--" : "",
			      items[i].name);
		return -EINVAL;
	}
	return 0;
}

int usage_parse(const char *usage, const char *const *words, size_t n, json_t **ret_args,
		struct stoa_buf *why)
{
	struct item items[ITEMS_MAX];
	size_t n_items = 0;
	json_t *args;
	int r = read_usage(usage, items, &n_items);

	if (r < 0 || !words)
		return r;
	args = json_object();
	if (!args)
		return -ENOMEM;
	r = take_words(items, n_items, words, n, args, why);
	if (r == 0)
		r = check_required(items, n_items, args, why);
	if (r < 0)
		json_decref(args);
	else
		*ret_args = args;
	return r;
}
