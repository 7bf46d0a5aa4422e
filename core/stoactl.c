/* SPDX-License-Identifier: Apache-2.0 */
/* stoactl: talks to a running stoad. It knows no commands: it hands over the words, and the daemon
 * and its modules know what they mean. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stoactl.h"

#define DEFAULT_SOCKET "/run/stoa/control"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

static const char usage[] =
	"Usage: stoactl [--socket PATH | --state DIR] [--json] COMMAND [ARGUMENT]...\n"
	"  --socket PATH  the control socket; default $STOA_CONTROL or " DEFAULT_SOCKET "\n"
	"  --state DIR    the control socket of a stoad that runs with --state DIR\n"
	"  --json         print the answer as JSON\n"
	"Commands are the daemon's: stoactl help lists them.\n"
	"Exit status: 0 done, 1 refused, 2 wrong usage, 3 no daemon.\n";

struct ctl_args {
	char socket[PATH_MAX];
	bool is_json;
	char **words;
	int n;
};

/* Own options stand before the command; --json anywhere. */
static int parse(int argc, char **argv, struct ctl_args *a)
{
	const char *env = getenv("STOA_CONTROL");
	int i;

	snprintf(a->socket, sizeof(a->socket), "%s", env && *env ? env : DEFAULT_SOCKET);
	for (i = 1; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		bool has_value = i + 1 < argc;

		if (strcmp(argv[i], "--json") == 0)
			a->is_json = true;
		else if (strcmp(argv[i], "--socket") == 0 && has_value)
			snprintf(a->socket, sizeof(a->socket), "%s", argv[++i]);
		else if (strcmp(argv[i], "--state") == 0 && has_value)
			snprintf(a->socket, sizeof(a->socket), "%s/control", argv[++i]);
		else
			return -1;
	}
	a->words = argv + i;
	for (; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			a->is_json = true;
		else
			a->words[a->n++] = argv[i];
	}
	return a->n ? 0 : -1;
}

static int show(const struct ctl_args *a, json_t *answer)
{
	json_t *data = json_object_get(answer, "data");
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *message = json_string_value(json_object_get(answer, "message"));
	bool is_ok = json_is_true(json_object_get(answer, "ok"));

	if (a->is_json) {
		json_t *shown = is_ok && data ? data : answer;

		json_dumpf(shown, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
		putchar('\n');
	} else if (is_ok) {
		stoactl_print(data);
	} else {
		fprintf(stderr, "stoactl: %s\n", message ? message : "refused");
	}
	if (is_ok)
		return EXIT_SUCCESS;
	return error && (!strcmp(error, "usage") || !strcmp(error, "unknown_command"))
		       ? EXIT_USAGE
		       : EXIT_REFUSED;
}

int main(int argc, char **argv)
{
	struct ctl_args a = { .is_json = false };
	json_t *answer;
	int status;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("stoactl " STOA_VERSION);
		return EXIT_SUCCESS;
	}
	if (parse(argc, argv, &a) < 0) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	answer = stoactl_ask(a.socket, a.n, a.words);
	if (!answer)
		return EXIT_UNREACHABLE;
	status = show(&a, answer);
	json_decref(answer);
	return status;
}
