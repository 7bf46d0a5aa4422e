/* SPDX-License-Identifier: Apache-2.0 */
/* The host inside a test program: the real one, with modules handed in instead of opened. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <stoa/loop.h>
#include <stoa/testing.h>
#include <stoa/util.h>

#include "control.h"
#include "event.h"
#include "host.h"
#include "iface.h"
#include "loop.h"
#include "metric.h"
#include "self.h"

#define PROVIDED_MAX 16
#define WORDS_MAX    32

static struct {
	const char *names[2]; /* `provides` of a module that stands for the test */
	struct stoa_mod_desc desc;
	const void *ops;
	void *self;
} provided[PROVIDED_MAX];
static size_t n_provided;
static char *yaml_in_use;

void stoa_test_begin(void)
{
	if (loop_init_ctl() < 0 || control_add_core() < 0)
		abort();
	self_declare();
	host.module_dir = NULL;
	host.phase = HOST_STARTING;
	host.started_ms = stoa_now_ms();
	n_provided = 0;
}

static void print_errors(const struct stoa_errors *e)
{
	struct stoa_buf text = { 0 };

	errors_print(e, &text);
	fputs(text.p ? text.p : "", stderr);
	stoa_buf_free(&text);
}

struct stoa_mod *stoa_test_add(const struct stoa_mod_desc *desc)
{
	struct stoa_buf why = { 0 };
	struct stoa_mod *m;
	int r = mod_new(desc, NULL, &why, &m);

	if (r == 0)
		r = host_add(m);
	if (r < 0)
		fprintf(stderr, "%s\n", why.p ? why.p : strerror(-r));
	stoa_buf_free(&why);
	return r < 0 ? NULL : m;
}

void stoa_test_provide(const char *iface, const void *ops, void *self)
{
	static char names[PROVIDED_MAX][24];
	size_t i = n_provided++;

	if (i >= PROVIDED_MAX)
		abort();
	snprintf(names[i], sizeof(names[i]), "mod_test_%zu", i);
	provided[i].names[0] = iface;
	provided[i].desc = (struct stoa_mod_desc){
		.abi_major = STOA_ABI_MAJOR,
		.abi_minor = STOA_ABI_MINOR,
		.size = sizeof(struct stoa_mod_desc),
		.opt_size = sizeof(struct stoa_opt),
		.name = names[i],
		.version = "1.0.0",
		.summary = "Provided by the test.",
		.provides = provided[i].names,
	};
	provided[i].ops = ops;
	provided[i].self = self;
	if (!stoa_test_add(&provided[i].desc))
		abort();
}

/* Every module that was added counts as named, whether or not the text names it. */
static int write_yaml(const char *yaml)
{
	struct stoa_buf b = { 0 };

	if (yaml) {
		stoa_buf_adds(&b, yaml);
	} else {
		stoa_buf_adds(&b, "modules:\n");
		for (size_t i = 0; i < host.n_mods; i++)
			stoa_buf_addf(&b, "  %s: { load: yes }\n", host.mods[i]->desc.name);
	}
	stoa_buf_adds(&b, "\n");
	if (b.failed)
		return -ENOMEM;
	free(yaml_in_use);
	yaml_in_use = b.p;
	host.layers = (struct conf_layers){ .builtin = yaml_in_use, .no_files = true };
	return 0;
}

static int publish_provided(void)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_provided; i++)
		r = stoa_iface_publish(host_find(provided[i].desc.name), provided[i].names[0],
				       provided[i].ops, provided[i].self);
	return r;
}

int stoa_test_start(const char *yaml)
{
	stoa_auto(errors_free) struct stoa_errors *e = errors_new();
	int r;

	if (!e || write_yaml(yaml) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n_provided; i++)
		host_find(provided[i].desc.name)->is_named = true;
	r = publish_provided();
	if (r == 0)
		r = host_prepare(e);
	print_errors(e);
	if (r < 0)
		return r;
	if (errors_count(e))
		return -EINVAL;
	if (*stoa_conf_string(conf_section(host.conf, "core"), "state-dir") &&
	    stoa_conf_is_set(conf_section(host.conf, "core"), "state-dir"))
		r = conf_use_state_dir(host.conf, e);
	if (r == 0)
		r = host_start(e);
	print_errors(e);
	for (size_t i = 0; r == 0 && i < host.n_mods; i++) {
		if (host.mods[i]->is_named && host.mods[i]->state == MOD_OUT)
			r = -ECANCELED;
	}
	return errors_count(e) ? -EINVAL : r;
}

int stoa_test_reload(const char *yaml)
{
	stoa_auto(errors_free) struct stoa_errors *e = errors_new();
	char *old = yaml_in_use;
	int r;

	yaml_in_use = NULL;
	if (!e || write_yaml(yaml) < 0)
		return -ENOMEM;
	r = host_reload(e);
	print_errors(e);
	free(old);
	return r;
}

void stoa_test_drain(uint64_t deadline_ms)
{
	host_drain(deadline_ms, false);
}

bool stoa_test_run_until(stoa_test_fn *is_done_fn, void *user, uint64_t ms)
{
	uint64_t until = stoa_now_ms() + ms;

	if (!is_done_fn) {
		while (atomic_load(&stoa_ctl()->inbox))
			loop_turn_ctl(0);
		return true;
	}
	while (!is_done_fn(user)) {
		if (stoa_now_ms() >= until)
			return false;
		loop_turn_ctl(2);
	}
	return true;
}

static void keep_answer(const json_t *answer, void *user)
{
	*(json_t **)user = json_deep_copy(answer);
}

static bool has_answer(void *user)
{
	return *(json_t **)user != NULL;
}

json_t *stoa_test_control(const char *line, uint64_t ms)
{
	char *copy = strdup(line), *rest = copy, *word;
	const char *words[WORDS_MAX];
	struct stoa_control *rq;
	json_t *answer = NULL;
	size_t n = 0;

	while ((word = strsep(&rest, " ")) && n < WORDS_MAX) {
		if (*word)
			words[n++] = word;
	}
	rq = control_run(words, n, keep_answer, &answer);
	if (!stoa_test_run_until(has_answer, &answer, ms))
		control_abandon(rq);
	free(copy);
	return answer;
}

void stoa_test_end(void)
{
	host_stop();
	control_reset();
	work_stop();
	loop_free_all();
	metric_reset();
	free(yaml_in_use);
	yaml_in_use = NULL;
}
