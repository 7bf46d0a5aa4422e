/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_NOTIFY_H
#define STOA_CORE_NOTIFY_H

/** Tells the service manager ("READY=1"); does nothing without $NOTIFY_SOCKET. */
void notify_send(const char *state);
/** From now on says regularly that the control loop turns, when $WATCHDOG_USEC asks for it. */
void notify_start_watchdog(void);
void notify_stop_watchdog(void);

#endif
