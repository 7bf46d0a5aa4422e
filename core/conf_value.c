/* SPDX-License-Identifier: Apache-2.0 */
/* From text to typed value, one function per option type, and back. Called for every value of every
 * layer and for the defaults in the tables, so both are read by the same code. Each refusal says
 * what to write instead. */
#include "conf_section.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* Largest first: value_format() takes the first that divides. */
static const struct unit durations[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 },
					 { "s", 1000 },     { "ms", 1 },      { NULL, 0 } };
static const struct unit sizes[] = {
	{ "G", 1 << 30 }, { "M", 1 << 20 }, { "K", 1 << 10 }, { "", 1 }, { NULL, 0 }
};
static const struct unit rates[] = {
	{ "G", 1000000000 }, { "M", 1000000 }, { "k", 1000 }, { "", 1 }, { NULL, 0 }
};

static const struct type {
	const char *name;
	const struct unit *units;
	const char *form; /* what a value looks like, for messages */
} types[] = {
	[STOA_OPT_BOOL] = { "boolean", NULL, "yes or no" },
	[STOA_OPT_INT] = { "integer", NULL, "digits only, as in 12000" },
	[STOA_OPT_DURATION] = { "duration", durations,
				"a number with ms, s, m, h or d, as in 250ms or 4s" },
	[STOA_OPT_SIZE] = { "size", sizes,
			    "bytes, or a number with K, M or G (powers of 1024), as in 64K" },
	[STOA_OPT_RATE] = { "rate", rates,
			    "bits per second, or a number with k, M or G, as in 500k or 2M" },
	[STOA_OPT_STRING] = { "string", NULL, "a text" },
	[STOA_OPT_ENUM] = { "choice", NULL, "one of the choices" },
	[STOA_OPT_ADDRESS] = { "address", NULL,
			       "127.0.0.1:7880, \"[::1]:7880\" or \"*:7880\" for all interfaces" },
	[STOA_OPT_PATH] = { "path", NULL, "a path, absolute or below the state directory" },
	[STOA_OPT_SECRET] = { "secret", NULL, "file:/path or cred:name" },
	[STOA_OPT_LIST] = { "list", NULL, "[a, b], or one `- item` per line" },
	[STOA_OPT_MAP] = { "map", NULL, "one `name:` per entry, its options indented below" },
};

const char *type_name(enum stoa_opt_type type)
{
	return (size_t)type < STOA_ARRAY_SIZE(types) && types[type].name ? types[type].name : "?";
}

const char *type_article(enum stoa_opt_type type)
{
	return strchr("aeiou", type_name(type)[0]) ? "an" : "a";
}

void value_format(const struct stoa_opt *o, int64_t num, struct stoa_buf *out)
{
	const struct unit *u = types[o->type].units;

	while (u && u->factor > 1 && (num == 0 || num % u->factor != 0))
		u++;
	if (u && num == 0 && o->type == STOA_OPT_DURATION)
		stoa_buf_adds(out, "0s");
	else if (u)
		stoa_buf_addf(out, "%" PRId64 "%s", num / u->factor, u->name);
	else
		stoa_buf_addf(out, "%" PRId64, num);
}

void value_range(const struct stoa_opt *o, struct stoa_buf *out)
{
	bool is_len = o->type == STOA_OPT_STRING;

	if (o->min == 0 && o->max == 0)
		return;
	if (o->max == 0 || o->max == INT64_MAX) {
		stoa_buf_adds(out, "at least ");
		value_format(o, o->min, out);
	} else {
		value_format(o, o->min, out);
		stoa_buf_adds(out, " to ");
		value_format(o, o->max, out);
	}
	if (is_len)
		stoa_buf_adds(out, " bytes");
}

static int refuse(const struct stoa_opt *o, const char *text, struct stoa_buf *why)
{
	stoa_buf_addf(why, "\"%s\" is not %s %s: write %s", text, type_article(o->type),
		      types[o->type].name, types[o->type].form);
	return -EINVAL;
}

