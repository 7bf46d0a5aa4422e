/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_PRINT_H
#define STOA_CORE_PRINT_H

#include "args.h"

/** --print-sample, --print-man, --print-schema, --help-module: to stdout. Returns the exit code. */
int print_run(const struct args *a);

#endif
