/* SPDX-License-Identifier: Apache-2.0 */
/* The layer below every file that `stoad --demo` runs with: every installed module but those that
 * need something outside, on ports of this machine. `config dump --origin` shows it as <builtin>. */
#include "conf_node.h"

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

static void add_options(const char *module, uint16_t port, const char *key_dir,
			struct stoa_buf *out)
{
	if (strcmp(module, "mod_http") == 0)
		stoa_buf_addf(out,
			      "    listeners:\n"
			      "      demo: {address: \"127.0.0.1:%u\"}\n",
			      port);
	else if (strcmp(module, "mod_sfu") == 0)
		stoa_buf_addf(out, "    port: %u\n", port + 2u);
	else if (strcmp(module, "mod_signaling") == 0) /* time enough to find a friend */
		stoa_buf_adds(out, "    ring-timeout: 10m\n");
	else if (strcmp(module, "mod_auth") == 0)
		stoa_buf_addf(out,
			      "    guests: yes\n"
			      "    guest-channels: [\"*\"]\n"
			      "    keys:\n"
			      "      demo: {secret: \"file:%s/user-tokens\"}\n"
			      "    api-keys:\n"
			      "      devkey: {secret: \"file:%s/devkey\"}\n",
			      key_dir, key_dir);
}

void conf_builtin_demo(const char *const *installed, size_t n, uint16_t port, const char *key_dir,
		       struct stoa_buf *out)
{
	stoa_buf_adds(out, "modules:\n");
	for (size_t i = 0; i < n; i++) {
		if (is_left_out(installed[i]))
			continue;
		stoa_buf_addf(out, "  %s:\n    load: yes\n", installed[i]);
		add_options(installed[i], port, key_dir, out);
	}
}
