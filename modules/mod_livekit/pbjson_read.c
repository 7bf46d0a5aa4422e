/* SPDX-License-Identifier: Apache-2.0 */
/* JSON into protobuf messages. The text comes from holders of API keys, and is bounded all the same:
 * its length, its depth, and by the arena what the message costs. */
#include "pbjson.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#define NAME_LEN 128 /* of a field, or of a message and a field */

struct reader {
	struct wire_arena *arena;
	const char *why;
};

struct integer {
	bool is_negative;
	uint64_t magnitude;
};

static int read_message(struct reader *r, const ProtobufCMessageDescriptor *d, json_t *o,
			unsigned depth, ProtobufCMessage **ret_msg);

static int refuse(struct reader *r, const ProtobufCFieldDescriptor *f, const char *want)
{
	char text[NAME_LEN * 2];

	snprintf(text, sizeof(text), "%s: %s", f->name, want);
	r->why = wire_dup(r->arena, text);
	return r->why ? -EBADMSG : -E2BIG;
}

/* ---- scalars ---- */

static bool read_digits(const char *s, struct integer *to)
{
	uint64_t v = 0;

	to->is_negative = *s == '-';
	s += to->is_negative;
	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	to->magnitude = v;
	return true;
}

/* 5, "5", and 5.0 are the same number. */
static bool read_integer(const json_t *v, struct integer *to)
{
	double real = json_real_value(v);
	json_int_t n = json_integer_value(v);

	if (json_is_string(v))
		return read_digits(json_string_value(v), to);
	if (json_is_real(v)) {
		if (!(fabs(real) < 9007199254740992.0) || real != trunc(real)) /* 2^53 */
			return false;
		n = (json_int_t)real;
	} else if (!json_is_integer(v)) {
		return false;
	}
	to->is_negative = n < 0;
	to->magnitude = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	return true;
}

static bool read_signed(const json_t *v, uint64_t max, int64_t *to)
{
	struct integer n;

	if (!read_integer(v, &n) || n.magnitude > max + (n.is_negative ? 1 : 0))
		return false;
	*to = (int64_t)(n.is_negative ? 0 - n.magnitude : n.magnitude);
	return true;
}

static bool read_unsigned(const json_t *v, uint64_t max, uint64_t *to)
{
	struct integer n;

	if (!read_integer(v, &n) || n.magnitude > max || (n.is_negative && n.magnitude))
		return false;
	*to = n.magnitude;
	return true;
}

static bool read_real(const json_t *v, double *to)
{
	static const struct {
		const char *name;
		double value;
	} words[] = { { "NaN", NAN }, { "Infinity", INFINITY }, { "-Infinity", -INFINITY } };

	for (size_t i = 0; json_is_string(v) && i < STOA_ARRAY_SIZE(words); i++)
		if (strcmp(json_string_value(v), words[i].name) == 0) {
			*to = words[i].value;
			return true;
		}
	*to = json_number_value(v);
	return json_is_number(v);
}

static int read_number(struct reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		       void *to)
{
	bool is_wide = f->type == PROTOBUF_C_TYPE_INT64 || f->type == PROTOBUF_C_TYPE_SINT64 ||
		       f->type == PROTOBUF_C_TYPE_SFIXED64;
	int64_t n;
	int32_t narrow;

	if (!read_signed(v, is_wide ? INT64_MAX : INT32_MAX, &n))
		return refuse(r, f,
			      is_wide ? "a 64-bit integer is wanted"
				      : "a 32-bit integer is wanted");
	narrow = (int32_t)n;
	memcpy(to, is_wide ? (const void *)&n : &narrow, is_wide ? sizeof(n) : sizeof(narrow));
	return 0;
}

static int read_count(struct reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		      void *to)
{
	bool is_wide = f->type == PROTOBUF_C_TYPE_UINT64 || f->type == PROTOBUF_C_TYPE_FIXED64;
	uint64_t n;
	uint32_t narrow;

	if (!read_unsigned(v, is_wide ? UINT64_MAX : UINT32_MAX, &n))
		return refuse(r, f,
			      is_wide ? "a 64-bit integer of at least 0 is wanted"
				      : "a 32-bit integer of at least 0 is wanted");
	narrow = (uint32_t)n;
	memcpy(to, is_wide ? (const void *)&n : &narrow, is_wide ? sizeof(n) : sizeof(narrow));
	return 0;
}

static int read_float(struct reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		      void *to)
{
	double n;
	float narrow;

	if (!read_real(v, &n))
		return refuse(r, f, "a number is wanted");
	if (f->type == PROTOBUF_C_TYPE_DOUBLE) {
		memcpy(to, &n, sizeof(n));
		return 0;
	}
	if (isfinite(n) && fabs(n) > 3.4028234663852886e38) /* the largest float */
		return refuse(r, f, "a number of single precision is wanted");
	narrow = (float)n;
	memcpy(to, &narrow, sizeof(narrow));
	return 0;
}

