/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf messages into JSON, written straight into the buffer: a list of thousands of participants
 * is rendered on the control thread, so there is no tree in between. */
#include "pbjson_value.h"

#include <math.h>
#include <stdlib.h>

static void write_message(const ProtobufCMessage *m, unsigned depth, struct stoa_buf *b);

static void write_escape(char c, struct stoa_buf *b)
{
	static const char hex[] = "0123456789abcdef";
	char text[] = { '\\', 'u', '0', '0', hex[(unsigned char)c >> 4], hex[c & 15] };

	text[1] = c == '"' || c == '\\' ? c : 'u';
	stoa_buf_add(b, text, text[1] == 'u' ? sizeof(text) : 2);
}

static void write_string(const char *s, struct stoa_buf *b)
{
	const char *from = s ? s : "";

	stoa_buf_adds(b, "\"");
	for (s = from; *s; s++) {
		if ((unsigned char)*s >= 0x20 && *s != '"' && *s != '\\')
			continue;
		stoa_buf_add(b, from, (size_t)(s - from));
		write_escape(*s, b);
		from = s + 1;
	}
	stoa_buf_add(b, from, (size_t)(s - from));
	stoa_buf_adds(b, "\"");
}

static void write_bytes(const ProtobufCBinaryData *data, struct stoa_buf *b)
{
	char *text = malloc(4 * ((data->len + 2) / 3) + 1);

	if (!text) {
		b->failed = true;
		return;
	}
	stoa_base64_encode(data->data, data->len, text);
	write_string(text, b);
	free(text);
}

/* Most of what is written are small numbers, and a formatted print costs more than all else. */
static void write_integer(bool is_negative, uint64_t magnitude, struct stoa_buf *b)
{
	char text[24], *at = text + sizeof(text);

	do
		*--at = (char)('0' + magnitude % 10);
	while (magnitude /= 10);
	if (is_negative)
		*--at = '-';
	stoa_buf_add(b, at, (size_t)(text + sizeof(text) - at));
}

static void write_signed(int64_t v, struct stoa_buf *b)
{
	write_integer(v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, b);
}

static void write_enum(const ProtobufCEnumDescriptor *d, int value, struct stoa_buf *b)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, value);

	if (v)
		write_string(v->name, b);
	else
		write_signed(value, b); /* of a later version of the protocol */
}

/* With as many digits as make every value survive. */
static void write_real(double v, int digits, struct stoa_buf *b)
{
	if (isnan(v))
		stoa_buf_adds(b, "\"NaN\"");
	else if (isinf(v))
		stoa_buf_adds(b, v < 0 ? "\"-Infinity\"" : "\"Infinity\"");
	else if (v == 0)
		stoa_buf_adds(b, signbit(v) ? "-0.0" : "0"); /* a bare -0 reads as an integer */
	else
		stoa_buf_addf(b, "%.*g", digits, v);
}

static void write_value(const ProtobufCFieldDescriptor *f, const void *at, unsigned depth,
			struct stoa_buf *b)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		write_signed(*(const int32_t *)at, b);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		stoa_buf_adds(b, "\"");
		write_signed(*(const int64_t *)at, b);
		stoa_buf_adds(b, "\"");
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		write_integer(false, *(const uint32_t *)at, b);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		stoa_buf_adds(b, "\"");
		write_integer(false, *(const uint64_t *)at, b);
		stoa_buf_adds(b, "\"");
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		write_real((double)*(const float *)at, 9, b);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		write_real(*(const double *)at, 17, b);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		stoa_buf_adds(b, *(const protobuf_c_boolean *)at ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		write_enum(f->descriptor, *(const int *)at, b);
		break;
	case PROTOBUF_C_TYPE_STRING:
		write_string(*(const char *const *)at, b);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		write_bytes(at, b);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		write_message(*(const ProtobufCMessage *const *)at, depth + 1, b);
		break;
	}
}

static void write_entry(const ProtobufCMessage *entry, unsigned depth, struct stoa_buf *b)
{
	const ProtobufCFieldDescriptor *f = entry->descriptor->fields;

	write_value(&f[0], (const char *)entry + f[0].offset, depth, b);
	stoa_buf_adds(b, ":");
	write_value(&f[1], (const char *)entry + f[1].offset, depth, b);
}

static void write_list(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, unsigned depth,
		       struct stoa_buf *b)
{
	size_t n = *(const size_t *)(const void *)((const char *)m + f->quantifier_offset);
	const char *list = *(const char *const *)(const void *)((const char *)m + f->offset);
	bool is_map = pbjson_is_map(m->descriptor, f);
	const char *at;

	stoa_buf_adds(b, is_map ? "{" : "[");
	for (size_t i = 0; i < n; i++) {
		at = list + i * pbjson_size(f->type);
		if (i)
			stoa_buf_adds(b, ",");
		if (is_map)
			write_entry(*(const ProtobufCMessage *const *)(const void *)at, depth, b);
		else
			write_value(f, at, depth, b);
	}
	stoa_buf_adds(b, is_map ? "}" : "]");
}

static bool is_set(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	const char *base = (const char *)m;

	return !(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
	       *(const uint32_t *)(const void *)(base + f->quantifier_offset) == f->id;
}

static void write_message(const ProtobufCMessage *m, unsigned depth, struct stoa_buf *b)
{
	const ProtobufCFieldDescriptor *f;
	const char *sep = "\"";

	if (!m || depth >= PBJSON_DEPTH_MAX) {
		stoa_buf_adds(b, "null");
		return;
	}
	stoa_buf_adds(b, "{");
	for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
		f = &m->descriptor->fields[i];
		if (!is_set(m, f))
			continue;
		stoa_buf_adds(b, sep);
		stoa_buf_adds(b, f->name);
		stoa_buf_adds(b, "\":");
		sep = ",\"";
		if (f->label == PROTOBUF_C_LABEL_REPEATED)
			write_list(m, f, depth, b);
		else
			write_value(f, (const char *)m + f->offset, depth, b);
	}
	stoa_buf_adds(b, "}");
}

void pbjson_render(const ProtobufCMessage *m, struct stoa_buf *out)
{
	write_message(m, 0, out);
}
