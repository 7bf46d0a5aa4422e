/* SPDX-License-Identifier: Apache-2.0 */
/* The folder's side of migrations, for every driver. Pure but for the files it reads. */
#include "migrations.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1000
#define FILE_MAX  (1 << 20)

/* NNNN_words-and_words.sql; false: not one of ours (README.md, an editor's leavings). */
static bool parse_name(const char *name, uint32_t *ret_number)
{
	size_t n = strlen(name);

	if (n < 10 || n >= sizeof(((struct migration *)0)->name) ||
	    strcmp(name + n - 4, ".sql") != 0 || strspn(name, "0123456789") != 4 || name[4] != '_')
		return false;
	*ret_number = (uint32_t)strtoul(name, NULL, 10);
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct migration *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int read_file(const char *dir, struct migration *f)
{
	char path[4096];
	struct stat sb;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, f->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &sb) == 0 && sb.st_size <= FILE_MAX &&
	    (f->text = malloc((size_t)sb.st_size + 1)) != NULL)
		n = read(fd, f->text, (size_t)sb.st_size);
	close(fd);
	if (n < 0 || n != sb.st_size)
		return -EIO;
	f->text[n] = '\0';
	return 0;
}

static int sum_file(struct migration *f)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!EVP_Digest(f->text, strlen(f->text), sum, &n, EVP_sha256(), NULL))
		return -ENOMEM;
	stoa_hex_encode(sum, n, f->checksum);
	return 0;
}

static int add_file(struct migrations *all, const char *name, uint32_t number, struct stoa_buf *why)
{
	struct migration *f = &all->files[all->n];
	int err;

	if (all->n == FILES_MAX)
		return -E2BIG;
	all->n++;
	f->number = number;
	snprintf(f->name, sizeof(f->name), "%s", name);
	if ((err = read_file(all->dir, f)) || (err = sum_file(f)))
		stoa_buf_addf(why, "%s/%s: cannot be read: %s", all->dir, name, strerror(-err));
	return err;
}

static int check_numbers(const struct migrations *all, struct stoa_buf *why)
{
	for (uint32_t i = 0; i < all->n; i++) {
		if (all->files[i].number == i + 1)
			continue;
		stoa_buf_addf(why, "%s/%s: %04u is %s", all->dir, all->files[i].name, i + 1,
			      all->files[i].number <= i ? "there twice" : "missing before it");
		return -EINVAL;
	}
	if (!all->n) {
		stoa_buf_addf(why, "%s: no migration in it", all->dir);
		return -ENOENT;
	}
	return 0;
}

int migrations_read(const char *dir, struct migrations *ret_all, struct stoa_buf *why)
{
	struct migrations *all = ret_all;
	struct dirent *de;
	int err = 0;
	DIR *d;

	*all = (struct migrations){ .dir = dir };
	all->files = calloc(FILES_MAX + 1, sizeof(*all->files));
	if (!all->files)
		return -ENOMEM;
	d = opendir(dir);
	if (!d) {
		err = -errno;
		stoa_buf_addf(why, "%s: %s; set the option `migrations`", dir, strerror(-err));
		return err;
	}
	while (!err && (de = readdir(d)) != NULL) {
		uint32_t number;

		if (parse_name(de->d_name, &number))
			err = add_file(all, de->d_name, number, why);
	}
	closedir(d);
	if (err)
		return err;
	qsort(all->files, all->n, sizeof(*all->files), by_number);
	return check_numbers(all, why);
}

void migrations_free(struct migrations *all)
{
	for (uint32_t i = 0; i < all->n; i++)
		free(all->files[i].text);
	free(all->files);
	*all = (struct migrations){ 0 };
}

int migrations_compare(const struct migrations *all, uint32_t i, const char *name,
		       const char *checksum, struct stoa_buf *why)
{
	const struct migration *f = &all->files[i];

	if (i >= all->n) {
		stoa_buf_addf(why,
			      "the database is newer than this daemon: it has %s, %s ends with %s",
			      name, all->dir, all->files[all->n - 1].name);
		return -EINVAL;
	}
	if (strcmp(name, f->name) == 0 && strcmp(checksum, f->checksum) == 0)
		return 0;
	stoa_buf_addf(why,
		      "%s/%s: was changed after it was applied (as %s); put the file back and add "
		      "a new migration",
		      all->dir, f->name, name);
	return -EINVAL;
}

void migrations_complain(const struct migrations *all, const struct migration *f, const char *at,
			 const char *what, struct stoa_buf *why)
{
	int line = 1;

	for (const char *p = f->text; p < at && *p; p++)
		line += *p == '\n';
	stoa_buf_addf(why, "%s/%s:%d: %s", all->dir, f->name, line, what);
}
