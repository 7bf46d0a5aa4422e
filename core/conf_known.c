/* SPDX-License-Identifier: Apache-2.0 */
/* Which package brings which module of this project, so that "not installed" can name the remedy.
 * Third-party modules are not in it. */
#include "conf.h"

static const struct {
	const char *module, *package;
} packages[] = {
	{ "mod_analytics", "stoa-mod-analytics" },
	{ "mod_auth", "stoa" },
	{ "mod_hls", "stoa-mod-hls" },
	{ "mod_http", "stoa" },
	{ "mod_livekit", "stoa" },
	{ "mod_lua", "stoa-mod-lua" },
	{ "mod_metrics", "stoa" },
	{ "mod_realtime", "stoa-mod-realtime" },
	{ "mod_recording", "stoa-mod-recording" },
	{ "mod_rtmp", "stoa-mod-rtmp" },
	{ "mod_screenshare", "stoa" },
	{ "mod_sfu", "stoa" },
	{ "mod_signaling", "stoa" },
	{ "mod_storage_pg", "stoa-mod-storage-pg" },
	{ "mod_storage_sqlite", "stoa-mod-storage-sqlite" },
	{ "mod_store_fs", "stoa-mod-recording" },
	{ "mod_store_s3", "stoa-mod-store-s3" },
	{ "mod_stream_chat", "stoa-mod-chat" },
	{ "mod_streams", "stoa" },
	{ "mod_transcode", "stoa-mod-transcode" },
	{ "mod_web", "stoa-web" },
	{ "mod_webhook", "stoa-mod-webhook" },
	{ "mod_whip", "stoa-mod-whip" },
};

const char *conf_module_package(const char *name)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(packages); i++) {
		if (strcmp(packages[i].module, name) == 0)
			return packages[i].package;
	}
	return NULL;
}
