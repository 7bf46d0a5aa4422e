/* SPDX-License-Identifier: Apache-2.0 */
/* mod_hello: greets every call that ends. The smallest complete module: one option, one event that
 * it hears, one that it emits, one metric, one command. Copy the folder to begin a new module. */
#include <stoa/control.h>
#include <stoa/event.h>
#include <stoa/metric.h>
#include <stoa/module.h>

static const struct stoa_opt hello_options[] = { { .key = "text",
						   .type = STOA_OPT_STRING,
						   .dflt = "Goodbye",
						   .min = 1,
						   .max = 200,
						   .flags = STOA_OPT_RELOADABLE,
						   .doc = "What is said when a call has ended." },
						 STOA_OPT_END };

struct hello {            /* the module's context: made zeroed and freed by the host */
	const char *text; /* borrowed from the configuration in force */
	stoa_metric greetings;
};

static void greet(struct stoa_mod *m, const char *whom)
{
	const struct hello *h = stoa_mod_ctx(m);

	stoa_metric_add(h->greetings, 1);
	stoa_log(m, STOA_LOG_INFO, "%s, %s", h->text, whom);
	stoa_event_emit(m, "hello.said", json_pack("{s:s, s:s}", "text", h->text, "to", whom));
}

/* call.ended: see docs/events.md for its body. */
static void on_call_ended(const struct stoa_event *ev, void *user)
{
	const char *id = json_string_value(json_object_get(ev->data, "callId"));

	greet(user, id ? id : "call");
}

/* stoactl hello --to NAME */
static void on_command(struct stoa_control *rq, void *user)
{
	const struct hello *h = stoa_mod_ctx(user);

	greet(user, stoa_control_arg(rq, "to"));
	stoa_control_reply(rq, json_pack("{s:s}", "said", h->text));
}

/* ---- life cycle ---- */

static int hello_reload(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct hello *h = stoa_mod_ctx(m);

	h->text = stoa_conf_string(c, "text");
	return 0;
}

static int hello_start(struct stoa_mod *m, const struct stoa_conf *c)
{
	struct hello *h = stoa_mod_ctx(m);
	int r = hello_reload(m, c);

	h->greetings = stoa_metric_counter(m, "greetings_total", NULL, "Greetings said.");
	if (r == 0)
		r = stoa_event_listen(m, "call.ended", on_call_ended, m);
	if (r == 0)
		r = stoa_control_add(m, "hello", "--to NAME", "Greets somebody.", on_command, m);
	return r; /* what was added is removed by the host, also when this fails */
}

static const struct stoa_mod_ops hello_ops = {
	.size = sizeof(hello_ops),
	.start = hello_start,
	.reload = hello_reload,
};

STOA_MODULE(mod_hello, .version = "1.0.0", .summary = "Greets every call that ends.",
	    .ctx_size = sizeof(struct hello), .options = hello_options, .ops = &hello_ops);