static int check_range(const struct stoa_opt *o, const char *text, int64_t num,
		       struct stoa_buf *why)
{
	bool low = num < o->min, high = o->max != 0 && num > o->max;

	if ((o->min == 0 && o->max == 0) || (!low && !high))
		return 0;
	stoa_buf_addf(why, "%s is too %s: write ", text, low ? "small" : "large");
	value_range(o, why);
	return -EINVAL;
}

static int set_text(struct conf_value *v, const char *p, size_t n)
{
	v->text = strndup(p, n);
	v->n = n;
	return v->text ? 0 : -ENOMEM;
}

static int parse_bool(const struct stoa_opt *o, const char *text, struct conf_value *v,
		      struct stoa_buf *why)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i]) == 0) {
			v->num = i & 1;
			return 0;
		}
	}
	return refuse(o, text, why);
}

/* Digits with an optional sign into *ret_num; yields what follows them, NULL for no number. */
static const char *take_number(const char *text, int64_t *ret_num)
{
	char *end;

	if (!isdigit((unsigned char)text[text[0] == '-']))
		return NULL;
	errno = 0;
	*ret_num = strtoll(text, &end, 10);
	return errno ? NULL : end;
}

static int parse_int(const struct stoa_opt *o, const char *text, struct conf_value *v,
		     struct stoa_buf *why)
{
	const char *rest = take_number(text, &v->num);

	return rest && *rest == '\0' ? check_range(o, text, v->num, why) : refuse(o, text, why);
}

static int parse_units(const struct stoa_opt *o, const char *text, struct conf_value *v,
		       struct stoa_buf *why)
{
	const char *rest = take_number(text, &v->num);

	if (!rest || v->num < 0)
		return refuse(o, text, why);
	for (const struct unit *u = types[o->type].units; u->name; u++) {
		if (strcmp(rest, u->name) != 0)
			continue;
		if (v->num > INT64_MAX / u->factor)
			return refuse(o, text, why);
		v->num *= u->factor;
		return check_range(o, text, v->num, why);
	}
	if (*rest == '\0' && v->num == 0)
		return check_range(o, text, 0, why); /* nothing is nothing in every unit */
	if (*rest == '.')
		stoa_buf_addf(why, "%s is a fraction: write a whole number of a smaller unit",
			      text);
	else if (*rest == '\0')
		stoa_buf_addf(why, "%s has no unit: write %s", text, types[o->type].form);
	else
		stoa_buf_addf(why, "\"%s\" has the unknown unit \"%s\": write %s", text, rest,
			      types[o->type].form);
	return -EINVAL;
}

static int parse_string(const struct stoa_opt *o, const char *text, struct conf_value *v,
			struct stoa_buf *why)
{
	size_t n = strlen(text);
	int64_t len = (int64_t)n;

	if ((o->min || o->max) && (len < o->min || (o->max && len > o->max))) {
		stoa_buf_addf(why, "the text has %zu bytes: write ", n);
		value_range(o, why);
		return -EINVAL;
	}
	return set_text(v, text, n);
}

static int parse_enum(const struct stoa_opt *o, const char *text, struct conf_value *v,
		      struct stoa_buf *why)
{
	const char *near;
	size_t n = 0;

	for (; o->choices[n]; n++) {
		if (strcmp(o->choices[n], text) == 0) {
			v->num = (int64_t)n;
			return set_text(v, text, strlen(text));
		}
	}
	near = conf_near(text, o->choices, n);
	stoa_buf_addf(why, "\"%s\" is not one of ", text);
	for (size_t i = 0; i < n; i++)
		stoa_buf_addf(why, "%s%s", i ? ", " : "", o->choices[i]);
	if (near)
		stoa_buf_addf(why, "; did you mean %s?", near);
	return -EINVAL;
}