static int read_bool(struct reader *r, const ProtobufCFieldDescriptor *f, const json_t *v, void *to)
{
	protobuf_c_boolean b = json_is_true(v);

	if (!json_is_boolean(v))
		return refuse(r, f, "true or false is wanted");
	memcpy(to, &b, sizeof(b));
	return 0;
}

static int read_enum(struct reader *r, const ProtobufCFieldDescriptor *f, const json_t *v, void *to)
{
	const ProtobufCEnumDescriptor *d = f->descriptor;
	const ProtobufCEnumValue *named;
	int64_t n;
	int value;

	if (json_is_string(v)) {
		named = protobuf_c_enum_descriptor_get_value_by_name(d, json_string_value(v));
		if (!named)
			return refuse(r, f, "no such name");
		value = named->value;
	} else if (read_signed(v, INT32_MAX, &n)) {
		value = (int)n;
	} else {
		return refuse(r, f, "a name or a number is wanted");
	}
	memcpy(to, &value, sizeof(value));
	return 0;
}

static int read_string(struct reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		       void *to)
{
	char *s;

	if (!json_is_string(v))
		return refuse(r, f, "a string is wanted");
	s = wire_dupn(r->arena, json_string_value(v), json_string_length(v));
	if (!s)
		return -E2BIG;
	memcpy(to, &s, sizeof(s));
	return 0;
}

static int read_bytes(struct reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		      void *to)
{
	ProtobufCBinaryData data = { 0, NULL };
	size_t n = json_string_length(v);
	int len;

	if (!json_is_string(v))
		return refuse(r, f, "base64 is wanted");
	data.data = wire_alloc(r->arena, n + 1);
	if (!data.data)
		return -E2BIG;
	len = stoa_base64_decode(stoa_strn(json_string_value(v), n), data.data, n + 1);
	if (len < 0)
		return refuse(r, f, "base64 is wanted");
	data.len = (size_t)len;
	memcpy(to, &data, sizeof(data));
	return 0;
}

/* ---- fields ---- */

typedef int read_fn(struct reader *r, const ProtobufCFieldDescriptor *f, const json_t *v, void *to);

static const struct {
	read_fn *read;
	size_t size;
} types[] = {
	[PROTOBUF_C_TYPE_INT32] = { read_number, sizeof(int32_t) },
	[PROTOBUF_C_TYPE_SINT32] = { read_number, sizeof(int32_t) },
	[PROTOBUF_C_TYPE_SFIXED32] = { read_number, sizeof(int32_t) },
	[PROTOBUF_C_TYPE_INT64] = { read_number, sizeof(int64_t) },
	[PROTOBUF_C_TYPE_SINT64] = { read_number, sizeof(int64_t) },
	[PROTOBUF_C_TYPE_SFIXED64] = { read_number, sizeof(int64_t) },
	[PROTOBUF_C_TYPE_UINT32] = { read_count, sizeof(uint32_t) },
	[PROTOBUF_C_TYPE_FIXED32] = { read_count, sizeof(uint32_t) },
	[PROTOBUF_C_TYPE_UINT64] = { read_count, sizeof(uint64_t) },
	[PROTOBUF_C_TYPE_FIXED64] = { read_count, sizeof(uint64_t) },
	[PROTOBUF_C_TYPE_FLOAT] = { read_float, sizeof(float) },
	[PROTOBUF_C_TYPE_DOUBLE] = { read_float, sizeof(double) },
	[PROTOBUF_C_TYPE_BOOL] = { read_bool, sizeof(protobuf_c_boolean) },
	[PROTOBUF_C_TYPE_ENUM] = { read_enum, sizeof(int) },
	[PROTOBUF_C_TYPE_STRING] = { read_string, sizeof(char *) },
	[PROTOBUF_C_TYPE_BYTES] = { read_bytes, sizeof(ProtobufCBinaryData) },
	[PROTOBUF_C_TYPE_MESSAGE] = { NULL, sizeof(ProtobufCMessage *) },
};

static int read_value(struct reader *r, const ProtobufCFieldDescriptor *f, json_t *v,
		      unsigned depth, void *to)
{
	ProtobufCMessage *m;
	int err;

	if (types[f->type].read)
		return types[f->type].read(r, f, v, to);
	if (!json_is_object(v))
		return refuse(r, f, "an object is wanted");
	err = read_message(r, f->descriptor, v, depth + 1, &m);
	if (!err)
		memcpy(to, &m, sizeof(m));
	return err;
}

static void set_list(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, void *list, size_t n)
{
	memcpy((char *)m + f->offset, &list, sizeof(list));
	memcpy((char *)m + f->quantifier_offset, &n, sizeof(n));
}

