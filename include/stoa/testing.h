/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_TESTING_H
#define STOA_TESTING_H

#include <jansson.h>
#include <stoa/module.h>

/*
 * For unit tests of modules: a host inside the test program. The test links the module's objects,
 * hands in their descriptor and a piece of configuration, and gets the real loop, hooks, events and
 * interfaces; what the module needs from others it provides itself. Not for use in a daemon.
 *
 *   stoa_test_begin();
 *   stoa_test_provide("http/0", &fake_http_ops, &fake);
 *   m = stoa_test_add(&stoa_module);
 *   CHECK_INT(stoa_test_start("modules: { mod_x: { load: yes, text: hello } }"), 0);
 *   CHECK(stoa_test_run_until(is_done, &state, 2000));
 *   stoa_test_end();
 *
 * Thread: the one that called stoa_test_begin(), which is ctl until stoa_test_end().
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

/** Makes the calling thread ctl, with an empty host. Aborts when out of memory. */
STOA_EXPORT void stoa_test_begin(void);
/** Adds a module; NULL (told on stderr) when the descriptor is refused. Before start. */
STOA_EXPORT struct stoa_mod *stoa_test_add(const struct stoa_mod_desc *desc);
/** Provides an interface as if a module did ("http/0"). Before start; strings are borrowed. */
STOA_EXPORT void stoa_test_provide(const char *iface, const void *ops, void *self);
/** Reads the configuration text (NULL: every added module with its defaults), loads, checks and
 *  starts. `core.state-dir` should be set by tests that use it. -EINVAL: mistakes, told on stderr;
 *  -ECANCELED: a module did not load or start. */
STOA_EXPORT int stoa_test_start(const char *yaml);
/** As SIGHUP would, with this text. -EINVAL: refused, nothing was changed. */
STOA_EXPORT int stoa_test_reload(const char *yaml);
/** Tells every module to drain, as SIGTERM would. */
STOA_EXPORT void stoa_test_drain(uint64_t deadline_ms);
/** Runs the loop until is_done_fn(user), at most `ms`; false when it did not come true. NULL: runs
 *  until nothing is posted any more. */
typedef bool stoa_test_fn(void *user);
STOA_EXPORT bool stoa_test_run_until(stoa_test_fn *is_done_fn, void *user, uint64_t ms);
/** Runs a control command, "token create --user alice", as root would. The answer, a new reference:
 *  {"ok": true, "data": …} or {"ok": false, "error": code, "message": …}. NULL: none within `ms`.
 */
STOA_EXPORT json_t *stoa_test_control(const char *line, uint64_t ms);
/** Stops, unloads and frees everything; the thread is no longer ctl. A leftover aborts. */
STOA_EXPORT void stoa_test_end(void);

STOA_END_DECLS

#endif
