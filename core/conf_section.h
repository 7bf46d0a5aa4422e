/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, typed values, sections and snapshots as the conf_*.c files share them. */
#ifndef STOA_CORE_CONF_SECTION_H
#define STOA_CORE_CONF_SECTION_H

#include "conf_node.h"

#define TABLE_DEPTH_MAX 3 /* maps of maps of maps in option tables */
#define TABLE_LEN_MAX   256

struct conf_table {
	const char *name; /* "mod_http", or "core" */
	const char *version, *summary;
	struct stoa_opt *opts; /* the host's stride, items too; ends with STOA_OPT_END */
	size_t n;
	size_t common; /* the first of `opts` are every module's: load, required, log-level */
};

struct conf_value {
	const struct stoa_opt *opt;
	const struct conf_node *node; /* NULL: the default                          */
	bool ok;                      /* parsed; false: reported as an error        */
	bool pending;           /* the file says otherwise, but only a restart may change it  */
	int64_t num;            /* BOOL, INT, DURATION (ms), SIZE, RATE, index of an ENUM     */
	char *text;             /* STRING, ENUM, ADDRESS, PATH; the content of a SECRET       */
	size_t n;               /* length of `text`                                           */
	char *raw;              /* as written: what dumps show                                */
	char **list;            /* LIST                                                       */
	struct stoa_conf **map; /* MAP, ordered by name                             */
	size_t count;           /* of `list` or `map`                               */
};

struct stoa_conf {
	unsigned refs;
	struct conf_tree *tree; /* sections of a whole module hold it: origins point there */
	char *path;             /* "modules.mod_http", "modules.mod_hls.renditions.low", "core" */
	char *name;             /* last part of the path */
	const struct stoa_opt *opts;
	struct conf_value *value; /* one per option */
	size_t n;
	struct conf_origin at; /* of the section; no source: not in any file */
	bool ok;               /* no error in it */
};

struct conf_section_entry {
	const struct conf_table *table;
	struct stoa_conf *fresh; /* what the files say: for dumps                         */
	struct stoa_conf *conf;  /* what is in force: the module's. An unchanged section  */
	bool changed;            /* is passed on as it is, since strings are borrowed     */
	bool running;            /* load: yes at start; a reload cannot change that       */
};

struct conf_snapshot {
	struct conf_tree *tree;
	struct conf_section_entry *entry; /* core first, then as given to conf_check() */
	size_t n;
};

/** Is a boolean of a module's section, read before there is a table, true? */
bool module_says_yes(const struct conf_node *section, const char *key);
struct conf_section_entry *snapshot_entry(const struct conf_snapshot *s, const char *name);

/* What parsing needs to know of its surroundings. */
struct value_env {
	const char *root;      /* "" or the prefix of all paths                     */
	const char *state_dir; /* for relative paths; NULL: they cannot be resolved */
	bool no_secrets;       /* check the form only: the module will not be loaded */
};

/** Parses `text` as the option's type into `v` (num, text, n). -EINVAL with what is wrong and what
 *  to write in `why`; -ENOMEM. */
int value_parse(const struct stoa_opt *o, const char *text, const struct value_env *env,
		struct conf_value *v, struct stoa_buf *why);
/** Reads a secret: file:/path or cred:name. As value_parse(). */
int secret_parse(const char *text, const struct value_env *env, struct conf_value *v,
		 struct stoa_buf *why);
/** The canonical way to write a number of the option's type: "4s", "64K", "2M". */
void value_format(const struct stoa_opt *o, int64_t num, struct stoa_buf *out);
/** "1s to 10s", "at least 1", …; nothing when there is no limit. */
void value_range(const struct stoa_opt *o, struct stoa_buf *out);
const char *type_name(enum stoa_opt_type type);    /* "duration" */
const char *type_article(enum stoa_opt_type type); /* "a" or "an" */

size_t opts_len(const struct stoa_opt *o);
const struct stoa_opt *opts_find(const struct stoa_opt *o, const char *key);

struct stoa_conf *section_new(const char *path, const char *name, const struct stoa_opt *opts);
struct stoa_conf *section_ref(struct stoa_conf *c);
void section_unref(struct stoa_conf *c); /* the last one wipes secrets */
STOA_DEFINE_AUTO(struct stoa_conf, section_unref)
/** A deep copy without tree, for values in force that the files no longer say. */
struct stoa_conf *section_copy(const struct stoa_conf *c);
bool value_same(const struct conf_value *a, const struct conf_value *b);
int value_copy(const struct conf_value *from, struct conf_value *to);
const struct conf_value *section_value(const struct stoa_conf *c, const char *key);
void value_clear(struct conf_value *v);

/** Types the entries of `map` (may be NULL) by the table; mistakes go to `e`. `is_used`: will the
 *  module be loaded, so that required options and secrets must be there? -ENOMEM. */
int section_check(const char *path, const char *name, const struct stoa_opt *opts,
		  const struct conf_node *map, const struct value_env *env, bool is_complete,
		  struct stoa_errors *e, struct stoa_conf **ret_conf);

#endif