static int read_list(struct reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		     unsigned depth, ProtobufCMessage *m)
{
	size_t n = json_array_size(v), size = types[f->type].size;
	char *list;
	int err;

	if (!json_is_array(v))
		return refuse(r, f, "a list is wanted");
	list = wire_alloc(r->arena, n * size);
	if (!list)
		return -E2BIG;
	for (size_t i = 0; i < n; i++) {
		err = read_value(r, f, json_array_get(v, i), depth, list + i * size);
		if (err)
			return err;
	}
	set_list(m, f, list, n);
	return 0;
}

static int read_entry(struct reader *r, const ProtobufCMessageDescriptor *d, const char *key,
		      json_t *value, unsigned depth, ProtobufCMessage **ret_entry)
{
	ProtobufCMessage *entry = wire_alloc(r->arena, d->sizeof_message);
	char *copy = entry ? wire_dup(r->arena, key) : NULL;

	if (!copy)
		return -E2BIG;
	d->message_init(entry);
	memcpy((char *)entry + d->fields[0].offset, &copy, sizeof(copy));
	*ret_entry = entry;
	return read_value(r, &d->fields[1], value, depth, (char *)entry + d->fields[1].offset);
}

static int read_map(struct reader *r, const ProtobufCFieldDescriptor *f, json_t *v, unsigned depth,
		    ProtobufCMessage *m)
{
	ProtobufCMessage **list;
	const char *key;
	json_t *value;
	size_t n = 0;
	int err;

	if (!json_is_object(v))
		return refuse(r, f, "an object is wanted");
	list = wire_alloc(r->arena, json_object_size(v) * sizeof(ProtobufCMessage *));
	if (!list)
		return -E2BIG;
	json_object_foreach(v, key, value)
	{
		err = read_entry(r, f->descriptor, key, value, depth, &list[n++]);
		if (err)
			return err;
	}
	set_list(m, f, list, n);
	return 0;
}

static int read_field(struct reader *r, const ProtobufCMessageDescriptor *d,
		      const ProtobufCFieldDescriptor *f, json_t *v, unsigned depth,
		      ProtobufCMessage *m)
{
	uint32_t set;

	if (json_is_null(v))
		return 0;
	if (pbjson_is_map(d, f))
		return read_map(r, f, v, depth, m);
	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return read_list(r, f, v, depth, m);
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		memcpy(&set, (char *)m + f->quantifier_offset, sizeof(set));
		if (set)
			return refuse(r, f, "another field of the same choice is given as well");
		memcpy((char *)m + f->quantifier_offset, &f->id, sizeof(f->id));
	}
	return read_value(r, f, v, depth, (char *)m + f->offset);
}

static void make_camel(const char *name, char to[NAME_LEN])
{
	size_t n = 0;

	for (; *name && n < NAME_LEN - 1; name++)
		if (*name != '_')
			to[n++] = *name;
		else if (name[1] >= 'a' && name[1] <= 'z')
			to[n++] = (char)(*++name - 'a' + 'A');
	to[n] = '\0';
}

/* The value under either spelling of the name; NULL when there is none. */
static int find(struct reader *r, const json_t *o, const ProtobufCFieldDescriptor *f,
		json_t **ret_value)
{
	char camel[NAME_LEN];
	json_t *plain = json_object_get(o, f->name), *other;

	make_camel(f->name, camel);
	other = strcmp(camel, f->name) != 0 ? json_object_get(o, camel) : NULL;
	if (plain && other)
		return refuse(r, f, "given twice, in both spellings of its name");
	*ret_value = plain ? plain : other;
	return 0;
}

static int read_message(struct reader *r, const ProtobufCMessageDescriptor *d, json_t *o,
			unsigned depth, ProtobufCMessage **ret_msg)
{
	ProtobufCMessage *m =
		depth < PBJSON_DEPTH_MAX ? wire_alloc(r->arena, d->sizeof_message) : NULL;
	json_t *v = NULL;
	int err = m ? 0 : -E2BIG;

	if (err)
		return err;
	d->message_init(m);
	for (unsigned i = 0; i < d->n_fields; i++) {
		err = find(r, o, &d->fields[i], &v);
		if (!err && v)
			err = read_field(r, d, &d->fields[i], v, depth, m);
		if (err)
			return err;
	}
	*ret_msg = m;
	return 0;
}

int pbjson_parse(struct wire_arena *a, const ProtobufCMessageDescriptor *d, struct stoa_str text,
		 ProtobufCMessage **ret_msg, const char **ret_why)
{
	struct reader r = { a, "over a limit" };
	json_error_t where;
	json_t *o;
	int err;

	*ret_why = r.why;
	if (text.n > PBJSON_TEXT_MAX)
		return -E2BIG;
	o = text.n ? json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &where) : NULL;
	if (!json_is_object(o)) {
		json_decref(o);
		*ret_why = "not a JSON object";
		return -EBADMSG;
	}
	err = read_message(&r, d, o, 0, ret_msg);
	json_decref(o);
	*ret_why = r.why;
	return err;
}
