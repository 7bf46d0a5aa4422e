/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_STOACTL_H
#define STOA_CORE_STOACTL_H

#include <jansson.h>
#include <stdbool.h>

/** Sends one request to the daemon at `path` and waits for its answer, a new reference. NULL: told
 *  on stderr. */
json_t *stoactl_ask(const char *path, int argc, char *const *argv);

/** Prints the data of an answer for people. */
void stoactl_print(json_t *data);

#endif
