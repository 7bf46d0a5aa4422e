/* SPDX-License-Identifier: Apache-2.0 */
/* Where every member of the public structs lies and what every public number is, on x86-64 and
 * other LP64 machines. Lines are only ever added: to change one is to break every module that was
 * built before, and needs a new STOA_ABI_MAJOR. Compiling this file is the test. */
#include <stoa/base.h>
#include <stoa/cursor.h>
#include <stoa/list.h>
#include <stoa/module.h>
#include <stoa/conf.h>
#include <stoa/log.h>
#include <stoa/loop.h>
#include <stoa/iface.h>
#include <stoa/hook.h>
#include <stoa/event.h>
#include <stoa/metric.h>
#include <stoa/util.h>

#define AT(type, member, offset, bytes)                                                            \
	_Static_assert(offsetof(struct type, member) == (offset) &&                                \
			       sizeof(((struct type *)0)->member) == (bytes),                      \
		       #type "." #member " has moved or changed its size")
#define IS(name, number) _Static_assert((name) == (number), #name " has another number")

#if defined(__LP64__)

/* <stoa/base.h>: struct stoa_str, ABI 0.1 */
AT(stoa_str, p, 0, 8);
AT(stoa_str, n, 8, 8);

/* <stoa/cursor.h>: struct stoa_cursor, ABI 0.1 */
AT(stoa_cursor, p, 0, 8);
AT(stoa_cursor, end, 8, 8);
AT(stoa_cursor, failed, 16, 1);

/* <stoa/cursor.h>: struct stoa_wcursor, ABI 0.1 */
AT(stoa_wcursor, start, 0, 8);
AT(stoa_wcursor, p, 8, 8);
AT(stoa_wcursor, end, 16, 8);
AT(stoa_wcursor, failed, 24, 1);

/* <stoa/list.h>: struct stoa_list, ABI 0.1 */
AT(stoa_list, next, 0, 8);
AT(stoa_list, prev, 8, 8);

/* <stoa/module.h>: struct stoa_mod_ops, ABI 0.1 */
AT(stoa_mod_ops, size, 0, 4);
AT(stoa_mod_ops, load, 8, 8);
AT(stoa_mod_ops, check, 16, 8);
AT(stoa_mod_ops, start, 24, 8);
AT(stoa_mod_ops, reload, 32, 8);
AT(stoa_mod_ops, drain, 40, 8);
AT(stoa_mod_ops, stop, 48, 8);
AT(stoa_mod_ops, unload, 56, 8);
AT(stoa_mod_ops, undrain, 64, 8);

/* <stoa/module.h>: struct stoa_mod_desc, ABI 0.1 */
AT(stoa_mod_desc, abi_major, 0, 2);
AT(stoa_mod_desc, abi_minor, 2, 2);
AT(stoa_mod_desc, size, 4, 4);
AT(stoa_mod_desc, opt_size, 8, 4);
AT(stoa_mod_desc, ctx_size, 12, 4);
AT(stoa_mod_desc, name, 16, 8);
AT(stoa_mod_desc, version, 24, 8);
AT(stoa_mod_desc, summary, 32, 8);
AT(stoa_mod_desc, license, 40, 8);
AT(stoa_mod_desc, provides, 48, 8);
AT(stoa_mod_desc, needs, 56, 8);
AT(stoa_mod_desc, wants, 64, 8);
AT(stoa_mod_desc, after, 72, 8);
AT(stoa_mod_desc, options, 80, 8);
AT(stoa_mod_desc, ops, 88, 8);
AT(stoa_mod_desc, flags, 96, 4);

/* <stoa/conf.h>: struct stoa_opt, ABI 0.1 */
AT(stoa_opt, key, 0, 8);
AT(stoa_opt, type, 8, 4);
AT(stoa_opt, flags, 12, 4);
AT(stoa_opt, dflt, 16, 8);
AT(stoa_opt, min, 24, 8);
AT(stoa_opt, max, 32, 8);
AT(stoa_opt, choices, 40, 8);
AT(stoa_opt, item, 48, 8);
AT(stoa_opt, doc, 56, 8);
AT(stoa_opt, since, 64, 8);
AT(stoa_opt, was, 72, 8);

/* <stoa/log.h>: struct stoa_log_site, ABI 0.1 */
AT(stoa_log_site, window_ms, 0, 8);
AT(stoa_log_site, written, 8, 4);
AT(stoa_log_site, dropped, 12, 4);

/* <stoa/loop.h>: struct stoa_task, ABI 0.1 */
AT(stoa_task, next, 0, 8);
AT(stoa_task, fn, 8, 8);

/* <stoa/iface.h>: struct stoa_iface, ABI 0.1 */
AT(stoa_iface, ops, 0, 8);
AT(stoa_iface, self, 8, 8);

/* <stoa/hook.h>: struct stoa_denial, ABI 0.1 */
AT(stoa_denial, code, 0, 48);
AT(stoa_denial, text, 48, 200);

/* <stoa/hook.h>: struct stoa_hook_any, ABI 0.1 */
AT(stoa_hook_any, size, 0, 4);
AT(stoa_hook_any, denial, 4, 248);

/* <stoa/hook.h>: struct stoa_hook_point, ABI 0.1 */
AT(stoa_hook_point, size, 0, 4);
AT(stoa_hook_point, name, 8, 8);
AT(stoa_hook_point, rule, 16, 4);
AT(stoa_hook_point, all_pass, 20, 4);
AT(stoa_hook_point, on_error, 24, 4);
AT(stoa_hook_point, call_fn, 32, 8);

/* <stoa/hook.h>: struct stoa_hook_order, ABI 0.1 */
AT(stoa_hook_order, after, 0, 8);
AT(stoa_hook_order, before, 8, 8);

/* <stoa/event.h>: struct stoa_event, ABI 0.1 */
AT(stoa_event, size, 0, 4);
AT(stoa_event, name, 8, 8);
AT(stoa_event, time_ms, 16, 8);
AT(stoa_event, data, 24, 8);

/* <stoa/util.h>: struct stoa_buf, ABI 0.1 */
AT(stoa_buf, p, 0, 8);
AT(stoa_buf, n, 8, 8);
AT(stoa_buf, cap, 16, 8);
AT(stoa_buf, failed, 24, 1);

/* <stoa/util.h>: struct stoa_bytes, ABI 0.1 */
AT(stoa_bytes, p, 0, 8);
AT(stoa_bytes, n, 8, 8);

#endif

/* <stoa/conf.h>: numbers, ABI 0.1 */
IS(STOA_OPT_END_, 0);
IS(STOA_OPT_BOOL, 1);
IS(STOA_OPT_INT, 2);
IS(STOA_OPT_DURATION, 3);
IS(STOA_OPT_SIZE, 4);
IS(STOA_OPT_RATE, 5);
IS(STOA_OPT_STRING, 6);
IS(STOA_OPT_ENUM, 7);
IS(STOA_OPT_ADDRESS, 8);
IS(STOA_OPT_PATH, 9);
IS(STOA_OPT_SECRET, 10);
IS(STOA_OPT_LIST, 11);
IS(STOA_OPT_MAP, 12);
IS(STOA_OPT_RELOADABLE, 1u);
IS(STOA_OPT_REQUIRED, 2u);
IS(STOA_OPT_DEPRECATED, 4u);

/* <stoa/log.h>: numbers, ABI 0.1 */
IS(STOA_LOG_ERROR, 3);
IS(STOA_LOG_WARN, 4);
IS(STOA_LOG_NOTICE, 5);
IS(STOA_LOG_INFO, 6);
IS(STOA_LOG_DEBUG, 7);

/* <stoa/loop.h>: numbers, ABI 0.1 */
IS(STOA_THREAD_CTL, 1);
IS(STOA_THREAD_NET, 2);
IS(STOA_THREAD_IO, 4);
IS(STOA_THREAD_MED, 8);
IS(STOA_THREAD_BLK, 16);
IS(STOA_FD_READ, 1u);
IS(STOA_FD_WRITE, 2u);

/* <stoa/hook.h>: numbers, ABI 0.1 */
IS(STOA_PASS, 0);
IS(STOA_ALLOW, 1);
IS(STOA_DENY, 2);
IS(STOA_ERROR, 3);
IS(STOA_DENY_WINS, 1);
IS(STOA_FIRST_WINS, 2);
