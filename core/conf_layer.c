/* SPDX-License-Identifier: Apache-2.0 */
/* The layers: which files are read, in which order, and what hides what. A directory counts before
 * a file name, so that no vendor's file can beat the administrator's. Called at start, at reload
 * and for --check-config. */
#include "conf_node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct layer {
	const char *file; /* one file … */
	const char *dir;  /* … or the drop-ins of a directory */
};

static const struct layer system_layers[] = {
	{ .file = "/usr/share/stoa/stoa.yaml" }, { .dir = "/usr/share/stoa/conf.d" },
	{ .file = "/etc/stoa/stoa.yaml" },       { .dir = "/run/stoa/conf.d" },
	{ .dir = "/etc/stoa/conf.d" },
};
static const struct layer own_layers[] = { { .file = "/stoa.yaml" }, { .dir = "/conf.d" } };

struct loader {
	struct conf_tree *t;
	struct stoa_errors *e;
	const char *prefix; /* --root, or the directory of --config */
	const struct layer *layers;
	size_t layers_n;
};

int tree_keep_source(struct conf_tree *t, struct conf_source *s_take)
{
	struct conf_source **p = reallocarray(t->source, t->source_n + 1, sizeof(*p));

	if (!p) {
		source_free(s_take);
		return -ENOMEM;
	}
	t->source = p;
	s_take->order = (uint32_t)t->source_n;
	t->source[t->source_n++] = s_take;
	return 0;
}

static struct conf_file *note_file(struct conf_tree *t, const char *path,
				   enum conf_file_state state, const char *by)
{
	struct conf_file *p = reallocarray(t->file, t->file_n + 1, sizeof(*p));

	if (!p)
		return NULL;
	t->file = p;
	p += t->file_n;
	*p = (struct conf_file){ strdup(path), by ? strdup(by) : NULL, state };
	if (!p->path || (by && !p->by)) {
		free(p->path);
		free(p->by);
		return NULL;
	}
	t->file_n++;
	return p;
}

static int merge_source(struct loader *l, struct conf_source *s_take)
{
	struct conf_node *node = NULL;
	int r = tree_keep_source(l->t, s_take);

	if (r < 0)
		return r;
	r = conf_read(s_take, 0, false, l->e, &node);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		l->t->broken = true;
	if (!node)
		return 0;
	r = node_merge(l->t->top, node);
	if (r == -E2BIG) {
		errors_at(l->e, CONF_ERROR, &(struct conf_origin){ s_take, 1, 1 },
			  "with this file a map has more than %d keys", CONF_ENTRIES_MAX);
		r = 0;
	}
	return r;
}

/* A file that cannot be taken: place it at its beginning, so that editors can jump there. */
static int refuse_file(struct loader *l, const char *path, const char *why)
{
	struct conf_source *s = source_new(path, "", 0);
	int r;

	if (!s)
		return -ENOMEM;
	r = tree_keep_source(l->t, s);
	if (r < 0)
		return r;
	errors_at(l->e, CONF_ERROR, &(struct conf_origin){ s, 1, 1 }, "%s", why);
	l->t->broken = true;
	return 0;
}

static int refuse_open(struct loader *l, const char *path, int err)
{
	char why[256];

	snprintf(why, sizeof(why), "the file cannot be read: %s: %s", strerror(err),
		 err == ENOENT ? "check the path"
			       : "let the user that runs stoad read it (chmod, chown)");
	return refuse_file(l, path, why);
}

static int read_open_file(struct loader *l, const char *path, int fd, const struct stat *st)
{
	size_t want = (size_t)st->st_size, n = 0;
	struct conf_source *s;
	char *text;
	int r = 0;

	if (S_ISCHR(st->st_mode) || (S_ISREG(st->st_mode) && want == 0))
		return note_file(l->t, path, CONF_FILE_MASKED, NULL) ? 0 : -ENOMEM;
	if (!S_ISREG(st->st_mode))
		return refuse_file(l, path,
				   "not a regular file: remove it, or link it to /dev/null");
	if (want > CONF_FILE_MAX)
		return refuse_file(l, path, "the file is larger than 1 MiB: split it");
	text = malloc(want);
	if (!text)
		return -ENOMEM;
	while (n < want) {
		ssize_t got = read(fd, text + n, want - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			r = got < 0 ? -errno : 0;
			break;
		}
		n += (size_t)got;
	}
	s = r == 0 ? source_new(path, text, n) : NULL;
	free(text);
	if (r < 0)
		return refuse_open(l, path, -r);
	if (!s || !note_file(l->t, path, CONF_FILE_READ, NULL)) {
		source_free(s);
		return -ENOMEM;
	}
	r = merge_source(l, s);
	if (r == 0 && (st->st_mode & S_IWOTH))
		errors_at(l->e, CONF_WARNING, &(struct conf_origin){ s, 1, 1 },
			  "everybody may write this file: chmod o-w it");
	return r;
}

