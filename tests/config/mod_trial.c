/* SPDX-License-Identifier: Apache-2.0 */
/* mod_trial: an option of every type, a check across options, and a socket. The modules that the
 * mistakes are made in are built from this file alone, so that they stay the same when the real
 * modules' options change. */
#include <stoa/loop.h>
#include <stoa/module.h>

#include <unistd.h>

static const char *const modes[] = { "fast", "slow", "ladder", NULL };

static const struct stoa_opt rendition_options[] = {
	{ .key = "height",
	  .type = STOA_OPT_INT,
	  .dflt = "720",
	  .min = 1,
	  .max = 4320,
	  .doc = "Lines of the picture." },
	{ .key = "bitrate", .type = STOA_OPT_RATE, .dflt = "2M", .doc = "Bits per second." },
	STOA_OPT_END
};

static const struct stoa_opt trial_options[] = {
	{ .key = "listen", .type = STOA_OPT_ADDRESS, .doc = "Where to listen; unset: nowhere." },
	{ .key = "idle-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "30s",
	  .min = 1000,
	  .max = 600000,
	  .was = "timeout",
	  .doc = "How long a connection may be silent." },
	{ .key = "cache", .type = STOA_OPT_SIZE, .dflt = "64K", .doc = "Bytes of the cache." },
	{ .key = "bandwidth", .type = STOA_OPT_RATE, .dflt = "2M", .doc = "The most to send." },
	{ .key = "workers",
	  .type = STOA_OPT_INT,
	  .dflt = "2",
	  .min = 1,
	  .max = 64,
	  .doc = "Threads at work." },
	{ .key = "title",
	  .type = STOA_OPT_STRING,
	  .dflt = "Trial",
	  .min = 1,
	  .max = 16,
	  .doc = "What it is called." },
	{ .key = "mode",
	  .type = STOA_OPT_ENUM,
	  .choices = modes,
	  .dflt = "fast",
	  .doc = "How it works; ladder wants renditions." },
	{ .key = "encrypted", .type = STOA_OPT_BOOL, .dflt = "no", .doc = "Whether it is." },
	{ .key = "folder", .type = STOA_OPT_PATH, .dflt = "trial", .doc = "Where files are." },
	{ .key = "key", .type = STOA_OPT_SECRET, .doc = "The secret." },
	{ .key = "origins", .type = STOA_OPT_LIST, .doc = "Who may ask." },
	{ .key = "renditions",
	  .type = STOA_OPT_MAP,
	  .item = rendition_options,
	  .doc = "The ladder." },
	STOA_OPT_END
};

struct trial {
	struct stoa_listener *listener;
};

static int trial_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	(void)m;
	if (strcmp(stoa_conf_string(c, "mode"), "ladder") == 0 &&
	    stoa_conf_map_len(c, "renditions") == 0)
		stoa_errors_add(e, c, "mode",
				"`mode`: ladder needs `renditions`: add one, or set mode: fast");
	return 0;
}

static void on_accept(int fd, const struct sockaddr *peer, unsigned peer_len, void *user)
{
	(void)peer;
	(void)peer_len;
	(void)user;
	close(fd);
}

static int trial_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct trial *t = stoa_mod_ctx(m);
	const char *address = stoa_conf_string(c, "listen");
	int r = *address ? stoa_listen(m, address, on_accept, t, &t->listener) : 0;

	if (r < 0)
		stoa_errors_add(NULL, c, "listen",
				"`listen`: cannot listen on %s: %s; choose another port, or stop "
				"who has it",
				address, strerror(-r));
	return r;
}

static void trial_stop(struct stoa_mod *m)
{
	struct trial *t = stoa_mod_ctx(m);

	stoa_listener_free(t->listener);
	t->listener = NULL;
}

static const struct stoa_mod_ops trial_ops = {
	.size = sizeof(trial_ops),
	.check = trial_check,
	.start = trial_start,
	.stop = trial_stop,
};

STOA_MODULE(mod_trial, .version = "1.0.0", .summary = "Has an option of every type.",
	    .provides = STOA_NAMES("trial/0"), .ctx_size = sizeof(struct trial),
	    .options = trial_options, .ops = &trial_ops);
