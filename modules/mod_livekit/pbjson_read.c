/* SPDX-License-Identifier: Apache-2.0 */
/* JSON into protobuf messages. The text comes from holders of API keys, and is bounded all the same:
 * its length, its depth, and by the arena what the message costs. */
#include "pbjson_value.h"

#include <errno.h>

#define NAME_LEN 128

static int read_message(struct pbjson_reader *r, const ProtobufCMessageDescriptor *d, json_t *o,
			unsigned depth, ProtobufCMessage **ret_msg);

static int read_value(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, json_t *v,
		      unsigned depth, void *to)
{
	ProtobufCMessage *m;
	int err;

	if (f->type != PROTOBUF_C_TYPE_MESSAGE)
		return pbjson_read_scalar(r, f, v, to);
	if (!json_is_object(v))
		return pbjson_refuse(r, f, "an object is wanted");
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

static int read_list(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, const json_t *v,
		     unsigned depth, ProtobufCMessage *m)
{
	size_t n = json_array_size(v), size = pbjson_size(f->type);
	char *list;
	int err;

	if (!json_is_array(v))
		return pbjson_refuse(r, f, "a list is wanted");
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

static int read_entry(struct pbjson_reader *r, const ProtobufCMessageDescriptor *d, const char *key,
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

static int read_map(struct pbjson_reader *r, const ProtobufCFieldDescriptor *f, json_t *v,
		    unsigned depth, ProtobufCMessage *m)
{
	ProtobufCMessage **list;
	const char *key;
	json_t *value;
	size_t n = 0;
	int err;

	if (!json_is_object(v))
		return pbjson_refuse(r, f, "an object is wanted");
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

static int read_field(struct pbjson_reader *r, const ProtobufCMessageDescriptor *d,
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
			return pbjson_refuse(r, f,
					     "another field of the same choice is given as well");
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
static int find(struct pbjson_reader *r, const json_t *o, const ProtobufCFieldDescriptor *f,
		json_t **ret_value)
{
	char camel[NAME_LEN];
	json_t *plain = json_object_get(o, f->name), *other;

	make_camel(f->name, camel);
	other = strcmp(camel, f->name) != 0 ? json_object_get(o, camel) : NULL;
	if (plain && other)
		return pbjson_refuse(r, f, "given twice, in both spellings of its name");
	*ret_value = plain ? plain : other;
	return 0;
}

static int read_message(struct pbjson_reader *r, const ProtobufCMessageDescriptor *d, json_t *o,
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
	struct pbjson_reader r = { a, "over a limit" };
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
