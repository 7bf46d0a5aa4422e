/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_IFACE_HTTP_JSON_H
#define STOA_IFACE_HTTP_JSON_H

#include <jansson.h>
#include <stdlib.h>
#include <stoa/iface/http.h>

/*
 * JSON over `http`: answers from json_t, bodies into json_t, and a table that checks the fields of
 * an object and puts them into a C struct, naming every field at fault in one answer.
 *
 * All inline, so that only modules that want jansson need it.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

#define STOA_JSON_ERRORS_MAX 16u /* fields named in one answer; further ones are not looked at */

enum stoa_field_type {
	STOA_FIELD_STRING = 1, /* struct stoa_str; min and max count characters (code points) */
	STOA_FIELD_INT = 2,    /* int64_t; min and max                                        */
	STOA_FIELD_BOOL = 3,   /* bool                                                        */
	STOA_FIELD_ENUM = 4,   /* int: index into choices                                     */
	STOA_FIELD_OBJECT = 5, /* const json_t *, an object; max: bytes when rendered         */
	STOA_FIELD_LIST = 6,   /* const json_t *, an array of strings; min and max entries    */
};

#define STOA_FIELD_REQUIRED 1u

/** One field. Absent fields (and null ones that are not required) leave the struct as it is, so
 *  fill in the defaults first. min and max both 0: no limit. */
struct stoa_field {
	const char *name;
	enum stoa_field_type type;
	uint32_t flags;
	size_t offset; /* offsetof(struct input, member) */
	int64_t min, max;
	const char *const *choices; /* ENUM: NULL-terminated */
};

/** Answers with a JSON document; takes the reference. 500 when it cannot be rendered. Thread: the
 *  handler's. */
