/* SPDX-License-Identifier: Apache-2.0 */
/* Control commands and the requests that run them, apart from where requests come from. A request
 * lives until it is answered; its asker may go before that. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <stoa/loop.h>
#include <stoa/util.h>

#include "control.h"

struct command {
	struct stoa_list link;
	struct stoa_mod *mod; /* NULL: the core */
	const char *name, *usage, *help;
	stoa_control_fn *fn;
	void *user;
};

struct stoa_control {
	struct stoa_list link;
	struct stoa_mod *mod;
	json_t *args;
	control_answer_fn *answer_fn; /* NULL: nobody waits */
	void *user;
	bool *is_answered; /* control_run()'s, while it is on the stack */
};

static struct stoa_list commands = STOA_LIST_INIT(commands);
static struct stoa_list requests = STOA_LIST_INIT(requests);

static struct command *find_command(struct stoa_str name)
{
	struct command *c;

	stoa_list_for_each (c, &commands, struct command, link) {
		if (stoa_str_is(name, c->name))
			return c;
	}
	return NULL;
}

/* Keeps the list in the order of names. */
static void insert_sorted(struct command *c)
{
	struct command *at;

	stoa_list_for_each (at, &commands, struct command, link) {
		if (strcmp(at->name, c->name) > 0)
			break;
	}
	stoa_list_append(&at->link, &c->link);
}

int stoa_control_add(struct stoa_mod *m, const char *command, const char *usage, const char *help,
		     stoa_control_fn *fn, void *user)
{
	struct command *c;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!command || !*command || !help || !*help ||
	    usage_parse(usage, NULL, 0, NULL, NULL) < 0) {
		stoa_log(m, STOA_LOG_ERROR,
			 "control command %s: its usage \"%s\" does not parse or its help is "
			 "missing",
			 command ? command : "", usage);
		return -EINVAL;
	}
	if (find_command(stoa_str(command)))
		return -EEXIST;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct command){
		.mod = m, .name = command, .usage = usage, .help = help, .fn = fn, .user = user
	};
	insert_sorted(c);
	return 0;
}

/* ---- what a command sees ---- */

const char *stoa_control_arg_at(const struct stoa_control *rq, const char *name, size_t i)
{
	return json_string_value(json_array_get(json_object_get(rq->args, name), i));
}

const char *stoa_control_arg(const struct stoa_control *rq, const char *name)
{
	return stoa_control_arg_at(rq, name, 0);
}

bool stoa_control_has(const struct stoa_control *rq, const char *name)
{
	return json_object_get(rq->args, name) != NULL;
}

static void finish(struct stoa_control *rq, json_t *answer_take)
{
	stoa_list_unlink(&rq->link);
	if (rq->is_answered)
		*rq->is_answered = true;
	if (rq->answer_fn)
		rq->answer_fn(answer_take, rq->user);
	json_decref(answer_take);
	json_decref(rq->args);
	free(rq);
}

void stoa_control_reply(struct stoa_control *rq, json_t *data_take)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	finish(rq, json_pack("{s:b, s:o?}", "ok", 1, "data", data_take));
}

static json_t *refusal(const char *code, const char *message)
{
	json_t *text = json_string(message);

	return json_pack("{s:b, s:s, s:o}", "ok", 0, "error", code, "message",
			 text ? text : json_string("the message is not valid UTF-8"));
}

void stoa_control_fail(struct stoa_control *rq, const char *code, const char *fmt, ...)
{
	char message[512];
	va_list ap;

	stoa_assert_thread(STOA_THREAD_CTL);
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	finish(rq, refusal(code, message));
}

/* ---- running ---- */

/* A command is one word or two; two are tried first. */
static struct command *match(const char *const *words, size_t n, size_t *ret_used)
{
	struct command *c;
	char two[128];

	if (n >= 2) {
		int len = snprintf(two, sizeof(two), "%s %s", words[0], words[1]);

		*ret_used = 2;
		if (len > 0 && (size_t)len < sizeof(two) && (c = find_command(stoa_str(two))))
			return c;
	}
	*ret_used = 1;
	return n ? find_command(stoa_str(words[0])) : NULL;
}

static void refuse(control_answer_fn *answer_fn, void *user, const char *code, struct stoa_buf *why)
{
	json_t *answer = refusal(code, why->p ? why->p : "out of memory");

	answer_fn(answer, user);
	json_decref(answer);
	stoa_buf_free(why);
}

struct stoa_control *control_run(const char *const *words, size_t n, control_answer_fn *answer_fn,
				 void *user)
{
	struct stoa_buf why = { 0 };
	bool is_answered = false;
	struct stoa_control *rq;
	struct command *c;
	size_t used;
	json_t *args;

	c = match(words, n, &used);
	if (!c) {
		stoa_buf_addf(&why, "there is no command \"%s%s%s\"; `stoactl help` lists them",
			      n ? words[0] : "", n > 1 ? " " : "", n > 1 ? words[1] : "");
		refuse(answer_fn, user, "unknown_command", &why);
		return NULL;
	}
	if (usage_parse(c->usage, words + used, n - used, &args, &why) < 0) {
		stoa_buf_addf(&why, "; usage: stoactl %s %s", c->name, c->usage);
		refuse(answer_fn, user, "usage", &why);
		return NULL;
	}
	rq = calloc(1, sizeof(*rq));
	if (!rq) {
		json_decref(args);
		refuse(answer_fn, user, "out_of_memory", &why);
		return NULL;
	}
	*rq = (struct stoa_control){ .mod = c->mod,
				     .args = args,
				     .answer_fn = answer_fn,
				     .user = user,
				     .is_answered = &is_answered };
	stoa_list_append(&requests, &rq->link);
	c->fn(rq, c->user);
	if (is_answered)
		return NULL;
	rq->is_answered = NULL;
	return rq;
}

void control_abandon(struct stoa_control *rq)
{
	if (rq)
		rq->answer_fn = NULL;
}

void control_withdraw(const struct stoa_mod *m)
{
	struct command *c, *next;

	stoa_list_for_each_safe (c, next, &commands, struct command, link) {
		if (c->mod != m)
			continue;
		stoa_list_unlink(&c->link);
		free(c);
	}
}

void control_remove_of(const struct stoa_mod *m)
{
	struct stoa_control *rq, *next;

	control_withdraw(m); /* first: a refused asker's next line may run at once */
	stoa_list_for_each_safe (rq, next, &requests, struct stoa_control, link) {
		if (rq->mod == m)
			stoa_control_fail(rq, "stopping", "the module is being stopped");
	}
}

void control_reset(void)
{
	control_remove_of(NULL);
}

json_t *control_list(void)
{
	json_t *list = json_array();
	struct command *c;

	stoa_list_for_each (c, &commands, struct command, link)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "command", c->name,
						      "usage", c->usage, "help", c->help, "owner",
						      c->mod ? c->mod->desc.name : "core"));
	return list;
}

/* ---- request lines ---- */

json_t *control_parse_line(const char *line, size_t n, const char **words, size_t *ret_n)
{
	json_t *root, *argv, *word;
	size_t i;

	if (n > CONTROL_LINE_MAX)
		return NULL;
	root = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	argv = json_object_get(root, "argv");
	if (!json_is_array(argv) || json_array_size(argv) > CONTROL_WORDS_MAX)
		goto refuse;
	json_array_foreach(argv, i, word)
	{
		words[i] = json_string_value(word);
		if (!words[i])
			goto refuse;
	}
	*ret_n = json_array_size(argv);
	return root;
refuse:
	json_decref(root);
	return NULL;
}
