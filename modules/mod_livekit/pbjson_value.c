/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values into scalars, by a table of the types. What a number may look like is proto3's JSON
 * mapping: 7, "7" and 7.0 are the same. */
#include "pbjson_value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

struct integer {
	bool is_negative;
	uint64_t magnitude;
};

int pbjson_refuse(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const char *want)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", f->name, want);
	r->why = wire_dup(r->arena, text);
	return r->why ? -EBADMSG : -E2BIG;
}

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

static int read_number(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		       void *to)
{
	bool is_wide = f->type == PROTOBUF_C_TYPE_INT64 || f->type == PROTOBUF_C_TYPE_SINT64 ||
		       f->type == PROTOBUF_C_TYPE_SFIXED64;
	int64_t n;
	int32_t narrow;

	if (!read_signed(v, is_wide ? INT64_MAX : INT32_MAX, &n))
		return pbjson_refuse(r, f,
				     is_wide ? "a 64-bit integer is wanted"
					     : "a 32-bit integer is wanted");
	narrow = (int32_t)n;
	memcpy(to, is_wide ? (const void *)&n : &narrow, is_wide ? sizeof(n) : sizeof(narrow));
	return 0;
}

static int read_count(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		      void *to)
{
	bool is_wide = f->type == PROTOBUF_C_TYPE_UINT64 || f->type == PROTOBUF_C_TYPE_FIXED64;
	uint64_t n;
	uint32_t narrow;

	if (!read_unsigned(v, is_wide ? UINT64_MAX : UINT32_MAX, &n))
		return pbjson_refuse(r, f,
				     is_wide ? "a 64-bit integer of at least 0 is wanted"
					     : "a 32-bit integer of at least 0 is wanted");
	narrow = (uint32_t)n;
	memcpy(to, is_wide ? (const void *)&n : &narrow, is_wide ? sizeof(n) : sizeof(narrow));
	return 0;
}

static int read_float(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		      void *to)
{
	double n;
	float narrow;

	if (!read_real(v, &n))
		return pbjson_refuse(r, f, "a number is wanted");
	if (f->type == PROTOBUF_C_TYPE_DOUBLE) {
		memcpy(to, &n, sizeof(n));
		return 0;
	}
	if (isfinite(n) && fabs(n) > 3.4028234663852886e38) /* the largest float */
		return pbjson_refuse(r, f, "a number of single precision is wanted");
	narrow = (float)n;
	memcpy(to, &narrow, sizeof(narrow));
	return 0;
}

static int read_bool(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		     void *to)
{
	protobuf_c_boolean b = json_is_true(v);

	if (!json_is_boolean(v))
		return pbjson_refuse(r, f, "true or false is wanted");
	memcpy(to, &b, sizeof(b));
	return 0;
}

static int read_enum(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		     void *to)
{
	const ProtobufCEnumDescriptor *d = f->descriptor;
	const ProtobufCEnumValue *named;
	int64_t n;
	int value;

	if (json_is_string(v)) {
		named = protobuf_c_enum_descriptor_get_value_by_name(d, json_string_value(v));
		if (!named)
			return pbjson_refuse(r, f, "no such name");
		value = named->value;
	} else if (read_signed(v, INT32_MAX, &n)) {
		value = (int)n;
	} else {
		return pbjson_refuse(r, f, "a name or a number is wanted");
	}
	memcpy(to, &value, sizeof(value));
	return 0;
}

static int read_string(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		       void *to)
{
	char *s;

	if (!json_is_string(v))
		return pbjson_refuse(r, f, "a string is wanted");
	s = wire_dupn(r->arena, json_string_value(v), json_string_length(v));
	if (!s)
		return -E2BIG;
	memcpy(to, &s, sizeof(s));
	return 0;
}

static int read_bytes(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		      void *to)
{
	ProtobufCBinaryData data = { 0, NULL };
	size_t n = json_string_length(v);
	int len;

	if (!json_is_string(v))
		return pbjson_refuse(r, f, "base64 is wanted");
	data.data = wire_alloc(r->arena, n + 1);
	if (!data.data)
		return -E2BIG;
	len = stoa_base64_decode(stoa_strn(json_string_value(v), n), data.data, n + 1);
	if (len < 0)
		return pbjson_refuse(r, f, "base64 is wanted");
	data.len = (size_t)len;
	memcpy(to, &data, sizeof(data));
	return 0;
}

typedef int read_fn(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		    void *to);

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

size_t pbjson_size(ProtobufCType type)
{
	return types[type].size;
}

int pbjson_read_scalar(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		       void *to)
{
	return types[f->type].read ? types[f->type].read(r, f, v, to) : -EINVAL;
}

/* The compiler names the entries of `map<…> some_name` "SomeNameEntry", inside the message. */
static bool is_entry_name(const char *entry, const char *field)
{
	bool is_upper = true;

	for (; *field; field++) {
		if (*field == '_') {
			is_upper = true;
			continue;
		}
		if (*entry++ != (is_upper ? (char)toupper((unsigned char)*field) : *field))
			return false;
		is_upper = false;
	}
	return strcmp(entry, "Entry") == 0;
}

bool pbjson_is_map(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f)
{
	const ProtobufCMessageDescriptor *entry = f->descriptor;
	size_t n = strlen(d->name);

	if (f->label != PROTOBUF_C_LABEL_REPEATED || f->type != PROTOBUF_C_TYPE_MESSAGE)
		return false;
	return strncmp(entry->name, d->name, n) == 0 && entry->name[n] == '.' &&
	       is_entry_name(entry->name + n + 1, f->name) && entry->n_fields == 2 &&
	       strcmp(entry->fields[0].name, "key") == 0 &&
	       strcmp(entry->fields[1].name, "value") == 0 &&
	       entry->fields[0].type == PROTOBUF_C_TYPE_STRING;
}