static inline void stoa_http_answer_json_with(struct stoa_http_req *r, int status,
					      const struct stoa_header *headers, json_t *doc_take)
{
	char *text = doc_take ? json_dumps(doc_take, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	json_decref(doc_take);
	if (text) {
		struct stoa_http_answer a = { sizeof(a), status, "application/json",
					      headers,   text,   strlen(text),
					      NULL };

		stoa_http_answer(r, &a);
	} else {
		stoa_http_problem(r, 500, "internal", "The answer could not be rendered.");
	}
	free(text);
}

/** The same without headers. */
static inline void stoa_http_answer_json(struct stoa_http_req *r, int status, json_t *doc_take)
{
	stoa_http_answer_json_with(r, status, NULL, doc_take);
}

/** Is the request's body declared as `type` ("application/json")? Parameters are ignored. */
static inline bool stoa_http_content_is(const struct stoa_http_req *r, const char *type)
{
	struct stoa_str ct = stoa_http_req_header(r, "content-type");
	size_t n = strlen(type);

	if (ct.n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((ct.p[i] >= 'A' && ct.p[i] <= 'Z' ? ct.p[i] + 32 : ct.p[i]) != type[i])
			return false;
	return ct.n == n || ct.p[n] == ';' || ct.p[n] == ' ' || ct.p[n] == '\t';
}

/** The body as a JSON object, yours to decref. An empty body is an empty object. On failure the
 *  request has been answered (415 for another content type, 400 for bad JSON) and -EINVAL is
 *  returned. Thread: the handler's. */
static inline int stoa_http_json_body(struct stoa_http_req *r, json_t **ret_object)
{
	struct stoa_str body = stoa_http_req_body(r);
	json_error_t where;
	json_t *doc;

	if (body.n == 0) {
		doc = json_object();
	} else if (!stoa_http_content_is(r, "application/json")) {
		stoa_http_problem(r, 415, "unsupported_media_type",
				  "The body must be application/json.");
		return -EINVAL;
	} else {
		doc = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &where);
	}
	if (!json_is_object(doc)) {
		json_decref(doc);
		stoa_http_problem(r, 400, "bad_json", "The body is not a JSON object.");
		return -EINVAL;
	}
	*ret_object = doc;
	return 0;
}

static inline bool stoa_field_in_range(const struct stoa_field *f, int64_t v)
{
	return (f->min == 0 && f->max == 0) || (v >= f->min && v <= f->max);
}

/** Checks one present value and stores it; NULL, or the reason why not. Pure. */
static inline const char *stoa_field_store(const struct stoa_field *f, const json_t *v, void *out)
{
	char *at = (char *)out + f->offset;
	const json_t *e;
	struct stoa_str s;
	size_t i;

	switch (f->type) {
	case STOA_FIELD_STRING:
		if (!json_is_string(v))
			return "must be a string";
		s = stoa_strn(json_string_value(v), json_string_length(v));
		if (!stoa_field_in_range(f, (int64_t)stoa_utf8_len(s)))
			return s.n ? "has a length out of range" : "must not be empty";
		memcpy(at, &s, sizeof(s));
		return NULL;
	case STOA_FIELD_INT: {
		int64_t n = json_integer_value(v);

		if (!json_is_integer(v))
			return "must be a whole number";
		if (!stoa_field_in_range(f, n))
			return "is out of range";
		memcpy(at, &n, sizeof(n));
		return NULL;
	}
	case STOA_FIELD_BOOL: {
		bool b = json_is_true(v);

		if (!json_is_boolean(v))
			return "must be true or false";
		memcpy(at, &b, sizeof(b));
		return NULL;
	}
	case STOA_FIELD_ENUM:
		if (!json_is_string(v))
			return "must be a string";
		for (int k = 0; f->choices[k]; k++)
			if (strcmp(f->choices[k], json_string_value(v)) == 0) {
				memcpy(at, &k, sizeof(k));
				return NULL;
			}
		return "is not one of the known values";
	case STOA_FIELD_OBJECT:
		if (!json_is_object(v))
			return "must be an object";
		if (f->max && json_dumpb(v, NULL, 0, JSON_COMPACT) > (size_t)f->max)
			return "is too large";
		memcpy(at, &v, sizeof(v));
		return NULL;
	case STOA_FIELD_LIST:
		if (!json_is_array(v))
			return "must be a list of strings";
		json_array_foreach(v, i,
				   e) if (!json_is_string(e)) return "must be a list of strings";
		if (!stoa_field_in_range(f, (int64_t)json_array_size(v)))
			return "has a number of entries out of range";
		memcpy(at, &v, sizeof(v));
		return NULL;
	}
	return "cannot be checked";
}

/** Checks `object` against the table into the struct `out` and writes up to STOA_JSON_ERRORS_MAX
 *  faults; returns how many there are. Strings and documents are borrowed from `object`. Members
 *  the table does not name are ignored. Pure. Thread: any. */
static inline size_t stoa_json_check(const json_t *object, const struct stoa_field *table,
				     size_t n_fields, void *out, struct stoa_http_field *ret_faults)
{
	size_t n = 0;

	for (size_t i = 0; i < n_fields && n < STOA_JSON_ERRORS_MAX; i++) {
		const struct stoa_field *f = &table[i];
		const json_t *v = json_object_get(object, f->name);
		const char *reason = NULL;

		if (v && !(json_is_null(v) && !(f->flags & STOA_FIELD_REQUIRED)))
			reason = stoa_field_store(f, v, out);
		else if (f->flags & STOA_FIELD_REQUIRED)
			reason = "is missing";
		if (reason) {
			ret_faults[n].field = f->name;
			ret_faults[n].reason = reason;
			n++;
		}
	}
	return n;
}

/** The body, checked: reads it as JSON, checks it against the table into `out`. 0 and the object,
 *  yours to decref after use of `out`; -EINVAL: the request has been answered (400, 415). Thread:
 *  the handler's. */
static inline int stoa_http_json_fields(struct stoa_http_req *r, const struct stoa_field *table,
					size_t n_fields, void *out, json_t **ret_object)
{
	struct stoa_http_field faults[STOA_JSON_ERRORS_MAX];
	json_t *object;
	size_t n;
	int err = stoa_http_json_body(r, &object);

	if (err)
		return err;
	n = stoa_json_check(object, table, n_fields, out, faults);
	if (n) {
		stoa_http_problem_fields(r, faults, n);
		json_decref(object);
		return -EINVAL;
	}
	*ret_object = object;
	return 0;
}

STOA_END_DECLS

#endif
