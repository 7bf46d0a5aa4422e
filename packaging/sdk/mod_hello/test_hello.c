/* SPDX-License-Identifier: Apache-2.0 */
/* The module inside a host of the test's own: an event comes, a greeting goes. */
#include <stdio.h>
#include <stdlib.h>
#include <stoa/event.h>
#include <stoa/testing.h>

extern const struct stoa_mod_desc stoa_module;

static int failed;

#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			failed = 1;                                                                \
			fprintf(stderr, "%s:%d: false: %s\n", __FILE__, __LINE__, #cond);          \
		}                                                                                  \
	} while (0)

static void on_said(const struct stoa_event *ev, void *user)
{
	const char *to = json_string_value(json_object_get(ev->data, "to"));

	snprintf(user, 32, "%s", to ? to : "");
}

static bool was_said(void *user)
{
	return *(const char *)user != '\0';
}

int main(void)
{
	char said_to[32] = "";
	struct stoa_mod *m;
	json_t *answer;

	stoa_test_begin();
	m = stoa_test_add(&stoa_module);
	EXPECT(stoa_test_start("modules: { mod_hello: { load: yes, text: Farewell } }") == 0);
	EXPECT(stoa_event_listen(m, "hello.said", on_said, said_to) == 0);
	EXPECT(stoa_event_emit(m, "call.ended", json_pack("{s:s}", "callId", "c-1")) == 0);
	EXPECT(stoa_test_run_until(was_said, said_to, 2000));
	EXPECT(strcmp(said_to, "c-1") == 0);
	answer = stoa_test_control("hello --to Alice", 2000);
	EXPECT(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	stoa_test_end();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
