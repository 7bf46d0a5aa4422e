/* SPDX-License-Identifier: Apache-2.0 */
/* The layer below every file that `stoad --demo` runs with: every installed module but those that
 * need something outside, on ports of this machine. `config dump --origin` shows it as <builtin>. */
#include "conf_node.h"

/* What a module needs for the demonstration beyond its defaults; %u is its port. */
static const struct {
	const char *module;
	unsigned port_offset;
	const char *options;
} settings[] = {
	{ "mod_http", 0, "" }, /* filled in as the modules' options settle */
};

/* These wait for a server of their own, or would be a second provider of one interface. */
static const char *const left_out[] = { "mod_storage_pg", "mod_store_s3", "mod_webhook" };

static bool is_left_out(const char *name)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(left_out); i++) {
		if (strcmp(left_out[i], name) == 0)
			return true;
	}
	return false;
}

void conf_builtin_demo(const char *const *installed, size_t n, uint16_t port, struct stoa_buf *out)
{
	(void)port;
	stoa_buf_adds(out, "modules:\n");
	for (size_t i = 0; i < n; i++) {
		if (is_left_out(installed[i]))
			continue;
		stoa_buf_addf(out, "  %s:\n    load: yes\n", installed[i]);
		for (size_t j = 0; j < STOA_ARRAY_SIZE(settings); j++) {
			if (strcmp(settings[j].module, installed[i]) == 0)
				stoa_buf_adds(out, settings[j].options);
		}
	}
}
