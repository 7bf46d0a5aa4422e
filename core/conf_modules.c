/* SPDX-License-Identifier: Apache-2.0 */
/* What the tree says of modules before any of them is opened: which to load, which is required, who
 * provides what. Values are taken as they parse; conf_check() reports those that do not. */
#include "conf_section.h"

#include <stoa/log.h>

bool module_says_yes(const struct conf_node *section, const char *key)
{
	const struct conf_node *n = node_get(section, key);

	return n && n->kind == CONF_SCALAR &&
	       (strcmp(n->text, "yes") == 0 || strcmp(n->text, "true") == 0 ||
		strcmp(n->text, "on") == 0);
}

static int log_level_of(const struct conf_node *section)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = { { "error", STOA_LOG_ERROR },
		       { "warn", STOA_LOG_WARN },
		       { "notice", STOA_LOG_NOTICE },
		       { "info", STOA_LOG_INFO },
		       { "debug", STOA_LOG_DEBUG } };
	const struct conf_node *n = node_get(section, "log-level");

	for (size_t i = 0; n && n->kind == CONF_SCALAR && i < STOA_ARRAY_SIZE(levels); i++) {
		if (strcmp(n->text, levels[i].name) == 0)
			return levels[i].level;
	}
	return 0;
}

static bool has_options(const struct conf_node *section)
{
	for (size_t i = 0; i < section->child_n; i++) {
		const char *key = section->child[i]->key;

		if (section->kind == CONF_MAP && strcmp(key, "load") != 0 &&
		    strcmp(key, "required") != 0 && strcmp(key, "log-level") != 0)
			return true;
	}
	return false;
}

bool conf_tree_module(const struct conf_tree *t, size_t i, struct conf_module *ret)
{
	const struct conf_node *modules = node_get(t->top, "modules");
	size_t seen = 0;

	for (size_t j = 0; modules && modules->kind == CONF_MAP && j < modules->child_n; j++) {
		const struct conf_node *n = modules->child[j];

		if (n->kind == CONF_RESET || seen++ != i)
			continue;
		*ret = (struct conf_module){ .name = n->key,
					     .load = module_says_yes(n, "load"),
					     .required = module_says_yes(n, "required"),
					     .log_level = log_level_of(n),
					     .has_options = has_options(n),
					     .at = n->key_at };
		return true;
	}
	return false;
}

bool conf_tree_find(const struct conf_tree *t, const char *name, struct conf_module *ret)
{
	for (size_t i = 0; conf_tree_module(t, i, ret); i++) {
		if (strcmp(ret->name, name) == 0)
			return true;
	}
	return false;
}

const char *conf_tree_bind(const struct conf_tree *t, const char *iface, struct conf_origin *ret_at)
{
	const struct conf_node *bind = node_get(t->top, "bind");
	const struct conf_node *n = node_get(bind, iface);
	char name[64];
	size_t len = strcspn(iface, "/");

	if (!n && len < sizeof(name)) {
		memcpy(name, iface, len);
		name[len] = '\0';
		n = node_get(bind, name);
	}
	if (!n || n->kind != CONF_SCALAR || n->n == 0)
		return NULL;
	if (ret_at)
		*ret_at = n->at;
	return n->text;
}