static int read_file(struct loader *l, const char *path, bool must_exist)
{
	int fd, r;
	struct stat st;

	if (l->t->file_n >= CONF_FILES_MAX)
		return refuse_file(l, path, "more than 512 files of configuration: join some");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		r = errno;
		if (!must_exist && (r == ENOENT || r == ENOTDIR))
			return 0;
		return refuse_open(l, path, r);
	}
	r = fstat(fd, &st) < 0 ? refuse_open(l, path, errno) : read_open_file(l, path, fd, &st);
	close(fd);
	return r;
}

static bool is_drop_in(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".json") == 0);
}

static int keep_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* Does a later directory hold a file of this name? Yields its path, yours to free. */
static int find_hiding(const struct loader *l, size_t layer, const char *name, char **ret_path)
{
	*ret_path = NULL;
	for (size_t i = l->layers_n; i-- > layer + 1;) {
		char *path;

		if (!l->layers[i].dir)
			continue;
		if (asprintf(&path, "%s%s/%s", l->prefix, l->layers[i].dir, name) < 0)
			return -ENOMEM;
		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
			*ret_path = path;
			return 0;
		}
		free(path);
	}
	return 0;
}

static int read_drop_in(struct loader *l, size_t layer, const char *dir, const char *name)
{
	char *path, *by = NULL;
	int r;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	r = find_hiding(l, layer, name, &by);
	if (r == 0 && !is_drop_in(name))
		r = note_file(l->t, path, CONF_FILE_IGNORED, NULL) ? 0 : -ENOMEM;
	else if (r == 0 && by)
		r = note_file(l->t, path, CONF_FILE_HIDDEN, by) ? 0 : -ENOMEM;
	else if (r == 0)
		r = read_file(l, path, true);
	free(by);
	free(path);
	return r;
}

static int read_dir(struct loader *l, size_t layer)
{
	struct dirent **names;
	char *dir;
	int n, r = 0;

	if (asprintf(&dir, "%s%s", l->prefix, l->layers[layer].dir) < 0)
		return -ENOMEM;
	n = scandir(dir, &names, keep_visible, NULL);
	if (n < 0) {
		r = errno == ENOENT || errno == ENOTDIR ? 0 : refuse_open(l, dir, errno);
		free(dir);
		return r;
	}
	/* Not alphasort(): its order depends on the locale. */
	for (int i = 1; i < n; i++) {
		struct dirent *e = names[i];
		int j = i;

		for (; j > 0 && strcmp(names[j - 1]->d_name, e->d_name) > 0; j--)
			names[j] = names[j - 1];
		names[j] = e;
	}
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = read_drop_in(l, layer, dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	free(dir);
	return r;
}

static int read_layers(struct loader *l)
{
	int r = 0;

	for (size_t i = 0; i < l->layers_n && r == 0; i++) {
		char *path;

		if (l->layers[i].dir) {
			r = read_dir(l, i);
			continue;
		}
		if (asprintf(&path, "%s%s", l->prefix, l->layers[i].file) < 0)
			return -ENOMEM;
		r = read_file(l, path, false);
		free(path);
	}
	return r;
}

/* --config FILE or DIR: nothing else is read. */
static int read_config(struct loader *l, const char *config)
{
	struct stat st;

	if (stat(config, &st) < 0)
		return refuse_open(l, config, errno);
	if (!S_ISDIR(st.st_mode))
		return read_file(l, config, true);
	l->prefix = config;
	l->layers = own_layers;
	l->layers_n = STOA_ARRAY_SIZE(own_layers);
	return read_layers(l);
}

static int load_all(struct loader *l, const struct conf_layers *c)
{
	struct conf_source *s;
	int r = 0;

	if (c->builtin) {
		s = source_new("<builtin>", c->builtin, strlen(c->builtin));
		r = s ? merge_source(l, s) : -ENOMEM;
	}
	if (r == 0 && c->config)
		r = read_config(l, c->config);
	else if (r == 0 && !(c->no_files && !c->root))
		r = read_layers(l);
	for (size_t i = 0; i < c->sets_n && r == 0; i++)
		r = set_read(c->sets[i], l->t, l->e);
	return r;
}

int conf_tree_load(const struct conf_layers *c, struct stoa_errors *e, struct conf_tree **ret_tree)
{
	stoa_auto(conf_tree_free) struct conf_tree *t = calloc(1, sizeof(*t));
	struct loader l = { t, e, "", system_layers, STOA_ARRAY_SIZE(system_layers) };
	int r;

	if (!t)
		return -ENOMEM;
	t->refs = 1;
	t->root = strdup(c->root && strcmp(c->root, "/") != 0 ? c->root : "");
	t->top = node_new(CONF_MAP, NULL);
	if (!t->root || !t->top)
		return -ENOMEM;
	l.prefix = t->root;
	r = load_all(&l, c);
	if (r < 0)
		return r;
	*ret_tree = stoa_take(t);
	return 0;
}

struct conf_tree *tree_ref(struct conf_tree *t)
{
	t->refs++;
	return t;
}

void conf_tree_free(struct conf_tree *t)
{
	if (!t || --t->refs)
		return;
	node_free(t->top);
	for (size_t i = 0; i < t->source_n; i++)
		source_free(t->source[i]);
	for (size_t i = 0; i < t->file_n; i++) {
		free(t->file[i].path);
		free(t->file[i].by);
	}
	free(t->source);
	free(t->file);
	free(t->root);
	free(t);
}
