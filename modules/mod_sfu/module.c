/* SPDX-License-Identifier: Apache-2.0 */
/* mod_sfu: rooms, participants and tracks behind the `sfu` interface, and the media plane that
 * forwards what they send. The model (ctl) and the workers (med) meet in plane.c. */
#include "metrics.h"
#include "plane.h"

#include <errno.h>
#include <stoa/conf.h>
#include <stoa/module.h>

#define TICK_MS 1000

static const struct stoa_opt sfu_options[] = {
	{ .key = "port",
	  .type = STOA_OPT_INT,
	  .dflt = "7882",
	  .min = 1,
	  .max = 65535,
	  .doc = "UDP port of the first media worker; each further worker has the next one." },
	{ .key = "workers",
	  .type = STOA_OPT_INT,
	  .dflt = "0",
	  .max = WORKERS_MAX,
	  .doc = "Media threads; 0 is as core.med-threads says." },
	{ .key = "bind",
	  .type = STOA_OPT_LIST,
	  .doc = "Local IPv4 and IPv6 addresses to receive media on; none: those of every "
		 "interface that is up." },
	{ .key = "announce",
	  .type = STOA_OPT_LIST,
	  .doc = "Addresses that clients are told instead, behind a NAT with the same ports." },
	{ .key = "socket-buffer",
	  .type = STOA_OPT_SIZE,
	  .dflt = "4M",
	  .min = 65536,
	  .max = 1073741824,
	  .doc = "Send and receive buffer asked for each socket; the kernel's rmem_max and "
		 "wmem_max cap it." },
	{ .key = "max-rooms",
	  .type = STOA_OPT_INT,
	  .dflt = "10000",
	  .min = 1,
	  .max = 1000000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Rooms at a time; opening more is refused." },
	{ .key = "max-participants",
	  .type = STOA_OPT_INT,
	  .dflt = "4096",
	  .min = 1,
	  .max = 100000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Participants in one room, whatever the room itself allows." },
	{ .key = "empty-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "5m",
	  .min = 1000,
	  .max = 86400000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "A room that nobody joined is closed after this, unless it says otherwise." },
	{ .key = "departure-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "20s",
	  .min = 1000,
	  .max = 86400000,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "A room is closed this long after the last has left, unless it says otherwise." },
	STOA_OPT_END
};

struct sfu {
	struct model *model;
	struct media_plane *plane;
	struct stoa_timer *timer;
	struct stoa_mod *mod;
	bool is_draining;
};

static int sfu_load(struct stoa_mod *m)
{
	struct sfu *s = stoa_mod_ctx(m);
	int err;

	s->mod = m;
	metrics_declare(m);
	if ((err = model_new(m, &s->model)))
		return err;
	return stoa_iface_publish(m, STOA_SFU, &model_ops, s->model);
}

static void check_addresses(const struct stoa_conf *c, const char *key, struct stoa_errors *e)
{
	size_t n = stoa_conf_list_len(c, key);
	struct address a;

	if (n > NET_ADDRESSES_MAX)
		stoa_errors_add(e, c, key, "at most %d addresses", NET_ADDRESSES_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *text = stoa_conf_list_get(c, key, i);

		if (net_parse_address(text, &a) || net_is_wildcard(&a))
			stoa_errors_add(e, c, key,
					"\"%s\" is not the IPv4 or IPv6 address of one interface, "
					"such as 192.0.2.1 or 2001:db8::1; leave `%s` out to use "
					"those of all interfaces",
					text, key);
	}
}

static int sfu_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	int64_t workers = stoa_conf_int(c, "workers");

	(void)m;
	check_addresses(c, "bind", e);
	check_addresses(c, "announce", e);
	if (stoa_conf_int(c, "port") + (workers ? workers : 1) - 1 > 65535)
		stoa_errors_add(e, c, "port",
				"the ports of %d workers end beyond 65535; take a "
				"lower `port`",
				(int)workers);
	return 0;
}

static void configure(struct sfu *s, const struct stoa_conf *c)
{
	struct model_settings set = {
		.max_rooms = (uint32_t)stoa_conf_int(c, "max-rooms"),
		.max_participants = (uint32_t)stoa_conf_int(c, "max-participants"),
		.empty_timeout_s = (uint32_t)(stoa_conf_duration_ms(c, "empty-timeout") / 1000),
		.departure_timeout_s =
			(uint32_t)(stoa_conf_duration_ms(c, "departure-timeout") / 1000),
	};

	model_configure(s->model, &set);
}

static void on_tick(void *user)
{
	struct sfu *s = user;

	model_tick(s->model);
	if (s->is_draining && model_is_idle(s->model))
		stoa_mod_drained(s->mod);
	stoa_timer_set(s->timer, TICK_MS);
}

static int sfu_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct sfu *s = stoa_mod_ctx(m);
	struct plane_settings set = {
		.mod = m,
		.model = s->model,
		.workers = (uint32_t)stoa_conf_int(c, "workers"),
		.port = (uint16_t)stoa_conf_int(c, "port"),
		.buffer = (int)stoa_conf_size(c, "socket-buffer"),
		.conf = c,
	};
	int err;

	configure(s, c);
	if (!(s->timer = stoa_timer_new(m, on_tick, s)))
		return -ENOMEM;
	if ((err = plane_start(&set, &s->plane))) {
		stoa_timer_free(s->timer);
		s->timer = NULL;
		return err;
	}
	stoa_timer_set(s->timer, TICK_MS);
	return 0;
}

static int sfu_reload(struct stoa_mod *m, const struct stoa_conf *c)
{
	configure(stoa_mod_ctx(m), c);
	return 0;
}

static void sfu_drain(struct stoa_mod *m, uint64_t deadline_ms)
{
	struct sfu *s = stoa_mod_ctx(m);

	(void)deadline_ms;
	s->is_draining = true;
	model_drain(s->model);
	if (model_is_idle(s->model))
		stoa_mod_drained(m);
}

static void sfu_stop(struct stoa_mod *m)
{
	struct sfu *s = stoa_mod_ctx(m);

	stoa_timer_free(s->timer);
	s->timer = NULL;
	plane_stop(s->plane);
	s->plane = NULL;
}

static void sfu_unload(struct stoa_mod *m)
{
	struct sfu *s = stoa_mod_ctx(m);

	model_free(s->model);
	s->model = NULL;
}

static const struct stoa_mod_ops sfu_ops = {
	.size = sizeof(sfu_ops),
	.load = sfu_load,
	.check = sfu_check,
	.start = sfu_start,
	.reload = sfu_reload,
	.drain = sfu_drain,
	.stop = sfu_stop,
	.unload = sfu_unload,
};

STOA_MODULE(mod_sfu, .version = "0.1.0", .summary = "Rooms, participants, tracks, forwarding.",
	    .provides = STOA_NAMES(STOA_SFU), .ctx_size = sizeof(struct sfu),
	    .options = sfu_options, .ops = &sfu_ops);
