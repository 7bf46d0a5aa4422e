/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_ARGS_H
#define STOA_CORE_ARGS_H

#include <stoa/base.h>

#define ARGS_SETS_MAX 64

enum args_mode {
	MODE_RUN,
	MODE_CHECK,   /* --check-config          */
	MODE_SAMPLE,  /* --print-sample MODULE   */
	MODE_MAN,     /* --print-man MODULE      */
	MODE_OPTIONS, /* --help-module MODULE   */
	MODE_SCHEMA,  /* --print-schema          */
	MODE_VERSION,
	MODE_HELP,
};

struct args {
	enum args_mode mode;
	const char *module; /* of the modes that name one */
	const char *root, *config, *module_dir, *state;
	const char *sets[ARGS_SETS_MAX + 2]; /* --state adds two */
	size_t n_sets;
	bool is_demo;
	uint16_t port; /* --demo: HTTP */
};

/** Reads the command line; -EINVAL, told on stderr. */
int args_parse(int argc, char **argv, struct args *ret);
void args_print_help(void);
/** Where modules are without --module-dir. */
const char *args_default_module_dir(void);

#endif
