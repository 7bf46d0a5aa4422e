/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_DEMO_H
#define STOA_CORE_DEMO_H

#include <stoa/util.h>

#include "conf.h"

/** `stoad --demo`: makes the key files below `state_dir` (absolute) unless they are there, and the
 *  built-in layer that names them. host.installed is filled. What is wrong goes to `e`. */
int demo_prepare(const char *state_dir, uint16_t port, struct stoa_buf *ret_builtin,
		 struct stoa_errors *e);

#endif
