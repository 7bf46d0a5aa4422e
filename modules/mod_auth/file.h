/* SPDX-License-Identifier: Apache-2.0 */
/* Small files of the state directory that are read and replaced as a whole. */
#ifndef MOD_AUTH_FILE_H
#define MOD_AUTH_FILE_H

#include <stoa/util.h>

/** Replaces the file atomically and durably (write, sync, rename, sync of the directory), mode
 *  0600. On an error the old one stays. Thread: blk. */
int file_save(const char *path, const char *text, size_t n);

/** Appends the whole file. -ENOENT, -EFBIG: more than `max` bytes, -ENOMEM, errors of reading. */
int file_load(const char *path, size_t max, struct stoa_buf *out);

#endif
