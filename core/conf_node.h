/* SPDX-License-Identifier: Apache-2.0 */
/* What YAML becomes before any type is known: nodes that remember where they were written.
 * Shared by the conf_*.c files only. A node that replaces another keeps it in `below`, which is
 * how `config explain` tells what a value hides. */
#ifndef STOA_CORE_CONF_NODE_H
#define STOA_CORE_CONF_NODE_H

#include "conf.h"

struct conf_source {
	char *name; /* path as opened, "--set" or "<builtin>" */
	char *text;
	size_t n;
	uint32_t order;   /* of reading: errors are shown in it */
	bool is_argument; /* of --set: no place to send people to who miss something */
};

enum conf_kind {
	CONF_SCALAR,
	CONF_LIST,
	CONF_MAP,
	CONF_RESET, /* a plain `~`: back to the default, or entry removed */
	CONF_BAD,   /* reported while reading: nothing more to say        */
};

struct conf_node {
	enum conf_kind kind;
	bool plain; /* SCALAR: without quotes                 */
	char *key;  /* in a map; NULL in a list and at the top */
	char *text; /* SCALAR, NUL-terminated                 */
	size_t n;   /* SCALAR: length of text                 */
	struct conf_origin key_at, at;
	struct conf_node **child; /* MAP: ordered by key; LIST: as written */
	size_t child_n, child_cap;
	struct conf_node *below; /* what this one hides */
};

enum conf_file_state { CONF_FILE_READ, CONF_FILE_MASKED, CONF_FILE_HIDDEN, CONF_FILE_IGNORED };

struct conf_file { /* for `config paths` */
	char *path;
	char *by; /* HIDDEN: the path that hides it */
	enum conf_file_state state;
};

struct conf_tree {
	unsigned refs;
	struct conf_node *top;
	struct conf_source **source;
	size_t source_n;
	struct conf_file *file;
	size_t file_n;
	char *root;  /* "" or the prefix of all paths           */
	bool broken; /* a source could not be read to its end   */
};

struct conf_node *node_new(enum conf_kind kind, const struct conf_origin *at);
void node_free(struct conf_node *n);
STOA_DEFINE_AUTO(struct conf_node, node_free)
/** Child of a map by key; NULL. A `~` is found: see node_get(). */
struct conf_node *node_find(const struct conf_node *map, const char *key);
/** Child of a map by key, unless it was reset; NULL also for a `map` of NULL or no map. */
struct conf_node *node_get(const struct conf_node *map, const char *key);
/** Puts a child with its `key` set in its place; -EEXIST, -ENOMEM, -E2BIG: not taken. */
int node_add(struct conf_node *map, struct conf_node *child_take);
/** At the end of a list. */
int node_append(struct conf_node *list, struct conf_node *child_take);
/** Is it `key:` with nothing behind? Stands for an empty map; as a value it is a mistake. */
static inline bool node_is_empty(const struct conf_node *n)
{
	return n->kind == CONF_SCALAR && n->plain && n->n == 0;
}

/** Later over earlier: maps merge by key, all else replaces. Consumes `src`. -ENOMEM, -E2BIG. */
int node_merge(struct conf_node *dst, struct conf_node *src_take);

/** Restricted YAML into a map, or, for `is_value`, into any node (a --set value). `off` bytes of
 *  the source's text are skipped. Mistakes go to `e`; 0 with what could be read, or NULL when there
 *  is nothing; -EINVAL when reading could not go on to the end; -ENOMEM. */
int conf_read(const struct conf_source *src, size_t off, bool is_value, struct stoa_errors *e,
	      struct conf_node **ret_node);

/** The tree owns the source, also on failure. -ENOMEM. */
int tree_keep_source(struct conf_tree *t, struct conf_source *s_take);

struct conf_key { /* "mod_http.listen" is modules, mod_http, listen */
	char *part[CONF_DEPTH_MAX];
	uint32_t col[CONF_DEPTH_MAX]; /* where each began, from 1 */
	size_t n;
};
/** Up to the end of the text or a `=`. -EINVAL: k is empty. */
int key_parse(const char *text, struct conf_key *k, const char **ret_end);
void key_clear(struct conf_key *k);
/** One --set argument over the tree. What is wrong with it goes to `e`. -ENOMEM only. */
int set_read(const char *arg, struct conf_tree *t, struct stoa_errors *e);

/** conf_tree_free() lets go of one. */
struct conf_tree *tree_ref(struct conf_tree *t);

struct conf_source *source_new(const char *name, const char *text, size_t n);
void source_free(struct conf_source *s);
STOA_DEFINE_AUTO(struct conf_source, source_free)

/** Adds a finding whose source line is not to be shown from the column on: a secret is there. */
void errors_at_secret(struct stoa_errors *e, const struct conf_origin *at, const char *fmt, ...)
	STOA_PRINTF(3, 4);

/** Where a section says `key` is set (or the section itself), and is that a secret? For findings.
 */
struct conf_origin section_origin(const struct stoa_conf *c, const char *key);
bool section_is_secret(const struct stoa_conf *c, const char *key);

#endif
