/* SPDX-License-Identifier: Apache-2.0 */
/* `stoad --print-schema`: a JSON Schema of everything that may be written, for editors and CI. YAML
 * readers type plain scalars before the schema sees them, so most types accept more than one. */
#include <errno.h>

#include "conf_section.h"

static json_t *describe_table(const struct stoa_opt *o, size_t n, const char *doc);

/* {"type": [types…, "null"]}: `~` is allowed everywhere. */
static json_t *typed(const char *a, const char *b, const char *c)
{
	json_t *types = json_array(), *s = json_object();
	const char *const names[] = { a, b, c, "null" };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(names); i++) {
		if (names[i])
			json_array_append_new(types, json_string(names[i]));
	}
	json_object_set_new(s, "type", types);
	return s;
}

static json_t *with_pattern(json_t *s, const char *pattern)
{
	json_object_set_new(s, "pattern", json_string(pattern));
	return s;
}

static json_t *describe_int(const struct stoa_opt *o)
{
	json_t *s = typed("integer", NULL, NULL);

	if (o->min || o->max)
		json_object_set_new(s, "minimum", json_integer(o->min));
	if (o->max)
		json_object_set_new(s, "maximum", json_integer(o->max));
	return s;
}

static json_t *describe_string(const struct stoa_opt *o)
{
	json_t *s = typed("string", "number", "boolean");

	if (o->min > 0)
		json_object_set_new(s, "minLength", json_integer(1)); /* characters, not bytes */
	if (o->max)
		json_object_set_new(s, "maxLength", json_integer(o->max));
	return s;
}

static json_t *describe_enum(const struct stoa_opt *o)
{
	json_t *s = json_object(), *choices = json_array();

	for (size_t i = 0; o->choices[i]; i++)
		json_array_append_new(choices, json_string(o->choices[i]));
	json_array_append_new(choices, json_null());
	json_object_set_new(s, "enum", choices);
	return s;
}

static json_t *describe_bool(void)
{
	return json_pack("{s:[b,b,s,s,s,s,s,s,n]}", "enum", 1, 0, "yes", "no", "true", "false",
			 "on", "off");
}

static json_t *describe_list(void)
{
	json_t *s = typed("array", NULL, NULL);

	json_object_set_new(s, "items", typed("string", "number", "boolean"));
	return s;
}

static json_t *describe_map(const struct stoa_opt *o)
{
	json_t *s = typed("object", NULL, NULL);

	json_object_set_new(s, "additionalProperties",
			    describe_table(o->item, o->item ? opts_len(o->item) : 0,
					   "One entry, under a name of your choice."));
	return s;
}

static json_t *describe_type(const struct stoa_opt *o)
{
	switch (o->type) {
	case STOA_OPT_BOOL:
		return describe_bool();
	case STOA_OPT_INT:
		return describe_int(o);
	case STOA_OPT_DURATION: /* 0 needs no unit; editors see it as a number */
		return json_pack("{s:[{s:s, s:s}, {s:[i, n]}]}", "anyOf", "type", "string",
				 "pattern", "^(0|[0-9]+(ms|s|m|h|d))$", "enum", 0);
	case STOA_OPT_SIZE:
		return with_pattern(typed("string", "integer", NULL), "^[0-9]+[KMG]?$");
	case STOA_OPT_RATE:
		return with_pattern(typed("string", "integer", NULL), "^[0-9]+[kMG]?$");
	case STOA_OPT_STRING:
		return describe_string(o);
	case STOA_OPT_ENUM:
		return describe_enum(o);
	case STOA_OPT_ADDRESS:
		return with_pattern(typed("string", NULL, NULL),
				    "^([0-9.]+|\\[[0-9a-fA-F:.]+\\]|\\*):[0-9]{1,5}$");
	case STOA_OPT_PATH:
		return typed("string", NULL, NULL);
	case STOA_OPT_SECRET:
		return with_pattern(typed("string", NULL, NULL), "^(file:/|cred:).");
	case STOA_OPT_LIST:
		return describe_list();
	case STOA_OPT_MAP:
		return describe_map(o);
	case STOA_OPT_END_:
		break;
	}
	return json_object();
}

static json_t *describe_option(const struct stoa_opt *o)
{
	json_t *s = describe_type(o);

	json_object_set_new(s, "description", json_string(o->doc ? o->doc : ""));
	if (o->dflt)
		json_object_set_new(s, "default", json_string(o->dflt));
	if (o->flags & STOA_OPT_DEPRECATED)
		json_object_set_new(s, "deprecated", json_true());
	return s;
}

static json_t *describe_table(const struct stoa_opt *o, size_t n, const char *doc)
{
	json_t *s = typed("object", NULL, NULL), *properties = json_object();

	for (size_t i = 0; i < n; i++) {
		json_t *old;

		json_object_set_new(properties, o[i].key, describe_option(&o[i]));
		if (!o[i].was)
			continue;
		old = describe_option(&o[i]);
		json_object_set_new(old, "deprecated", json_true());
		json_object_set_new(properties, o[i].was, old);
	}
	json_object_set_new(s, "description", json_string(doc ? doc : ""));
	json_object_set_new(s, "additionalProperties", json_false());
	json_object_set_new(s, "properties", properties);
	return s;
}

static json_t *describe_modules(const struct conf_table *const *tables, size_t n)
{
	json_t *s = typed("object", NULL, NULL), *properties = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(
			properties, tables[i]->name,
			describe_table(tables[i]->opts, tables[i]->n, tables[i]->summary));
	json_object_set_new(s, "description", json_string("The modules and their options."));
	json_object_set_new(s, "properties", properties);
	json_object_set_new(s, "propertyNames", json_pack("{s:s}", "pattern", "^mod_"));
	json_object_set_new(s, "additionalProperties", typed("object", NULL, NULL));
	return s;
}

static json_t *describe_bind(void)
{
	json_t *s = typed("object", NULL, NULL);

	json_object_set_new(s, "description",
			    json_string("Which module provides an interface that several offer."));
	json_object_set_new(s, "additionalProperties", typed("string", NULL, NULL));
	return s;
}

json_t *conf_schema(const struct conf_table *const *tables, size_t n)
{
	const struct conf_table *core = conf_core_table();

	return json_pack("{s:s, s:s, s:s, s:b, s:{s:o, s:o, s:o}}", "$schema",
			 "https://json-schema.org/draft/2020-12/schema", "title",
			 "Stoa configuration", "type", "object", "additionalProperties", 0,
			 "properties", "core", describe_table(core->opts, core->n, core->summary),
			 "bind", describe_bind(), "modules", describe_modules(tables, n));
}