static bool is_host(const char *host, size_t n)
{
	char buf[INET6_ADDRSTRLEN + 1];
	struct in6_addr a;

	if (n == 1 && host[0] == '*')
		return true;
	if (n > 2 && host[0] == '[' && host[n - 1] == ']' && n - 2 < sizeof(buf)) {
		memcpy(buf, host + 1, n - 2);
		buf[n - 2] = '\0';
		return inet_pton(AF_INET6, buf, &a) == 1;
	}
	if (n == 0 || n >= sizeof(buf))
		return false;
	memcpy(buf, host, n);
	buf[n] = '\0';
	return inet_pton(AF_INET, buf, &a) == 1;
}

static int parse_address(const struct stoa_opt *o, const char *text, struct conf_value *v,
			 struct stoa_buf *why)
{
	const char *colon = strrchr(text, ':');
	int64_t port;
	const char *rest;

	if (!colon && isdigit((unsigned char)text[0]) && !strchr(text, '.')) {
		stoa_buf_addf(why,
			      "a port alone is no address: write \"*:%s\" for all interfaces, or "
			      "127.0.0.1:%s for this machine",
			      text, text);
		return -EINVAL;
	}
	if (!colon || strchr(colon, ']')) {
		stoa_buf_addf(why, "\"%s\" has no port: write %s", text,
			      types[STOA_OPT_ADDRESS].form);
		return -EINVAL;
	}
	if (!is_host(text, (size_t)(colon - text)))
		return refuse(o, text, why);
	rest = isdigit((unsigned char)colon[1]) ? take_number(colon + 1, &port) : NULL;
	if (!rest || *rest || port > 65535) {
		stoa_buf_addf(why, "\"%s\" is not a port: write a number up to 65535", colon + 1);
		return -EINVAL;
	}
	return set_text(v, text, strlen(text));
}

static int parse_path(const char *text, const struct value_env *env, struct conf_value *v,
		      struct stoa_buf *why)
{
	char *path = NULL;
	int n;

	if (text[0] == '\0') {
		stoa_buf_adds(why, "an empty path: write a path, or ~ for the default");
		return -EINVAL;
	}
	if (text[0] != '/' && !env->state_dir) {
		stoa_buf_addf(why, "\"%s\" is relative to nothing: write an absolute path", text);
		return -EINVAL;
	}
	if (text[0] == '/')
		n = asprintf(&path, "%s%s", env->root, text);
	else
		n = asprintf(&path, "%s/%s", env->state_dir, text);
	if (n < 0)
		return -ENOMEM;
	if (n >= PATH_MAX) {
		free(path);
		stoa_buf_addf(why, "the path has %d bytes: write at most %d", n, PATH_MAX - 1);
		return -EINVAL;
	}
	v->text = path;
	v->n = (size_t)n;
	return 0;
}

int value_parse(const struct stoa_opt *o, const char *text, const struct value_env *env,
		struct conf_value *v, struct stoa_buf *why)
{
	switch (o->type) {
	case STOA_OPT_BOOL:
		return parse_bool(o, text, v, why);
	case STOA_OPT_INT:
		return parse_int(o, text, v, why);
	case STOA_OPT_DURATION:
	case STOA_OPT_SIZE:
	case STOA_OPT_RATE:
		return parse_units(o, text, v, why);
	case STOA_OPT_STRING:
		return parse_string(o, text, v, why);
	case STOA_OPT_ENUM:
		return parse_enum(o, text, v, why);
	case STOA_OPT_ADDRESS:
		return parse_address(o, text, v, why);
	case STOA_OPT_PATH:
		return parse_path(text, env, v, why);
	case STOA_OPT_SECRET:
		return secret_parse(text, env, v, why);
	case STOA_OPT_LIST:
	case STOA_OPT_MAP:
	case STOA_OPT_END_:
		break;
	}
	stoa_buf_addf(why, "%s %s is expected: write %s", type_article(o->type), type_name(o->type),
		      types[o->type].form);
	return -EINVAL;
}
